"""An agent whose time is over: what it has done can still be read, and nothing more is done."""

import json
from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, HumanReview, SqliteDb, StepFailed, Team, Workflow, tool
from sayso.stores.driver import sqlite_module
from sayso.testing import CountingIds, FakeClock, ScriptedModel, call
from sayso.workflow import Step

TURNS = [call("look", at="a"), [call("look", at="b"), call("pay", amount=5)], "never"]


class Late:
    """An agent with sixty seconds, built anew for every command."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "s.db"
        self.clock, self.ids = FakeClock(), CountingIds()
        self.ran: list[Any] = []

    def agent(self, *turns: Any, name: str = "late", make: Any = Agent, **options: Any) -> Agent:
        @tool(effect="read")
        def look(at: str) -> str:
            self.ran.append(at)
            return f"seen {at}"

        @tool(requires_confirmation=True)
        def pay(amount: float) -> str:
            self.ran.append(amount)
            return f"paid {amount}"

        self.model = ScriptedModel(list(turns or TURNS))
        db = SqliteDb(self.path, clock=self.clock, ids=self.ids, synchronous="NORMAL")
        return make(name, model=self.model, tools=[look, pay], db=db, **{"max_session_seconds": 60, **options})

    def fire(self) -> None:
        """Leave the file as a process does that dies between the end of the time and the end of the run."""
        connection = sqlite_module().connect(str(self.path))
        seq, state = connection.execute("SELECT seq, state FROM runs WHERE run_id = 'run'").fetchone()
        assert state == "waiting"
        row = ("run", seq + 1, "deadline", "fired", 1, json.dumps({}).encode())
        connection.execute("INSERT INTO journal (run_id, seq, key, kind, at, data) VALUES (?, ?, ?, ?, ?, ?)", row)
        connection.execute("UPDATE runs SET seq = seq + 1 WHERE run_id = 'run'")
        connection.commit()
        connection.close()


@pytest.fixture
def late(tmp_path: Path) -> Late:
    return Late(tmp_path)


def shown(output: Any) -> Any:
    return [message.text for message in output.messages], output.usage.total_tokens


def test_what_was_said_and_used_is_still_shown(late: Late) -> None:
    """Item 182."""
    before = shown(late.agent().run("go", run_id="run", session_id="ses"))
    assert before == (["go", "", "seen a", ""], 30)
    late.clock.advance(61)
    with pytest.raises(StepFailed, match="session_duration_exceeded"):
        late.agent().continue_run(run_id="run", session_id="ses")
    output = late.agent().get_run_output("run")
    assert (output.status, output.error_code) == ("ERROR", "session_duration_exceeded")
    assert shown(output) == before
    assert late.ran == ["a", "b"]


@pytest.mark.parametrize("answer", ["confirm", "reject", "edit"])
def test_an_answer_that_comes_after_the_time_performs_nothing(late: Late, answer: str) -> None:
    """The process died when the time was over and the run had not ended; then somebody approves."""
    output = late.agent().run("go", run_id="run", session_id="ses")
    before = shown(output)
    late.fire()
    getattr(output.active_requirements[0], answer)(*([{"amount": 7}] if answer == "edit" else []))
    agent = late.agent()
    ended = list(agent.continue_run(output, stream=True))[-1]
    assert (ended.event, "session_duration_exceeded" in ended.error) == ("RunError", True)
    assert shown(agent.get_run_output("run")) == before
    assert (late.ran, late.model.requests) == (["a", "b"], [])


def test_a_crash_after_the_time_shows_the_same(late: Late) -> None:
    before = shown(late.agent().run("go", run_id="run", session_id="ses"))
    late.fire()
    assert shown(late.agent().get_run_output("run")) == before
    late.clock.advance(61)
    agent = late.agent()
    with pytest.raises(StepFailed, match="session_duration_exceeded"):
        agent.continue_run(run_id="run", session_id="ses")
    assert shown(agent.get_run_output("run")) == before
    assert late.model.requests == []


def test_what_a_member_used_before_its_time_was_over_counts_on_every_replay(late: Late) -> None:
    def team() -> Agent:
        member = late.agent(call("look", at="a"), call("pay", amount=5), name="member", description="Works.")
        leader = [call("ask_member", task="x"), lambda request: request.messages[-1].text]
        return late.agent(*leader, name="team", make=Team, members=[member], max_session_seconds=None)

    team().run("go", run_id="run", session_id="ses")
    late.clock.advance(61)
    output = team().continue_run(run_id="run", session_id="ses")
    assert output.content.startswith("Error (session_duration_exceeded)")
    assert output.usage.total_tokens == 60
    assert shown(team().get_run_output("run")) == shown(output)


def test_a_step_that_goes_on_without_its_agent_does_not_start_it_again(late: Late) -> None:
    def flow() -> Workflow:
        after = Step("after", agent=late.agent(call("pay", amount=1), "done", name="after"))
        first = Step("first", agent=late.agent(), human_review=HumanReview(on_error="skip"))
        return Workflow("flow", db=late.agent().db, steps=[first, after])

    flow().run("go", run_id="run", session_id="ses")
    late.clock.advance(61)
    workflow = flow()
    output = workflow.continue_run(run_id="run", session_id="ses")
    assert output.is_paused
    output.active_step_requirements[-1].executor_requirements[0].confirm()
    output = flow().continue_run(output)
    assert (output.status, output.content) == ("COMPLETED", "done")
    assert late.ran == ["a", "b", 1.0]
