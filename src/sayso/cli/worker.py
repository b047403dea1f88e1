"""`sayso worker`: keep runs going whose caller has gone."""

from typing import Annotated

import typer

from sayso.cli.places import Database, refuse_server


def worker(
    targets: Annotated[
        list[str], typer.Argument(help="module:attribute or path.py:attribute of a Workflow, an Agent, or a list.")
    ],
    database: Database = None,
    concurrency: Annotated[int, typer.Option(min=1, help="How many runs at once.")] = 64,
) -> None:
    """Advance runs after decisions, deadlines and crashes, until Ctrl-C or SIGTERM."""
    refuse_server("worker")
    from sayso.cli.local.working import work  # Lazy: a command over a server needs no runtime.

    work(targets, database, concurrency)
