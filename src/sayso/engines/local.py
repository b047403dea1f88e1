"""The embedded engine: asyncio workers inside the process.

It looks for runs that can move, and hands each to `advance`. In-process wake-ups come by callback; other processes'
commits are noticed by a cheap poll of the database's change counter; times that come due are read from the store.
Duplicates are harmless, because a run can be claimed once only, so nothing here has to be trusted with correctness.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

import structlog

_log = structlog.get_logger("sayso.engine")


class Door(Protocol):
    """What the engine needs of the runtime."""

    async def ready_runs(self, *, limit: int) -> Sequence[Any]:
        """Return ids of runs that can move now."""
        ...

    async def next_ready_at(self) -> datetime | None:
        """Return when the next run becomes ready."""
        ...

    async def expire_due(self) -> Sequence[Any]:
        """Carry out passed deadlines."""
        ...

    def watch(self, callback: Callable[[Any], None]) -> Callable[[], None]:
        """Call back when a run of this process can move; return how to stop that."""
        ...


class LocalEngine:
    """Advances every run that can move, until it is stopped.

    Args:
        door: The runtime.
        advance: Takes one run as far as it goes.
        changed: Tells whether another process has committed.
        now: The time.
        concurrency: How many runs are advanced at once.
        poll_seconds: How often other processes' commits are looked for.
    """

    def __init__(
        self,
        door: Door,
        advance: Callable[[Any], Awaitable[Any]],
        changed: Callable[[], Awaitable[bool]],
        now: Callable[[], datetime],
        *,
        concurrency: int = 64,
        poll_seconds: float = 0.05,
    ) -> None:
        self._door = door
        self._advance = advance
        self._changed = changed
        self._now = now
        self._concurrency = concurrency
        self._poll_seconds = poll_seconds
        self._active: dict[Any, asyncio.Task[None]] = {}
        self._bell = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def run(self, stop: asyncio.Event) -> None:
        """Advance runs until `stop` is set; then those in flight are handed back."""
        unwatch = self._door.watch(self._ring)
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                self._bell.clear()
                await self._round()
                await self._rest(stopping)
        finally:
            unwatch()
            stopping.cancel()
            await self._hand_back()

    # -- inside ------------------------------------------------------------------------------------------

    def _ring(self, run_id: Any) -> None:
        del run_id
        try:
            self._loop.call_soon_threadsafe(self._bell.set)
        except RuntimeError:  # the loop is closed: the engine is gone
            return

    async def _round(self) -> None:
        try:
            await self._door.expire_due()
            free = self._concurrency - len(self._active)
            for run_id in await self._door.ready_runs(limit=max(free, 0)) if free > 0 else ():
                if run_id not in self._active:
                    self._active[run_id] = asyncio.create_task(self._one(run_id))
        except Exception as exc:  # noqa: BLE001 - the database may be away for a while; the next round tries again
            _log.warning("looking for runs failed", error=str(exc))

    async def _one(self, run_id: Any) -> None:
        try:
            await self._advance(run_id)
        except Exception as exc:  # noqa: BLE001 - the run's own state says what happened; others go on
            _log.warning("a run could not be advanced", run=run_id, error=str(exc))
        finally:
            self._active.pop(run_id, None)
            self._bell.set()

    async def _rest(self, stopping: "asyncio.Future[Any]") -> None:
        """Wait for a wake-up, another process's commit, a time that comes due, or the end."""
        due = await self._next_due()
        bell = asyncio.ensure_future(self._bell.wait())
        try:
            while not (bell.done() or stopping.done()):
                wait = (
                    self._poll_seconds
                    if due is None
                    else min(self._poll_seconds, max((due - self._now()).total_seconds(), 0))
                )
                await asyncio.wait({bell, stopping}, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                if (due is not None and due <= self._now()) or await self._foreign_change():
                    return
        finally:
            bell.cancel()

    async def _next_due(self) -> datetime | None:
        try:
            due = await self._door.next_ready_at()
        except Exception as exc:  # noqa: BLE001 - see _round
            _log.warning("reading the next due time failed", error=str(exc))
            return None
        # A run that is being advanced here is due only when its lease ends, and then it is not ours to see.
        return None if due is not None and due <= self._now() and self._active else due

    async def _foreign_change(self) -> bool:
        try:
            return await self._changed()
        except Exception as exc:  # noqa: BLE001 - see _round
            _log.warning("polling for changes failed", error=str(exc))
            return True

    async def _hand_back(self) -> None:
        tasks = list(self._active.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
