"""What was answered, in one line of plain text: for listings, which have no room for the whole."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sayso.core.confiding import masked_values, told_apart
from sayso.core.differences import differences
from sayso.core.readable import readable
from sayso.core.reviewing import call_of
from sayso.model.decisions import Outcome
from sayso.model.json import Json
from sayso.model.tasks import FormRequest, OptionsRequest, OutputReviewRequest, TaskRequest

LONGEST = 160
"""Characters of a line, its mark of omission counted."""
_LONGEST_VALUE = 60


def summary_of(request: TaskRequest, outcome: Outcome) -> str | None:
    """Return what was answered, chosen, changed or given as a reason; None where nothing was said but the verdict."""
    said = [*_substance(request, outcome)]
    if outcome.note:
        said.append(f"“{_short(outcome.note, LONGEST)}”")
    if outcome.reason:
        said.append(f"({outcome.reason})")
    return _short(" ".join(said), LONGEST) if said else None


def _substance(request: TaskRequest, outcome: Outcome) -> Iterator[str]:
    if outcome.choices:
        labels = {one.id: one.label for one in request.options} if isinstance(request, OptionsRequest) else {}
        yield ", ".join(labels.get(choice, choice) for choice in outcome.choices)
    if outcome.edited:
        yield "; ".join(_changed(*_versions(request, outcome.content)))
    if outcome.values is not None:
        schema = request.schema if isinstance(request, FormRequest) else None
        yield "; ".join(_answered(masked_values(schema, dict(outcome.values))))


def _answered(values: Mapping[str, Json]) -> Iterator[str]:
    plain: Any = readable(dict(values))
    for name, value in plain.items():
        yield _text(value) if set(plain) == {"value"} else f"{name}: {_text(value)}"


def _changed(before: Json, after: Json) -> Iterator[str]:
    for found in differences(before, after):
        at = str(found["at"]).removeprefix("/").replace("~1", "/").replace("~0", "~")
        was = f"{_text(found['was'])} → " if "was" in found and at else ""
        then = _text(found["now"]) if "now" in found else "left out"
        yield f"{at}: {was}{then}" if at else then


def _versions(request: TaskRequest, edited: Json) -> tuple[Json, Json]:
    """Return what was shown and what was made of it, as people see both."""
    if isinstance(request, OutputReviewRequest):
        return readable(request.output), readable(edited)
    call = call_of(request)
    return (None, readable(edited)) if call is None else told_apart(call.schema, call.arguments, edited)


def _text(value: Json) -> str:
    return _short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), _LONGEST_VALUE)


def _short(text: str, longest: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"
