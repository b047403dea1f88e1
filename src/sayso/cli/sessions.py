"""`sayso sessions ls | show | complete | terminate`."""

from typing import Annotated, Any

import typer

from sayso.app.settings import Settings
from sayso.cli.shared import Database, Json, print_json, run
from sayso.cli.tables import print_table
from sayso.model.actors import Actor
from sayso.model.errors import SessionNotFound
from sayso.model.ids import SessionId
from sayso.model.runs import Run
from sayso.model.sessions import ListedSession, SessionFilter, SessionPage, SessionStatus
from sayso.runtime.door import Runtime
from sayso.runtime.sessions import Sessions

app = typer.Typer(no_args_is_help=True)
_MOST = 10_000


@app.command("ls")
def list_(
    database: Database = None,
    of: Annotated[str | None, typer.Option(help="Only sessions of this agent or workflow.")] = None,
    status: Annotated[SessionStatus | None, typer.Option(help="Only sessions that stand so.")] = None,
    version: Annotated[str | None, typer.Option(help="Only sessions of this version's label.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    skip: Annotated[int, typer.Option(min=0, help="How many to leave out first.")] = 0,
    json_: Json = False,
) -> None:
    """List sessions, the one with the newest run first."""

    async def work(runtime: Runtime, settings: Settings) -> SessionPage:
        del settings
        wanted = SessionFilter(program=of, version=version, status=status)
        return await runtime.list_sessions(wanted, limit=limit, skip=skip)

    page = run(database, work)
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
def show(session_id: str, database: Database = None, json_: Json = False) -> None:
    """Show a session and its runs, oldest first."""

    async def work(runtime: Runtime, settings: Settings) -> tuple[ListedSession, list[Run]]:
        del settings
        return await runtime.load_listed_session(SessionId(session_id)), await _runs(runtime, session_id)

    found, runs = run(database, work)
    runs = runs[::-1]
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
def terminate(
    session_id: str,
    database: Database = None,
    message: Annotated[str | None, typer.Option("--message", "-m", help="Why.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json_: Json = False,
) -> None:
    """End every run of a session and close its tasks; it cannot be undone."""
    if not yes and not json_:
        typer.confirm(f"End every run of session {session_id}? It cannot be undone.", abort=True)

    async def work(runtime: Runtime, settings: Settings) -> list[str]:
        by = Actor(type="user", id=settings.user, via="cli")
        found = await Sessions(runtime).terminate(SessionId(session_id), by=by, reason=message)
        return [item.id for item in found]

    ended = run(database, work)
    if json_:
        print_json({"session": session_id, "ended": ended})
    else:
        typer.echo(f"{session_id}: {len(ended)} runs ended.")


@app.command()
def complete(
    session_id: str,
    database: Database = None,
    message: Annotated[str | None, typer.Option("--message", "-m", help="Why it is done.")] = None,
    json_: Json = False,
) -> None:
    """Mark the waiting runs of a session as completed, and close their tasks."""

    async def work(runtime: Runtime, settings: Settings) -> list[str]:
        by = Actor(type="user", id=settings.user, via="cli")
        found = await Sessions(runtime).complete(SessionId(session_id), by=by, note=message)
        return [item.id for item in found]

    done = run(database, work)
    if json_:
        print_json({"session": session_id, "completed": done})
    else:
        typer.echo(f"{session_id}: {len(done)} runs completed.")


async def _runs(runtime: Runtime, session_id: str) -> list[Run]:
    found = await runtime.list_runs(session_id=SessionId(session_id), limit=_MOST)
    if not found:
        raise SessionNotFound(f"Expected a session {session_id}, but there is none.")
    return found


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
