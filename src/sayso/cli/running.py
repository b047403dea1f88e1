"""`sayso run`: start an agent or a workflow from a file, and say where it stands."""

import asyncio
import json
from typing import Annotated, Any

import typer

from sayso.app.agent import Agent
from sayso.cli.cards import card
from sayso.cli.shared import Database, Json, opened, print_json
from sayso.cli.text import safe
from sayso.cli.worker import load
from sayso.model.errors import Invalid, StepFailed
from sayso.model.ids import RunId
from sayso.model.tasks import UserTask
from sayso.programs.agent.texts import rendered

_PAUSED = 5
"""The exit code of a run that waits for somebody."""


def run_(
    target: Annotated[str, typer.Argument(help="module:attribute or path.py:attribute of an Agent or a Workflow.")],
    input_: Annotated[str | None, typer.Argument(metavar="INPUT", help="Text, or with --parse JSON.")] = None,
    database: Database = None,
    session: Annotated[str | None, typer.Option("--session", "-s", help="The session it belongs to.")] = None,
    parse: Annotated[bool, typer.Option("--parse", help="Read the input as JSON.")] = False,
    json_: Json = False,
) -> None:
    """Start a run and take it as far as it goes; exit code 0 when it is completed, 5 when it waits, else 1."""
    found = load(target)
    if len(found) != 1:
        raise Invalid(f"Expected one Agent or Workflow, but {target} has {len(found)}.")
    runnable = found[0]
    with opened(database, create=True) as (db, _):
        runnable.db = db
        try:
            output: Any = runnable.run(_input(input_, parse=parse), session_id=session)
        except StepFailed:
            output = runnable.get_last_run_output(session)
        tasks = _open_tasks(runnable.db, output.run_id)
        if json_:
            print_json(_plain(output, tasks))
        else:
            _print(output, tasks, at=f" -d {db.db_file}", target=target, agent=isinstance(runnable, Agent))
    if output.status != "COMPLETED":
        raise typer.Exit(_PAUSED if output.is_paused else 1)


def _input(given: str | None, *, parse: bool) -> Any:
    if given is None or not parse:
        return given
    try:
        return json.loads(given)
    except ValueError as exc:
        raise Invalid(f"Expected the input as JSON, but: {exc}.") from None


def _open_tasks(db: Any, run_id: str) -> list[UserTask]:
    async def work() -> list[UserTask]:
        return [task for task in await db.runtime.run_tasks(RunId(run_id)) if task.status == "pending"]

    return asyncio.run(work())


def _plain(output: Any, tasks: list[UserTask]) -> dict[str, Any]:
    return {
        "run_id": output.run_id,
        "session_id": output.session_id,
        "status": str(output.status),
        "content": output.content,
        "waiting_for": [{"task": task.id, "kind": task.spec.request.kind} for task in tasks],
    }


def _print(output: Any, tasks: list[UserTask], *, at: str, target: str, agent: bool) -> None:
    kind = "agent" if agent else "workflow"
    typer.echo(f"run {output.run_id} of the {kind}: {output.status.lower()}", err=True)
    if output.is_paused:
        waits = f"it waits for: {output.waiting_for}; " if agent else ""
        typer.echo(f"{waits}what takes it on: sayso worker {target}{at}", err=True)
    for task in tasks:
        typer.echo(card(task, task.status, at=at))
    if not tasks and output.content is not None:
        typer.echo(safe(rendered(output.content)))
