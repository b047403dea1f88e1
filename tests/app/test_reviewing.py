"""What reviewers see beside a task: past decisions, snoozes, comments, burdens, and marks that move."""

import asyncio
from collections.abc import Coroutine, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sayso import Agent, HumanReview, SqliteDb, Step, Workflow, tool
from sayso.core.reviewing import History, burdens, operation_of, words_of
from sayso.model.actors import Actor
from sayso.model.decisions import Approve, Edit, Reject
from sayso.model.errors import Invalid, TaskNotFound
from sayso.model.ids import TaskId
from sayso.model.reviews import ReviewFilter
from sayso.model.tasks import ApprovalRequest, CallShown, TaskSpec, UserTask
from sayso.model.workspaces import DEFAULT_WORKSPACE, Principal, Reach, Workspace, WorkspaceId
from sayso.runtime.reviewing import Reviewing
from sayso.stores.reviews import ReviewRows
from sayso.testing import CountingIds, FakeClock, ScriptedModel, call

T = TypeVar("T")
HERE = Reach(workspace_id=DEFAULT_WORKSPACE)
ELSEWHERE = Reach(workspace_id=WorkspaceId("wsp_other"))
ANA = Actor(type="user", id="ana@example.com", via="ui")


class Desk:
    """A desk that asks before it pays, and those who look at what it asks."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.db = SqliteDb(folder / "s.db", clock=self.clock, ids=CountingIds(), synchronous="NORMAL")
        self.review = Reviewing(self.db.runtime)
        now = self.clock.now()
        workspace = Workspace(id=DEFAULT_WORKSPACE, name="Here", created_at=now, updated_at=now)
        self.ana = Principal(workspace=workspace, local="ana@example.com")
        self.bob = Principal(workspace=workspace, local="bob@example.com")

        @tool(requires_confirmation=True, summary="Pay {amount} to {who}")
        def pay(who: str, amount: float) -> str:
            """Pay."""
            return "paid"

        def turn(request: Any) -> Any:
            said = request.messages[-1].text
            return call("pay", who=said, amount=5) if said.startswith("@") else "Done."

        self.agent = Agent("desk", model=ScriptedModel(turn), tools=[pay], db=self.db)
        review = HumanReview(requires_confirmation=True, timeout=60, on_timeout="reject")
        self.flow = Workflow("flow", steps=[Step("ship", lambda given: given.input, human_review=review)], db=self.db)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    def ask(self, who: str = "@ann") -> UserTask:
        run = self.agent.run(who)
        return next(task for task in self.do(self.db.runtime.run_tasks(run.run_id)))

    def page(self, reach: Reach = HERE, **wanted: Any) -> list[TaskId]:
        found = self.do(self.review.page(ReviewFilter(person="ana@example.com", reach=reach, **wanted), limit=50))
        return [task.id for task in found.tasks]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    with found.db:
        yield found


def decide(desk: Desk, task: UserTask, verdict: Any, *, after: float) -> None:
    desk.clock.advance(after)
    desk.do(desk.db.runtime.decide(task.id, verdict, digest=task.digest, by=ANA))


def test_a_card_knows_what_was_decided_about_the_same_operation_before(desk: Desk) -> None:
    decide(desk, desk.ask("@one"), Approve(), after=10)
    decide(desk, desk.ask("@two"), Edit(content={"who": "@two", "amount": 4.0}), after=20)
    decide(desk, desk.ask("@three"), Reject(note="twice already"), after=60)
    desk.flow.run("x")
    asked = desk.ask("@four")
    found = desk.do(desk.review.closely(asked.id, "ana@example.com", HERE))
    history = found.history
    assert (history.approved, history.edited, history.rejected) == (1, 1, 1)
    assert history.median == timedelta(seconds=20)
    assert history.last_rejection is not None
    assert (history.last_rejection.note, history.last_rejection.summary) == ("twice already", "Pay 5.0 to @three")
    assert found.call is not None
    assert found.call.tool == "pay"
    assert found.root.id == asked.run_id


def test_a_snoozed_task_is_out_of_one_persons_sight_until_its_time(desk: Desk) -> None:
    task = desk.ask()
    until = desk.clock.now() + timedelta(hours=1)
    desk.do(desk.review.snooze(task.id, until, desk.ana, HERE))
    assert desk.page() == []
    assert desk.page(tab="snoozed") == [task.id]
    other = ReviewFilter(person="bob@example.com", reach=HERE)
    assert [one.id for one in desk.do(desk.review.page(other, limit=5)).tasks] == [task.id]
    wanted = ReviewFilter(person="ana@example.com", reach=HERE)
    assert desk.do(desk.review.opened(wanted, limit=10))[1] == {"pending": 0, "snoozed": 1}
    desk.clock.advance(3600)
    assert desk.page() == [task.id]
    desk.do(desk.review.snooze(task.id, desk.clock.now() + timedelta(days=2), desk.ana, HERE))
    desk.do(desk.review.unsnooze(task.id, desk.ana, HERE))
    assert desk.page() == [task.id]


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=-1), timedelta(days=31)])
def test_a_snooze_ends_ahead_and_within_a_month(desk: Desk, ahead: timedelta) -> None:
    task = desk.ask()
    with pytest.raises(Invalid, match="within 30 days"):
        desk.do(desk.review.snooze(task.id, desk.clock.now() + ahead, desk.ana, HERE))


def test_comments_are_kept_in_order_and_written_down(desk: Desk) -> None:
    task = desk.ask()
    desk.do(desk.review.comment(task.id, "  is this the same Ann? ", desk.ana, HERE))
    desk.clock.advance(1)
    desk.do(desk.review.comment(task.id, "yes", desk.bob, HERE))
    found = desk.do(desk.review.closely(task.id, "ana@example.com", HERE))
    assert [(one.by, one.text) for one in found.comments] == [
        ("ana@example.com", "is this the same Ann?"), ("bob@example.com", "yes")
    ]  # fmt: skip
    rows = desk.do(desk.db.runtime.store.read(lambda tx: tx.audit.list(DEFAULT_WORKSPACE, after=0, limit=50)))
    assert [row.action for row in rows].count("task.commented") == 2
    for text in ("", "   ", "x" * 4001):
        with pytest.raises(Invalid):
            desk.do(desk.review.comment(task.id, text, desk.ana, HERE))


def test_tasks_of_other_workspaces_are_not_there(desk: Desk) -> None:
    task = desk.ask()
    assert desk.page(reach=ELSEWHERE) == []
    for act in (
        lambda: desk.review.closely(task.id, "ana@example.com", ELSEWHERE),
        lambda: desk.review.snooze(task.id, desk.clock.now() + timedelta(hours=1), desk.ana, ELSEWHERE),
        lambda: desk.review.unsnooze(task.id, desk.ana, ELSEWHERE),
        lambda: desk.review.comment(task.id, "x", desk.ana, ELSEWHERE),
    ):
        with pytest.raises(TaskNotFound):
            desk.do(act())


def test_what_is_closed_comes_newest_first_and_says_when(desk: Desk) -> None:
    first, second, third = desk.ask("@one"), desk.ask("@two"), desk.ask("@three")
    decide(desk, second, Approve(), after=5)
    decide(desk, first, Reject(note="no"), after=5)
    desk.clock.advance(5)
    desk.do(desk.db.runtime.cancel(third.run_id, by=ANA))
    assert desk.page(tab="completed") == [first.id, second.id]
    assert desk.page(tab="cancelled") == [third.id]
    dropped = desk.do(desk.db.runtime.load_task(third.id))
    assert dropped.closed_at == desk.clock.now()


def test_what_nobody_decided_in_time_waits_for_nobody(desk: Desk) -> None:
    run = desk.flow.run("x")
    assert len(desk.page()) == 1
    desk.clock.advance(61)
    assert desk.page() == []
    desk.flow.continue_run(run_id=run.run_id, session_id=run.session_id)
    found = desk.do(desk.review.burden(DEFAULT_WORKSPACE, since=desk.clock.now() - timedelta(days=1)))
    assert [(one.program, one.operation, one.asked, one.timed_out) for one in found] == [("flow", "ship", 1, 1)]


def test_a_burden_counts_what_people_said_and_how_long_it_took(desk: Desk) -> None:
    for seconds in (1, 3, 8):
        decide(desk, desk.ask(), Approve(), after=seconds)
    decide(desk, desk.ask(), Reject(note="no"), after=2)
    since = desk.clock.now() - timedelta(days=1)
    (found,) = desk.do(desk.review.burden(DEFAULT_WORKSPACE, since=since, program="desk"))
    assert (found.asked, found.approved, found.edited, found.rejected, found.timed_out) == (4, 3, 0, 1, 0)
    assert found.median == timedelta(seconds=2.5)
    assert desk.do(desk.review.burden(DEFAULT_WORKSPACE, since=since, program="flow")) == []
    assert desk.do(desk.review.burden(DEFAULT_WORKSPACE, since=desk.clock.now() + timedelta(seconds=1))) == []


def test_words_find_whatever_case_they_have_and_mean_only_themselves(desk: Desk) -> None:
    task = desk.ask("@Straße_1%")
    assert desk.page(text="STRASSE_1%") == [task.id]
    assert desk.page(text="strasse%1") == []
    assert desk.page(text=task.run_id) == [task.id]
    assert desk.page(text="' or 1=1 --") == []


def test_marks_move_with_what_they_are_of_and_with_nothing_else(desk: Desk) -> None:
    def marks(session: Any) -> tuple[str, str, str]:
        store = desk.db.runtime.store
        return desk.do(
            store.read(
                lambda tx: (
                    tx.reviews.mark(DEFAULT_WORKSPACE),
                    tx.reviews.session_mark(DEFAULT_WORKSPACE, session),
                    tx.reviews.sessions_mark(DEFAULT_WORKSPACE),
                )
            )
        )

    task = desk.ask()
    before = marks(task.session_id)
    assert marks(task.session_id) == before
    desk.clock.advance(1)
    other = desk.ask()
    after = marks(task.session_id)
    assert (after[0] != before[0], after[1] == before[1], after[2] != before[2]) == (True, True, True)
    decide(desk, task, Approve(), after=1)
    decided = marks(task.session_id)
    assert all(one != two for one, two in zip(decided, after, strict=True))
    desk.do(desk.review.comment(other.id, "hm", desk.ana, HERE))
    commented = marks(task.session_id)
    assert (commented[0] != decided[0], commented[1:] == decided[1:]) == (True, True)


def test_an_operation_is_the_tool_or_else_the_step() -> None:
    shown = CallShown(tool="pay", arguments={}, effect="once")
    of_call = TaskSpec(request=ApprovalRequest(message="Pay?", call=shown), step_name="desk", step_type="Agent")
    of_step = TaskSpec(request=ApprovalRequest(message="Go?"), step_name="ship", step_type="Step")
    assert (operation_of(of_call), operation_of(of_step)) == ("pay", "ship")
    assert words_of("Flow", of_step) == "go? flow ship"


def test_nothing_decided_yet_adds_up_to_nothing() -> None:
    assert burdens([]) == []
    assert (History(decisions=()).median, History(decisions=()).last_rejection) == (timedelta(0), None)


@pytest.mark.parametrize(
    ("changes", "counts"),
    [({}, 2), ({"sort": "due"}, 2), ({"tab": "snoozed"}, 2), ({"tab": "completed"}, 3), ({"text": "ann"}, 3)],
)
def test_an_inbox_counts_nothing_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], counts: int
) -> None:
    task = desk.ask()
    desk.ask("@bob")
    desk.do(desk.review.snooze(task.id, desk.clock.now() + timedelta(hours=1), desk.ana, HERE))
    counted: list[ReviewFilter] = []
    count = ReviewRows.count

    def noted(self: ReviewRows, wanted: ReviewFilter, **options: Any) -> int:
        counted.append(wanted)
        return count(self, wanted, **options)

    monkeypatch.setattr(ReviewRows, "count", noted)
    wanted = ReviewFilter(person=desk.ana.id, reach=HERE, **changes)
    page, waiting = desk.do(desk.review.opened(wanted, limit=10))
    assert waiting == {"pending": 1, "snoozed": 1}
    assert page.total == len(page.tasks)
    assert len(counted) == counts
