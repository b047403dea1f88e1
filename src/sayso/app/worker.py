"""`Worker`: a process's engine over one database, for runs whose caller has gone."""

import asyncio
from collections.abc import Sequence

from sayso.app.dataagents import DataAgents
from sayso.app.database import SqliteDb
from sayso.app.portal import portal
from sayso.engines.local import LocalEngine
from sayso.programs.agent.definition import AgentDefinition
from sayso.programs.agent.operations import Operations
from sayso.programs.context import Program


class Worker:
    """Advances the runs of some workflows and agents whenever they can move: after decisions, deadlines and crashes.

    Runs of agents made as data move here too, with the tools of these agents as their operations.

    Args:
        db: The database.
        workflows: The workflows and agents whose runs to advance.
        concurrency: How many at once.
        poll_seconds: How often other processes' commits are looked for.
    """

    def __init__(
        self,
        db: SqliteDb,
        workflows: Sequence[Program],
        *,
        concurrency: int = 64,
        poll_seconds: float = 0.05,
    ) -> None:
        self._db = db
        self._workflows = workflows
        self._concurrency = concurrency
        self._poll_seconds = poll_seconds
        self._stop: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    async def serve(self, stop: asyncio.Event | None = None) -> None:
        """Advance runs until `stop` is set (or for ever); runs in flight are then handed back."""
        runtime = self._db.runtime
        for workflow in self._workflows:
            runtime.register(workflow)
        if not runtime.knows_data_agents:
            operations = Operations()
            operations.add_from(item for item in self._workflows if isinstance(item, AgentDefinition))
            runtime.resolve_with(DataAgents(operations))
        engine = LocalEngine(
            runtime,
            runtime.advance,
            runtime.store.changed,
            runtime.clock.now,
            concurrency=self._concurrency,
            poll_seconds=self._poll_seconds,
        )
        await engine.run(stop or asyncio.Event())

    async def __aenter__(self) -> "Worker":
        """Start in the background of the running loop."""
        self._stop = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self.serve(self._stop))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop and hand back what is in flight."""
        if self._stop is not None and self._task is not None:
            self._stop.set()
            await self._task

    def __enter__(self) -> "Worker":
        """Start on the background loop, for sync programs."""
        return portal.call(self.__aenter__())

    def __exit__(self, *_: object) -> None:
        """Stop and hand back what is in flight."""
        portal.call(self.__aexit__())
