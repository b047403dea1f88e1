"""T35: the clock jumps by an hour or a year, forwards and back, at every commit of a run, and inside a call.

A jump may bring a deadline near or put it off; it may cost a worker its lease. It must not send a call twice, lose a
decision, or let one through. DST and leap days do not occur: every time is UTC, in microseconds.
"""

import itertools
import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from sayso import Agent, SqliteDb, tool
from sayso.app.portal import portal
from sayso.model.ids import RunId
from sayso.testing import FakeClock, ScriptedModel, call

HOUR, YEAR = 3600, 365 * 86400
JUMPS = (-YEAR, -HOUR, HOUR, YEAR)
PLACES = ("paused", "decided", "in the call", "commit 1", "commit 2", "commit 3", "commit 4", "commit 5", "commit 6")


class JumpsAt:
    """Moves the clock right after the n-th commit of a command."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.seconds = 0
        self.left = 0

    def __call__(self, phase: str, units: int) -> None:
        if phase == "after_commit" and self.left:
            self.left -= 1
            if not self.left:
                self._clock.advance(self.seconds)


@pytest.mark.parametrize("effect", ["read", "keyed", "once"])
def test_a_jump_of_the_clock_sends_nothing_twice(effect: str) -> None:
    figures = Counter[str]()
    for seconds, place in itertools.product(JUMPS, PLACES):
        clock = FakeClock()
        jumps = JumpsAt(clock)
        jumps.seconds = seconds
        db = SqliteDb(clock=clock, observer=jumps)
        ran: list[float] = []

        pay = _paying(
            effect,
            ran,
            (lambda clock=clock, seconds=seconds: clock.advance(seconds)) if place == "in the call" else None,
        )
        turns = [call("pay", amount=5), lambda request: request.messages[-1].text]
        agent = Agent("payer", model=ScriptedModel(turns), tools=[pay], db=db)
        _drive(agent, clock, jumps, place, seconds, figures)
        output = agent.get_run_output("run")
        assert output.status == "COMPLETED", (place, seconds)
        assert output.requirements[0].decided_by == "ana", "the decision counts, whatever the time is by now"
        figures["runs"] += 1
        figures["executed"] += len(ran)
        assert len(ran) == 1, (place, seconds)
        rows: Any = portal.call(db.runtime.store.read(lambda tx: tx.calls.of_run(RunId("run"))))
        assert [str(row.state) for row in rows] == ["succeeded"]
        db.close()
    print(f"\nT35 {effect}:", json.dumps(figures))
    assert figures["executed"] == figures["jumps"] == figures["runs"] == len(JUMPS) * len(PLACES)


def _paying(effect: str, ran: list[float], then: Any) -> Any:
    @tool(effect=effect, requires_confirmation=True)
    def pay(amount: float) -> str:
        """Pay."""
        ran.append(amount)
        if then is not None:
            then()
        return "paid"

    return pay


def _drive(agent: Agent, clock: FakeClock, jumps: JumpsAt, place: str, seconds: float, figures: Counter[str]) -> None:
    """Take a run to its end, with one jump on the way."""
    jumps.left = int(place[-1]) if place.startswith("commit") else 0
    agent.run("x", run_id="run", session_id="ses")
    output = agent.get_run_output("run")
    if place == "paused":
        clock.advance(seconds)
    output.active_requirements[0].confirm()
    agent.decide(output, decided_by="ana")
    if place == "decided":
        clock.advance(seconds)
    agent.continue_run(run_id="run", session_id="ses")
    figures["jumps"] += jumps.left == 0


@pytest.mark.parametrize("seconds", JUMPS)
def test_a_deadline_is_a_point_in_time(seconds: int) -> None:
    """A jump past it expires the question; a jump back leaves it open as long as the clock says."""
    clock, ran = FakeClock(), list[float]()
    with SqliteDb(clock=clock) as db:

        @tool(requires_confirmation=True, approval_timeout=60)
        def pay(amount: float) -> str:
            """Pay."""
            ran.append(amount)
            return "paid"

        agent = Agent("payer", model=ScriptedModel([call("pay", amount=5), "done"]), tools=[pay], db=db)
        output = agent.run("x", run_id="run", session_id="ses")
        due = clock.now() + timedelta(seconds=60)
        assert output.active_requirements[0].timeout_at == due
        clock.advance(seconds)
        output.active_requirements[0].confirm()
        try:
            agent.continue_run(output)
        except ValueError:
            assert clock.now() > due
        assert ran == ([] if seconds > 0 else [5.0])


def test_a_live_workers_lease_follows_a_clock_that_steps_back() -> None:
    """It renews by the new time; nobody waits for the hour to come again."""
    clock = FakeClock()
    with SqliteDb(clock=clock) as db:

        @tool
        def pay(amount: float) -> str:
            """Pay."""
            clock.advance(-HOUR)
            return "paid"

        turns = [call("pay", amount=5), call("pay", amount=6), "done"]
        agent = Agent("payer", model=ScriptedModel(turns), tools=[pay], db=db)
        assert agent.run("x", run_id="run", session_id="ses").status == "COMPLETED"


def test_journal_and_decisions_keep_their_order_over_a_jump_back() -> None:
    """The order is that of the numbers, not of the times."""
    clock = FakeClock()
    with SqliteDb(clock=clock) as db:
        agent = Agent(
            "payer", model=ScriptedModel([call("pay", amount=5), "done"]), tools=[_paying("once", [], None)], db=db
        )
        output = agent.run("x", run_id="run", session_id="ses")
        clock.advance(-YEAR)
        output.active_requirements[0].confirm()
        agent.continue_run(output)
        _, entries = portal.call(db.runtime.load_run_with_entries(RunId("run")))
    assert [str(entry.kind) for entry in entries] == [
        "started",
        "step",
        "asked",
        "decided",
        "call",
        "step",
        "step",
        "finished",
    ]
    assert entries[3].at < entries[2].at
