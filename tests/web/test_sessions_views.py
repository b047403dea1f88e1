"""What the page of a session is made from: its steps, the waterfall's geometry, windows, the tree, bounded values."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, SqliteDb, tool
from sayso.app.portal import portal
from sayso.core.timeline import Item
from sayso.model.actors import Actor
from sayso.model.ids import RunId, SessionId
from sayso.model.sessions import SessionStatus, Span
from sayso.model.workspaces import DEFAULT_WORKSPACE, Reach
from sayso.programs.context import ChildSpec, Context
from sayso.runtime.sessions import Sessions, Whole
from sayso.testing import CountingIds, FakeClock, ScriptedModel, call
from sayso.web.sessions.filtering import View as ListView
from sayso.web.sessions.listing import range_of
from sayso.web.sessions.values import Allowance
from sayso.web.sessions.view import Given, View, view_of
from sayso.web.sessions.waterfall import GAP, WIDTH, Lane, waterfall
from sayso.web.sessions.windows import SIZE, Wanted, window
from sayso.web.steps import Known, Step, steps_of
from sayso.web.stepwords import step_badges
from tests.app.test_kernel import Code

START = datetime(2026, 1, 1, tzinfo=UTC)
REACH = Reach(workspace_id=DEFAULT_WORKSPACE)
ANA = Actor(type="user", id="ana", via="ui")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def span(begin: float, end: float | None) -> Span:
    return Span(at(begin), None if end is None else at(end))


# -- the waterfall --------------------------------------------------------------------------------------------------


def test_time_at_work_is_drawn_to_one_scale() -> None:
    drawn = waterfall([Lane([span(0, 10)], []), Lane([span(10, 30)], []), Lane([span(30, 40)], [])], at(99))
    assert drawn is not None
    assert [[(bar.x, bar.width) for bar in row] for row in drawn.rows] == [
        [(0.0, WIDTH / 4)],
        [(WIDTH / 4, WIDTH / 2)],
        [(WIDTH * 3 / 4, WIDTH / 4)],
    ]
    assert (drawn.gaps, drawn.height) == ((), 72)


def test_a_wait_of_two_days_is_cut_to_a_fixed_width_and_marked() -> None:
    days = 2 * 86_400
    drawn = waterfall([Lane([span(0, 10)], [span(10, days)]), Lane([span(days, days + 10)], [])], at(days + 500))
    assert drawn is not None
    (gap,) = drawn.gaps
    half = (WIDTH - GAP) / 2
    assert (gap.x, gap.width, gap.lasted) == (half, GAP, timedelta(seconds=days - 10))
    (waited, worked), (after,) = drawn.rows
    assert (waited.waiting, waited.x, waited.width) == (True, half, GAP)
    assert (worked.waiting, worked.x, worked.width) == (False, 0.0, half)
    assert (after.x, after.width) == (half + GAP, half)


def test_waiting_beside_work_is_drawn_to_scale() -> None:
    drawn = waterfall([Lane([], [span(0, 100)]), Lane([span(0, 100)], [])], at(200))
    assert drawn is not None
    assert drawn.gaps == ()
    assert drawn.rows[0][0].width == WIDTH


def test_many_waits_share_half_of_the_width_and_nothing_leaves_the_plot() -> None:
    lanes = [Lane([span(step * 1_000, step * 1_000 + 1)], []) for step in range(100)]
    drawn = waterfall(lanes, at(10**6))
    assert drawn is not None
    assert len(drawn.gaps) == 99
    assert sum(gap.width for gap in drawn.gaps) == pytest.approx(WIDTH / 2)
    bars = [row[0] for row in drawn.rows]
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH + 0.1 for bar in bars)
    assert [bar.x for bar in bars] == sorted(bar.x for bar in bars)


def test_what_goes_on_ends_now_and_what_took_no_time_is_still_seen() -> None:
    drawn = waterfall([Lane([span(0, 0)], []), Lane([span(0, None)], [])], at(10))
    assert drawn is not None
    assert [row[0].width for row in drawn.rows] == [3.0, WIDTH]
    assert (drawn.begin, drawn.end) == (at(0), at(10))
    instant = waterfall([Lane([span(0, 0)], [])], at(0))
    assert instant is not None
    assert instant.rows[0][0].width == 3.0
    assert waterfall([], at(0)) is None


# -- steps ----------------------------------------------------------------------------------------------------------


class Desk:
    """An agent over a fake clock, and the view of its session."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.db = SqliteDb(folder / "sayso.db", clock=self.clock, ids=CountingIds(), synchronous="NORMAL")
        self.failures = 0

    def agent(self, *turns: Any) -> Agent:
        @tool(requires_confirmation=True)
        def pay(amount: float) -> str:
            """Pay."""
            return f"paid {amount:g}"

        @tool(effect="read")
        def look(name: str) -> str:
            """Look somebody up."""
            self.clock.advance(2)
            if self.failures:
                self.failures -= 1
                raise RuntimeError("down")
            return name

        return Agent("desk", model=ScriptedModel(list(turns)), tools=[pay, look], db=self.db)

    def view(self, wanted: Wanted | None = None) -> View:
        whole = portal.call(Sessions(self.db.runtime).session(SessionId("ses"), REACH))
        return viewed(whole, self.clock.now(), wanted)


