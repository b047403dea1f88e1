"""Previews: what a tool says that a call would change, before anybody is asked about it.

A tool's preview is a text or any JSON; an object with exactly `before` and `after` is a pair. It is stored with the
question, and so bound by the digest of what was shown. It is the tool's word: nothing here, and nobody, has checked it.

    stored as                          means
    {"value": ...}                     a text, or JSON
    {"before": ..., "after": ...}      a pair
    {"error": "..."}                   there is none, and why
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sayso.core.ledger import canonical
from sayso.model.json import Json

MOST_BYTES = 64 * 1024
"""What a preview may take, as JSON; a longer one is none."""
_PAIR = {"before", "after"}


@dataclass(frozen=True, slots=True)
class Foretold:
    """A text, or JSON."""

    value: Json


@dataclass(frozen=True, slots=True)
class Pair:
    """What is there before, and what would be there after."""

    before: Json
    after: Json


@dataclass(frozen=True, slots=True)
class NoPreview:
    """A preview was wanted, and there is none."""

    error: str


Preview: TypeAlias = Foretold | Pair | NoPreview


def preview_json(said: Json) -> dict[str, Json]:
    """Return what a tool has said as it is stored; what cannot be stored, or is too long, is none."""
    try:
        size = len(canonical(said))
    except (ValueError, TypeError, RecursionError) as exc:
        return no_preview(f"it is no JSON: {exc}")
    if size > MOST_BYTES:
        return no_preview(f"it is {size:,} bytes long, and may take {MOST_BYTES:,}")
    if isinstance(said, Mapping) and set(said) == _PAIR:
        return {"before": said["before"], "after": said["after"]}
    return {"value": said}


def no_preview(error: str) -> dict[str, Json]:
    """Return what is stored where there is no preview."""
    return {"error": error[:500]}


def preview_of(stored: Json) -> Preview | None:
    """Return a stored preview; None where none was wanted."""
    if not isinstance(stored, Mapping):
        return None
    if set(stored) == _PAIR:
        return Pair(stored["before"], stored["after"])
    if "value" in stored:
        return Foretold(stored["value"])
    return NoPreview(str(stored.get("error", "it is of a form that this version does not know")))
