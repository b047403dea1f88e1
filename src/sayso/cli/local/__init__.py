"""The desk of a file: every command goes through the runtime's door, as the machine's own user."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sayso.cli.local.bench import Bench
from sayso.cli.local.log import FileLog
from sayso.cli.local.office import FileKeys, FilePeople, FileTokens
from sayso.cli.local.opening import opened
from sayso.cli.local.work import FileRuns, FileSessions, FileTasks


class FileDesk:
    """See `cli.desk.Desk`.

    Args:
        bench: The open database.
        options: What a command needs to be said to come to this desk again.
    """

    def __init__(self, bench: Bench, options: str) -> None:
        self._bench = bench
        self.options = options
        self.tasks = FileTasks(bench)
        self.runs = FileRuns(bench)
        self.sessions = FileSessions(bench)
        self.audit = FileLog(bench)

    def people(self, workspace: str | None) -> FilePeople:
        """See the port."""
        return FilePeople(self._bench, workspace)

    def keys(self, workspace: str | None) -> FileKeys:
        """See the port."""
        return FileKeys(self._bench, workspace)

    def tokens(self, workspace: str | None) -> FileTokens:
        """See the port."""
        return FileTokens(self._bench, workspace)


@contextmanager
def at_file(database: Path | None, *, create: bool) -> Generator[FileDesk]:
    """Open the desk of a file; with `create`, of a new one if need be."""
    with opened(database, create=create) as (db, settings), asyncio.Runner() as runner:
        yield FileDesk(Bench(db, settings, runner), "" if database is None else f" -d {database}")
