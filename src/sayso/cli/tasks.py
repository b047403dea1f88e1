"""`sayso tasks ls | show | extend`: what waits for people, and until when."""

from typing import Annotated

import typer

from sayso.cli.cards import card, more_time, task_json
from sayso.cli.desk import Desk
from sayso.cli.places import at_desk
from sayso.cli.shared import Json, find_task, print_json
from sayso.cli.tables import print_table
from sayso.cli.text import shown
from sayso.core.deadlines import extensible

app = typer.Typer(no_args_is_help=True)


@app.command("ls")
@at_desk()
def list_(
    desk: Desk,
    kind: Annotated[str | None, typer.Option(help="approval, form, output_review, route or error.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Decided and dropped ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    json_: Json = False,
) -> None:
    """List what waits, oldest first."""
    page = desk.tasks.page(everything=all_, kind=kind, limit=limit, cursor=cursor)
    if json_:
        print_json({"tasks": [task_json(*seen) for seen in page.tasks], "next_cursor": page.next_cursor})
        return
    rows = [
        (task.id, task.spec.request.kind, status, task.program, task.spec.request.message)
        for task, status in page.tasks
    ]
    print_table(("id", "kind", "status", "workflow", "asks"), rows)
    if not rows:
        typer.echo("Nothing waits.", err=True)
    if page.next_cursor is not None:
        typer.echo(f"There is more: --cursor {page.next_cursor}", err=True)


@app.command()
@at_desk()
def extend(desk: Desk, task: str, json_: Json = False) -> None:
    """Give a task once more the time that it had at first, before its deadline passes."""
    found, _ = find_task(desk.tasks, task)
    later = desk.tasks.extend(found)
    due, room = later.due_at, extensible(later)
    left = 0 if room is None else room.left
    if json_:
        print_json({"task_id": later.id, "due_at": None if due is None else due.isoformat(), "extensions_left": left})
    else:
        typer.echo(f"{later.id}: until {due:%Y-%m-%d %H:%M:%S} UTC; {more_time(left)}.")


@app.command()
@at_desk()
def show(
    desk: Desk,
    task: str,
    reveal: Annotated[
        str | None, typer.Option(help="Tell the secret argument at this place, e.g. /password; the audit log has it.")
    ] = None,
    json_: Json = False,
) -> None:
    """Show one task: what is asked, about what exactly, and what each answer does."""
    seen = find_task(desk.tasks, task)
    if reveal is not None:
        value = desk.tasks.reveal(seen.task, reveal)
        if json_:
            print_json({"path": reveal, "value": value})
        else:
            typer.echo(shown(value))
    elif json_:
        print_json(task_json(*seen))
    else:
        typer.echo(card(*seen, at=desk.options))