def viewed(whole: Whole, now: datetime, wanted: Wanted | None = None, **more: Any) -> View:
    given: dict[str, Any] = {"names": {}, "workflows": frozenset(), "shapes": {}, "raw": True, **more}
    return view_of(whole, Given(wanted=wanted or Wanted(), now=now, **given))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def told(step: Step, now: datetime) -> list[str]:
    return [badge.text for badge in step_badges(step, now)]


def test_a_gated_call_is_one_step_that_tells_what_was_said_and_by_whom(desk: Desk) -> None:
    """Item 180."""
    turns = (["Both.", call("pay", amount=5), call("pay", amount=6)], "Done.")
    output = desk.agent(*turns).run("x", session_id="ses", run_id="run")
    desk.clock.advance(3600)
    view = desk.view()
    assert [step.kind for step in view.window.steps] == ["input", "model", "tool", "tool"]
    calls = view.window.steps[2:]
    assert [told(step, desk.clock.now()) for step in calls] == [["Awaiting approval"]] * 2
    assert (view.duration, view.waiting, len(view.pending)) == (timedelta(hours=1), timedelta(hours=1), 2)
    output.active_requirements[0].confirm()
    output.active_requirements[1].reject("too much")
    desk.agent(*turns).continue_run(output, decided_by="ana")
    desk.clock.advance(3600)
    view = desk.view()
    approved, rejected = view.lines[2:4]
    assert ([badge.text for badge in approved.badges], approved.said[0].by) == (["Approved"], "ana")
    assert approved.output is not None
    assert approved.output.text == "paid 5"
    assert [badge.text for badge in rejected.badges] == ["Rejected"], "an answer is no failure"
    assert (rejected.said[0].note, rejected.opened) == ("too much", False)
    assert (approved.waited, view.waiting, view.status) == (timedelta(hours=1), timedelta(hours=1), "Completed")
    assert len(approved.raw) == 5, "proposed, asked, decided, started, settled"


def test_attempts_waits_and_replies_belong_to_their_call(desk: Desk) -> None:
    desk.failures = 1
    turns = (
        call("look", name="ann"),
        call("wait", duration_seconds=60),
        call("reply_and_wait", message="Which?"),
        "So.",
    )
    desk.agent(*turns).run("x", session_id="ses", run_id="run")
    look, wait = (step for step in desk.view().window.steps if step.kind == "tool")
    assert (len(look.attempts), told(look, desk.clock.now())) == (2, ["2 attempts"])
    assert wait.ended is None
    assert desk.view().cards[0].skippable
    desk.clock.advance(61)
    output = desk.agent(*turns).continue_run(run_id="run", session_id="ses")
    assert desk.view().status is SessionStatus.WAITING_FOR_RESPONSE
    output.active_requirements[0].answer("the second")
    desk.agent(*turns).continue_run(output)
    wait, reply = [step for step in desk.view().window.steps if step.kind == "tool"][1:]
    assert wait.waited(desk.clock.now()) == timedelta(seconds=61)
    assert (told(reply, desk.clock.now()), reply.said[0]["values"]) == (["Replied"], "the second")


def test_nothing_goes_on_in_a_run_that_was_ended(desk: Desk) -> None:
    desk.agent(call("pay", amount=5)).run("x", session_id="ses", run_id="run")
    desk.clock.advance(10)
    portal.call(Sessions(desk.db.runtime).terminate(SessionId("ses"), by=ANA, reason="enough"))
    desk.clock.advance(1000)
    view = desk.view()
    pay = next(step for step in view.window.steps if step.kind == "tool")
    assert (pay.ended, told(pay, desk.clock.now())) == (view.ended, ["Dropped"])
    assert (view.duration, view.waiting, view.over, view.badge.text) == (
        timedelta(seconds=10),
        timedelta(seconds=10),
        True,
        "Cancelled",
    )
    assert view.failure is not None
    assert view.failure.message == "enough"


