"""How much is at stake where a person is asked: a risk of three steps.

    what is asked                                    risk
    a call that reads                                low
    a call that can be told apart when repeated      medium
    a call that is sent once and cannot be repeated  high
    any call, where its schema says `x-risk`         what it says: low, medium or high
    what became of a call that nobody knows of       high
    a step's approval, an output, an error, a call   medium
    that somebody else executes
    a question that is only answered                 low

`once` is what a tool is that declares nothing: what nobody has thought about is high. A person who knows better says so
in the schema (`Field(json_schema_extra={"x-risk": "low"})` on an argument; the highest of them counts), which is part
of what an approval is bound to. A task's row keeps the level, so that listings can be narrowed by it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from sayso.core.reviewing import call_of
from sayso.model.json import Json
from sayso.model.tasks import (
    TaskRequest,
)

Level = Literal["low", "medium", "high"]
LEVELS: tuple[Level, ...] = get_args(Level)
_BY_EFFECT: Mapping[str, Level] = {"read": "low", "keyed": "medium"}
_BY_KIND: Mapping[str, Level] = {
    "approval": "medium",
    "output_review": "medium",
    "error": "medium",
    "external": "medium",
    "uncertain": "high",
    "text": "low",
    "number": "low",
    "multi_option": "low",
    "form": "low",
    "route": "low",
}
_OWN = frozenset({"external", "uncertain"})
"""Kinds that are about a call, and do not run it."""
_BECAUSE = {
    "low": "it changes nothing by itself",
    "medium": "it changes something",
    "high": "it cannot be repeated or taken back by us",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """How much is at stake."""

    level: Level
    because: str


def risk_of(request: TaskRequest) -> Risk:
    """Return how much is at stake."""
    call = call_of(request)
    if call is not None and request.kind not in _OWN:
        said = set(_declared(call.schema))
        declared: list[Level] = [level for level in LEVELS if said & {level}]
        if declared:
            return Risk(level=declared[-1], because="its definition says so")
        by_effect = _BY_EFFECT.get(call.effect, "high")
        return Risk(level=by_effect, because=_BECAUSE[by_effect])
    level = _BY_KIND.get(request.kind, "high")
    return Risk(level=level, because="nobody knows what came of it" if level == "high" else _BECAUSE[level])


def _declared(schema: Json) -> Iterator[str]:
    whole = cast("dict[str, Any]", schema) if isinstance(schema, dict) else {}
    yield str(whole.get("x-risk"))
    parts = whole.get("properties")
    for part in cast("dict[str, Any]", parts).values() if isinstance(parts, dict) else ():
        if isinstance(part, dict):
            yield str(cast("dict[str, Any]", part).get("x-risk"))
