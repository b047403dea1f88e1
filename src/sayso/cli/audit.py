"""`sayso audit verify | ls | export`: who did what, and whether the record of it still holds."""

import csv
import json
import re
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO

import typer

from sayso.app.settings import Settings
from sayso.cli.shared import Database, Json, print_json, run
from sayso.cli.tables import print_table
from sayso.cli.text import safe
from sayso.core.audit import Checked
from sayso.core.auditforms import COLUMNS, row_to_cells, row_to_json
from sayso.model.audit import AuditFilter, AuditRow
from sayso.model.errors import Invalid
from sayso.model.workspaces import DEFAULT_WORKSPACE, WorkspaceId
from sayso.runtime.auditlog import check_chain, exported, newest
from sayso.runtime.door import Runtime
from sayso.runtime.ports import Transaction

app = typer.Typer(no_args_is_help=True)
Workspace = Annotated[str | None, typer.Option("--workspace", "-w", help="Only the chain of this workspace.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.")]
_UNSEEN = "Without an anchor, a tail that was cut off or a chain that was computed anew cannot be found."


@app.command()
def verify(
    database: Database = None,
    workspace: Workspace = None,
    anchor: Annotated[
        str | None, typer.Option(metavar="SEQ:HASH", help="What was noted down earlier; of --workspace, or 'default'.")
    ] = None,
    json_: Json = False,
) -> None:
    """Check that no row was changed, removed, added or moved; print what to note down. Exit code 1 where one was."""
    noted = None if anchor is None else _anchor(anchor)

    def chains(tx: Transaction) -> dict[str, Checked]:
        one = workspace or (None if noted is None else DEFAULT_WORKSPACE)
        names = tx.audit.workspaces() or [DEFAULT_WORKSPACE] if one is None else [WorkspaceId(one)]
        return {name: check_chain(tx, name, noted) for name in names}

    async def work(runtime: Runtime, settings: Settings) -> dict[str, Checked]:
        del settings
        return await runtime.store.read(chains)

    found = run(database, work)
    ok = all(item.broken is None for item in found.values())
    if json_:
        print_json({"ok": ok, "anchored": noted is not None, "chains": [_checked(*item) for item in found.items()]})
    else:
        typer.echo("\n".join(_said(*item) for item in found.items()))
        if noted is None:
            typer.echo(_UNSEEN)
    if not ok:
        raise typer.Exit(1)


@app.command("ls")
def list_(
    database: Database = None,
    workspace: Workspace = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 50,
    json_: Json = False,
) -> None:
    """List the last rows, the newest last."""

    async def work(runtime: Runtime, settings: Settings) -> list[AuditRow]:
        del settings
        return await runtime.store.read(lambda tx: newest(tx, _named(workspace), limit))

    rows = run(database, work)
    if json_:
        print_json({"rows": [row_to_json(row) for row in rows]})
        return
    print_table(
        ("seq", "time (UTC)", "by", "via", "action", "target", "data"),
        [
            (row.seq, f"{row.at:%Y-%m-%d %H:%M:%S}", row.by, row.by.via, row.action, row.target,
             row.data.decode("utf-8", "backslashreplace"))
            for row in rows
        ],
    )  # fmt: skip


@app.command()
def export(
    database: Database = None,
    workspace: Workspace = None,
    format_: Annotated[Literal["ndjson", "csv"], typer.Option("--format", help="ndjson or csv.")] = "ndjson",
    since: Annotated[
        datetime | None,
        typer.Option(
            help="Only what was done at or after this time (UTC unless it says otherwise).",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"],
        ),
    ] = None,
    action: Annotated[str | None, typer.Option(help="Only this: task.decided, or task.* for all of a kind.")] = None,
    output: Output = None,
) -> None:
    """Write the log, row by row, as JSON lines or as a table that is safe to open in a spreadsheet."""  # fmt: skip

    async def work(runtime: Runtime, settings: Settings) -> int:
        del settings
        count = 0
        with written(output) as file:
            write = _writer(file, format_)
            wanted = AuditFilter(since=_aware(since), action=action)
            async for row in exported(runtime.store, _named(workspace), wanted):
                write(row)
                count += 1
        return count

    count = run(database, work)
    if output is not None:
        typer.echo(f"{count} rows in {safe(output)}.", err=True)


@contextmanager
def written(path: Path | None) -> Generator[TextIO]:
    """Give the file to write to; one that is named is there only once it is whole."""
    if path is None:
        yield sys.stdout
        return
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(path)
    except OSError as exc:
        raise Invalid(f"Expected to write {path}, but: {exc.strerror}.", hint="Check the path and the space.") from exc
    finally:
        part.unlink(missing_ok=True)


def _writer(file: TextIO, format_: str) -> Callable[[AuditRow], object]:
    if format_ == "csv":
        table = csv.writer(file, quoting=csv.QUOTE_ALL)
        table.writerow(COLUMNS)
        return lambda row: table.writerow(row_to_cells(row))
    return lambda row: file.write(json.dumps(row_to_json(row), ensure_ascii=False) + "\n")


def _anchor(given: str) -> tuple[int, str]:
    found = re.fullmatch(r"([1-9][0-9]{0,17}):([0-9a-fA-F]{64})", given.strip())
    if found is None:
        raise Invalid(f"Expected an anchor as SEQ:HASH, as verify prints it, but got {given!r}.")
    return int(found[1]), found[2].lower()


def _checked(workspace: str, found: Checked) -> dict[str, Any]:
    last = None if found.last is None else {"seq": found.last[0], "hash": found.last[1]}
    broken = None if found.broken is None else {"seq": found.broken.seq, "reason": found.broken.reason}
    return {"workspace": workspace, "rows": found.rows, "last": last, "broken": broken}


def _said(workspace: str, found: Checked) -> str:
    if found.broken is not None:
        return f"{safe(workspace)}: broken at number {found.broken.seq}: {found.broken.reason}."
    if found.last is None:
        return f"{safe(workspace)}: no rows."
    seq, hash_ = found.last
    return f"{safe(workspace)}: {found.rows} rows hold. Note down elsewhere: {seq}:{hash_}"


def _named(workspace: str | None) -> WorkspaceId:
    return DEFAULT_WORKSPACE if workspace is None else WorkspaceId(workspace)


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
