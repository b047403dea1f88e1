"""Charts: scales that reach, places that add up, gaps that stay gaps, and shares that never lie about none and all."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.web.charts import Column, Point, columns, count_scale, line, part, per_cent, shares, span_scale, span_words

SERIES, WORDS = ("yes", "no"), ("approved", "rejected")


@given(st.floats(0, 1e9))
def test_a_scale_reaches_its_most_with_few_rules_of_even_steps(most: float) -> None:
    for rules in (count_scale(most), span_scale(most)):
        assert rules[0] == 0
        assert rules[-1] >= most * (1 - 1e-9)
        assert 2 <= len(rules) <= 6
        steps = {round(after - before, 6) for before, after in pairwise(rules)}
        assert len(steps) == 1


def test_things_are_counted_in_whole_steps() -> None:
    assert count_scale(0) == [0, 1]
    assert count_scale(3) == [0, 1, 2, 3]
    assert count_scale(37) == [0, 10, 20, 30, 40]


def test_durations_go_by_seconds_minutes_hours_and_days() -> None:
    assert span_scale(4) == [0, 1, 2, 3, 4]
    assert span_scale(100) == [0, 30, 60, 90, 120]
    assert span_scale(3 * 3600)[1] == 3600
    assert span_scale(20 * 86_400)[1] == 5 * 86_400


def test_the_parts_of_a_column_stand_on_each_other() -> None:
    chart = columns([Column("Mon", (3, 1)), Column("Tue", (0, 0)), Column("Wed", (0, 4))], SERIES, WORDS, "so many")
    low, high, alone = chart.marks
    assert (low.series, high.series, alone.series) == ("yes", "no", "no")
    assert high.y + high.height == pytest.approx(low.y)
    assert low.y + low.height == pytest.approx(chart.bottom)
    assert low.height == pytest.approx(3 * high.height)
    assert high.y == pytest.approx(alone.y)  # four in all on both days
    assert low.title == "Mon: 3 approved"
    assert low.x < alone.x
    assert alone.x + alone.width <= 100
    assert chart.summary == "so many"
    assert [tick.label for tick in chart.rules] == ["0", "1", "2", "3", "4"]


def test_nothing_is_drawn_of_nothing() -> None:
    assert columns([Column("Mon", (0, 0))], SERIES, WORDS, "").empty
    assert columns([], SERIES, WORDS, "").empty
    assert line([Point("Mon", None)], str, "").empty


def test_a_line_has_a_gap_where_there_is_no_value() -> None:
    points = [Point("1", 10.0), Point("2", 20.0), Point("3", None), Point("4", 0.0), Point("5", 5.0)]
    chart = line(points, lambda value: f"{value:g} s", "")
    assert len(chart.dots) == 4
    assert [(piece.x1, piece.x2) for piece in chart.segments] == [
        (chart.dots[0].x, chart.dots[1].x),
        (chart.dots[2].x, chart.dots[3].x),
    ]
    assert chart.dots[2].y == chart.bottom
    assert chart.dots[1].title == "2: 20 s"
    assert [tick.label for tick in chart.rules] == ["0", "5 s", "10 s", "15 s", "20 s"]


def test_a_duration_on_a_scale_is_short() -> None:
    assert [span_words(seconds) for seconds in (0, 30, 90, 3600, 5400, 172_800)] == [
        "0", "30 s", "1.5 min", "1 h", "1.5 h", "2 d",
    ]  # fmt: skip


@given(st.integers(1, 400))
def test_few_names_are_written_and_the_last_is_among_them(count: int) -> None:
    chart = columns([Column(str(number), (1,)) for number in range(count)], ["one"], ["one"], "")
    assert 1 <= len(chart.names) <= 5
    assert chart.names[-1].label == str(count - 1)


def test_shares_fill_the_whole_bar() -> None:
    marks = shares((17, 0, 3), ("yes", "maybe", "no"), ("approved", "edited", "rejected"))
    assert [(mark.series, mark.x, mark.width) for mark in marks] == [("yes", 0, 85), ("no", 85, 15)]
    assert shares((0, 0), SERIES, WORDS) == ()


def test_a_part_is_as_long_as_its_share() -> None:
    (mark,) = part(30, 120, "plain")
    assert mark.width == 25
    assert part(0, 10, "plain") == () == part(0, 0, "plain")


@pytest.mark.parametrize(
    ("value", "whole", "said"),
    [(0, 0, "–"), (0, 9, "0 %"), (9, 9, "100 %"), (1, 3, "33 %"), (1, 1000, "< 1 %"), (999, 1000, "> 99 %")],
)
def test_neither_none_nor_all_reads_so_unless_it_is(value: int, whole: int, said: str) -> None:
    assert per_cent(value, whole) == said
