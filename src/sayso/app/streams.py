"""Streaming: a run's events as an iterator that its consumer may leave at any point; the run goes on without it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from sayso.app.database import SqliteDb
from sayso.programs.workflow.definition import WorkflowDefinition
from sayso.programs.workflow.events import ALWAYS, BaseWorkflowRunEvent
from sayso.programs.workflow.output import WorkflowRunOutput
from sayso.runtime.ports import Listener

_running: set[asyncio.Task[Any]] = set()
"""Runs whose consumer has left; the event loop alone would not keep them."""


async def stream_of(
    definition: WorkflowDefinition,
    go: Callable[[Listener | None], Coroutine[Any, Any, WorkflowRunOutput]],
    db: SqliteDb,
    *,
    fine: bool,
) -> AsyncIterator[BaseWorkflowRunEvent]:
    """Yield the events of an operation as they become true.

    Args:
        definition: The workflow, for the events' fields.
        go: The operation; it tells its listener.
        db: Whose clock stamps the events.
        fine: Whether Started and Completed events of steps and composites are wanted.
    """
    queue: asyncio.Queue[BaseWorkflowRunEvent | None] = asyncio.Queue()
    stamp = _Stamp(definition, db)

    def listen(event: object) -> None:
        if isinstance(event, BaseWorkflowRunEvent) and (fine or isinstance(event, ALWAYS)):
            queue.put_nowait(stamp(event))

    async def operate() -> None:
        try:
            await go(listen)
        finally:
            queue.put_nowait(None)

    task = asyncio.get_running_loop().create_task(operate())
    _running.add(task)
    task.add_done_callback(_running.discard)
    task.add_done_callback(_retrieve)
    while (event := await queue.get()) is not None:
        yield event
    await task


def _retrieve(task: asyncio.Task[None]) -> None:
    """Mark an error as seen: its consumer may have left, and the run's state says it too."""
    if not task.cancelled():
        task.exception()


class _Stamp:
    """Fills the fields that every event of a stream shares."""

    def __init__(self, definition: WorkflowDefinition, db: SqliteDb) -> None:
        self._definition = definition
        self._db = db
        self._run_id: str | None = None
        self._session_id: str | None = None

    def __call__(self, event: BaseWorkflowRunEvent) -> BaseWorkflowRunEvent:
        self._run_id = event.run_id = event.run_id or self._run_id
        self._session_id = event.session_id = event.session_id or self._session_id
        event.workflow_id, event.workflow_name = self._definition.id, self._definition.name
        event.created_at = int(self._db.runtime.clock.now().timestamp())
        return event
