"""Which SQLite library is used, how connections are opened, and what its errors mean.

SQLite before 3.51.3 can corrupt a WAL file when several connections write ("WAL-reset", fixed in 3.51.3), which is
what an application beside a shell command is. The wheel `pysqlite3` brings a current library; an older one is
refused.
"""

import sqlite3 as standard
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

from sayso.model.errors import SaysoError, StoreUnavailable, UnsafeSqlite

SAFE_VERSION = (3, 51, 3)
BUSY_SECONDS = 5.0
"""How long a statement waits for another process's transaction."""
_WAL_TRIES = 250


def sqlite_module() -> ModuleType:
    """Return the newest SQLite driver that is installed."""
    try:
        import pysqlite3  # pyright: ignore[reportMissingTypeStubs] - the wheel ships no types
    except ImportError:
        return standard
    return pysqlite3 if pysqlite3.sqlite_version_info > standard.sqlite_version_info else standard


def check_version(module: ModuleType) -> None:
    """Refuse a library with the WAL-reset bug.

    Raises:
        UnsafeSqlite: The library is older than 3.51.3.
    """
    if module.sqlite_version_info < SAFE_VERSION:
        raise UnsafeSqlite(
            f"Expected SQLite 3.51.3 or later for a WAL database, but this Python has {module.sqlite_version},"
            " which may corrupt the file when several processes write.",
            version=module.sqlite_version,
        )


def connect(module: ModuleType, path: str, *, synchronous: str, read_only: bool = False) -> Any:
    """Open a connection with every setting that the store relies on.

    Raises:
        StoreUnavailable: The file cannot be opened as a database.
    """
    try:
        connection = module.connect(
            path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS, cached_statements=256
        )
        mode = _to_wal(module, connection)
        if path != ":memory:" and mode != "wal":
            raise StoreUnavailable(f"Expected {path} to take WAL mode, but it stays in {mode} mode.", path=path)
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
        if read_only:
            connection.execute("PRAGMA query_only=ON")
    except (module.Error, OSError) as exc:
        raise StoreUnavailable(f"Expected to open the database {_where(path)}, but: {exc}.", path=path) from exc
    return connection


def _to_wal(module: ModuleType, connection: Any) -> str:
    """Switch to WAL and return the mode; SQLite does not wait by itself while another process switches a new file."""
    for left in range(_WAL_TRIES, -1, -1):
        try:
            return connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        except module.OperationalError:
            if left == 0:
                raise
            threading.Event().wait(BUSY_SECONDS / _WAL_TRIES)
    raise AssertionError("unreachable: the last try returns or raises")


def translate(exc: BaseException) -> BaseException:
    """Return what a driver's exception means to callers; our own and foreign ones pass unchanged."""
    if isinstance(exc, SaysoError):
        return exc
    names = {kind.__name__ for kind in type(exc).__mro__}
    if names & {"OperationalError", "DatabaseError"} and type(exc).__module__.split(".")[0] in {"sqlite3", "pysqlite3"}:
        error = StoreUnavailable(f"Expected the database to take the change, but: {exc}.")
        error.__cause__ = exc
        return error
    return exc


def _where(path: str) -> str:
    if path == ":memory:":
        return path
    parent = Path(path).resolve().parent
    return f"{path} (the directory {parent} does not exist)" if not parent.exists() else path
