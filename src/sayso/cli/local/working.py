"""Keeping the runs of a file going."""

import asyncio
import gc
import signal
from pathlib import Path

import typer

from sayso.app.worker import Worker
from sayso.cli.local.loading import load
from sayso.cli.local.opening import opened


def work(targets: list[str], database: Path | None, concurrency: int) -> None:
    """Advance the runs of some programs until Ctrl-C or SIGTERM."""
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
