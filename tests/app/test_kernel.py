"""The kernel's contract with programs: children, timers, events, fences, and journals that contradict themselves."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso import SqliteDb
from sayso.core.codec import json_bytes
from sayso.model.actors import Actor
from sayso.model.errors import JournalCorrupt, LeaseLost, StepFailed
from sayso.model.ids import RunId
from sayso.model.journal import EntryKind, NewEntry
from sayso.model.runs import RunState
from sayso.programs.context import ChildSpec, Context
from sayso.runtime.door import Runtime, Times
from sayso.testing import CountingIds, FakeClock

ANA = Actor(type="user", id="ana")
Body = Callable[[Context, dict[str, Any]], Awaitable[Any]]


class Code:
    """A program made of one coroutine function."""

    def __init__(self, name: str, body: Body) -> None:
        self.name = name
        self.body = body

    def shape(self) -> dict[str, str]:
        return {}

    def execution(self) -> "Code":
        return self

    async def run(self, ctx: Context, started: dict[str, Any]) -> Any:
        return await self.body(ctx, started)


class World:
    """A runtime over a database with a clock that stands still."""

    def __init__(self, file: Path | None) -> None:
        self.clock = FakeClock()
        self.db = SqliteDb(file, clock=self.clock, ids=CountingIds(), synchronous="NORMAL")
        self.runtime: Runtime = self.db.runtime

    def register(self, name: str, body: Body) -> None:
        self.runtime.register(Code(name, body))

    async def start(self, name: str, given: Any = None) -> Any:
        claimed = await self.runtime.start(name, {"input": given})
        return await self.runtime.advance(claimed.run.id, held=claimed)

    async def drain(self) -> None:
        while ready := await self.runtime.ready_runs(limit=10):
            for run_id in ready:
                await self.runtime.advance(run_id)


@pytest.fixture(params=["file", "memory"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The contract is the same wherever the rows live."""
    made = World(tmp_path / "s.db" if request.param == "file" else None)
    yield made
    made.db.close()


def test_a_parent_waits_for_its_child_and_gets_its_output(world: World) -> None:
    async def child(ctx: Context, started: dict[str, Any]) -> Any:
        return started["input"] * 2

    async def parent(ctx: Context, started: dict[str, Any]) -> Any:
        return await ctx.spawn("half", ChildSpec(program="child", input=started["input"])) + 1

    async def scenario() -> Any:
        world.register("child", child)
        world.register("parent", parent)
        rest = await world.start("parent", 4)
        assert rest.state is RunState.WAITING
        await world.drain()
        return await world.runtime.peek(rest.run.id)

    rest = asyncio.run(scenario())
    assert (rest.state, rest.output) == (RunState.COMPLETED, 9)


def test_a_child_that_fails_fails_the_step_that_waits_for_it(world: World) -> None:
    async def child(ctx: Context, started: dict[str, Any]) -> Any:
        raise RuntimeError("down")

    async def parent(ctx: Context, started: dict[str, Any]) -> Any:
        try:
            return await ctx.spawn("c", ChildSpec(program="child", input=None))
        except StepFailed as exc:
            return f"{exc.error_type}: {exc.error_message}"

    async def scenario() -> Any:
        world.register("child", child)
        world.register("parent", parent)
        rest = await world.start("parent")
        await world.drain()
        return await world.runtime.peek(rest.run.id)

    assert asyncio.run(scenario()).output == "RuntimeError: down"


def test_cancelling_a_parent_ends_its_whole_tree(world: World) -> None:
    async def grandchild(ctx: Context, started: dict[str, Any]) -> Any:
        await ctx.sleep("for ever", await ctx.now("now") + timedelta(days=365))

    def spawning(name: str) -> Body:
        async def body(ctx: Context, started: dict[str, Any]) -> Any:
            return await ctx.spawn("c", ChildSpec(program=name, input=None))

        return body

    async def scenario() -> list[str]:
        world.register("grandchild", grandchild)
        world.register("child", spawning("grandchild"))
        world.register("parent", spawning("child"))
        rest = await world.start("parent")
        await world.drain()
        assert await world.runtime.cancel(rest.run.id, by=ANA)
        return [run.state for run in await world.runtime.list_runs()]

    assert asyncio.run(scenario()) == ["cancelled"] * 3


