"""A run that is ended while a call is on its way: I5 of the ledger, no call stays `started` without a worker."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, SqliteDb, ToolError, tool
from sayso.app.portal import portal
from sayso.model.actors import Actor
from sayso.model.errors import LeaseLost
from sayso.model.ids import RunId, SessionId
from sayso.runtime.sessions import Sessions
from sayso.stores.driver import sqlite_module
from sayso.testing import FakeClock, ScriptedModel, call

ANA = Actor(type="user", id="ana")


class Slow:
    """An agent whose tool takes longer than its worker's lease, and what others see and do meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "s.db"
        self.clock = FakeClock()
        self.db = SqliteDb(self.path, clock=self.clock, lease_seconds=60)
        self.meanwhile: Any = None

    def agent(self, effect: str, raises: BaseException | None = None) -> Agent:
        @tool(effect=effect)
        def pay(amount: float) -> str:
            self.meanwhile()
            if raises is not None:
                raise raises
            return f"paid {amount}"

        return Agent("payer", model=ScriptedModel([call("pay", amount=5), "done"]), tools=[pay], db=self.db)

    def call(self) -> str:
        store = self.db.runtime.store
        (row,) = portal.call(store.read(lambda tx: tx.calls.of_run(RunId("run"))))
        return str(row.state)

    def attempt(self) -> tuple[Any, ...]:
        connection = sqlite_module().connect(str(self.path))
        (row,) = connection.execute("SELECT outcome, evidence, late FROM call_attempts").fetchall()
        connection.close()
        return tuple(json.loads(item) if isinstance(item, bytes) else item for item in row)


@pytest.fixture
def slow(tmp_path: Path) -> Slow:
    return Slow(tmp_path)


ENDS = {
    "cancel": lambda runtime: runtime.cancel(RunId("run"), by=ANA),
    "terminate": lambda runtime: Sessions(runtime).terminate(SessionId("ses"), by=ANA),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("effect", "raises", "meanwhile", "settled"),
    [
        ("once", None, "uncertain", "succeeded"),
        ("keyed", None, "uncertain", "succeeded"),
        ("once", ToolError("closed"), "uncertain", "failed"),
        ("once", TimeoutError("no answer"), "uncertain", "uncertain"),
        ("read", None, "failed", "failed"),
    ],
)
def test_a_call_of_a_run_that_nobody_holds_is_in_doubt_until_its_late_word(
    slow: Slow, end: str, effect: str, raises: Any, meanwhile: str, settled: str
) -> None:
    """The lease is over, the run is ended, and the worker reports after that."""
    seen: list[Any] = []

    def ends() -> None:
        slow.clock.advance(61)
        portal.call(ENDS[end](slow.db.runtime))
        seen.extend([slow.call(), slow.attempt()])

    slow.meanwhile = ends
    agent = slow.agent(effect, raises)
    with pytest.raises(LeaseLost):
        agent.run("x", run_id="run", session_id="ses")
    evidence = {"error": "the run was ended while the call was on its way"}
    assert seen == [meanwhile, (meanwhile, evidence, None)]
    assert slow.call() == settled
    assert (slow.attempt()[2] is not None) == (settled != meanwhile)
    output = agent.get_run_output("run")
    assert (output.status, output.requirements) == ("CANCELLED", [])


def test_a_call_that_a_live_worker_has_in_hand_is_left_to_it(slow: Slow) -> None:
    seen: list[str] = []

    def ends() -> None:
        portal.call(slow.db.runtime.cancel(RunId("run"), by=ANA))
        seen.append(slow.call())

    slow.meanwhile = ends
    assert slow.agent("once").run("x", run_id="run", session_id="ses").status == "CANCELLED"
    assert (seen, slow.call()) == (["started"], "succeeded")


def test_a_worker_that_takes_up_a_cancelled_run_leaves_no_call_on_its_way(slow: Slow) -> None:
    """The first worker died with the call on its way, after somebody had asked for the end."""

    seen: list[Any] = []

    def dies() -> None:
        with SqliteDb(slow.path, clock=slow.clock) as db:  # a cancel at its own runtime would wake it, and it renews
            portal.call(db.runtime.cancel(RunId("run"), by=ANA))
            slow.clock.advance(61)
            second = Agent("payer", model=ScriptedModel([]), db=db)
            rest = portal.call(second._runtime().advance(RunId("run")))
            seen.extend([str(rest.state), slow.call()])

    slow.meanwhile = dies
    with pytest.raises(LeaseLost):
        slow.agent("once").run("x", run_id="run", session_id="ses")
    assert (seen, slow.call()) == (["cancelled", "uncertain"], "succeeded")


def test_a_run_that_was_handed_back_with_its_call_on_its_way(slow: Slow) -> None:
    """Its process was stopped; then the run is cancelled while it waits for another worker."""

    started = asyncio.Event()

    @tool
    async def pay(amount: float) -> str:
        started.set()
        return await asyncio.Event().wait() and ""

    agent = Agent("payer", model=ScriptedModel([call("pay", amount=5)]), tools=[pay], db=slow.db)

    async def stopped() -> None:
        task = asyncio.create_task(agent.arun("x", run_id="run", session_id="ses"))
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(stopped())
    assert slow.call() == "started"
    agent.cancel_run("run")
    assert slow.call() == "uncertain"
