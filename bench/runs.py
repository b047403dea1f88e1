"""A run of ten steps, and a run that pauses at once, one after the other in one event loop."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from bench import flows
from bench.bare import Bare
from bench.measure import Aim, Figure, Size, by_turns, folder, pair

FOUR_TIMES = Aim(of="ratio", limit=4)
STEPS = 10


def ten_steps(size: Size) -> Iterator[Figure]:
    """Ten async steps: eleven commits."""
    yield from _ten(size, "10-step run, async steps", flows.quick, FOUR_TIMES)


def ten_sync_steps(size: Size) -> Iterator[Figure]:
    """Ten sync steps, each in a thread: eleven commits."""
    yield from _ten(size, "10-step run, sync steps in threads", flows.in_thread, None)


def _ten(size: Size, what: str, executor: Callable[..., Any], aim: Aim | None) -> Iterator[Figure]:
    each = size.of(20, 2)
    with folder() as place, asyncio.Runner() as loop:
        flow, bare = flows.ten(place / "ours.db", STEPS, executor), Bare(place / "bare.db")

        async def ours() -> None:
            for _ in range(each):
                await flow.arun("in")

        def theirs() -> None:
            for _ in range(each):
                bare.run(STEPS, flows.content)

        mine, its = by_turns(size.of(21, 1), lambda: loop.run(ours()), theirs)
        flow.db.close()
        bare.close()
    yield from pair(what, mine, its, each=each, aim=aim)


def start_to_paused(size: Size) -> Iterator[Figure]:
    """Start, and pause before the first step: two commits."""
    each = size.of(50, 2)
    with folder() as place, asyncio.Runner() as loop:
        flow, bare = flows.gated(place / "ours.db"), Bare(place / "bare.db")

        async def ours() -> None:
            for _ in range(each):
                await flow.arun("in")

        def theirs() -> None:
            for _ in range(each):
                bare.park()

        mine, its = by_turns(size.of(21, 1), lambda: loop.run(ours()), theirs)
        flow.db.close()
        bare.close()
    yield from pair("start -> paused", mine, its, each=each, aim=FOUR_TIMES)


def crowd(size: Size) -> Iterator[Figure]:
    """64 runs at once; the bare driver advances all 64 in lockstep, one commit per transition."""
    many = size.of(64, 4)
    with folder() as place, asyncio.Runner() as loop:
        flow, bare = flows.ten(place / "ours.db", STEPS), Bare(place / "bare.db")

        async def ours() -> None:
            await asyncio.gather(*(flow.arun("in") for _ in range(many)))

        mine, its = by_turns(size.of(21, 1), lambda: loop.run(ours()), lambda: bare.run_all(many, STEPS, flows.content))
        flow.db.close()
        bare.close()
    yield Figure(
        what=f"{many} runs at once, 10 steps each",
        unit="runs/s",
        ours=many / mine.wall,
        bare=many / its.wall,
        aim=Aim(of="ratio", limit=1 / 3, at_least=True),
    )
    yield Figure(what="... CPU per run", unit="ms", ours=mine.cpu / many * 1000, bare=its.cpu / many * 1000)
