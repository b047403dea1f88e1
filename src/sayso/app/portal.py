"""The sync façade: one event loop on a background thread, on which sync callers have their coroutines run.

Sync and async share one implementation: `run()` is `arun()` on this loop. The loop lives as long as the process; a
process that forks gets a new one.
"""

import asyncio
import os
import queue
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, TypeVar, cast

from sayso.model.errors import Invalid

T = TypeVar("T")


class Portal:
    """Runs coroutines on a background event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the running background loop, starting it when needed."""
        with self._lock:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=loop.run_forever, name="sayso-portal", daemon=True)
                self._thread.start()
                self._loop = loop
            return self._loop

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and return its value.

        Ctrl-C cancels it and waits until it has handed its run back; a second Ctrl-C does not wait.

        Raises:
            Invalid: Called on the portal's own loop, i.e. by an async step: it would wait for itself for ever.
        """
        loop = self.loop()
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise Invalid(
                "Expected an async step to await the async method, but it called the sync one, which would wait for"
                " itself for ever.",
                hint="Await arun, acontinue_run, ...; or make the step a plain function.",
            )
        over = threading.Event()
        future = asyncio.run_coroutine_threadsafe(_told(coroutine, over), loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            over.wait()
            raise

    def iterate(self, items: AsyncIterator[T]) -> Iterator[T]:
        """Yield what an async iterator yields; a caller that stops listening stops nothing else."""
        received: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        future = asyncio.run_coroutine_threadsafe(_pump(items, received), self.loop())
        try:
            while True:
                what, value = received.get()
                if what == "item":
                    yield cast("T", value)
                elif what == "error":
                    raise value
                else:
                    return
        finally:
            future.cancel()

    def forget(self) -> None:
        """Drop the loop after a fork: its thread exists in the parent only."""
        self._lock = threading.Lock()
        self._loop = None


async def _told(coroutine: Coroutine[Any, Any, T], over: threading.Event) -> T:
    """Await a coroutine, and tell when it is over, cancelled or not."""
    try:
        return await coroutine
    finally:
        over.set()


async def _pump(items: AsyncIterator[Any], received: "queue.SimpleQueue[tuple[str, Any]]") -> None:
    try:
        async for item in items:
            received.put(("item", item))
        received.put(("end", None))
    except Exception as exc:  # noqa: BLE001 - handed to the sync consumer, which raises it
        received.put(("error", exc))


portal = Portal()
"""The process's portal."""
os.register_at_fork(after_in_child=portal.forget)
