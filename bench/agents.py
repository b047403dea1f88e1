"""An agent's turn with one gated call, and a conversation that pauses in every turn."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import flows
from bench.bare import Bare, pages
from bench.measure import Aim, Figure, Size, by_turns, folder, pair
from sayso import Agent, SqliteDb, tool
from sayso.testing import ScriptedModel, call


@tool(requires_confirmation=True)
async def pay(amount: float) -> str:
    """Pay money."""
    return flows.CONTENT


def payer(path: Path) -> Agent:
    return Agent("bench", model=ScriptedModel([call("pay", amount=5), "done"]), tools=[pay], db=SqliteDb(path))


def gated_call(size: Size) -> Iterator[Figure]:
    """Start to paused: two commits. Decide to done: decide, start, outcome, end: four commits."""
    each = size.of(30, 2)
    with folder() as place, asyncio.Runner() as loop:
        agent, bare = payer(place / "ours.db"), Bare(place / "bare.db")
        mine: list[Any] = []
        its: list[str] = []

        async def start() -> None:
            mine[:] = [await agent.arun("in") for _ in range(each)]

        async def decide() -> None:
            for output in mine:
                output.active_requirements[0].confirm()
                done = await agent.acontinue_run(output)
                assert done.status == "COMPLETED", done

        def bare_start() -> None:
            its[:] = [bare.park() for _ in range(each)]

        def bare_decide() -> None:
            for run in its:
                bare.called(run, flows.content)

        costs = by_turns(size.of(15, 1), lambda: loop.run(start()), bare_start, lambda: loop.run(decide()), bare_decide)
        agent.db.close()
        bare.close()
    yield from pair("agent, one gated call: start -> paused", costs[0], costs[1], each=each, aim=None)
    yield from pair("agent, one gated call: decide -> done", costs[2], costs[3], each=each, aim=None)


def conversation(size: Size) -> Iterator[Figure]:
    """Fifty turns in one run, each a message that is answered and waited for: the last ten beside the first ten."""
    turns, part = size.of(50, 6), size.of(10, 2)
    with folder() as place:
        path = place / "ours.db"
        model = ScriptedModel(lambda request: call("reply_and_wait", message="x" * 200))
        agent = Agent("bench", model=model, db=SqliteDb(path), max_iterations=turns + 1)
        sizes, times = asyncio.run(_talk(agent, turns, path))
        agent.db.close()
    yield Figure(
        what=f"conversation of {turns} turns: stored bytes per turn, last {part} (bare: first {part})",
        unit="B",
        ours=(sizes[-1] - sizes[-1 - part]) / part,
        bare=(sizes[part] - sizes[0]) / part,
        aim=Aim(of="ratio", limit=1.25),
    )
    yield Figure(
        what=f"... wall per turn, last {part} (bare: first {part})",
        unit="ms",
        ours=statistics.median(times[-part:]) * 1000,
        bare=statistics.median(times[:part]) * 1000,
    )


async def _talk(agent: Agent, turns: int, path: Path) -> tuple[list[int], list[float]]:
    output = await agent.arun("hello")
    sizes, times = [pages(path)], []
    for _ in range(turns - 1):
        began = time.perf_counter()
        output.active_requirements[0].answer("y" * 200)
        output = await agent.acontinue_run(output)
        times.append(time.perf_counter() - began)
        sizes.append(pages(path))
    assert output.is_paused, output.status
    return sizes, times
