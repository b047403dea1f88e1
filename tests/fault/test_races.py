"""Several processes that decide and continue at once: one decision, one execution, and a clear answer to the rest."""

import json
import multiprocessing as mp
from pathlib import Path
from typing import Any

from sayso import SqliteDb
from tests.fault.flows import Effects, build

_PROCESSES = 4
_ROUNDS = 60
_EXPECTED = {"AlreadyDecided", "RunNotPaused", "TaskClosed", "UnresolvedTasks"}


def _racer(number: int, folder: Path, start: Any, results: Any) -> None:
    """Race through every round: continue with a decision of one's own."""
    for round_ in range(_ROUNDS):
        path = folder / f"{round_}.db"
        with SqliteDb(path) as db:
            workflow = build("confirm", db, Effects(folder / f"{round_}.log"))
            output = workflow.get_run_output("run_1")
            requirement = output.step_requirements[0]
            if round_ % 2 and number % 2:
                requirement.reject("no")
            else:
                requirement.confirm()
            start.wait(30)
            try:
                done = workflow.continue_run(output, decided_by=f"racer {number}")
                results.put((round_, number, done.status.value, None))
            except ValueError as exc:
                results.put((round_, number, None, type(exc).__name__))
            start.wait(30)


def test_four_processes_continue_the_same_run(tmp_path: Path) -> None:
    for round_ in range(_ROUNDS):
        with SqliteDb(tmp_path / f"{round_}.db") as db:
            build("confirm", db, Effects(tmp_path / f"{round_}.log")).run("x", run_id="run_1", session_id="ses_1")
    context = mp.get_context("spawn")
    start, results = context.Barrier(_PROCESSES), context.Queue()
    racers = [context.Process(target=_racer, args=(n, tmp_path, start, results)) for n in range(_PROCESSES)]
    for racer in racers:
        racer.start()
    answers = [results.get(timeout=100) for _ in range(_PROCESSES * _ROUNDS)]
    for racer in racers:
        racer.join(30)
    refused = [error for _, _, _, error in answers if error is not None]
    assert set(refused) <= _EXPECTED
    assert {status for _, _, status, _ in answers if status is not None} == {"COMPLETED"}
    doubled = 0
    for round_ in range(_ROUNDS):
        attempts = Effects(tmp_path / f"{round_}.log").attempts()
        doubled += any(count > 1 for count in attempts.values())
        with SqliteDb(tmp_path / f"{round_}.db") as db:
            output = build("confirm", db, Effects(tmp_path / "none.log")).get_run_output("run_1")
        decided = output.step_requirements[0]
        assert decided.decided_by is not None
        assert (attempts["two"] == 1) == (decided.confirmed is True), "what was decided is not what ran"
    figures = {"races": _ROUNDS, "processes": _PROCESSES, "refused": len(refused), "doubled": doubled}
    print("\ncontinue races:", json.dumps(figures))
    assert doubled == 0
    assert len(refused) >= _ROUNDS // 2, "there was no race"


def _decider(number: int, path: Path, tasks: list[tuple[str, str]], start: Any, results: Any) -> None:
    import asyncio

    from sayso.model.actors import Actor
    from sayso.model.decisions import Approve, Reject
    from sayso.model.errors import AlreadyDecided

    async def decide_all(db: SqliteDb) -> None:
        for task_id, digest in tasks:
            verdict = Approve() if number % 2 else Reject(note="no")
            by = Actor(type="user", id=f"decider {number}")
            start.wait(30)
            try:
                await db.runtime.decide(task_id, verdict, digest=digest, by=by)
                results.put((task_id, str(by), None))
            except AlreadyDecided as exc:
                results.put((task_id, str(by), exc.by))

    with SqliteDb(path) as db:
        asyncio.run(decide_all(db))


def test_four_processes_decide_the_same_tasks(tmp_path: Path) -> None:
    races, path = 200, tmp_path / "sayso.db"
    with SqliteDb(path, synchronous="NORMAL") as db:
        workflow = build("confirm", db, Effects(tmp_path / "effects.log"))
        outputs = [workflow.run("x") for _ in range(races)]
        tasks = [(output.step_requirements[0].id, str(output.step_requirements[0].digest)) for output in outputs]
    context = mp.get_context("spawn")
    start, results = context.Barrier(_PROCESSES), context.Queue()
    deciders = [context.Process(target=_decider, args=(n, path, tasks, start, results)) for n in range(_PROCESSES)]
    for decider in deciders:
        decider.start()
    answers = [results.get(timeout=100) for _ in range(_PROCESSES * races)]
    for decider in deciders:
        decider.join(30)
    winners: dict[str, list[str]] = {}
    for task_id, by, beaten_by in answers:
        if beaten_by is None:
            winners.setdefault(task_id, []).append(by)
    assert len(winners) == races
    assert all(len(names) == 1 for names in winners.values())
    assert all(beaten_by in (None, winners[task_id][0]) for task_id, _, beaten_by in answers)
    spread = len({names[0] for names in winners.values()})
    print("\ndecide races:", json.dumps({"races": races, "double decisions": 0, "distinct winners": spread}))


def _opener(folder: Path, start: Any) -> None:
    for round_ in range(20):
        start.wait(30)
        path = folder / f"{round_}.db"
        with SqliteDb(path) as db:
            build("confirm", db, Effects(path.with_suffix(".log"))).run("x")


def test_two_processes_make_the_same_new_file(tmp_path: Path) -> None:
    context = mp.get_context("spawn")
    start = context.Barrier(2)
    openers = [context.Process(target=_opener, args=(tmp_path, start)) for _ in range(2)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(90)
    assert [opener.exitcode for opener in openers] == [0, 0]
