"""News of commits for those who wait inside this process: streams, and callers who want to see a run come to rest.

Whoever waits says up to which commit they had heard before they read: a commit between their reading and their waiting
would otherwise be slept through.
"""

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
        self._count = 0

    def heard(self) -> int:
        """Return how many commits of this process were heard of: to be asked before reading, and given to `wait`."""
        if self._stop is None:
            self._stop = self._store.watch(self._ring)
        return self._count

    async def wait(self, heard: int, seconds: float = ELSEWHERE_SECONDS) -> None:
        """Return after a commit of this process that is newer than `heard`, or after some seconds."""
        event = asyncio.Event()
        waiter = (asyncio.get_running_loop(), event)
        self._waiting.add(waiter)
        try:
            if self._count != heard:
                return
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
        self._count += 1
        for loop, event in tuple(self._waiting):
            try:
                loop.call_soon_threadsafe(event.set)
            except RuntimeError:  # that loop is closed
                self._waiting.discard((loop, event))
