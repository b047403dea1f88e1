"""The geometry of a waterfall: when each step of a page was at work, drawn to scale, with the waits collapsed.

Theory of operation. A human wait is 99 percent of the length of a run; drawn to scale it would leave nothing to see.
So time in which nothing worked is cut to a fixed width and marked, and all other time is drawn to one scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from sayso.core.spans import joined
from sayso.model.sessions import Span

WIDTH = 720.0
"""Of the plot, in pixels."""
ROW = 24
"""The height of a row."""
GAP = 26.0
"""What a collapsed wait is as wide as."""
_LEAST = 3.0
"""The narrowest bar."""
_MOST_GAPS = 0.5
"""The share of the width that collapsed waits may take together."""
_SHORT = timedelta(seconds=1)
"""A pause up to this long is drawn to scale."""


class Lane(NamedTuple):
    """When one step was at work, and when it waited."""

    work: Sequence[Span]
    waits: Sequence[Span]


class Bar(NamedTuple):
    """One rectangle, in pixels."""

    x: float
    width: float
    waiting: bool


class Gap(NamedTuple):
    """One collapsed wait."""

    x: float
    width: float
    lasted: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """Everything that is drawn."""

    rows: tuple[tuple[Bar, ...], ...]
    """The bars of each lane."""
    gaps: tuple[Gap, ...]
    begin: datetime
    end: datetime

    @property
    def height(self) -> int:
        """Of the plot, in pixels."""
        return ROW * len(self.rows)


def waterfall(lanes: Sequence[Lane], now: datetime) -> Waterfall | None:
    """Return what is drawn of some steps; None where there is nothing.

    Args:
        lanes: The steps, in order.
        now: The time, at which open stretches end.
    """
    spans = [span for lane in lanes for span in (*lane.work, *lane.waits)]
    if not spans:
        return None
    begin = min(span.begin for span in spans)
    end = max([begin, *(min(span.end or now, now) for span in spans)])
    scale = _Scale([span for lane in lanes for span in lane.work], begin, end, now)
    rows = tuple(tuple(_bars(lane, scale, now)) for lane in lanes)
    return Waterfall(rows=rows, gaps=tuple(scale.gaps), begin=begin, end=end)


class _Scale:
    """Where each moment is drawn."""

    def __init__(self, work: Sequence[Span], begin: datetime, end: datetime, now: datetime) -> None:
        self.begin = begin
        pauses = _pauses(joined(work, now), begin, end)
        width = min(GAP, WIDTH * _MOST_GAPS / len(pauses)) if pauses else 0.0
        drawn = (end - begin - sum((to - since for since, to in pauses), timedelta(0))).total_seconds()
        self._per_second = (WIDTH - width * len(pauses)) / drawn if drawn > 0 else 0.0
        self.gaps: list[Gap] = []
        self._cuts: list[tuple[datetime, datetime]] = []
        for since, to in pauses:
            self.gaps.append(Gap(self.x(since), width, to - since))
            self._cuts.append((since, to))

    def x(self, at: datetime) -> float:
        """Return the place of a moment."""
        seconds, gaps = (at - self.begin).total_seconds(), 0.0
        for (since, to), gap in zip(self._cuts, self.gaps, strict=True):
            if at <= since:
                break
            within = min(at, to) - since
            seconds -= within.total_seconds()
            gaps += gap.width * (within / (to - since))
        return round(seconds * self._per_second + gaps, 2)


def _pauses(
    work: Sequence[tuple[datetime, datetime]], begin: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """Return the stretches in which nothing worked that are too long to be drawn to scale."""
    edges = [(begin, begin), *work, (end, end)]
    idle = [(a, b) for (_, a), (b, _) in pairwise(edges) if b > a]
    busy = sum((to - since for since, to in work), timedelta(0))
    longest = max(_SHORT, busy / 10)
    return [(since, to) for since, to in idle if to - since > longest]


def _bars(lane: Lane, scale: _Scale, now: datetime) -> list[Bar]:
    found: list[Bar] = []
    for spans, waiting in ((lane.waits, True), (lane.work, False)):
        for since, to in joined(spans, now):
            left = min(scale.x(since), WIDTH - _LEAST)
            found.append(Bar(left, max(_LEAST, round(scale.x(to) - left, 2)), waiting))
    return found
