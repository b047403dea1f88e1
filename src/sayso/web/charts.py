"""Charts as parts of an SVG: numbers in, places out; the templates draw them, and classes alone say how they look.

Across, a place is a share of the chart's width in per cent, so that text keeps its size on a phone; down, it is pixels.
Every chart has its data beside it in a table, so a chart carries a sentence as its text alternative and no more.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

HEIGHT = 190
LEFT = 12.0
"""Where the columns begin: before it stand the numbers of the rules."""
_TOP, _BOTTOM = 16.0, 164.0
_GAP = 0.22
"""The part of a column's room that stays empty."""
_MOST_NAMES = 5
_RULES = 4
_SPANS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
"""Steps of a scale of seconds; beyond a day it goes by days."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on a scale, and what is written there."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A part of a column, or of a bar."""

    x: float
    y: float
    width: float
    height: float
    series: str
    """Its class, and the name of its pattern."""
    title: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a line."""

    x: float
    y: float
    title: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A straight piece of a line."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What a template needs to draw one chart."""

    summary: str
    """The text alternative."""
    rules: tuple[Tick, ...]
    """Lines across, by their height."""
    names: tuple[Tick, ...]
    """What stands under some of the columns, by the middle of each."""
    marks: tuple[Mark, ...] = ()
    segments: tuple[Segment, ...] = ()
    dots: tuple[Dot, ...] = ()
    height: int = HEIGHT
    left: float = LEFT
    bottom: float = _BOTTOM

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.marks and not self.dots


@dataclass(frozen=True, slots=True)
class Column:
    """What belongs to one name along the bottom."""

    name: str
    values: tuple[float, ...]
    """One per series, from the bottom up."""


@dataclass(frozen=True, slots=True)
class Point:
    """What a line says at one name along the bottom; None leaves a gap."""

    name: str
    value: float | None


def count_scale(most: float) -> list[float]:
    """Return the rules of a scale of whole things that reaches `most`."""
    step = _nice(max(most, 1) / _RULES)
    return _up_to(most, max(1.0, step))


def span_scale(most: float) -> list[float]:
    """Return the rules of a scale of seconds that reaches `most`."""
    wanted = max(most, 1) / _RULES
    step = next((size for size in _SPANS if size >= wanted), 86_400 * ceil(wanted / 86_400))
    return _up_to(most, float(step))


def columns(given: Sequence[Column], series: Sequence[str], words: Sequence[str], summary: str) -> Chart:
    """Return stacked columns; with one series, plain ones.

    Args:
        given: The columns, from left to right.
        series: The class of each value of a column.
        words: What each value is called.
        summary: The text alternative.
    """
    rules = count_scale(max((sum(column.values) for column in given), default=0))
    marks: list[Mark] = []
    for number, column in enumerate(given):
        x, room = _room(number, len(given))
        top = 0.0
        for value, name, word in zip(column.values, series, words, strict=True):
            if value > 0:
                upper, lower = _down(top + value, rules), _down(top, rules)
                said = f"{column.name}: {value:g} {word}"
                marks.append(
                    Mark(round(x + room * _GAP / 2, 3), upper, round(room * (1 - _GAP), 3), lower - upper, name, said)
                )
            top += value
    names = [column.name for column in given]
    return Chart(
        summary=summary, rules=_rules(rules, lambda value: f"{value:,.0f}"), names=_names(names), marks=tuple(marks)
    )


def line(points: Sequence[Point], said: Callable[[float], str], summary: str) -> Chart:
    """Return a line of durations in seconds, with a dot at each value and a gap where there is none.

    Args:
        points: From left to right.
        said: Words a duration.
        summary: The text alternative.
    """
    known = [point.value for point in points if point.value is not None]
    rules = span_scale(max(known, default=0))
    dots: list[Dot] = []
    segments: list[Segment] = []
    before: Dot | None = None
    for number, point in enumerate(points):
        here = None
        if point.value is not None:
            x, room = _room(number, len(points))
            here = Dot(round(x + room / 2, 3), _down(point.value, rules), f"{point.name}: {said(point.value)}")
            dots.append(here)
            if before is not None:
                segments.append(Segment(before.x, before.y, here.x, here.y))
        before = here
    return Chart(
        summary=summary,
        rules=_rules(rules, span_words),
        names=_names([point.name for point in points]),
        segments=tuple(segments),
        dots=tuple(dots),
    )


def shares(values: Sequence[float], series: Sequence[str], words: Sequence[str]) -> tuple[Mark, ...]:
    """Return one bar that is divided as the values are; nothing where they add up to nothing."""
    whole = sum(values)
    marks: list[Mark] = []
    done = 0.0
    for value, name, word in zip(values, series, words, strict=True):
        if value > 0:
            marks.append(
                Mark(round(100 * done / whole, 3), 0, round(100 * value / whole, 3), 12, name, f"{value:g} {word}")
            )
        done += value
    return tuple(marks)


def part(value: float, whole: float, series: str) -> tuple[Mark, ...]:
    """Return one bar as long as a value is of a whole."""
    width = 100 * value / whole if whole > 0 else 0
    return (Mark(0, 0, round(width, 3), 12, series, f"{width:.0f} %"),) if value > 0 else ()


def span_words(seconds: float) -> str:
    """Return a duration on a scale: short, in one unit."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s" if seconds else "0"


def per_cent(value: float, whole: float) -> str:
    """Return a share in words; what is neither none nor all never reads so."""
    if whole <= 0:
        return "–"
    found = 100 * value / whole
    if 0 < found < 1:
        return "< 1 %"
    return "> 99 %" if 99 < found < 100 else f"{found:.0f} %"


# -- inside --------------------------------------------------------------------------------------------------------


def _nice(step: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, 50, ..."""
    size = 10.0 ** floor(log10(step))
    return next(factor * size for factor in (1, 2, 5, 10) if factor * size >= step * (1 - 1e-9))


def _up_to(most: float, step: float) -> list[float]:
    count = max(1, ceil(most / step - 1e-9))
    return [number * step for number in range(count + 1)]


def _down(value: float, rules: Sequence[float]) -> float:
    return round(_BOTTOM - (_BOTTOM - _TOP) * value / rules[-1], 2)


def _room(number: int, count: int) -> tuple[float, float]:
    """Return where a column's room begins, and how wide it is."""
    room = (100 - LEFT) / count
    return LEFT + number * room, room


def _rules(values: Iterable[float], said: Callable[[float], str]) -> tuple[Tick, ...]:
    found = list(values)
    return tuple(Tick(_down(value, found), said(value)) for value in found)


def _names(names: Sequence[str]) -> tuple[Tick, ...]:
    """Return the names that have room, evenly spaced, the last one among them."""
    every = max(1, ceil(len(names) / _MOST_NAMES))
    shown = [number for number in range(len(names)) if (len(names) - 1 - number) % every == 0]
    places = [(number, *_room(number, len(names))) for number in shown]
    return tuple(Tick(round(x + room / 2, 3), names[number]) for number, x, room in places)
