"""News of commits for those who wait inside this process: streams, and callers who want to see a run come to rest."""

import asyncio
from collections.abc import Callable

from sayso.runtime.ports import Store

ELSEWHERE_SECONDS = 0.5
"""How soon the commits of other processes are noticed."""


class News:
    """Wakes its waiters after every commit of this process.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._stop: Callable[[], None] | None = None

    async def wait(self, seconds: float = ELSEWHERE_SECONDS) -> None:
        """Return after the next commit of this process, or after some seconds; what changed is not told."""
        if self._stop is None:
            self._stop = self._store.watch(self._ring)
        event = asyncio.Event()
        waiter = (asyncio.get_running_loop(), event)
        self._waiting.add(waiter)
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return
        finally:
            self._waiting.discard(waiter)

    def close(self) -> None:
        """Wake everybody and listen no more."""
        if self._stop is not None:
            self._stop()
            self._stop = None
        self._ring()

    def _ring(self) -> None:
        for loop, event in tuple(self._waiting):
            try:
                loop.call_soon_threadsafe(event.set)
            except RuntimeError:  # that loop is closed
                self._waiting.discard((loop, event))
