"""What sessions use up, in tokens, money and time, and the limits on it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, SqliteDb, StepFailed, Workflow, tool
from sayso.app.portal import portal
from sayso.core.spans import covered
from sayso.core.states import status_of
from sayso.model.actors import Actor
from sayso.model.errors import RunNotPaused
from sayso.model.ids import RunId, SessionId
from sayso.model.messages import AssistantMessage, Usage
from sayso.model.runs import RunState
from sayso.model.sessions import SessionFilter, SessionSpans, SessionStatus
from sayso.model.workspaces import DEFAULT_WORKSPACE, Reach
from sayso.runtime.sessions import Sessions
from sayso.runtime.standing import spans_of
from sayso.testing import CountingIds, FakeClock, ScriptedModel, call
from sayso.workflow import Step

ANA = Actor(type="user", id="ana", via="cli")


class Priced(ScriptedModel):
    """A scripted model whose every turn used 100 tokens and a tenth of a cent."""

    async def respond(self, request: Any, delta: Any = None) -> AssistantMessage:
        answer = await super().respond(request, delta)
        return replace(answer, usage=Usage(input_tokens=90, output_tokens=10, cost=0.001))


class Case:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "sayso.db"
        self.clock = FakeClock()
        self.ids = CountingIds()

    def agent(self, *turns: Any, **options: Any) -> Agent:
        @tool(effect="read")
        def work(seconds: float) -> str:
            """Work for a while."""
            self.clock.advance(seconds)
            return "done"

        @tool(requires_confirmation=True)
        def pay(amount: float) -> str:
            """Pay."""
            return f"paid {amount}"

        self.model = Priced(list(turns))
        db = SqliteDb(self.path, clock=self.clock, ids=self.ids, synchronous="NORMAL")
        return Agent("desk", model=self.model, tools=[work, pay], db=db, **options)

    def session(self, agent: Agent, session: str = "ses") -> Any:
        return portal.call(agent.db.runtime.load_listed_session(SessionId(session)))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_a_session_adds_up_what_its_runs_used(case: Case) -> None:
    """Item 173; the cost of a session is the sum of its steps."""
    agent = case.agent(call("work", seconds=2), "one")
    agent.run("x", session_id="ses", run_id="r1")
    agent = case.agent(call("pay", amount=1), "two")
    output = agent.run("x", session_id="ses", run_id="r2")
    assert case.session(agent).usage == Usage(input_tokens=270, output_tokens=30, cost=0.003)
    output.active_requirements[0].confirm()
    agent = case.agent(call("pay", amount=1), "two")
    agent.continue_run(output)
    found = case.session(agent)
    assert (found.usage.total_tokens, found.usage.cost, found.runs) == (400, 0.004, 2)
    assert portal.call(agent.db.runtime.load_run(RunId("r1"))).active.total_seconds() == 2
    agent.get_run_output("r1")  # a replay counts nothing twice
    assert case.session(agent).usage.total_tokens == 400


def test_a_sessions_tokens_end_the_run_that_goes_beyond_them(case: Case) -> None:
    """Item 209 for the root: checked before each completion, and after each."""
    agent = case.agent("one", max_session_tokens=250)
    agent.run("x", session_id="ses", run_id="r1")
    agent = case.agent(call("work", seconds=1), call("work", seconds=1), "never", max_session_tokens=250)
    with pytest.raises(StepFailed, match="max_session_tokens_exceeded"):
        agent.run("x", session_id="ses", run_id="r2")
    assert len(agent.get_run_output("r2").messages) == 5, (
        "the history, the input, one turn with its result; the next was over"
    )
    assert case.session(agent).usage.total_tokens == 300
    asked = len(case.model.requests)
    with pytest.raises(StepFailed, match="max_session_tokens_exceeded"):
        agent.run("x", session_id="ses", run_id="r3")
    assert len(case.model.requests) == asked, "no model was asked"
    case.agent("one", max_session_tokens=250).run("x", session_id="other")


def test_active_time_leaves_out_the_waiting(case: Case) -> None:
    """Items 183 and 187: two days for an approval are no work; an hour in a tool is."""
    turns = (call("pay", amount=1), call("work", seconds=30), call("work", seconds=40), "never")
    agent = case.agent(*turns, max_active_seconds=60)
    output = agent.run("x", session_id="ses", run_id="run")
    case.clock.advance(2 * 86_400)
    output.active_requirements[0].confirm()
    with pytest.raises(StepFailed, match="active time") as failed:
        case.agent(*turns, max_active_seconds=60).continue_run(output)
    assert failed.value.error_type == "max_active_time_exceeded"
    assert portal.call(agent.db.runtime.load_run(RunId("run"))).active.total_seconds() == 70


@pytest.mark.parametrize("name", ["max_session_tokens", "max_active_seconds", "max_session_seconds"])
def test_a_limit_of_nothing_is_refused(case: Case, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        case.agent("x", **{name: 0})


def test_a_wait_is_skipped_by_a_person(case: Case) -> None:
    """Item 188: the run goes on, and its model and its journal know who ended the wait."""
    agent = case.agent(call("wait", duration_seconds=3600), "awake")
    agent.run("x", session_id="ses", run_id="run")
    assert case.session(agent).status is SessionStatus.WAITING_FOR_TIMER
    portal.call(agent.db.runtime.skip_wait(RunId("run"), by=ANA))
    agent = case.agent(call("wait", duration_seconds=3600), "awake")
    output = agent.continue_run(run_id="run", session_id="ses")
    assert (output.status, output.content) == ("COMPLETED", "awake")
    assert [item.text for item in output.messages if item.role == "tool"] == ["the wait was ended early by ana"]
    _, entries = portal.call(agent.db.runtime.load_run_with_entries(RunId("run")))
    assert [b'"ana"' in entry.data for entry in entries if entry.kind == "skipped"] == [True]


@pytest.mark.parametrize("turns", [["done"], [call("pay", amount=1)], [call("reply_and_wait", message="hi")]])
def test_only_a_wait_for_a_time_can_be_skipped(case: Case, turns: list[Any]) -> None:
    """Item 189: over, waiting for a person, waiting for a message."""
    agent = case.agent(*turns)
    agent.run("x", session_id="ses", run_id="run")
    with pytest.raises(RunNotPaused, match="wait for a time"):
        portal.call(agent.db.runtime.skip_wait(RunId("run"), by=ANA))


def test_a_deadline_is_no_wait_that_may_be_skipped(case: Case) -> None:
    agent = case.agent(call("pay", amount=1), max_session_seconds=60)
    agent.run("x", session_id="ses", run_id="run")
    with pytest.raises(RunNotPaused):
        portal.call(agent.db.runtime.skip_wait(RunId("run"), by=ANA))


def test_an_agents_time_is_kept_inside_a_step(case: Case) -> None:
    agent = case.agent(call("pay", amount=1), max_session_seconds=60)
    flow = Workflow("flow", steps=[Step("ask", agent=agent)], db=agent.db)
    output = flow.run("x", session_id="ses", run_id="run")
    case.clock.advance(61)
    with pytest.raises(StepFailed, match="session_duration_exceeded"):
        flow.continue_run(run_id="run", session_id="ses")
    assert flow.get_run_output("run").status == "ERROR"
    assert output.is_paused


def test_the_time_of_a_finished_step_is_over_without_harm(case: Case) -> None:
    """Its deadline is no longer looked at, and nobody is woken for it."""
    agent = case.agent("quick", max_session_seconds=60)
    later = case.agent(call("pay", amount=1), "paid")
    flow = Workflow("flow", steps=[Step("quick", agent=agent), Step("slow", agent=later)], db=agent.db)
    output = flow.run("x", session_id="ses", run_id="run")
    case.clock.advance(3600)
    output.active_step_requirements[0].executor_requirements[0].confirm()
    assert flow.continue_run(output).content == "paid"


def test_sessions_are_listed_by_status_version_and_agent(case: Case) -> None:
    """Item 177."""
    for session, turns in {
        "a": ["done"],
        "b": [call("pay", amount=1)],
        "c": [call("reply_and_wait", message="hi")],
        "d": [call("wait", duration_seconds=60)],
    }.items():
        agent = case.agent(*turns)
        agent.run("x", session_id=session)

    def listed(**wanted: Any) -> list[str]:
        page = portal.call(agent.db.runtime.list_sessions(SessionFilter(**wanted)))
        assert page.total == len(page.items)
        return [item.id for item in page.items]

    assert listed() == ["d", "c", "b", "a"]
    assert listed(status=SessionStatus.COMPLETED) == ["a"]
    assert listed(status=SessionStatus.WAITING_FOR_HITL) == ["b"]
    assert listed(status=SessionStatus.WAITING_FOR_RESPONSE) == ["c"]
    assert listed(status=SessionStatus.WAITING_FOR_TIMER) == ["d"]
    assert (listed(version="code", program="desk"), listed(version="v2"), listed(program="x")) == (listed(), [], [])
    page = portal.call(agent.db.runtime.list_sessions(limit=1, skip=1))
    assert (page.total, [item.id for item in page.items]) == (4, ["c"])


def test_sessions_are_found_by_ids_words_trigger_and_time(case: Case) -> None:
    case.agent(call("pay", amount=17)).run("x", session_id="one", run_id="run_one", user_id="ann_o")
    begun = case.clock.now()
    case.clock.advance(3600)
    agent = case.agent("done")
    agent.run("x", session_id="two", run_id="run_two", user_id="annko")
    task = portal.call(agent.db.runtime.run_tasks(RunId("run_one")))[0]

    def listed(**wanted: Any) -> list[str]:
        page = portal.call(agent.db.runtime.list_sessions(SessionFilter(**wanted)))
        assert page.total == len(page.items)
        return [item.id for item in page.items]

    assert listed(text="one") == listed(text="run_one") == listed(text=task.id) == ["one"]
    assert listed(text=str(task.spec.request.message)[1:].upper()) == ["one"], "what was asked"
    assert (listed(text="ANN"), listed(text="ann_"), listed(text="%")) == (["two", "one"], ["one"], [])
    assert listed(text="desk") == ["two", "one"]
    assert (listed(trigger_type="api"), listed(since=begun), listed(since=case.clock.now())) == (
        [],
        ["two", "one"],
        ["two"],
    )
    assert (listed(until=begun), listed(until=case.clock.now())) == ([], ["one"])


def test_a_list_tells_how_long_each_session_was_at_it_and_how_long_it_waited(case: Case) -> None:
    agent = case.agent(call("pay", amount=1), "done")
    output = agent.run("x", session_id="a", run_id="r")
    case.clock.advance(3600)
    reach = Reach(workspace_id=DEFAULT_WORKSPACE)

    def spans() -> SessionSpans:
        work = Sessions(agent.db.runtime).page_with_spans(SessionFilter(), reach, limit=10, skip=0)
        page, found = portal.call(work)
        assert list(found) == [item.id for item in page.items] == ["a"]
        return found[SessionId("a")]

    now = case.clock.now()
    assert (covered(spans().roots, now), covered(spans().asked, now)) == (timedelta(hours=1), timedelta(hours=1))
    output.active_requirements[0].confirm()
    agent.continue_run(output)
    case.clock.advance(60)
    later = case.clock.now()
    assert (covered(spans().roots, later), covered(spans().asked, later)) == (timedelta(hours=1), timedelta(hours=1))
    whole = portal.call(Sessions(agent.db.runtime).whole(RunId("r"), reach))
    assert spans_of(whole) == spans(), "the page of a session says the same"


@pytest.mark.parametrize("state", list(RunState))
@pytest.mark.parametrize("kinds", [[], ["message"], ["approval"], ["message", "approval"]])
@pytest.mark.parametrize("child", [None, "queued", "running", "completed"])
def test_the_list_and_the_law_agree_on_the_status(
    case: Case, state: RunState, kinds: list[str], child: str | None
) -> None:
    agent = case.agent(call("pay", amount=1))
    agent.run("x", session_id="ses", run_id="run")
    import sqlite3

    with sqlite3.connect(case.path) as raw:
        raw.execute("update runs set state = ?", (state,))
        columns = [row[1] for row in raw.execute("pragma table_info(tasks)")]
        kept = raw.execute("select * from tasks").fetchone()
        raw.execute("delete from tasks")
        for number, kind in enumerate(kinds):
            row = {**dict(zip(columns, kept, strict=True)), "task_id": f"t{number}", "kind": kind}
            raw.execute(f"insert into tasks values ({','.join('?' * len(row))})", list(row.values()))
        if child is not None:
            names = [row[1] for row in raw.execute("pragma table_info(runs)")]
            parent = dict(zip(names, raw.execute("select * from runs").fetchone(), strict=True))
            row = {**parent, "run_id": "kid", "state": child, "parent_id": "run"}
            raw.execute(f"insert into runs values ({','.join('?' * len(row))})", list(row.values()))
    raw.close()
    moves = child in {"queued", "running"}
    assert case.session(agent).status is status_of(state, kinds, children_move=moves)
