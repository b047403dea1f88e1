"""News of commits for those who wait inside this process: streams, and callers who want to see a run come to rest.

Whoever waits names the runs and sessions that matter, and up to which commit they had heard before they read: a commit
between their reading and their waiting would otherwise be slept through. Commits of other processes ring nothing here;
for those a wait ends by itself after a while, and whoever waited reads again.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable

from sayso.runtime.ports import Store

ELSEWHERE_SECONDS = 0.5
"""How soon the commits of other processes are noticed."""
ANYTHING = "*"
"""What every commit is about, for those whose interest has no name: a view of many runs, tasks and claims."""
_REMEMBERED = 512
"""Commits whose subjects are known; who has not listened for longer is told to read again."""

Waiter = tuple[asyncio.AbstractEventLoop, asyncio.Event]


class News:
    """Wakes those whom a commit of this process is about.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._waiting: dict[str, set[Waiter]] = {}
        self._recent: deque[tuple[int, Collection[str]]] = deque(maxlen=_REMEMBERED)
        self._stop: Callable[[], None] | None = None
        self._count = 0

    def heard(self) -> int:
        """Return how many commits of this process were heard of: to be asked before reading, and given to `wait`."""
        if self._stop is None:
            self._stop = self._store.watch(self._ring)
        return self._count

    async def wait(self, heard: int, about: Collection[str], seconds: float = ELSEWHERE_SECONDS) -> None:
        """Return after a commit that is newer than `heard` and about one of these, or after some seconds.

        Args:
            heard: What `heard()` said before the reading that left something to wait for.
            about: Ids of runs and sessions, `rest_of` a run (see `Store.watch`), or `ANYTHING`.
            seconds: How long at most.
        """
        waiter = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            if self._missed(heard, about):
                return
            for subject in about:
                self._waiting.setdefault(subject, set()).add(waiter)
        try:
            await asyncio.wait_for(waiter[1].wait(), seconds)
        except TimeoutError:
            return
        finally:
            self._forget(waiter, about)

    def close(self) -> None:
        """Wake everybody and listen no more."""
        if self._stop is not None:
            self._stop()
            self._stop = None
        with self._lock:
            self._count += _REMEMBERED + 1  # whoever is about to wait has missed too much to wait
            self._recent.clear()
            everybody = {waiter for waiters in self._waiting.values() for waiter in waiters}
        self._wake(everybody)

    # -- inside --------------------------------------------------------------------------------------------

    def _ring(self, touched: Collection[str]) -> None:
        """Take note of a commit; called on the writer's thread."""
        touched = {*touched, ANYTHING}
        with self._lock:
            self._count += 1
            self._recent.append((self._count, touched))
            woken = {waiter for subject in touched for waiter in self._waiting.get(subject, ())}
        self._wake(woken)

    def _missed(self, heard: int, about: Collection[str]) -> bool:
        """Tell whether something about these was committed since; also where nobody can tell any more."""
        if self._count - heard > len(self._recent):
            return True
        newer = (touched for count, touched in self._recent if count > heard)
        return any(subject in touched for touched in newer for subject in about)

    def _wake(self, waiters: Iterable[Waiter]) -> None:
        for loop, event in waiters:
            try:
                loop.call_soon_threadsafe(event.set)
            except RuntimeError:  # that loop is closed, and its waiters with it
                continue

    def _forget(self, waiter: Waiter, about: Collection[str]) -> None:
        with self._lock:
            for subject in about:
                others = self._waiting.get(subject, set())
                others.discard(waiter)
                if not others:
                    self._waiting.pop(subject, None)
