"""Streaming: a run's events as an iterator that its consumer may leave at any point; the run goes on without it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from sayso.runtime.ports import Clock, Listener

_running: set[asyncio.Task[Any]] = set()
"""Runs whose consumer has left; the event loop alone would not keep them."""


class Stamp:
    """Fills in the fields that every event of a stream shares, and drops those that were not asked for.

    Args:
        clock: The time.
        run_id: The run, where it is known before its first event.
        admit: Fills in what is particular to a kind of event; False drops it.
    """

    def __init__(self, clock: Clock, run_id: str | None, admit: Callable[[Any], bool]) -> None:
        self._clock = clock
        self._run_id = run_id
        self._session_id: str | None = None
        self._admit = admit

    def __call__(self, event: Any) -> Any | None:
        """Return the event as its consumer sees it, or None."""
        if not self._admit(event):
            return None
        self._run_id = event.run_id = event.run_id or self._run_id
        self._session_id = event.session_id = event.session_id or self._session_id
        event.created_at = int(self._clock.now().timestamp())
        return event


async def stream_of(
    go: Callable[[Listener | None], Coroutine[Any, Any, Any]], stamp: Callable[[object], object | None]
) -> AsyncIterator[Any]:
    """Yield the events of an operation as they become true.

    Args:
        go: The operation; it tells its listener.
        stamp: Fills in the fields that the events share; None drops an event that was not asked for.
    """
    queue: asyncio.Queue[object | None] = asyncio.Queue()

    def listen(event: object) -> None:
        stamped = stamp(event)
        if stamped is not None:
            queue.put_nowait(stamped)

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
