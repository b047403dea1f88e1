"""What commands share: options, the task that is meant, and printing."""

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

import typer

from sayso.cli.desk import SeenTask, Tasks
from sayso.model.errors import Invalid, TaskNotFound

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Workspace = Annotated[
    str | None, typer.Option("--workspace", "-w", help="The id of the workspace; else 'default', or a token's own.")
]
Days = Annotated[float | None, typer.Option("--days", min=0, help="For how many days.")]
ONCE = "It is shown this once; only its hash is stored."
_PAGE = 200


def print_json(value: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def lasting(days: float | None) -> timedelta | None:
    """Return how long something is to be in force; None where that was not said."""
    return None if days is None else timedelta(days=days)


def find_task(tasks: Tasks, given: str) -> SeenTask:
    """Return the task of an id, or of a unique beginning or end of one.

    Raises:
        TaskNotFound: No task fits.
        Invalid: Several fit.
    """
    one = tasks.find(given)
    found = [one] if one is not None else [seen for seen in _all(tasks) if _fits(seen.task.id, given)]
    if not found:
        raise TaskNotFound(f"Expected a user task {given}, but there is none.", task_id=given)
    if len(found) > 1:
        ids = ", ".join(seen.task.id for seen in found[:5])
        raise Invalid(f"Expected one task, but {given!r} fits {len(found)}: {ids}.")
    return found[0]


def _all(tasks: Tasks) -> Iterator[SeenTask]:
    cursor = None
    while True:
        page = tasks.page(status="any", kind=None, limit=_PAGE, cursor=cursor)
        yield from page.tasks
        cursor = page.next_cursor
        if cursor is None:
            return


def _fits(task_id: str, given: str) -> bool:
    short = task_id.removeprefix("task_")
    return bool(given) and (task_id.startswith(given) or short.startswith(given) or short.endswith(given))
