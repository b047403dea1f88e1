"""`sayso runs ls | show | cancel | skip-wait`."""

import json
from typing import Annotated, Any

import typer

from sayso.cli.cards import task_json
from sayso.cli.desk import Desk
from sayso.cli.places import at_desk
from sayso.cli.shared import Json, print_json
from sayso.cli.tables import print_table
from sayso.cli.text import one_line, safe
from sayso.cli.turns import calls_json, print_work, turns_json
from sayso.model.journal import Entry
from sayso.model.runs import Run, RunState

app = typer.Typer(no_args_is_help=True)


@app.command("ls")
@at_desk()
def list_(
    desk: Desk,
    state: Annotated[RunState | None, typer.Option(help="Only runs in this state.")] = None,
    workflow: Annotated[str | None, typer.Option(help="Only runs of this workflow.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    json_: Json = False,
) -> None:
    """List runs, newest first."""
    found = desk.runs.list(workflow=workflow, state=state, limit=limit)
    if json_:
        print_json({"runs": [_run_json(item) for item in found]})
        return
    rows = [
        (item.id, item.state, item.program, item.session_id, f"{item.created_at:%Y-%m-%d %H:%M:%S}") for item in found
    ]
    print_table(("id", "state", "workflow", "session", "started (UTC)"), rows)


@app.command()
@at_desk()
def show(desk: Desk, run_id: str, json_: Json = False) -> None:
    """Show one run: its state, its tasks, what its agents did and used, and its journal."""
    shown = desk.runs.show(run_id)
    found, turns = shown.run, turns_json(shown.entries)
    if json_:
        print_json(
            {
                **_run_json(found),
                "tasks": [task_json(*seen) for seen in shown.tasks],
                "turns": turns,
                "calls": calls_json(shown.calls),
                "journal": [_entry_json(entry) for entry in shown.entries],
            }
        )
        return
    typer.echo(f"{found.id}  {found.state}  workflow '{safe(found.program)}'  session {safe(found.session_id)}")
    if found.problem is not None:
        typer.echo(f"cannot go on: {safe(found.problem)}")
    for task, status in shown.tasks:
        by = "" if task.decided_by is None else f" by {safe(task.decided_by)}"
        typer.echo(f"  task {task.id}  {status}  {task.verdict or '-'}{by}  {one_line(task.spec.request.message)}")
    print_work(turns, shown.calls)
    rows = [
        (entry.seq, f"{entry.at:%H:%M:%S.%f}"[:-3], entry.kind, entry.key, one_line(entry.data.decode(), 60))
        for entry in shown.entries
    ]
    print_table(("seq", "time", "kind", "key", "data"), rows)


@app.command()
@at_desk()
def cancel(
    desk: Desk,
    run_id: str,
    message: Annotated[str | None, typer.Option("--message", "-m", help="Why.")] = None,
    json_: Json = False,
) -> None:
    """End a run and close its tasks; later decisions are refused."""
    done = desk.runs.cancel(run_id, message)
    if json_:
        print_json({"run_id": run_id, "cancelled": done})
    else:
        typer.echo(f"{run_id}: cancelled." if done else f"{run_id}: had ended already.")
    if not done:
        raise typer.Exit(1)


@app.command("skip-wait")
@at_desk()
def skip_wait(desk: Desk, run_id: str, json_: Json = False) -> None:
    """Let a run that waits for a time go on now; a worker takes it up."""
    desk.runs.skip_wait(run_id)
    if json_:
        print_json({"run_id": run_id, "skipped": True})
    else:
        typer.echo(f"{run_id}: the wait is over.")


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
