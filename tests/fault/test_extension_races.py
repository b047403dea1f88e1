"""More time, an answer and the deadline at the same moment, between processes: every order has one outcome.

Deadlines are raced by clocks that differ: for one process the time is not over yet, for the other it is. What counts is
in the rows, in the journal and in the audit log alike.
"""

import asyncio
import json
import multiprocessing as mp
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, SqliteDb, tool
from sayso.app.portal import portal
from sayso.core.codec import plain_of
from sayso.core.instants import from_micros
from sayso.model.actors import Actor
from sayso.model.decisions import Approve
from sayso.model.errors import SaysoError
from sayso.model.ids import RunId, TaskId
from sayso.model.journal import EntryKind
from sayso.runtime.units import expire
from sayso.testing import FakeClock, ScriptedModel, call

MINUTE = timedelta(seconds=60)
SETS: dict[str, tuple[str, ...]] = {
    "extend, extend": ("extend", "extend"),
    "extend, decide": ("extend", "decide"),
    "extend, expire": ("extend", "expire"),
    "extend, end": ("extend", "end"),
    "all four": ("extend", "extend", "decide", "expire"),
}
"""What each process does in one race."""
LEGAL = {
    "extend, extend": {("extend",)},
    "extend, decide": {("decide",), ("decide", "extend")},
    "extend, expire": {("expire",), ("extend",)},
    "extend, end": {("end",), ("end", "extend")},
    "all four": {("decide",), ("decide", "extend"), ("expire",), ("extend",)},
}
"""Who may have succeeded: an answer after more time counts, the deadline after it does not, and no two presses do."""
TOLD = {
    "extend": {"DeadlineMoved", "AlreadyDecided", "TaskClosed"},
    "decide": {"AlreadyDecided", "TaskClosed"},
    "expire": set[str](),
    "end": set[str](),
}


def payer(db: SqliteDb, ran: Counter[str]) -> Agent:
    @tool(requires_confirmation=True, approval_timeout=60)
    def pay(ctx: Any, amount: float) -> str:
        """Pay."""
        ran[ctx.run_id] += 1
        return "paid"

    return Agent("payer", model=ScriptedModel([call("pay", amount=5), "done"]), tools=[pay], db=db)


async def _move(db: SqliteDb, what: str, task: dict[str, Any], number: int) -> bool:
    by, runtime = Actor(type="user", id=f"racer {number}"), db.runtime
    match what:
        case "extend":
            await runtime.extend(task["id"], by=by, shown=task["due"])
            return True
        case "decide":
            await runtime.decide(task["id"], Approve(), digest=task["digest"], by=by)
            return True
        case "end":
            return await runtime.cancel(RunId(task["run"]), by=by)
        case _:
            return await runtime.store.run(lambda tx: _expire(tx, task["id"], runtime.clock.now()))


def _expire(tx: Any, task_id: TaskId, now: Any) -> bool:
    """Carry the deadline out, as whoever saw it passed a moment ago would."""
    return expire(tx, tx.find_task(task_id), now)


def _racer(number: int, path: Path, races: list[tuple[str, dict[str, Any]]], barriers: Any, results: Any) -> None:
    said: list[tuple[int, str, str]] = []

    async def go(db: SqliteDb) -> None:
        at = 0
        for index, (name, task) in enumerate(races):
            moves = SETS[name]
            if number >= len(moves):
                continue
            wanted = 61 if moves[number] == "expire" else 30  # the deadline is at 60
            clock.advance(wanted - at)
            at = wanted
            barriers[len(moves)].wait(60)
            try:
                outcome = "won" if await _move(db, moves[number], task, number) else "nothing"
            except SaysoError as exc:
                outcome = type(exc).__name__
            said.append((index, moves[number], outcome))

    clock = FakeClock()
    with SqliteDb(path, clock=clock) as db:
        portal.call(db.runtime.open())  # the sweep of an opening process, before any deadline is over
        asyncio.run(go(db))
    results.put(said)


def _held(db: SqliteDb, run: str, task: dict[str, Any], won: tuple[str, ...]) -> None:
    """Expect rows, journal and audit log to tell the one story that has happened."""
    row, entries, audit = portal.call(
        db.runtime.store.read(
            lambda tx: (
                tx.find_task(task["id"]),
                tx.load_entries(RunId(run), after=0),
                [item.action for item in tx.audit.of("default", task["id"])],
            )
        )
    )
    more = [from_micros(plain_of(entry.data)["due"]) for entry in entries if entry.kind is EntryKind.EXTENDED]
    answers = [entry for entry in entries if entry.kind is EntryKind.DECIDED]
    assert more == ([task["due"] + MINUTE] if "extend" in won else [])
    assert row.due_at == (more or [task["due"]])[-1]
    assert len(answers) == ("decide" in won or "expire" in won)
    assert audit.count("task.extended") == len(more)
    assert audit.count("task.decided") == ("decide" in won)
    assert audit.count("task.expired") == ("expire" in won)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("rounds", [40, pytest.param(200, marks=pytest.mark.slow)])
def test_processes_race_more_time(tmp_path: Path, rounds: int) -> None:
    path, ran = tmp_path / "s.db", Counter[str]()
    races: list[tuple[str, dict[str, Any]]] = []
    with SqliteDb(path, clock=FakeClock(), synchronous="NORMAL") as db:
        agent = payer(db, ran)
        for number, name in ((number, name) for number in range(rounds) for name in SETS):
            item = agent.run("x", run_id=f"{name} {number}", session_id=f"{name} {number}").active_requirements[0]
            task = {"id": item.id, "digest": item.digest, "run": f"{name} {number}", "due": item.timeout_at}
            races.append((name, task))
    context = mp.get_context("spawn")
    barriers = {size: context.Barrier(size) for size in (2, 4)}
    results = context.Queue()
    racers = [context.Process(target=_racer, args=(number, path, races, barriers, results)) for number in range(4)]
    for racer in racers:
        racer.start()
    said = sorted(item for _ in racers for item in results.get(timeout=1200))
    for racer in racers:
        racer.join(60)
    tallies = {name: Counter[str]() for name in SETS}
    with SqliteDb(path, clock=FakeClock(), synchronous="NORMAL") as db:
        agent = payer(db, ran)
        for index, (name, task) in enumerate(races):
            mine = [(what, outcome) for number, what, outcome in said if number == index]
            assert len(mine) == len(SETS[name])
            won = tuple(sorted(what for what, outcome in mine if outcome == "won"))
            assert won in LEGAL[name], (name, mine)
            assert all(outcome in {"won", "nothing", *TOLD[what]} for what, outcome in mine), mine
            _held(db, task["run"], task, won)
            tallies[name][" then ".join(sorted(won, key=lambda what: what != "extend"))] += 1
            output = agent.get_run_output(task["run"])
            if "decide" in won or "expire" in won:
                output = agent.continue_run(run_id=task["run"], session_id=task["run"])
            assert ran[task["run"]] == ("decide" in won)
            wanted = "COMPLETED" if {"decide", "expire"} & set(won) else "CANCELLED" if "end" in won else "PAUSED"
            assert output.status == wanted
    print()
    for name, tally in tallies.items():
        print(f"races of {name}:", json.dumps(dict(tally)))
    assert sum(tally["extend"] for tally in tallies.values()) > 0
    assert tallies["extend, decide"]["extend then decide"] + tallies["extend, decide"]["decide"] == rounds
