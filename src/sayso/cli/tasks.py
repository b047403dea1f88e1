"""`sayso tasks ls | show`: what waits for people."""

from typing import Annotated

import typer

from sayso.app.settings import Settings
from sayso.cli.cards import card, task_json
from sayso.cli.shared import Database, Json, find_task, print_json, run
from sayso.cli.tables import print_table
from sayso.model.tasks import TaskFilter, TaskPage, TaskStatus, UserTask
from sayso.runtime.door import Runtime

app = typer.Typer(no_args_is_help=True)


@app.command("ls")
def list_(
    database: Database = None,
    kind: Annotated[str | None, typer.Option(help="approval, form, output_review, route or error.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Decided and dropped ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    json_: Json = False,
) -> None:
    """List what waits, oldest first."""

    async def work(runtime: Runtime, settings: Settings) -> tuple[TaskPage, list[TaskStatus]]:
        del settings
        wanted = TaskFilter(status="any" if all_ else "pending", kind=kind)
        page = await runtime.list_tasks(wanted, limit=limit, cursor=cursor)
        now = runtime.clock.now()
        return page, [task.status_at(now) for task in page.tasks]

    page, statuses = run(database, work)
    if json_:
        tasks = [task_json(task, status) for task, status in zip(page.tasks, statuses, strict=True)]
        print_json({"tasks": tasks, "next_cursor": page.next_cursor})
        return
    rows = [
        (task.id, task.spec.request.kind, status, task.program, task.spec.request.message)
        for task, status in zip(page.tasks, statuses, strict=True)
    ]
    print_table(("id", "kind", "status", "workflow", "asks"), rows)
    if not rows:
        typer.echo("Nothing waits.", err=True)
    if page.next_cursor is not None:
        typer.echo(f"There is more: --cursor {page.next_cursor}", err=True)


@app.command()
def show(task: str, database: Database = None, json_: Json = False) -> None:
    """Show one task: what is asked, about what exactly, and what each answer does."""

    async def work(runtime: Runtime, settings: Settings) -> tuple[UserTask, TaskStatus]:
        del settings
        found = await find_task(runtime, task)
        return found, found.status_at(runtime.clock.now())

    found, status = run(database, work)
    if json_:
        print_json(task_json(found, status))
    else:
        typer.echo(card(found, status, at="" if database is None else f" -d {database}"))
