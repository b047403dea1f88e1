"""`sayso worker`: keep runs going whose caller has gone."""

import asyncio
import gc
import importlib
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, cast

import typer

from sayso.app.agent import Agent
from sayso.app.worker import Worker
from sayso.app.workflow import Workflow
from sayso.cli.shared import Database, opened
from sayso.model.errors import Invalid


def worker(
    targets: Annotated[
        list[str], typer.Argument(help="module:attribute or path.py:attribute of a Workflow, an Agent, or a list.")
    ],
    database: Database = None,
    concurrency: Annotated[int, typer.Option(min=1, help="How many runs at once.")] = 64,
) -> None:
    """Advance runs after decisions, deadlines and crashes, until Ctrl-C or SIGTERM."""
    workflows = [workflow for target in targets for workflow in load(target)]
    with opened(database, create=True) as (db, settings):
        typer.echo(
            f"Working for {', '.join(workflow.name for workflow in workflows)} on {db.db_file}. Ctrl-C stops.", err=True
        )
        gc.freeze()  # what is loaded by now stays; a full collection would walk through it again and again
        asyncio.run(_serve(Worker(db, workflows, concurrency=concurrency, poll_seconds=settings.poll_seconds)))


async def _serve(served: Worker) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await served.serve(stop)


def load(target: str) -> list[Workflow | Agent]:
    """Return the workflows and agents of `module:attribute` or `path.py:attribute`.

    Raises:
        Invalid: It cannot be imported, or is neither.
    """
    where, colon, attribute = target.rpartition(":")
    if not colon:
        raise Invalid(f"Expected module:attribute or path.py:attribute, but got {target!r}.")
    module = _file(Path(where)) if where.endswith(".py") else _module(where)
    given: Any = getattr(module, attribute, None)
    items = list(cast("list[Any]", given)) if isinstance(given, list | tuple) else [given]
    found = [item for item in items if isinstance(item, Workflow | Agent)]
    if not found or len(found) != len(items):
        raise Invalid(f"Expected '{attribute}' of {where} to be a Workflow, an Agent or a list of them, but it is not.")
    return found


def _module(name: str) -> ModuleType:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ImportError as exc:
        raise Invalid(f"Expected to import '{name}', but: {exc}.") from exc


def _file(path: Path) -> ModuleType:
    """Import a file under its own name, so that stored dataclasses are found again under it."""
    if not path.is_file():
        raise Invalid(f"Expected a Python file at {path}, but there is none.")
    sys.path.insert(0, str(path.resolve().parent))
    return _module(path.stem)
