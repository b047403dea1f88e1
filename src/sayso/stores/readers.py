"""Threads that read, each on a connection of its own, beside the writer.

They are fed like the writer, by a plain queue, because an executor's futures cost more than the reads themselves.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from sayso.model.errors import StoreUnavailable
from sayso.stores.writer import Job, Result, deliver

R = TypeVar("R")


class Reader(Protocol):
    """A connection to read from."""

    def close(self) -> None:
        """Close it."""
        ...


_Reader = TypeVar("_Reader", bound=Reader)


class Readers(Generic[_Reader]):
    """Runs units that only read, several at a time.

    Args:
        open_: Opens a connection; called on the thread that will use it.
        threads: How many read at once.
    """

    def __init__(self, open_: Callable[[], _Reader], threads: int) -> None:
        self._open = open_
        self._queue: queue.SimpleQueue[Job[_Reader] | None] = queue.SimpleQueue()
        self._most = threads
        self._threads: list[threading.Thread] = []
        self._closed = False

    async def run(self, unit: Callable[[_Reader], R]) -> R:
        """Run a unit on the next free thread.

        Raises:
            StoreUnavailable: The store was closed.
        """
        if self._closed:
            raise StoreUnavailable("Expected an open database, but it was closed.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if len(self._threads) < self._most:
            self._start()
        self._queue.put(Job(unit, future, loop))
        return await future

    def close(self) -> None:
        """Finish what is queued and stop the threads."""
        self._closed = True
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        thread = threading.Thread(target=self._serve, name="sayso-reader", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        reader: _Reader | None = None
        while (job := self._queue.get()) is not None:
            try:
                reader = reader or self._open()
                result = Result(job, value=job.unit(reader))
            except Exception as exc:  # noqa: BLE001 - the unit's own outcome
                result = Result(job, error=exc)
            deliver([result])
            del job, result  # an idle thread holds on to nothing
        if reader is not None:
            reader.close()
