"""T49: two processes decide the same call at the same moment, a thousand times per pair; one of them wins.

The pairs: yes against no, yes against yes, yes against the deadline, yes against the end of the run. Deadlines are
raced by clocks that differ: for one process the time is not over yet, for the other it is.
"""

import asyncio
import json
import multiprocessing as mp
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, SqliteDb, tool
from sayso.app.portal import portal
from sayso.model.actors import Actor
from sayso.model.decisions import Approve, Reject
from sayso.model.errors import AlreadyDecided, SaysoError, TaskClosed, TaskExpired
from sayso.model.ids import RunId
from sayso.model.tasks import TaskFilter
from sayso.testing import FakeClock, ScriptedModel, call

PAIRS = ("approve", "reject", "expire", "terminate")
"""What the yes of the first process is raced by."""


def payer(db: SqliteDb, ran: Counter[str]) -> Agent:
    @tool(requires_confirmation=True, approval_timeout=60)
    def pay(ctx: Any, amount: float) -> str:
        """Pay."""
        ran[ctx.run_id] += 1
        return "paid"

    return Agent("payer", model=ScriptedModel([call("pay", amount=5), "done"]), tools=[pay], db=db)


async def _move(db: SqliteDb, number: int, pair: str, task: dict[str, Any]) -> bool:
    """Make one process's move; False where it moved nothing."""
    by = Actor(type="user", id=f"racer {number}")
    if number == 0 or pair in {"approve", "reject"}:
        verdict = Reject(note="no") if number and pair == "reject" else Approve()
        await db.runtime.decide(task["id"], verdict, digest=task["digest"], by=by)
        return True
    if pair == "terminate":
        return await db.runtime.cancel(RunId(task["run"]), by=by)
    found = await db.runtime.store.run(lambda tx: _expire(tx, task["id"], db.runtime.clock.now()))
    return bool(found)


def _expire(tx: Any, task_id: str, now: Any) -> bool:
    from sayso.runtime.units import expire

    return expire(tx, tx.find_task(task_id), now)


def _racer(number: int, path: Path, races: list[tuple[str, dict[str, str]]], start: Any, results: Any) -> None:
    said: list[tuple[str, str, str, float]] = []

    async def go(db: SqliteDb) -> None:
        at = 0
        for pair, task in races:
            wanted = 61 if number and pair == "expire" else 30  # the deadline is at 60
            clock.advance(wanted - at)
            at = wanted
            start.wait(60)
            begun = time.perf_counter()
            try:
                outcome = "won" if await _move(db, number, pair, task) else "nothing"
            except SaysoError as exc:
                outcome = f"{type(exc).__name__}|{getattr(exc, 'by', '')}"
            said.append((pair, task["run"], outcome, time.perf_counter() - begun))

    clock = FakeClock()
    with SqliteDb(path, clock=clock) as db:
        portal.call(db.runtime.open())  # the sweep of an opening process, before any deadline is over
        asyncio.run(go(db))
    results.put((number, said))


@dataclass
class Tally:
    """What the races of one pair came to."""

    races: int = 0
    yes: int = 0
    """Races that the first process's yes won."""
    other: int = 0
    double: int = 0
    none: int = 0
    unnamed: int = 0
    """Losers who were not told what had won."""
    wrong_effect: int = 0
    both: int = 0
    """A yes that was recorded, and then the run was ended: no conflict, and no effect."""
    seconds: list[float] = field(default_factory=list[float])


_NAMED: dict[str, Any] = {
    "approve": (AlreadyDecided,), "reject": (AlreadyDecided,), "expire": (AlreadyDecided, TaskExpired),
    "terminate": (TaskClosed,),
}  # fmt: skip


def _judge(tally: Tally, pair: str, first: str, second: str, effects: int) -> None:
    tally.races += 1
    won = (first == "won", second == "won")
    if won == (True, True):
        if pair == "terminate":
            tally.both += 1
        else:
            tally.double += 1
        tally.wrong_effect += effects > (pair != "terminate")
        return
    tally.none += won == (False, False)
    tally.yes += won[0]
    tally.other += won[1]
    loser, winner = (second, "racer 0") if won[0] else (first, "racer 1" if pair != "expire" else "system:timeout")
    name, _, by = loser.partition("|")
    if loser != "nothing":
        tally.unnamed += name not in {kind.__name__ for kind in _NAMED[pair]}
        tally.unnamed += name == "AlreadyDecided" and by != winner
    wanted = 1 if won[0] or (pair == "approve" and won[1]) else 0
    tally.wrong_effect += effects != wanted


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("rounds", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_two_processes_decide_one_call(tmp_path: Path, rounds: int) -> None:
    path, ran = tmp_path / "s.db", Counter[str]()
    with SqliteDb(path, clock=FakeClock(), synchronous="NORMAL") as db:
        races: list[tuple[str, dict[str, str]]] = []
        agent = payer(db, ran)
        for number, pair in ((number, pair) for number in range(rounds) for pair in PAIRS):
            run = f"{pair}{number}"
            item = agent.run("x", run_id=run, session_id=run).active_requirements[0]
            races.append((pair, {"id": item.id, "digest": item.digest, "run": run}))
    context = mp.get_context("spawn")
    start, results = context.Barrier(2), context.Queue()
    racers = [context.Process(target=_racer, args=(number, path, races, start, results)) for number in range(2)]
    for racer in racers:
        racer.start()
    said = dict(results.get(timeout=1200) for _ in racers)
    for racer in racers:
        racer.join(60)
    tallies = {pair: Tally() for pair in PAIRS}
    with SqliteDb(path, clock=FakeClock(), synchronous="NORMAL") as db:
        agent = payer(db, ran)
        for (pair, run, first, took), (_, _, second, also) in zip(said[0], said[1], strict=True):
            if agent.get_run_output(run).status != "CANCELLED":
                agent.continue_run(run_id=run, session_id=run)
            _judge(tallies[pair], pair, first, second, ran[run])
            tallies[pair].seconds += [took, also]
        assert not portal.call(db.runtime.list_tasks(TaskFilter(status="pending"))).tasks
    print()
    for pair, tally in tallies.items():
        times = sorted(1000 * item for item in tally.seconds)
        figures = {name: value for name, value in vars(tally).items() if name != "seconds"}
        figures |= {"p50 ms": round(times[len(times) // 2], 2), "p99 ms": round(times[len(times) * 99 // 100], 2)}
        print(f"T49 approve against {pair}:", json.dumps(figures))
    for tally in tallies.values():
        assert tally.races == rounds
        assert tally.double == tally.none == tally.unnamed == tally.wrong_effect == 0
    assert sum(tally.yes for tally in tallies.values()) > 0
    assert sum(tally.other for tally in tallies.values()) > 0
