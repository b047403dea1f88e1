"""The wait budget: all waits of a session together, whoever of its agents and runs began them (item 186)."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from sayso import Agent, Parallel, SqliteDb, Step, Team, Workflow
from sayso.testing import FakeClock, ScriptedModel, call

BUDGET: dict[str, Any] = {"wait_budget_seconds": 100}


def last(request: Any) -> str:
    return request.messages[-1].text


def wait(seconds: float) -> Any:
    return call("wait", duration_seconds=seconds)


@dataclass
class Hall:
    """One database; every command has fresh objects over it."""

    clock: FakeClock = field(default_factory=FakeClock)
    db: SqliteDb = field(default_factory=SqliteDb)

    def __post_init__(self) -> None:
        self.db = SqliteDb(clock=self.clock)

    def agent(self, *turns: Any, name: str = "it", **options: Any) -> Agent:
        return Agent(name, model=ScriptedModel([*turns, last]), db=self.db, **{**BUDGET, **options})

    def run(self, runnable: Any, run: str = "run", session: str = "ses") -> Any:
        runnable.db = self.db
        return runnable.run("x", run_id=run, session_id=session)

    def later(self, runnable: Any, run: str = "run", session: str = "ses") -> Any:
        """Go on with a run once its time has come."""
        self.clock.advance(100)
        runnable.db = self.db
        return runnable.continue_run(run_id=run, session_id=session)


@pytest.fixture
def hall() -> Hall:
    return Hall()


REFUSED = "Error (wait_budget_exceeded): of 100 s, 40 s are left"


def test_the_waits_of_earlier_runs_of_the_session_count(hall: Hall) -> None:
    hall.run(hall.agent(wait(60)), "one")
    assert hall.later(hall.agent(wait(60)), "one").content == "the time has come"
    assert hall.run(hall.agent(wait(41)), "two").content == REFUSED
    assert hall.run(hall.agent(wait(40)), "three").waiting_for == "timer"
    assert hall.run(hall.agent(wait(41)), "four", "another session").waiting_for == "timer"


def test_the_waits_of_members_count(hall: Hall) -> None:
    def team() -> Team:
        member = hall.agent(wait(60), name="member", description="Waits.")
        model = ScriptedModel([call("ask_member", task="go"), wait(41), last])
        return Team("team", members=[member], model=model, **BUDGET)

    hall.run(team())
    assert hall.later(team()).content == REFUSED


@pytest.mark.parametrize("block", [list, lambda steps: [Parallel(*steps, name="both")]])
def test_the_waits_of_agents_in_steps_count(hall: Hall, block: Any) -> None:
    def flow() -> Workflow:
        steps = [Step(name, agent=hall.agent(wait(60), name=name)) for name in ("a", "b")]
        return Workflow("flow", steps=block(steps))

    hall.run(flow())
    content = hall.later(flow()).content
    assert (content["b"] if isinstance(content, dict) else content) == REFUSED


def test_a_refused_wait_stays_refused_and_an_allowed_one_allowed(hall: Hall) -> None:
    """Beside a wait that goes on: another run of the session waits meanwhile, and replay changes nothing."""
    turn = [wait(30), wait(30), wait(50)]
    told = "the time has come | the time has come | " + REFUSED

    def all_of(request: Any) -> str:
        return " | ".join(message.text for message in request.messages if message.role == "tool")

    def agent() -> Agent:
        return Agent("it", model=ScriptedModel([turn, all_of]), db=hall.db, **BUDGET)

    assert hall.run(agent()).waiting_for == "timer"
    assert hall.run(hall.agent(wait(40)), "other").waiting_for == "timer"
    assert hall.later(agent()).content == told
