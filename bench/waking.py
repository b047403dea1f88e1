"""decide -> next step with an idle worker; run as a program it decides from another process."""

import asyncio
import json
import statistics
import sys
import time
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import Iterator
from pathlib import Path

from bench import flows
from bench.bare import WAKE, Bare, micros
from bench.measure import Aim, Figure, Size, folder
from sayso import SqliteDb, StepInput, Worker
from sayso.model.actors import Actor
from sayso.model.decisions import Approve
from sayso.model.tasks import UserTask

_ANA = Actor(type="user", id="ana")


class NextStep:
    """The step behind the gate: it notes when it began."""

    def __init__(self) -> None:
        self._begun = asyncio.Queue[float]()

    async def act(self, step_input: StepInput) -> str:
        self._begun.put_nowait(time.perf_counter())
        return flows.CONTENT

    async def began(self) -> float:
        return await self._begun.get()


def wake(size: Size) -> Iterator[Figure]:
    """Decide while the worker is idle; measure from before the decision to the first line of the next step."""
    rounds = size.of(41, 2)
    with folder() as place:
        mine = asyncio.run(_here(place / "ours.db", rounds))
        its = asyncio.run(_bare(place / "bare.db", rounds))
        theirs = asyncio.run(_elsewhere(place / "ours.db", rounds))
    yield Figure(
        what="decide -> next step, idle worker, same process",
        unit="ms",
        ours=statistics.median(mine) * 1000,
        bare=statistics.median(its) * 1000,
        aim=Aim(of="ours", limit=10),
    )
    yield Figure(what="... from another process's commit (median)", unit="ms", ours=statistics.median(theirs) * 1000)
    yield Figure(what="... from another process's commit (worst)", unit="ms", ours=max(theirs) * 1000)


async def _here(path: Path, rounds: int) -> list[float]:
    step, took = NextStep(), list[float]()
    flow = flows.gated(path, step.act)
    async with Worker(flow.db, [flow]):
        for _ in range(rounds):
            task = await _parked(flow)
            began = time.perf_counter()
            await flow.db.runtime.decide(task.id, Approve(), digest=task.digest, by=_ANA)
            took.append(await step.began() - began)
    flow.db.close()
    return took


async def _elsewhere(path: Path, rounds: int) -> list[float]:
    step, took = NextStep(), list[float]()
    flow = flows.gated(path, step.act)
    process = await create_subprocess_exec(sys.executable, "-m", "bench.waking", str(path), stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    async with Worker(flow.db, [flow]):
        for number in range(rounds):
            task = await _parked(flow)
            await asyncio.sleep(number % 10 * 0.005)  # at any moment between two looks of the worker
            process.stdin.write(json.dumps([task.id, task.digest]).encode() + b"\n")
            committed = float(await process.stdout.readline())
            took.append(await step.began() - committed)
        process.stdin.close()
        await process.wait()
    flow.db.close()
    return took


async def _parked(flow: flows.Workflow) -> UserTask:
    run = await flow.arun("in")
    (task,) = await flow.db.runtime.run_tasks(run.run_id)
    await asyncio.sleep(0.06)  # let the worker come to rest
    return task


async def _bare(path: Path, rounds: int) -> list[float]:
    """Commit the decision, wake a waiting coroutine, and have it commit that the run is taken."""
    bare, took = Bare(path), list[float]()
    for _ in range(rounds):
        run, bell = bare.park(), asyncio.Event()

        async def waiter(run: str = run, bell: asyncio.Event = bell) -> float:
            await bell.wait()
            now = micros()
            bare.commit((WAKE, (now, now, run)))
            return time.perf_counter()

        waiting = asyncio.create_task(waiter())
        await asyncio.sleep(0.01)
        began = time.perf_counter()
        bare.decide(run)
        bell.set()
        took.append(await waiting - began)
    bare.close()
    return took


async def decide_for(path: str) -> None:
    """Decide each task that is named on the standard input; tell when its commit had returned."""
    with SqliteDb(path) as db:
        for line in sys.stdin:
            task_id, digest = json.loads(line)
            await db.runtime.decide(task_id, Approve(), digest=digest, by=_ANA)
            print(time.perf_counter(), flush=True)


if __name__ == "__main__":
    asyncio.run(decide_for(sys.argv[1]))
