"""`sayso runs ls | show | cancel | skip-wait`."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import typer

from sayso.app.settings import Settings
from sayso.cli.cards import task_json
from sayso.cli.shared import Database, Json, print_json, run
from sayso.cli.tables import print_table
from sayso.cli.text import one_line, safe
from sayso.cli.turns import calls_json, print_work, turns_json
from sayso.model.actors import Actor
from sayso.model.calls import StoredCall
from sayso.model.ids import RunId
from sayso.model.journal import Entry
from sayso.model.runs import Run, RunState
from sayso.model.tasks import UserTask
from sayso.runtime.door import Runtime
from sayso.runtime.ports import Transaction

app = typer.Typer(no_args_is_help=True)
_Rows: TypeAlias = tuple[Sequence[Entry], Sequence[StoredCall]]


@app.command("ls")
def list_(
    database: Database = None,
    state: Annotated[RunState | None, typer.Option(help="Only runs in this state.")] = None,
    workflow: Annotated[str | None, typer.Option(help="Only runs of this workflow.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    json_: Json = False,
) -> None:
    """List runs, newest first."""

    async def work(runtime: Runtime, settings: Settings) -> list[Run]:
        del settings
        return await runtime.list_runs(program=workflow, state=state, limit=limit)

    found = run(database, work)
    if json_:
        print_json({"runs": [_run_json(item) for item in found]})
        return
    rows = [
        (item.id, item.state, item.program, item.session_id, f"{item.created_at:%Y-%m-%d %H:%M:%S}") for item in found
    ]
    print_table(("id", "state", "workflow", "session", "started (UTC)"), rows)


@app.command()
def show(run_id: str, database: Database = None, json_: Json = False) -> None:
    """Show one run: its state, its tasks, what its agents did and used, and its journal."""

    async def work(runtime: Runtime, settings: Settings) -> tuple[Run, list[UserTask], _Rows]:
        del settings
        found, tasks = await runtime.load_run_with_tasks(RunId(run_id))
        return found, tasks, await runtime.store.read(lambda tx: _rows(tx, found.id))

    found, tasks, (entries, calls) = run(database, work)
    turns = turns_json(entries)
    if json_:
        print_json(
            {
                **_run_json(found),
                "tasks": [task_json(task, task.status) for task in tasks],
                "turns": turns,
                "calls": calls_json(calls),
                "journal": [_entry_json(entry) for entry in entries],
            }
        )
        return
    typer.echo(f"{found.id}  {found.state}  workflow '{safe(found.program)}'  session {safe(found.session_id)}")
    if found.problem is not None:
        typer.echo(f"cannot go on: {safe(found.problem)}")
    for task in tasks:
        by = "" if task.decided_by is None else f" by {safe(task.decided_by)}"
        typer.echo(f"  task {task.id}  {task.status}  {task.verdict or '-'}{by}  {one_line(task.spec.request.message)}")
    print_work(turns, calls)
    rows = [
        (entry.seq, f"{entry.at:%H:%M:%S.%f}"[:-3], entry.kind, entry.key, one_line(entry.data.decode(), 60))
        for entry in entries
    ]
    print_table(("seq", "time", "kind", "key", "data"), rows)


@app.command()
def cancel(
    run_id: str,
    database: Database = None,
    message: Annotated[str | None, typer.Option("--message", "-m", help="Why.")] = None,
    json_: Json = False,
) -> None:
    """End a run and close its tasks; later decisions are refused."""

    async def work(runtime: Runtime, settings: Settings) -> bool:
        by = Actor(type="user", id=settings.user, via="cli")
        return await runtime.cancel(RunId(run_id), by=by, reason=message)

    done = run(database, work)
    if json_:
        print_json({"run_id": run_id, "cancelled": done})
    else:
        typer.echo(f"{run_id}: cancelled." if done else f"{run_id}: had ended already.")
    if not done:
        raise typer.Exit(1)


@app.command("skip-wait")
def skip_wait(run_id: str, database: Database = None, json_: Json = False) -> None:
    """Let a run that waits for a time go on now; a worker takes it up."""

    async def work(runtime: Runtime, settings: Settings) -> None:
        await runtime.skip_wait(RunId(run_id), by=Actor(type="user", id=settings.user, via="cli"))

    run(database, work)
    if json_:
        print_json({"run_id": run_id, "skipped": True})
    else:
        typer.echo(f"{run_id}: the wait is over.")


def _rows(tx: Transaction, run_id: RunId) -> _Rows:
    return tx.load_entries(run_id, after=0), tx.calls.of_run(run_id)


def _run_json(found: Run) -> dict[str, Any]:
    return {
        "id": found.id,
        "state": found.state,
        "workflow": found.program,
        "session_id": found.session_id,
        "parent_id": found.parent_id,
        "problem": found.problem,
        "version": found.origin.version,
        "tokens": found.usage.total_tokens,
        "cost": found.usage.cost,
        "active_seconds": found.active.total_seconds(),
        "created_at": found.created_at.isoformat(),
        "updated_at": found.updated_at.isoformat(),
    }


def _entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": entry.at.isoformat(),
        "kind": entry.kind,
        "key": entry.key,
        "data": json.loads(entry.data),
    }
