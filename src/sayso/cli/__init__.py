"""The `sayso` command: the demo, the inbox in a terminal, runs, and a worker."""

from typing import Annotated

import typer

from sayso import __version__
from sayso.cli import (
    audit,
    config,
    decisions,
    demo,
    keys,
    packets,
    people,
    running,
    runs,
    serve,
    sessions,
    tasks,
    tokens,
    worker,
)
from sayso.cli.failures import answered

app = typer.Typer(
    help="Durable agents and workflows with people in them: list what waits, decide, and keep runs going.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(tasks.app, name="tasks", help="What waits for people, and deciding it.")
app.add_typer(runs.app, name="runs", help="Runs: list, show, cancel.")
app.command("demo")(demo.demo)
app.add_typer(sessions.app, name="sessions", help="Sessions: list, show, terminate.")
app.add_typer(audit.app, name="audit", help="Who did what, and whether the record of it still holds.")
app.add_typer(people.app, name="people", help="Who is in a workspace, with which role.")
app.add_typer(keys.app, name="keys", help="API keys of programs.")
app.add_typer(tokens.app, name="tokens", help="Tokens of people on the command line.")
app.command("run")(running.run_)
app.command("worker")(worker.worker)
app.command("serve")(serve.serve)
app.command("config")(config.config)
decisions.add_to(tasks.app)
packets.add_to(audit.app)


@app.command()
def version(json_: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False) -> None:
    """Print the version."""
    typer.echo(f'{{"version": "{__version__}"}}' if json_ else __version__)


def main() -> None:
    """Run the command line; errors become a message, a hint and an exit code."""
    with answered():
        app()
