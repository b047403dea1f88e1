"""What was changed, for people: place by place, and line by line where a text has several lines."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from sayso.core.differences import differences
from sayso.model.json import Json

_MOST_LINES = 2_000
"""Lines of a text up to which its lines are compared; beyond, both versions are shown whole."""
Sign = Literal["same", "was", "now"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One place at which two values differ."""

    at: str
    """Where: the names on the way, separated by strokes; empty for the whole."""
    was: str | None
    """As text; None where there was nothing."""
    now: str | None
    lines: tuple[tuple[Sign, str], ...] = ()
    """Line by line, where both are texts and one has several lines."""


def changes(was: Json, now: Json) -> list[Change]:
    """Return every place at which two values differ."""
    return [_change(found) for found in differences(was, now)]


def _change(found: dict[str, Json]) -> Change:
    was, now = found.get("was"), found.get("now")
    at = str(found["at"]).removeprefix("/").replace("~1", "/").replace("~0", "~")
    by_line = isinstance(was, str) and isinstance(now, str) and "\n" in was + now
    lines = lines_between(was, now) if by_line and isinstance(was, str) and isinstance(now, str) else ()
    return Change(
        at=at,
        was=_text(was) if "was" in found else None,
        now=_text(now) if "now" in found else None,
        lines=tuple(lines),
    )


def lines_between(was: str, now: str) -> Sequence[tuple[Sign, str]]:
    """Return the lines of two texts in one list, each with whether it was, is now, or is the same."""
    one, other = was.split("\n"), now.split("\n")
    if len(one) + len(other) > _MOST_LINES:
        return ()
    found: list[tuple[Sign, str]] = []
    for tag, start, end, begin, stop in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        found += _signed("same" if tag == "equal" else "was", one[start:end])
        found += _signed("now", [] if tag == "equal" else other[begin:stop])
    return found


def _signed(sign: Sign, lines: Sequence[str]) -> list[tuple[Sign, str]]:
    return [(sign, line) for line in lines]


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
