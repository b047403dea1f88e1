"""`SqliteDb`: the embedded database as users hold it; opened at first use, shared by the workflows that name it."""

import os
import threading
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Literal

from sayso.app.clock import SystemClock, SystemIds, SystemSecrets
from sayso.app.secrets import KnownSecrets
from sayso.model.errors import StoreUnavailable
from sayso.runtime.directory import Directory
from sayso.runtime.door import Runtime, Times
from sayso.runtime.ports import Clock, Ids
from sayso.stores.sqlite import SqliteStore
from sayso.stores.writer import CommitObserver


class SqliteDb:
    """One SQLite file that holds runs, tasks and sessions.

    Args:
        db_file: The file, created when missing; None keeps everything in memory for the life of this object.
        synchronous: FULL (default) survives a loss of power; NORMAL may then lose the newest commits.
        lease_seconds: How long a crashed worker's runs wait before another takes them over.
        secrets: Values that must not be stored, beside the keys of the environment and of model clients; they are
            masked wherever they appear in what is stored.
        clock: The time; tests give a fake one.
        ids: New ids.
        observer: Told around every commit; for tests.

    Raises:
        ValueError: `lease_seconds` is not more than 0.
    """

    def __init__(
        self,
        db_file: str | os.PathLike[str] | None = None,
        *,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
        lease_seconds: float = 10.0,
        secrets: Iterable[str] = (),
        clock: Clock | None = None,
        ids: Ids | None = None,
        observer: CommitObserver | None = None,
    ) -> None:
        if not lease_seconds > 0:
            raise ValueError(f"Expected lease_seconds to be more than 0, but got {lease_seconds!r}.")
        if synchronous not in {"FULL", "NORMAL"}:
            raise ValueError(f"Expected synchronous to be FULL or NORMAL, but got {synchronous!r}.")
        self.db_file = None if db_file is None else str(Path(db_file))
        self._synchronous: Literal["FULL", "NORMAL"] = synchronous
        self._times = Times(lease=timedelta(seconds=lease_seconds), heartbeat=timedelta(seconds=lease_seconds / 3))
        self._clock = clock or SystemClock()
        self._ids = ids or SystemIds()
        self._observer = observer
        self.secrets = KnownSecrets(secrets)
        """What is masked in whatever is stored; more can be added at any time."""
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._inherited: object = None
        self._store: SqliteStore | None = None
        self._runtime: Runtime | None = None

    @property
    def runtime(self) -> Runtime:
        """The runtime over this database, opened at the first use.

        Raises:
            StoreUnavailable: The file cannot be opened, or this object was closed.
            StoreTooNew: A newer Sayso has written the file.
            UnsafeSqlite: The SQLite library may corrupt the file.
        """
        with self._lock:
            if self._pid != os.getpid():  # after a fork the parent's threads and connections are not ours to use
                self._inherited = (self._store, self._runtime)
                self._store = self._runtime = None
                self._pid = os.getpid()
            if self._runtime is None:
                self._store = SqliteStore(
                    self.db_file or ":memory:", synchronous=self._synchronous, observer=self._observer
                )
                self._runtime = Runtime(
                    self._store, clock=self._clock, ids=self._ids, times=self._times, secrets=self.secrets
                )
            elif self._store is None:
                raise StoreUnavailable(
                    f"Expected an open database, but {self.db_file} was closed.", hint="Make a new SqliteDb."
                )
            return self._runtime

    @property
    def directory(self) -> Directory:
        """The workspaces, people and keys of this database, opened at the first use.

        Raises:
            StoreUnavailable: The file cannot be opened, or this object was closed.
        """
        store = self.runtime.store
        return Directory(store, clock=self._clock, ids=self._ids, secrets=SystemSecrets())

    def close(self) -> None:
        """Finish what is being written and close the file; runs that wait stay as they are."""
        with self._lock:
            store, self._store = self._store, None
        if store is not None:
            store.close()

    def __enter__(self) -> "SqliteDb":
        """Return the database itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()
