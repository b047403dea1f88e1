"""Running named statements on a driver's cursor, and keeping large bodies beside the rows that name them."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from sayso.model.ids import RunId
from sayso.stores.listings import Listings

BLOB_THRESHOLD = 64 * 1024
"""Bodies above this many bytes are stored in `blobs`, once per run and content."""


class Cursor(Protocol):
    """What both drivers' cursors offer."""

    rowcount: int

    def execute(self, sql: str, parameters: Mapping[str, Any], /) -> Any:
        """Run one statement."""
        ...

    def executemany(self, sql: str, parameters: Sequence[Mapping[str, Any]], /) -> Any:
        """Run one statement for many rows."""
        ...

    def fetchone(self) -> Any:
        """Return the next row."""
        ...

    def fetchall(self) -> list[Any]:
        """Return all rows."""
        ...


class Rows:
    """The part of a transaction that writes and reads rows of some tables.

    Args:
        change: Runs a changing statement by name, and returns how many rows it changed.
        all_: Runs a selecting statement by name, and returns its rows.
    """

    def __init__(self, change: Callable[..., int], all_: Callable[..., list[Any]]) -> None:
        self._change = change
        self._all = all_


class Statements:
    """What every part of a transaction does its work with.

    Args:
        cursor: The driver's cursor.
        sql: The text of every statement, by name.
        listings: The statements whose conditions depend on what is asked for.
    """

    def __init__(self, cursor: Cursor, sql: Mapping[str, str], listings: Listings) -> None:
        self._cursor = cursor
        self._sql = sql
        self._listings = listings
        self._touched: set[str] = set()

    def take_touched(self) -> Collection[str]:
        """Return what was written of since the last call; see `Store.watch`."""
        touched, self._touched = self._touched, set()
        return touched

    def _one(self, name: str, /, **parameters: Any) -> Any:
        self._cursor.execute(self._sql[name], parameters)
        return self._cursor.fetchone()

    def _all(self, name: str, /, **parameters: Any) -> list[Any]:
        self._cursor.execute(self._sql[name], parameters)
        return self._cursor.fetchall()

    def _change(self, name: str, /, **parameters: Any) -> int:
        if "run_id" in parameters:
            self._touched.add(parameters["run_id"])
        self._cursor.execute(self._sql[name], parameters)
        return self._cursor.rowcount

    def _text(self, sql: str, parameters: Mapping[str, Any]) -> list[Any]:
        self._cursor.execute(sql, parameters)
        return self._cursor.fetchall()

    def _body(self, run_id: RunId, body: bytes) -> tuple[bytes | None, str | None]:
        """Return a body as `(inline bytes, None)`, or store it in `blobs` and return `(None, digest)`."""
        if len(body) <= BLOB_THRESHOLD:
            return body, None
        digest = hashlib.sha256(body).hexdigest()
        self._change("insert_blob", run_id=run_id, digest=digest, data=body)
        return None, digest
