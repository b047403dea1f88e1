"""Values as a page shows them: whole where they are short, else their beginning, with how much there is.

A page with a hundred steps has a bound, whatever models and tools wrote: when it is used up, values are links.
"""

from dataclasses import dataclass

from sayso.model.json import Json
from sayso.web.wording import hides, pretty

LONGEST = 1_200
"""How many characters of a value a page with many shows."""
_OF_PAGE = 70_000
"""How many characters all values of a page take together; one that hides takes as many as its chip."""
_CHIP = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A value as it is shown."""

    text: str
    length: int
    """How many characters the whole has."""
    structured: bool
    """Whether it is JSON rather than plain text."""

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return len(self.text) == self.length


class Allowance:
    """What the values of one page may take.

    Args:
        each: The most characters of one value; None shows all of each.
    """

    def __init__(self, each: int | None = LONGEST) -> None:
        self._each = each
        self._left = _OF_PAGE

    def show(self, value: Json) -> Shown:
        """Return a value as it is shown."""
        text = value if isinstance(value, str) else pretty(value)
        kept = text if self._each is None else text[: min(self._each, max(0, self._left))]
        self._left -= sum(_CHIP if hides(char) else 1 for char in kept) if not kept.isascii() else len(kept)
        return Shown(text=kept, length=len(text), structured=not isinstance(value, str))
