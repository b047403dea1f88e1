"""What was changed, for people: place by place, and line by line where a text has several lines."""

import json
from dataclasses import dataclass

from sayso.core.differences import Sign, differences, lines_between
from sayso.model.json import Json


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
    notes: tuple[str, ...] = ()
    """What is to be known of these texts."""
    fold: bool = False
    """Whether it is so long that it is folded, where scripts run, until somebody opens it."""


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


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
