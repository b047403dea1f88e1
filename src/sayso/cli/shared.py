"""What every command shares: its options, the open database, and printing."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from sayso.app.database import SqliteDb
from sayso.app.secrets import scrub_logs
from sayso.app.settings import Settings, load_settings
from sayso.model.errors import Invalid, StoreUnavailable, TaskNotFound
from sayso.model.ids import TaskId
from sayso.model.tasks import TaskFilter, UserTask
from sayso.runtime.door import Runtime

T = TypeVar("T")
Database = Annotated[Path | None, typer.Option("--database", "-d", help="The SQLite file (SAYSO_DATABASE).")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
_PAGE = 200


@contextmanager
def opened(database: Path | None, *, create: bool = False) -> Generator[tuple[SqliteDb, Settings]]:
    """Open the database of a command.

    Raises:
        StoreUnavailable: The file is not there, and the command would have nothing to show.
    """
    settings = load_settings()
    path = database or settings.database
    if not create and not path.exists():
        raise StoreUnavailable(
            f"Expected a Sayso database at {path}, but there is no such file.",
            hint="Name it with --database or SAYSO_DATABASE.",
        )
    with SqliteDb(path, lease_seconds=settings.lease_seconds) as db:
        scrub_logs(db.secrets)
        yield db, settings


def run(database: Path | None, work: Callable[[Runtime, Settings], Coroutine[Any, Any, T]]) -> T:
    """Run a command's coroutine over its database."""
    with opened(database) as (db, settings):
        return asyncio.run(work(db.runtime, settings))


def print_json(value: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


async def find_task(runtime: Runtime, given: str) -> UserTask:
    """Return the task of an id, or of a unique beginning or end of one.

    Raises:
        TaskNotFound: No task fits.
        Invalid: Several fit.
    """
    try:
        return await runtime.load_task(TaskId(given))
    except TaskNotFound:
        found = [task async for task in _all_tasks(runtime) if _fits(task.id, given)]
    if not found:
        raise TaskNotFound(f"Expected a user task {given}, but there is none.", task_id=given)
    if len(found) > 1:
        raise Invalid(
            f"Expected one task, but {given!r} fits {len(found)}: {', '.join(task.id for task in found[:5])}."
        )
    return found[0]


async def _all_tasks(runtime: Runtime) -> AsyncIterator[UserTask]:
    cursor = None
    while True:
        page = await runtime.list_tasks(TaskFilter(status="any"), limit=_PAGE, cursor=cursor)
        for task in page.tasks:
            yield task
        cursor = page.next_cursor
        if cursor is None:
            return


def _fits(task_id: str, given: str) -> bool:
    short = task_id.removeprefix("task_")
    return bool(given) and (task_id.startswith(given) or short.startswith(given) or short.endswith(given))
