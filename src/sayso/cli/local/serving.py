"""The service, in one process, and what it says when it is ready."""

import asyncio
import gc
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import typer

from sayso import __version__
from sayso.app import logs, serving
from sayso.app.announcing import Announcement
from sayso.app.database import SqliteDb
from sayso.app.secrets import scrub_logs
from sayso.app.settings import load_settings
from sayso.cli.local.loading import load
from sayso.cli.shared import print_json
from sayso.cli.text import safe


def serve(targets: Sequence[str], *, as_json: bool, **flags: Any) -> None:
    """Serve the API, and advance runs, until Ctrl-C or SIGTERM.

    Args:
        targets: Where the programs are.
        as_json: Whether to say as one line of JSON that it is ready.
        flags: Settings that were given as options; None was not.
    """
    settings = load_settings(**flags)
    logs.configure(settings.log_format or ("console" if sys.stderr.isatty() else "json"), settings.log_level)
    programs = [program for target in targets for program in load(target)]
    with SqliteDb(settings.database, lease_seconds=settings.lease_seconds) as db:
        scrub_logs(db.secrets)
        gc.freeze()  # what is loaded by now stays; a full collection would walk through it again and again
        asyncio.run(serving.serve(db, settings, programs, _announce_json if as_json else _announce))


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