def test_child_runs_stand_under_their_parents(tmp_path: Path) -> None:
    async def child(ctx: Context, started: dict[str, Any]) -> Any:
        return started["input"] * 2

    async def parent(ctx: Context, started: dict[str, Any]) -> Any:
        return await ctx.spawn("half", ChildSpec(program="child", input=started["input"])) + 1

    async def scenario(db: SqliteDb) -> Whole:
        runtime = db.runtime
        runtime.register(Code("child", child))
        runtime.register(Code("parent", parent))
        claimed = await runtime.start("parent", {"input": 4})
        await runtime.advance(claimed.run.id, held=claimed)
        while ready := await runtime.ready_runs(limit=10):
            for run_id in ready:
                await runtime.advance(run_id)
        return await Sessions(runtime).whole(RunId(claimed.run.id), REACH)

    with SqliteDb(tmp_path / "sayso.db", synchronous="NORMAL") as db:
        view = viewed(portal.call(scenario(db)), datetime.now(UTC), workflows=frozenset({"parent"}))
    assert [(card.name, card.depth, card.cancellable) for card in view.cards] == [
        ("parent", 0, False),
        ("child", 1, False),
    ]
    spawned = next(line for line in view.lines if line.step.kind == "child")
    assert (spawned.step.child, spawned.output and spawned.output.text) == (view.cards[1].run.id, "8")
    assert [line.depth for line in view.lines] == [0, 0, 1, 1, 0]
    assert view.cards[0].branch.root.parts["half"].label == "child"


# -- windows, values, lists -----------------------------------------------------------------------------------------


def many(count: int) -> Sequence[Step]:
    items = [
        Item(run_id="r", id=f"r:{n}.0", sequence=n, type="Step", content={"key": f"s{n}"}, started_at=at(n))
        for n in range(1, count + 1)
    ]
    return steps_of(items, Known())


def test_windows_are_named_by_steps_and_meet_without_a_gap() -> None:
    steps = many(250)
    last = window(steps, Wanted())
    assert (last.first, last.last, last.earlier, last.later) == (151, 250, True, False)
    before = window(steps, Wanted(before=last.steps[0].id))
    assert (before.first, before.last, before.later) == (51, 150, True)
    first = window(steps, Wanted(before=before.steps[0].id))
    assert (first.first, first.last, first.earlier) == (1, 50, False)
    grown = window(many(290), Wanted(since=last.steps[0].id, live=True))
    assert (grown.first, grown.last) == (151, 290), "a page that is open keeps where it began"
    assert window(many(400), Wanted(since=last.steps[0].id, live=True)).later
    found = window(steps, Wanted(at="r-120-0"))
    assert (found.here, found.first <= 120 <= found.last, len(found.steps)) == ("r-120-0", True, SIZE)
    assert window(steps, Wanted(at="nothing")).last == 250
    assert (window([], Wanted()).first, window([], Wanted()).later) == (0, False)


def test_values_are_cut_and_a_page_has_a_bound() -> None:
    allowance = Allowance()
    assert (allowance.show("short").whole, allowance.show({"a": 1}).structured) == (True, True)
    long = allowance.show("x" * 5_000)
    assert (len(long.text), long.length, long.whole) == (1_200, 5_000, False)
    shown = sum(len(Allowance.show(allowance, "y" * 1_200).text) for _ in range(200))
    assert shown <= 70_000
    hostile = Allowance()
    assert sum(len(hostile.show("\u202e" * 1_200).text) for _ in range(10)) <= 2_400, "a chip takes more than a letter"
    assert Allowance(None).show("x" * 500_000).whole


def test_the_days_of_a_filter_are_those_of_the_viewer() -> None:
    wanted = ListView(since="2026-03-29", until="2026-03-29", q="x").filter_in("Europe/Berlin")
    assert wanted.since is not None
    assert wanted.until is not None
    assert wanted.until - wanted.since.astimezone(UTC) == timedelta(hours=23), "the clocks went forward"
    assert (wanted.text, wanted.status, wanted.program) == ("x", None, None)
    assert ListView(status="Failed", skip=50).link(q="a b") == "/sessions?status=Failed&q=a+b"


def test_a_page_of_a_list_tells_its_range() -> None:
    class Found:
        items = (1, 2, 3)
        total = 1_234

    found: Any = Found()
    shown = range_of(found, 50)
    assert (shown.first, shown.last, shown.total, shown.earlier, shown.later) == (51, 53, 1_234, 0, 53)
