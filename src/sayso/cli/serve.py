"""`sayso serve`: the service, in one process."""

from typing import Annotated

import typer

from sayso.cli.places import Database, refuse_server
from sayso.cli.shared import Json


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
    refuse_server("serve")
    from sayso.cli.local import serving  # Lazy: no other command needs the web framework.

    flags = {"database": database, "host": host, "port": port, "worker": worker, "concurrency": concurrency}
    serving.serve(targets or (), as_json=json_, **flags)
