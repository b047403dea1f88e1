"""Stretches of time: what they cover together."""

from datetime import UTC, datetime, timedelta

from sayso.core.spans import covered, joined
from sayso.model.sessions import Span

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(seconds=100)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def span(begin: float, end: float | None) -> Span:
    return Span(at(begin), None if end is None else at(end))


def test_time_counts_once_where_spans_overlap_touch_or_hold_each_other() -> None:
    spans = [span(10, 20), span(0, 5), span(15, 25), span(16, 17), span(25, 30)]
    assert joined(spans, NOW) == [(at(0), at(5)), (at(10), at(30))]
    assert covered(spans, NOW) == timedelta(seconds=25)


def test_what_goes_on_ends_now_and_nothing_lies_after_now() -> None:
    assert covered([span(90, None), span(95, 500)], NOW) == timedelta(seconds=10)
    assert joined([span(200, None), span(200, 300)], NOW) == []
    assert covered([], NOW) == timedelta(0)
