"""What follows for a deadline from a task's row and bytes alone: how often it was extended, and how often it may be."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.core.deadlines import allowed_extensions, extended_before, extensible, most_extensions
from sayso.core.taskforms import spec_bytes, spec_from_bytes
from sayso.model.ids import RunId, SessionId, TaskId
from sayso.model.journal import Entry, EntryKind
from sayso.model.tasks import MOST_EXTENSIONS, ApprovalRequest, TaskSpec, TaskStatus, UserTask
from sayso.runtime.record import Record
from sayso.testing import FakeClock

NOW = FakeClock().now()
CENTURY = 100 * 366 * 86_400


def task(seconds: float | None, made: int = 0, extensions: int | None = None) -> UserTask:
    spec = TaskSpec(
        request=ApprovalRequest(message="?"), step_name="s", step_type="Step", timeout_seconds=seconds,
        extensions=extensions,
    )  # fmt: skip
    due = None if seconds is None else NOW + timedelta(seconds=seconds) * (1 + made)
    return UserTask(
        id=TaskId("task_1"), run_id=RunId("run_1"), session_id=SessionId("ses_1"), program="p", key="k", spec=spec,
        digest="", status=TaskStatus.PENDING, created_at=NOW, due_at=due,
    )  # fmt: skip


@given(st.floats(0.001, CENTURY), st.integers(0, 10), st.integers(0, 10))
def test_the_row_tells_how_often_it_was_extended(seconds: float, made: int, most: int) -> None:
    room = extensible(task(seconds, made, most))
    assert room is not None
    assert (room.made, room.most, room.left) == (made, most, max(most - made, 0))
    assert room.span == timedelta(seconds=seconds)
    assert room.until == NOW + room.span * (2 + made)


def test_no_deadline_is_none_to_extend() -> None:
    assert extensible(task(None)) is None
    assert extensible(task(1e-9)) is None, "less than a microsecond"


def test_a_question_from_before_extensions_may_be_extended_as_often_as_any() -> None:
    old = {
        "request": {"kind": "approval", "message": "?"}, "step_name": "s", "step_type": "Step", "on_reject": "cancel",
        "timeout_seconds": 60.0, "on_timeout": "cancel",
    }  # fmt: skip
    spec = spec_from_bytes(json.dumps(old).encode())
    assert (spec.extensions, most_extensions(spec)) == (None, MOST_EXTENSIONS)


def test_the_bytes_of_a_question_without_a_deadline_are_what_they_were() -> None:
    assert b"extensions" not in spec_bytes(task(None).spec)
    assert spec_from_bytes(spec_bytes(task(60, extensions=0).spec)).extensions == 0


@pytest.mark.parametrize("wrong", [-1, MOST_EXTENSIONS + 1, True, 1.0, "1", None])
def test_a_number_of_extensions_is_a_whole_one_within_bounds(wrong: Any) -> None:
    with pytest.raises(ValueError, match="extensions"):
        allowed_extensions(wrong, "extensions")
    assert [allowed_extensions(number, "extensions") for number in (0, MOST_EXTENSIONS)] == [0, MOST_EXTENSIONS]


def entry(seq: int, kind: EntryKind, due: datetime, key: str = "k") -> Entry:
    data = {"task": "task_1", "due": int(due.timestamp() * 1_000_000), "by": "ana", "via": "cli"}
    return Entry(RunId("run_1"), seq, key, kind, NOW, json.dumps(data).encode())


def test_what_the_journal_counts() -> None:
    asked, more = entry(1, EntryKind.ASKED, NOW), entry(2, EntryKind.EXTENDED, NOW)
    other = entry(3, EntryKind.EXTENDED, NOW, key="other")
    assert extended_before([asked, more, other, more], "k") == 2


@given(st.lists(st.integers(0, 1000), max_size=12), st.randoms())
def test_a_fold_never_moves_a_deadline_back(minutes: list[int], chance: Any) -> None:
    """Whatever entries come, in whatever order and however often they are read, the latest time counts."""
    dues = [NOW + timedelta(minutes=minute) for minute in minutes]
    entries = [entry(number + 2, EntryKind.EXTENDED, due) for number, due in enumerate(dues)]
    record = Record(RunId("run_1")).fold([entry(1, EntryKind.ASKED, NOW)])
    mixed = entries + chance.sample(entries, len(entries) // 2)
    chance.shuffle(mixed)
    before = NOW
    for one in mixed:
        record.fold([one])
        assert record.due["k"] >= before
        before = record.due["k"]
    assert record.due["k"] == max([NOW, *dues])
    assert record.fresh == set(), "no outcome that the program would take in"


def test_an_extension_leaves_news_that_nobody_has_taken_in() -> None:
    decided = Entry(
        RunId("run_1"), 2, "other", EntryKind.DECIDED, NOW,
        b'{"task":"task_2","by":"ana","via":"cli","verdict":"approve","action":"proceed"}',
    )  # fmt: skip
    record = Record(RunId("run_1")).fold([entry(1, EntryKind.ASKED, NOW), decided, entry(3, EntryKind.EXTENDED, NOW)])
    assert record.fresh == {"other"}
    assert record.seen == 3
