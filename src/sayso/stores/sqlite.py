"""The embedded store: one SQLite file, one writing thread, readers beside it.

Default settings: WAL and `synchronous=FULL`, so an acknowledged change survives a loss of power. Any number of
processes may open the same file; each has its own writer, and SQLite serialises their commits.
"""

from collections.abc import Callable, Collection
from typing import Any, Literal, TypeVar

from sqlalchemy.dialects import sqlite

from sayso.stores import (
    audit,
    confided,
    credentials,
    directory,
    evidence,
    measures,
    probing,
    registry,
    requests,
    reviews,
)
from sayso.stores.driver import check_version, connect, sqlite_module, translate
from sayso.stores.listings import Listings
from sayso.stores.migrate import migrate
from sayso.stores.readers import Readers
from sayso.stores.statements import compile_all
from sayso.stores.transaction import SqlTransaction
from sayso.stores.writer import CommitObserver, Writer

R = TypeVar("R")
Synchronous = Literal["FULL", "NORMAL"]
_READERS = 2


class SqliteStore:
    """A store in one SQLite file, or in memory for the life of this object.

    Args:
        path: The file, created when missing; `:memory:` keeps everything in this process.
        synchronous: FULL (default) survives a loss of power; NORMAL may then lose the newest commits.
        observer: Told around every commit; for tests.

    Raises:
        UnsafeSqlite: The SQLite library has the WAL-reset bug.
        StoreUnavailable: The file cannot be opened.
        StoreTooNew: A newer Sayso has written the file.
    """

    def __init__(self, path: str, *, synchronous: Synchronous = "FULL", observer: CommitObserver | None = None) -> None:
        self._module = sqlite_module()
        self._path = path
        self._synchronous: Synchronous = synchronous
        dialect = sqlite.dialect(paramstyle="named")
        rooms = (audit, confided, credentials, directory, evidence, measures, probing, registry, requests, reviews)
        self._sql = compile_all(dialect, *(room.STATEMENTS for room in rooms))
        self._listings = Listings(dialect)
        if path != ":memory:":
            check_version(self._module)
        connection = connect(self._module, path, synchronous=synchronous)
        migrate(self._module, connection, path)
        self._connection = connection
        self._writer = Writer(connection, self._transaction(connection), translate, observer)
        self._readers = Readers(self._reader, _READERS)

    async def run(self, unit: Callable[[SqlTransaction], R]) -> R:
        """Run a unit in one durable transaction; it is all or nothing.

        Raises:
            StoreUnavailable: The disk is full or the file stays locked; nothing was written.
        """
        return await self._writer.run(unit)

    async def read(self, unit: Callable[[SqlTransaction], R]) -> R:
        """Run a unit that only reads, on one snapshot, beside the writer."""
        if self._path == ":memory:":
            return await self._writer.run(unit)
        return await self._readers.run(lambda reader: reader.read(unit))

    def watch(self, callback: Callable[[Collection[str]], None]) -> Callable[[], None]:
        """See the port."""
        self._writer.watchers.append(callback)
        return lambda: self._writer.watchers.remove(callback)

    async def changed(self) -> bool:
        """Tell whether any connection has committed to the file since the last call."""
        if self._path == ":memory:":
            return False
        return await self._readers.run(_Reader.changed)

    async def probe(self) -> None:
        """Commit a change that means nothing: SQLite finds out only then whether it may write, and has room.

        Raises:
            StoreUnavailable: The disk is full, the file stays locked or may not be written.
        """
        await self._writer.run(lambda _: self._connection.execute(self._sql["probe"]))

    def close(self) -> None:
        """Finish what is queued and close every connection."""
        self._writer.close()
        self._readers.close()

    def _transaction(self, connection: Any) -> SqlTransaction:
        return SqlTransaction(connection.cursor(), self._sql, self._listings)

    def _reader(self) -> "_Reader":
        connection = connect(self._module, self._path, synchronous=self._synchronous, read_only=True)
        return _Reader(connection, self._transaction(connection), self._module.Error)


class _Reader:
    """A reading thread's connection."""

    def __init__(self, connection: Any, transaction: SqlTransaction, error: type[Exception]) -> None:
        self._connection = connection
        self._transaction = transaction
        self._error = error
        self._version: int | None = None

    def read(self, unit: Callable[[SqlTransaction], R]) -> R:
        try:
            self._connection.execute("BEGIN")
            try:
                return unit(self._transaction)
            finally:
                self._connection.execute("COMMIT")
        except self._error as exc:
            raise translate(exc) from exc

    def changed(self) -> bool:
        """Compare with what this connection saw last: the counters of two connections tell nothing together."""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        before, self._version = self._version, version
        return before != version

    def close(self) -> None:
        self._connection.close()
