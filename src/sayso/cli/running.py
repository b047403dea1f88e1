"""`sayso run`: start an agent or a workflow, and say where it stands."""

import json
from typing import Annotated, Any

import typer

from sayso.cli.cards import card
from sayso.cli.desk import Desk, Standing
from sayso.cli.places import at_desk
from sayso.cli.shared import Json, print_json
from sayso.cli.text import safe
from sayso.model.errors import Invalid
from sayso.programs.agent.texts import rendered

_PAUSED = 5
"""The exit code of a run that waits for somebody."""


@at_desk(create=True)
def run_(
    desk: Desk,
    target: Annotated[
        str,
        typer.Argument(
            help="module:attribute or path.py:attribute of an Agent or a Workflow; at a server, its name or id."
        ),
    ],
    input_: Annotated[str | None, typer.Argument(metavar="INPUT", help="Text, or with --parse JSON.")] = None,
    session: Annotated[str | None, typer.Option("--session", "-s", help="The session it belongs to.")] = None,
    parse: Annotated[bool, typer.Option("--parse", help="Read the input as JSON.")] = False,
    json_: Json = False,
) -> None:
    """Start a run and take it as far as it goes; exit code 0 when it is completed, 5 when it waits, else 1."""
    run = desk.runs.start(target, _input(input_, parse=parse), session)
    if json_:
        print_json(_plain(run))
    else:
        _print(run, at=desk.options)
    if run.status != "COMPLETED":
        raise typer.Exit(_PAUSED if run.status == "PAUSED" else 1)


def _input(given: str | None, *, parse: bool) -> Any:
    if given is None or not parse:
        return given
    try:
        return json.loads(given)
    except ValueError as exc:
        raise Invalid(f"Expected the input as JSON, but: {exc}.") from None


def _plain(run: Standing) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "session_id": run.session_id,
        "status": run.status,
        "content": run.content,
        "waiting_for": [{"task": task.id, "kind": task.spec.request.kind} for task, _ in run.tasks],
    }


def _print(run: Standing, *, at: str) -> None:
    kind = "agent" if run.agent else "workflow"
    typer.echo(f"run {run.run_id} of the {kind}: {run.status.lower()}", err=True)
    if run.then is not None:
        typer.echo(run.then, err=True)
    for seen in run.tasks:
        typer.echo(card(*seen, at=at))
    if not run.tasks and run.content is not None:
        typer.echo(safe(rendered(run.content)))
