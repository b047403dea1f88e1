"""`sayso sessions ls | show | complete | terminate`."""

from typing import Annotated, Any

import typer

from sayso.cli.desk import Desk
from sayso.cli.places import at_desk
from sayso.cli.shared import Json, print_json
from sayso.cli.tables import print_table
from sayso.model.runs import Run
from sayso.model.sessions import ListedSession, SessionFilter, SessionStatus

app = typer.Typer(no_args_is_help=True)


@app.command("ls")
@at_desk()
def list_(
    desk: Desk,
    of: Annotated[str | None, typer.Option(help="Only sessions of this agent or workflow.")] = None,
    status: Annotated[SessionStatus | None, typer.Option(help="Only sessions that stand so.")] = None,
    version: Annotated[str | None, typer.Option(help="Only sessions of this version's label.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    skip: Annotated[int, typer.Option(min=0, help="How many to leave out first.")] = 0,
    json_: Json = False,
) -> None:
    """List sessions, the one with the newest run first."""
    page = desk.sessions.list(SessionFilter(program=of, version=version, status=status), limit=limit, skip=skip)
    if json_:
        print_json({"sessions": [_plain(item) for item in page.items], "total": page.total})
        return
    print_table(
        ("session", "status", "of", "version", "runs", "tokens", "cost", "started (UTC)"),
        [
            (item.id, item.status, item.program, item.origin.version or "-", str(item.runs),
             str(item.usage.total_tokens), _dollars(item.usage.cost), f"{item.started_at:%Y-%m-%d %H:%M:%S}")
            for item in page.items
        ],
    )  # fmt: skip
    if page.total > skip + len(page.items):
        typer.echo(f"{skip + 1} to {skip + len(page.items)} of {page.total}; see more with --skip.")


@app.command()
@at_desk()
def show(desk: Desk, session_id: str, json_: Json = False) -> None:
    """Show a session and its runs, oldest first."""
    found, runs = desk.sessions.show(session_id)
    if json_:
        print_json({**_plain(found), "runs": [_run_json(item) for item in runs]})
        return
    cost = "" if found.usage.cost is None else f", {_dollars(found.usage.cost)}"
    typer.echo(f"{found.id}  {found.status}  {found.usage.total_tokens} tokens{cost}")
    rows = [
        (item.id, str(item.state), item.program, item.origin.version or "-", str(item.usage.total_tokens),
         f"{item.active.total_seconds():.1f} s", f"{item.created_at:%Y-%m-%d %H:%M:%S}")
        for item in runs
    ]  # fmt: skip
    print_table(("run", "state", "of", "version", "tokens", "at work", "started (UTC)"), rows)


@app.command()
@at_desk()
def terminate(
    desk: Desk,
    session_id: str,
    message: Annotated[str | None, typer.Option("--message", "-m", help="Why.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json_: Json = False,
) -> None:
    """End every run of a session and close its tasks; it cannot be undone."""
    if not yes and not json_:
        typer.confirm(f"End every run of session {session_id}? It cannot be undone.", abort=True)
    ended = desk.sessions.terminate(session_id, message)
    if json_:
        print_json({"session": session_id, "ended": ended})
    else:
        typer.echo(f"{session_id}: {len(ended)} runs ended.")


@app.command()
@at_desk()
def complete(
    desk: Desk,
    session_id: str,
    message: Annotated[str | None, typer.Option("--message", "-m", help="Why it is done.")] = None,
    json_: Json = False,
) -> None:
    """Mark the waiting runs of a session as completed, and close their tasks."""
    done = desk.sessions.complete(session_id, message)
    if json_:
        print_json({"session": session_id, "completed": done})
    else:
        typer.echo(f"{session_id}: {len(done)} runs completed.")


def _plain(item: ListedSession) -> dict[str, Any]:
    return {
        "session": item.id,
        "status": str(item.status),
        "of": item.program,
        "version": item.origin.version,
        "user_id": item.user_id,
        "root_run_id": item.root_run_id,
        "run_count": item.runs,
        "tokens": item.usage.total_tokens,
        "cost": item.usage.cost,
        "started_at": item.started_at.isoformat(),
        "updated_at": item.updated_at.isoformat(),
    }


def _run_json(item: Run) -> dict[str, Any]:
    return {
        "run": item.id,
        "of": item.program,
        "version": item.origin.version,
        "state": str(item.state),
        "tokens": item.usage.total_tokens,
        "cost": item.usage.cost,
        "active_seconds": item.active.total_seconds(),
    }


def _dollars(cost: float | None) -> str:
    return "-" if cost is None else f"${cost:.4f}"
