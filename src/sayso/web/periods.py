"""The times that figures are of: the last day by hours, the last week and month by days, by the viewer's clock.

The part that is not over yet counts as one, so that a period ends now and begins at a full hour, or at midnight.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar

from sayso.core.instants import to_micros
from sayso.web.wording import zone_of

T = TypeVar("T")
Span = Literal["24h", "7d", "30d"]
WORDS: dict[Span, str] = {"24h": "24 hours", "7d": "7 days", "30d": "30 days"}
_HOURS = 24
_DAYS = {"7d": 7, "30d": 30}


@dataclass(frozen=True, slots=True)
class Part:
    """An hour or a day."""

    begins: datetime
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A time that ends now, in parts."""

    span: Span
    parts: tuple[Part, ...]

    @property
    def words(self) -> str:
        """What it is called."""
        return WORDS[self.span]

    @property
    def by(self) -> str:
        """What its parts are."""
        return "hour" if self.span == "24h" else "day"

    @property
    def since(self) -> datetime:
        """When it begins."""
        return self.parts[0].begins

    @property
    def begins(self) -> list[datetime]:
        """When each part begins."""
        return [part.begins for part in self.parts]

    def sorted_into(self, dated: Iterable[tuple[int, T]]) -> list[list[T]]:
        """Return things by the part that they fall into.

        Args:
            dated: Each with its time in microseconds since 1970.
        """
        begins = [to_micros(part.begins) for part in self.parts]
        found: list[list[T]] = [[] for _ in begins]
        for at, thing in dated:
            place = bisect_right(begins, at) - 1
            if place >= 0:
                found[place].append(thing)
        return found


def period(span: Span, now: datetime, zone: str) -> Period:
    """Return a period that ends now."""
    local = now.astimezone(zone_of(zone))
    if span == "24h":
        hour = local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        begins = [hour - timedelta(hours=back) for back in range(_HOURS - 1, -1, -1)]
        return Period(span=span, parts=tuple(Part(at, f"{at.astimezone(local.tzinfo):%H:%M}") for at in begins))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    # In local time, so that a day with a changed clock is a day too.
    days = [midnight - timedelta(days=back) for back in range(_DAYS[span] - 1, -1, -1)]
    return Period(span=span, parts=tuple(Part(day.astimezone(UTC), f"{day.day} {day:%b}") for day in days))
