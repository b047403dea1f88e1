"""`sayso serve`: the service, in one process."""

import asyncio
import gc
import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from sayso import __version__
from sayso.app import logs
from sayso.app.announcing import Announcement
from sayso.app.database import SqliteDb
from sayso.app.secrets import scrub_logs
from sayso.app.settings import load_settings
from sayso.cli.shared import Database, Json, print_json
from sayso.cli.text import safe
from sayso.cli.worker import load


def serve(
    targets: Annotated[
        list[str] | None,
        typer.Argument(help="module:attribute or path.py:attribute of a Workflow, an Agent, or a list."),
    ] = None,
    database: Database = None,
    host: Annotated[str | None, typer.Option("--host", help="Where to listen (SAYSO_HOST; 127.0.0.1).")] = None,
    port: Annotated[
        int | None, typer.Option("--port", "-p", min=0, max=65535, help="SAYSO_PORT; 0 is any free one.")
    ] = None,
    worker: Annotated[
        bool | None, typer.Option("--worker/--no-worker", help="Whether to advance runs here (SAYSO_WORKER).")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="How many runs at once.")] = None,
    json_: Json = False,
) -> None:
    """Serve the API, and advance runs, until Ctrl-C or SIGTERM."""
    settings = load_settings(database=database, host=host, port=port, worker=worker, concurrency=concurrency)
    logs.configure(settings.log_format or ("console" if sys.stderr.isatty() else "json"), settings.log_level)
    programs = [program for target in targets or () for program in load(target)]
    from sayso.app import serving  # Lazy: no other command needs the web framework.

    with SqliteDb(settings.database, lease_seconds=settings.lease_seconds) as db:
        scrub_logs(db.secrets)
        gc.freeze()  # what is loaded by now stays; a full collection would walk through it again and again
        asyncio.run(serving.serve(db, settings, programs, _announce_json if json_ else _announce))


def _announce_json(told: Announcement) -> None:
    print_json({"event": "ready", "version": __version__, "pid": os.getpid(), **asdict(told)})
    sys.stdout.flush()


def _announce(told: Announcement) -> None:
    names = ", ".join(told.programs) or "none of code; name them: sayso serve module:agent"
    rows = [
        ("sayso", __version__),
        ("listening", told.url),
        ("database", told.database),
        ("programs", names if told.worker else "left to other processes: sayso worker"),
        ("sign in", told.sign_in),
    ]
    for label, value in rows:
        if value is not None:
            typer.echo(f"{label:<11}{safe(value)}")
    typer.echo("Ctrl-C stops.")
    sys.stdout.flush()
