"""What the dashboard shows, out of the figures of a workspace. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sayso.core.reviewing import Weighed, quantile
from sayso.model.measures import COUNTED, Failure, Measures, Spending, Waiting
from sayso.model.messages import Usage
from sayso.model.runs import RunState
from sayso.web.burden import BurdenView, burden_view
from sayso.web.charts import Chart, Column, Mark, columns, part
from sayso.web.periods import Period

RUN_SERIES: Mapping[str, str] = {
    "completed": "completed",
    "waiting": "waiting",
    "running": "at work or queued",
    "failed": "failed",
    "cancelled": "cancelled",
}
"""Where runs stand now: the class of a part of a column, and its words."""
_SERIES_OF: Mapping[RunState, str] = {
    **{state: str(state) for state in RunState},
    RunState.QUEUED: "running",
    RunState.UNKNOWN: "waiting",
}
_MOST_PEOPLE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """What waits of one kind."""

    waiting: Waiting
    bar: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsRow:
    """The runs that started in one hour or on one day."""

    name: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """What one model has used."""

    model: str | None
    """None where it is not known."""
    runs: int
    usage: Usage
    unpriced: int
    bar: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """What one person has decided."""

    who: str
    decisions: int
    median: timedelta
    bar: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardView:
    """Everything that the dashboard shows."""

    period: Period
    waiting: tuple[WaitingRow, ...]
    total_waiting: int
    oldest: datetime | None
    soon: int
    runs: Chart
    run_rows: tuple[RunsRow, ...]
    started: int
    failed: int
    failures: tuple[Failure, ...]
    models: tuple[ModelRow, ...]
    usage: Usage
    unpriced: int
    """Runs of which the cost is not known."""
    burden: BurdenView
    people: tuple[PersonRow, ...]
    cut: tuple[str, ...]
    """What is not counted whole, in words."""


def dashboard_view(measures: Measures, decided: Sequence[Weighed], period: Period) -> DashboardView:
    """Return what the dashboard shows of a period."""
    total = sum(one.tasks for one in measures.waiting)
    rows = [
        RunsRow(name=one.name, counts=_by_series(moved))
        for one, moved in zip(period.parts, measures.moved, strict=True)
    ]
    started = sum(sum(row.counts.values()) for row in rows)
    models = _models(measures.spending)
    usage = Usage()
    for model in models:
        usage = usage.plus(model.usage)
    return DashboardView(
        period=period,
        waiting=tuple(WaitingRow(waiting=one, bar=part(one.tasks, total, "plain")) for one in measures.waiting),
        total_waiting=total,
        oldest=min((one.oldest for one in measures.waiting), default=None),
        soon=sum(one.soon for one in measures.waiting),
        runs=_runs(rows, period, started),
        run_rows=tuple(rows),
        started=started,
        failed=sum(row.counts["failed"] for row in rows),
        failures=measures.failures,
        models=models,
        usage=usage,
        unpriced=sum(model.unpriced for model in models),
        burden=burden_view(decided, period),
        people=_people(decided),
        cut=_cut(total, started, len(decided)),
    )


def _by_series(moved: Mapping[RunState, int]) -> dict[str, int]:
    found = dict.fromkeys(RUN_SERIES, 0)
    for state, count in moved.items():
        found[_SERIES_OF[state]] += count
    return found


def _runs(rows: Sequence[RunsRow], period: Period, started: int) -> Chart:
    whole = Counter[str]()
    for row in rows:
        whole.update(row.counts)
    said = ", ".join(f"{whole[name]:,} {words}" for name, words in RUN_SERIES.items())
    summary = (
        f"Runs started per {period.by} in the last {period.words}, by where they stand now: {started:,} in all; {said}."
    )
    given = [Column(row.name, tuple(row.counts.values())) for row in rows]
    return columns(given, list(RUN_SERIES), list(RUN_SERIES.values()), summary)


def _models(spending: Sequence[Spending]) -> tuple[ModelRow, ...]:
    groups: dict[str | None, list[Spending]] = {}
    for one in spending:
        groups.setdefault(one.model, []).append(one)
    most = max((sum(one.usage.total_tokens for one in ones) for ones in groups.values()), default=0)
    rows = [_model(model, ones, most) for model, ones in groups.items()]
    return tuple(sorted(rows, key=lambda row: (row.model is None, -row.usage.total_tokens)))


def _model(model: str | None, ones: Sequence[Spending], most: int) -> ModelRow:
    usage = Usage()
    for one in ones:
        usage = usage.plus(one.usage)
    return ModelRow(
        model=model,
        runs=sum(one.runs for one in ones),
        usage=usage,
        unpriced=sum(one.unpriced for one in ones),
        bar=part(usage.total_tokens, most, "plain"),
    )


def _people(decided: Sequence[Weighed]) -> tuple[PersonRow, ...]:
    waits: dict[str, list[float]] = {}
    for one in decided:
        if one.by_type == "user":
            waits.setdefault(one.by, []).append(one.waited)
    most = max(map(len, waits.values()), default=0)
    rows = [
        PersonRow(
            who=who,
            decisions=len(spans),
            median=timedelta(seconds=quantile(spans, 0.5) or 0),
            bar=part(len(spans), most, "plain"),
        )
        for who, spans in waits.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.decisions, row.who))[:_MOST_PEOPLE])


def _cut(waiting: int, started: int, decided: int) -> tuple[str, ...]:
    counts = {
        "the oldest {} tasks that wait": waiting,
        "the newest {} runs": started,
        "the newest {} decisions": decided,
    }
    return tuple(words.format(f"{COUNTED:,}") for words, count in counts.items() if count >= COUNTED)
