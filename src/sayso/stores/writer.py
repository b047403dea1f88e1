"""The one thread that writes to an SQLite file, with group commit.

Everything that was queued while the last commit was running goes into the next transaction, so that one fsync makes
many units durable. When a unit fails, all are rolled back and run once more, each under its own savepoint, so that it
takes nobody with it; a unit is a function of the transaction alone and may be run again. Results are delivered only
after the commit: what a caller has seen is durable.
"""

import asyncio
import contextlib
import queue
import threading
import traceback
from collections.abc import Callable, Collection
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

import structlog

from sayso.stores.transaction import SqlTransaction

_MOST_PER_COMMIT = 512
_log = structlog.get_logger("sayso.store")

Phase = Literal["before_commit", "after_commit"]
_Over = TypeVar("_Over")


class CommitObserver(Protocol):
    """Told around every commit; the fault tests crash the process here."""

    def __call__(self, phase: Phase, units: int) -> None:
        """Take note of a commit of `units` units that is about to happen or has just happened."""
        ...


class Connection(Protocol):
    """What the writer needs of a driver's connection."""

    def execute(self, sql: str, /) -> Any:
        """Run one statement."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class Job(NamedTuple, Generic[_Over]):
    """A unit, over a transaction or a reader, with the future that waits for it."""

    unit: Callable[[_Over], Any]
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop


class Result(NamedTuple):
    """What became of a unit."""

    job: Job[Any]
    value: Any = None
    error: BaseException | None = None


class Writer:
    """Runs units one commit at a time, in the order in which they were submitted.

    Args:
        connection: The writing connection; used on the writer's thread only, and closed by it.
        transaction: The port over that connection.
        translate: Turns a driver's exception into one of ours.
        observer: Told around every commit.
    """

    def __init__(
        self,
        connection: Connection,
        transaction: SqlTransaction,
        translate: Callable[[BaseException], BaseException],
        observer: CommitObserver | None = None,
    ) -> None:
        self._connection = connection
        self._transaction = transaction
        self._translate = translate
        self._observer = observer
        self.watchers: list[Callable[[Collection[str]], None]] = []
        """Called on the writer's thread after each commit, once its results are on their way, with what it touched."""
        self._queue: queue.SimpleQueue[list[Job[SqlTransaction]] | None] = queue.SimpleQueue()
        self._gathered: dict[asyncio.AbstractEventLoop, list[Job[SqlTransaction]]] = {}
        self._thread = threading.Thread(target=self._serve, name="sayso-writer", daemon=True)
        self._thread.start()

    async def run(self, unit: Callable[[SqlTransaction], Any]) -> Any:
        """Run a unit and return its value once it is durable."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        gathered = self._gathered.get(loop)
        if gathered is None:
            gathered = self._gathered[loop] = []
            loop.call_soon(self._hand_over, loop)
        gathered.append(Job(unit, future, loop))
        return await future

    def close(self) -> None:
        """Finish what was submitted and stop the thread."""
        for loop in tuple(self._gathered):
            self._hand_over(loop)
        self._queue.put(None)
        self._thread.join()

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Queue what one turn of a loop has submitted, so that it shares a commit."""
        gathered = self._gathered.pop(loop, None)
        if gathered:
            self._queue.put(gathered)

    # -- on the writer's thread ----------------------------------------------------------------------------

    def _serve(self) -> None:
        stopping = False
        while not stopping:
            jobs: list[Job[SqlTransaction]] = []
            waiting = True
            while waiting and not stopping and len(jobs) < _MOST_PER_COMMIT:
                more = self._queue.get()
                stopping = more is None
                jobs += more or ()
                waiting = not self._queue.empty()
            if jobs:
                deliver(self._commit(jobs))
                self._tell(self._transaction.take_touched())
        self._connection.close()

    def _tell(self, touched: Collection[str]) -> None:
        """Tell every watcher; one that fails takes neither the others nor this thread with it."""
        for watcher in tuple(self.watchers):
            try:
                watcher(touched)
            except Exception as exc:  # noqa: BLE001 - what was written stands, whatever a listener makes of it
                _note_failure(exc)

    def _commit(self, jobs: list[Job[SqlTransaction]]) -> list[Result]:
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            results = self._together(jobs) if len(jobs) > 1 else [self._alone(jobs[0])]
            if self._observer is not None:
                self._observer("before_commit", len(jobs))
            execute("COMMIT")
        except Exception as exc:  # noqa: BLE001 - the outcome of every unit of this commit
            self._abandon()
            error = self._translate(exc)
            return [Result(job, error=error) for job in jobs]
        if self._observer is not None:
            self._observer("after_commit", len(jobs))
        return results

    def _together(self, jobs: list[Job[SqlTransaction]]) -> list[Result]:
        """Run many units; savepoints cost a seventh of the whole, so they are made only once a unit has failed."""
        try:
            return [Result(job, value=job.unit(self._transaction)) for job in jobs]
        except Exception:  # noqa: BLE001 - met again, alone, under the savepoint of the unit that raises it
            self._abandon()
            self._connection.execute("BEGIN IMMEDIATE")
            return [self._saved(job) for job in jobs]

    def _alone(self, job: Job[SqlTransaction]) -> Result:
        """Run the only unit of a commit: it needs no savepoint, an error rolls everything back."""
        try:
            return Result(job, value=job.unit(self._transaction))
        except Exception as exc:  # noqa: BLE001 - the unit's own outcome
            self._abandon()
            self._connection.execute("BEGIN IMMEDIATE")
            return Result(job, error=self._translate(exc))

    def _saved(self, job: Job[SqlTransaction]) -> Result:
        execute = self._connection.execute
        execute("SAVEPOINT unit")
        try:
            value = job.unit(self._transaction)
        except Exception as exc:  # noqa: BLE001 - the unit's own outcome
            try:
                execute("ROLLBACK TO unit")
            except Exception:  # noqa: BLE001 - the whole transaction is gone (disk full), and `exc` says why
                raise exc from None
            execute("RELEASE unit")
            return Result(job, error=self._translate(exc))
        execute("RELEASE unit")
        return Result(job, value=value)

    def _abandon(self) -> None:
        with contextlib.suppress(Exception):  # SQLite has rolled back by itself (disk full, I/O error)
            self._connection.execute("ROLLBACK")


def _note_failure(exc: Exception) -> None:
    """Log where a watcher failed, not its text: that may hold anything that passed through its code."""
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(exc.__traceback__)]
    with contextlib.suppress(Exception):  # a log that cannot be written is no reason to stop writing
        _log.error("a watcher of commits failed", error=type(exc).__name__, at=places[-12:])


def deliver(results: list[Result]) -> None:
    """Hand results to their event loops, one call per loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Result]] = {}
    for result in results:
        by_loop.setdefault(result.job.loop, []).append(result)
    for loop, mine in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, mine)
        except RuntimeError:  # the loop was closed; nobody waits any more
            continue


def _settle(results: list[Result]) -> None:
    for result in results:
        future = result.job.future
        if future.done():  # its waiter was cancelled
            continue
        if result.error is None:
            future.set_result(result.value)
        else:
            future.set_exception(result.error)
