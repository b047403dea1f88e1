"""`sayso audit evidence | check`: a session's evidence packet, and whether one is what it says."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from sayso.cli.audit import written
from sayso.cli.desk import Desk
from sayso.cli.places import at_desk
from sayso.cli.shared import Json, print_json
from sayso.cli.text import safe
from sayso.core.evidence import packet_bytes, packet_of, problems
from sayso.core.evidencepage import page
from sayso.model.errors import Invalid


@at_desk()
def evidence_(
    desk: Desk,
    session: Annotated[str, typer.Argument(help="The session.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file, or into this directory.")
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="The page to read; in a directory, beside the packet.")] = False,
) -> None:
    """Write everything that is kept about a session, sealed with hashes: JSON, or a page to read."""
    packet = desk.audit.evidence(session)
    texts = {"json": packet_bytes(packet).decode(), "html": page(packet) if html else ""}
    for path, kind in _places(output, session, html=html):
        with written(path) as file:
            file.write(texts[kind])
        if path is not None:
            typer.echo(str(path), err=True)
    typer.echo(f"Note down elsewhere: {packet['manifest']['whole']}", err=True)
    for finding in packet["parts"]["findings"]:
        typer.echo(f"Finding: {safe(finding)}.", err=True)


def check(
    file: Annotated[Path, typer.Argument(help="A packet (JSON).")],
    expect: Annotated[str | None, typer.Option(metavar="HASH", help="The hash of the whole, as it was noted.")] = None,
    json_: Json = False,
) -> None:
    """Check a packet without the database: that it is as it was made, and that nothing in it contradicts itself."""
    packet = _read(file)
    found = problems(packet)
    whole = str(packet["manifest"].get("whole")) if isinstance(packet.get("manifest"), dict) else None
    if expect is not None and expect.strip().lower() != whole:
        found.append("the hash of the whole is not the one that was noted down")
    if json_:
        print_json({"ok": not found, "whole": whole, "problems": found})
    else:
        for problem in found:
            typer.echo(f"{safe(problem)}.")
        typer.echo(f"{safe(file)}: " + (f"{len(found)} problems." if found else f"holds. Hash: {whole}"))
        if not found and expect is None:
            typer.echo(
                "Without the hash that was noted down, a packet that was made anew cannot be told from this one."
            )
    if found:
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Add the commands to `sayso audit`."""
    app.command("evidence")(evidence_)
    app.command("check")(check)


def _read(path: Path) -> dict[str, Any]:
    try:
        return packet_of(path.read_bytes())
    except OSError as exc:
        raise Invalid(f"Expected to read {path}, but: {exc.strerror}.", hint="Check the path.") from exc
    except ValueError as exc:
        raise Invalid(f"Expected {path} to be an evidence packet, but {exc}.", hint="Give the JSON file.") from exc


def _places(output: Path | None, session: str, *, html: bool) -> list[tuple[Path | None, str]]:
    """Return where to write what."""
    if output is None or not output.is_dir():
        return [(output, "html" if html else "json")]
    name = re.sub(r"[^A-Za-z0-9_-]", "_", session)[:100]
    return [(output / f"evidence-{name}.{kind}", kind) for kind in (["json", "html"] if html else ["json"])]
