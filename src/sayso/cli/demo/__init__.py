"""`sayso demo`: a refund desk that stops for people three times, survives being killed, and pays each refund once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sayso.cli.demo.refunds import COLUMNS
from sayso.cli.places import refuse_server


class Decision(StrEnum):
    """What `--once` says to every question."""

    approve = "approve"
    reject = "reject"


def demo(
    input_: Annotated[Path | None, typer.Option("--input", help=f"A CSV with {', '.join(COLUMNS)}.")] = None,
    folder: Annotated[Path, typer.Option("--dir", help="Where the demo works.")] = Path("sayso-demo"),
    once: Annotated[bool, typer.Option("--once", help="Run to the end without a person; needs --decide.")] = False,
    decide: Annotated[Decision | None, typer.Option(help="What --once says to every question.")] = None,
    crash: Annotated[bool, typer.Option("--crash", help="Die in the middle of the risky payouts (SIGKILL).")] = False,
    terminal: Annotated[bool, typer.Option("--terminal", help="Ask here, and serve no pages.")] = False,
    agent: Annotated[bool, typer.Option("--agent", help="Run the desk's agent on one late case instead.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Move an earlier demo aside and start anew.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document at the end.")] = False,
) -> None:
    """Run the refund desk: it reads a CSV, pays, asks you three times, and goes on after any crash."""
    if once and decide is None:
        raise typer.BadParameter("Expected --decide approve or --decide reject beside --once.")
    refuse_server("demo")
    from sayso.cli.demo import stage  # Lazy: a command over a server needs no runtime.

    answer = None if decide is None else decide.value
    options = stage.Options(
        folder=folder, input=input_, decide=answer, fresh=fresh, crash=crash, say=stage.silent if json_ else stage.said
    )
    stage.perform(options, agent=agent, once=once, terminal=terminal, json_=json_)
