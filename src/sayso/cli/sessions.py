"""`sayso sessions ls | show | complete | terminate`."""

from typing import Annotated, Any

import typer

from sayso.app.settings import Settings
from sayso.cli.shared import Database, Json, print_json, run
from sayso.cli.tables import print_table
from sayso.model.actors import Actor
from sayso.model.errors import SessionNotFound
from sayso.model.ids import SessionId
from sayso.model.runs import ENDED, Run
from sayso.runtime.door import Runtime

app = typer.Typer(no_args_is_help=True)
_MOST = 10_000


@app.command("ls")
def list_(
    database: Database = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    json_: Json = False,
) -> None:
    """List sessions, the one with the newest run first."""

    async def work(runtime: Runtime, settings: Settings) -> list[Run]:
        del settings
        return await runtime.list_runs(limit=_MOST)

    sessions: dict[str, list[Run]] = {}
    for found in run(database, work):
        sessions.setdefault(found.session_id, []).append(found)
    rows = [_row(session, runs) for session, runs in list(sessions.items())[:limit]]
    if json_:
        print_json({"sessions": rows})
        return
    print_table(
        ("session", "state", "runs", "of", "newest (UTC)"),
        [(row["session"], row["state"], str(row["runs"]), row["programs"], row["newest"]) for row in rows],
    )


@app.command()
def show(session_id: str, database: Database = None, json_: Json = False) -> None:
    """Show the runs of a session, oldest first."""
    runs = list(reversed(run(database, lambda runtime, _: _runs(runtime, session_id))))
    if json_:
        plain = [{"run": item.id, "of": item.program, "state": str(item.state)} for item in runs]
        print_json({"session": session_id, "state": _state(runs), "runs": plain})
        return
    rows = [(item.id, str(item.state), item.program, f"{item.created_at:%Y-%m-%d %H:%M:%S}") for item in runs]
    print_table(("run", "state", "of", "started (UTC)"), rows)


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
        reason = message or f"Session terminated by {settings.user}"
        found = [item for item in await _runs(runtime, session_id) if item.state not in ENDED]
        return [item.id for item in found if await runtime.cancel(item.id, by=by, reason=reason)]

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
        open_ = [item for item in await _runs(runtime, session_id) if item.state not in ENDED]
        for item in open_:
            await runtime.complete(item.id, by=by, note=message)
        return [item.id for item in open_]

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


def _state(runs: list[Run]) -> str:
    open_ = [str(item.state) for item in runs if item.state not in ENDED]
    return open_[0] if open_ else "ended"


def _row(session: str, runs: list[Run]) -> dict[str, Any]:
    return {
        "session": session,
        "state": _state(runs),
        "runs": len(runs),
        "programs": ", ".join(sorted({item.program for item in runs})),
        "newest": f"{runs[0].created_at:%Y-%m-%d %H:%M:%S}",
    }
