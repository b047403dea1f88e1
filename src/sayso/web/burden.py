"""What decisions cost people, as a page shows it: how many a day, how long each took, and what came of them.

Pure: closed tasks in, charts and rows out.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sayso.core.reviewing import OUTCOMES, Outcome, Weighed, burdens, quantile
from sayso.model.reviews import Burden
from sayso.web.charts import Chart, Column, Mark, Point, columns, line, per_cent, shares
from sayso.web.periods import Period
from sayso.web.wording import lasting

WORDS: Mapping[Outcome, str] = {
    "approved": "approved",
    "edited": "edited",
    "rejected": "rejected",
    "timed_out": "timed out",
}
_ENOUGH = 20
"""So many decisions at least before anything is suggested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """One day or hour."""

    name: str
    counts: Mapping[Outcome, int]
    median: timedelta | None
    """Of those that people decided."""

    @property
    def total(self) -> int:
        """How many were closed."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRow:
    """What one operation has asked of people."""

    burden: Burden
    bar: tuple[Mark, ...]
    shares: Mapping[Outcome, str]

    @property
    def said(self) -> str:
        """The bar in words."""
        return ", ".join(f"{share} {WORDS[outcome]}" for outcome, share in self.shares.items())

    @property
    def weaker(self) -> bool:
        """Whether a weaker gate would have changed nothing."""
        one = self.burden
        return one.kind == "approval" and one.asked >= _ENOUGH and one.approved == one.asked


@dataclass(frozen=True, slots=True, kw_only=True)
class BurdenView:
    """Everything of a period."""

    period: Period
    daily: Chart
    pace: Chart
    parts: tuple[PartRow, ...]
    operations: tuple[OperationRow, ...]
    total: int
    median: timedelta | None
    slow: timedelta | None
    """Nine of ten were decided within."""

    @property
    def suggested(self) -> tuple[OperationRow, ...]:
        """The operations of which every call was approved as it was."""
        return tuple(row for row in self.operations if row.weaker)


def burden_view(weighed: Sequence[Weighed], period: Period) -> BurdenView:
    """Return what the closed tasks of a period come to."""
    sorted_ = period.sorted_into((one.decided, one) for one in weighed)
    parts = [_part(part.name, ones) for part, ones in zip(period.parts, sorted_, strict=True)]
    waits = _waits(weighed)
    return BurdenView(
        period=period,
        daily=_daily(parts, period, len(weighed)),
        pace=_pace(parts, period),
        parts=tuple(parts),
        operations=tuple(_operation(one) for one in burdens(weighed)),
        total=len(weighed),
        median=_span(quantile(waits, 0.5)),
        slow=_span(quantile(waits, 0.9)),
    )


def _part(name: str, ones: Sequence[Weighed]) -> PartRow:
    became = Counter(one.outcome for one in ones)
    return PartRow(
        name=name,
        counts={outcome: became[outcome] for outcome in OUTCOMES},
        median=_span(quantile(_waits(ones), 0.5)),
    )


def _waits(ones: Sequence[Weighed]) -> list[float]:
    return [one.waited for one in ones if one.by_type == "user"]


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _daily(parts: Sequence[PartRow], period: Period, total: int) -> Chart:
    most = max(parts, key=lambda part: part.total)
    summary = f"Decisions per {period.by} in the last {period.words}: {total:,} in all, most on {most.name}"
    if period.by == "hour":
        summary = summary.replace("most on", "most from")
    given = [Column(part.name, tuple(part.counts.values())) for part in parts]
    return columns(given, OUTCOMES, list(WORDS.values()), f"{summary} ({most.total:,}).")


def _pace(parts: Sequence[PartRow], period: Period) -> Chart:
    points = [Point(part.name, None if part.median is None else part.median.total_seconds()) for part in parts]
    known = [point.value for point in points if point.value is not None]
    span = f"from {lasting(min(known))} to {lasting(max(known))}" if known else "nothing was decided by people"
    return line(points, lasting, f"Median time from question to answer per {period.by}: {span}.")


def _operation(one: Burden) -> OperationRow:
    counts = (one.approved, one.edited, one.rejected, one.timed_out)
    return OperationRow(
        burden=one,
        bar=shares(counts, OUTCOMES, list(WORDS.values())),
        shares={outcome: per_cent(count, one.asked) for outcome, count in zip(OUTCOMES, counts, strict=True)},
    )
