"""What a tool says that a call would change, as the card shows it: a text, values, or before and after.

It is the tool's word and shown as such: whole, as plain text, and with what is to be known of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sayso.core.previews import Foretold, NoPreview, Pair, preview_of
from sayso.model.json import Json
from sayso.web.differing import Change, changes
from sayso.web.lookalikes import warnings
from sayso.web.review.showing import Shown, is_long, rows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretelling:
    """One preview."""

    error: str | None = None
    """Why there is none."""
    rows: tuple[Shown, ...] = ()
    """What was said, where it is no pair."""
    named: bool = False
    """Whether those rows have names."""
    changes: Sequence[Change] = ()
    """Where before and after differ."""
    same: int = 0
    """How many values are the same before and after, where both are objects."""
    pair: bool = False


def foretelling(stored: Json) -> Foretelling | None:
    """Return a stored preview as it is shown; None where none was wanted."""
    match preview_of(stored):
        case None:
            return None
        case NoPreview(error):
            return Foretelling(error=error)
        case Foretold(value):
            return Foretelling(rows=rows_of(value), named=isinstance(value, Mapping))
        case Pair(before, after):
            return Foretelling(
                pair=True, changes=[_noted(one) for one in changes(before, after)], same=_same(before, after)
            )


def _noted(change: Change) -> Change:
    notes = dict.fromkeys(note for text in (change.at, change.was, change.now) if text for note in warnings(text))
    long = is_long(change.was or "") or is_long(change.now or "")
    return replace(change, notes=tuple(notes), fold=long)


def _same(before: Json, after: Json) -> int:
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return 0
    return sum(name in after and not changes(value, after[name]) for name, value in before.items())