def test_a_timer_holds_no_worker_and_fires_once(world: World) -> None:
    done: list[str] = []

    async def sleeper(ctx: Context, started: dict[str, Any]) -> Any:
        await ctx.sleep("nap", await ctx.now("begun") + timedelta(hours=1))

        async def act() -> str:
            done.append("woke")
            return "woke"

        return await ctx.step("act", act)

    async def scenario() -> Any:
        world.register("sleeper", sleeper)
        rest = await world.start("sleeper")
        assert rest.state is RunState.WAITING
        assert await world.runtime.next_ready_at() == world.clock.now() + timedelta(hours=1)
        await world.drain()
        assert done == []
        world.clock.advance(hours=1)
        await world.drain()
        await world.drain()
        return await world.runtime.load_run(rest.run.id)

    assert asyncio.run(scenario()).state is RunState.COMPLETED
    assert done == ["woke"]


def test_an_emitted_event_is_journaled_once(world: World) -> None:
    told: list[object] = []

    async def teller(ctx: Context, started: dict[str, Any]) -> Any:
        await ctx.emit("news", {"n": 1})
        await ctx.sleep("nap", await ctx.now("begun") + timedelta(hours=1))

    async def scenario() -> list[Any]:
        world.register("teller", teller)
        claimed = await world.runtime.start("teller", {})
        await world.runtime.advance(claimed.run.id, held=claimed, listener=told.append)
        world.clock.advance(hours=1)
        await world.runtime.advance(claimed.run.id, listener=told.append)
        return await world.runtime.store.read(lambda tx: tx.load_entries(claimed.run.id, after=0))

    kinds = [entry.kind for entry in asyncio.run(scenario())]
    assert told == [{"n": 1}]
    assert kinds.count(EntryKind.EMITTED) == 1


def test_a_stale_worker_writes_nothing(world: World) -> None:
    """T4 with a clock that stands still: the lease ends, another takes over, and the first one's outcome is refused."""
    ran: list[str] = []

    async def scenario() -> Any:
        begun, gone_on = asyncio.Event(), asyncio.Event()

        def body(slow: bool) -> Body:
            async def run(ctx: Context, started: dict[str, Any]) -> Any:
                async def act() -> str:
                    if slow:
                        begun.set()
                        await gone_on.wait()
                    ran.append("slow" if slow else "fast")
                    return ran[-1]

                return await ctx.step("act", act)

            return run

        world.register("p", body(slow=True))
        claimed = await world.runtime.start("p", {})
        first = asyncio.create_task(world.runtime.advance(claimed.run.id, held=claimed))
        await begun.wait()
        world.clock.advance(11)
        other = Runtime(world.runtime.store, clock=world.clock, ids=CountingIds(), times=Times())
        other.register(Code("p", body(slow=False)))
        rest = await other.advance(claimed.run.id)
        gone_on.set()
        with pytest.raises(LeaseLost):
            await first
        entries = await world.runtime.store.read(lambda tx: tx.load_entries(claimed.run.id, after=0))
        return rest.output, [entry.kind for entry in entries]

    output, kinds = asyncio.run(scenario())
    assert output == "fast"
    assert kinds == [EntryKind.STARTED, EntryKind.STEP, EntryKind.FINISHED]
    assert ran == ["fast", "slow"]


def test_a_journal_with_two_outcomes_for_one_key_is_left_alone(world: World) -> None:
    async def body(ctx: Context, started: dict[str, Any]) -> Any:
        await ctx.sleep("nap", await ctx.now("begun") + timedelta(hours=1))

    async def scenario() -> None:
        world.register("p", body)
        rest = await world.start("p")
        entry = NewEntry("begun", EntryKind.STEP, world.clock.now(), json_bytes({"v": 1}))
        await world.runtime.store.run(lambda tx: tx.wake_run(rest.run.id, [entry], now=world.clock.now()))
        with pytest.raises(JournalCorrupt, match="'begun'"):
            await world.runtime.advance(RunId(rest.run.id))
        run = await world.runtime.load_run(rest.run.id)
        assert run.state is RunState.WAITING
        assert "two" in str(run.problem)

    asyncio.run(scenario())


def test_large_values_are_stored_once_beside_the_journal(world: World) -> None:
    async def body(ctx: Context, started: dict[str, Any]) -> Any:
        async def act() -> str:
            return "x" * 200_000

        value = await ctx.step("act", act)
        await ctx.sleep("nap", await ctx.now("begun") + timedelta(hours=1))
        return len(value)

    async def scenario() -> Any:
        world.register("p", body)
        rest = await world.start("p")
        world.clock.advance(hours=1)
        return await world.runtime.advance(rest.run.id)

    assert asyncio.run(scenario()).output == 200_000
