"""`sayso tasks ls | show | assign | extend`: what waits for people, for whom, and until when."""

from typing import Annotated, cast, get_args

import typer

from sayso.cli.cards import card, more_time, task_json
from sayso.cli.desk import Desk
from sayso.cli.places import at_desk
from sayso.cli.shared import Json, find_task, print_json
from sayso.cli.tables import print_table
from sayso.cli.text import safe, shown
from sayso.core.deadlines import extensible
from sayso.model.errors import Invalid
from sayso.model.tasks import Listed, UserTask

app = typer.Typer(no_args_is_help=True)


@app.command("ls")
@at_desk()
def list_(
    desk: Desk,
    kind: Annotated[str | None, typer.Option(help="approval, form, output_review, route or error.")] = None,
    status: Annotated[str, typer.Option(help="pending, completed, cancelled or any.")] = "pending",
    all_: Annotated[bool, typer.Option("--all", help="The same as --status any.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    json_: Json = False,
) -> None:
    """List what waits, oldest first; of what is decided, also who has answered what."""
    if status not in get_args(Listed):
        raise Invalid(f"Expected --status to be {', '.join(get_args(Listed))}, but got {status!r}.")
    wanted: Listed = "any" if all_ else cast("Listed", status)
    page = desk.tasks.page(status=wanted, kind=kind, limit=limit, cursor=cursor)
    if json_:
        print_json({"tasks": [task_json(*seen) for seen in page.tasks], "next_cursor": page.next_cursor})
        return
    columns = ("id", "kind", "status", "workflow", "asks", "answer")[: 5 if wanted == "pending" else 6]
    rows = [
        (task.id, task.spec.request.kind, stands, task.program, task.spec.request.message, _answer(task))[
            : len(columns)
        ]
        for task, stands in page.tasks
    ]
    print_table(columns, rows)
    if not rows:
        typer.echo("Nothing waits." if wanted == "pending" else "There is none.", err=True)
    if page.next_cursor is not None:
        typer.echo(f"There is more: --cursor {page.next_cursor}", err=True)


def _answer(task: UserTask) -> str:
    """Return who has answered what, in one line."""
    if task.decided_by is None:
        return ""
    said = "" if task.summary is None else f": {task.summary}"
    return f"{task.verdict} by {task.decided_by}{said}"


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


@app.command()
@at_desk()
def assign(
    desk: Desk,
    task: str,
    email: Annotated[str | None, typer.Argument(help="Of a member who may decide it; leave it out for nobody.")] = None,
    json_: Json = False,
) -> None:
    """Say whose work a task is; others may still decide it."""
    seen = desk.tasks.assign(find_task(desk.tasks, task).task.id, email)
    if json_:
        print_json(task_json(*seen))
    else:
        typer.echo(f"{seen.task.id} is assigned to {safe(seen.task.assigned_to or 'nobody')}.")
