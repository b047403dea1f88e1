"""What is stored per step and per parked run, what a parked run costs in memory, and whether growth is linear."""

import asyncio
import gc
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import flows
from bench.bare import Bare, pages
from bench.measure import Aim, Figure, Size, folder
from sayso import SqliteDb, Step, StepInput, Workflow

_AT_ONCE = 64


def bytes_per_step(size: Size) -> Iterator[Figure]:
    """Stored bytes per step beyond its 32 bytes of content: runs of 30 steps less runs of 10."""
    runs = size.of(200, 20)
    with folder() as place:
        mine, its = ({steps: _filled(place, runs, steps, ours=ours) for steps in (10, 30)} for ours in (True, False))
    per = runs * 20
    own = len(flows.CONTENT)
    yield Figure(
        what="bytes stored per step, beyond its own data",
        unit="B",
        ours=(mine[30] - mine[10]) / per - own,
        bare=(its[30] - its[10]) / per - own,
    )


def _filled(place: Path, runs: int, steps: int, *, ours: bool) -> int:
    path = place / f"{ours}-{steps}.db"
    if ours:
        flow = flows.ten(path, steps)
        asyncio.run(_many(flow, runs))
        flow.db.close()
    else:
        bare = Bare(path)
        bare.run_all(runs, steps, flows.content)
        bare.close()
    return pages(path)


def parked(size: Size) -> Iterator[Figure]:
    """10,000 parked runs: stored bytes, and what stays in the memory of the process that started them."""
    count = size.of(10_000, 100)
    with folder() as place:
        flow, bare = flows.gated(place / "ours.db"), Bare(place / "bare.db")
        empty = pages(place / "ours.db") if (place / "ours.db").exists() else pages(place / "bare.db")

        async def park() -> tuple[float, float]:
            await _many(flow, count // 5)
            await asyncio.sleep(size.of(4, 0))  # the event loop keeps cancelled timers for as long as a heartbeat
            before = memory_now()
            await _many(flow, count - count // 5)
            await asyncio.sleep(size.of(4, 0))
            after = memory_now()
            each = count - count // 5
            return (after[0] - before[0]) / each, (after[1] - before[1]) / each

        blocks, resident = asyncio.run(park())
        mine = (pages(place / "ours.db") - empty) / count
        for _ in range(size.of(2000, 100)):
            bare.park()
        its = (pages(place / "bare.db") - empty) / size.of(2000, 100)
        flow.db.close()
        bare.close()
    yield Figure(
        what=f"bytes stored per parked run ({count:,} parked)",
        unit="B",
        ours=mine,
        bare=its,
        aim=Aim(of="ours", limit=4096),
    )
    yield Figure(
        what="... live Python memory blocks per parked run", unit="blocks", ours=blocks, aim=Aim(of="ours", limit=1)
    )
    yield Figure(what="... growth of resident memory per parked run", unit="B", ours=resident)


async def _many(flow: Workflow, count: int) -> None:
    for first in range(0, count, _AT_ONCE):
        await asyncio.gather(*(flow.arun("in") for _ in range(min(_AT_ONCE, count - first))))


def memory_now() -> tuple[int, int]:
    """Return the number of live blocks of Python's allocator, and the resident bytes where the system tells."""
    gc.collect()
    blocks = sys.getallocatedblocks()
    status = Path("/proc/self/statm")
    return blocks, int(status.read_text().split()[1]) * 4096 if status.exists() else 0


async def _kibibyte(step_input: StepInput) -> str:
    return "x" * 1024


def growth(size: Size) -> Iterator[Figure]:
    """400 gated steps of 1 KiB, each continued by the run's id: the last 50 beside the first 50."""
    steps, part = size.of(400, 8), size.of(50, 2)
    with folder() as place:
        path = place / "ours.db"
        nodes = [Step(f"step {number}", _kibibyte, human_review=flows.GATE) for number in range(steps)]
        flow = Workflow("growth", steps=nodes, db=SqliteDb(path))
        sizes, times = asyncio.run(_grow(flow, steps, path, part))
        flow.db.close()
    last = steps // part - 1
    yield Figure(
        what=f"growth, {steps} gated steps of 1 KiB: stored bytes per step, last {part} (bare: first {part})",
        unit="B",
        ours=(sizes[last + 1] - sizes[last]) / part,
        bare=(sizes[1] - sizes[0]) / part,
        aim=Aim(of="ratio", limit=1.25),
    )
    yield Figure(
        what=f"... wall per gated step, last {part} (bare: first {part})",
        unit="ms",
        ours=statistics.median(times[-part:]) * 1000,
        bare=statistics.median(times[:part]) * 1000,
    )


async def _grow(flow: Workflow, steps: int, path: Path, part: int) -> tuple[list[int], list[float]]:
    run = await flow.arun("in")
    sizes, times = [pages(path)], []
    for number in range(1, steps + 1):
        began = time.perf_counter()
        run.step_requirements[-1].confirm()
        run = await flow.acontinue_run(run)
        times.append(time.perf_counter() - began)
        if number % part == 0:
            sizes.append(pages(path))
    assert run.status == "COMPLETED", run.status
    return sizes, times
