"""`sayso tasks approve | reject | answer | respond | choose | edit | retry | skip`: deciding from a terminal.

Every command loads the task, and decides with the digest of what was loaded: whoever was faster wins, and a task
that changed meanwhile is refused.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from sayso.cli.desk import Desk
from sayso.cli.drafts import Draft
from sayso.cli.places import at_desk
from sayso.cli.shared import Json, find_task, print_json
from sayso.cli.text import safe
from sayso.core.answers import VALUE
from sayso.core.confiding import masked_arguments
from sayso.core.forms import parse
from sayso.core.schemas import fields_of, problems
from sayso.model.decisions import Answer, Approve, Choose, Edit, Reject, Respond, Retry, Skip, Verdict
from sayso.model.errors import Invalid, InvalidDecision
from sayso.model.tasks import (
    ApprovalRequest,
    CallShown,
    FormRequest,
    MessageRequest,
    OptionsRequest,
    OutputReviewRequest,
    TextRequest,
    UserTask,
)

Note = Annotated[str | None, typer.Option("--message", "-m", help="A note that is kept with the decision.")]
Task = Annotated[str, typer.Argument(help="The task's id, or a unique beginning or end of it.")]


@at_desk()
def approve(desk: Desk, task: Task, message: Note = None, json_: Json = False) -> None:
    """Go ahead as shown: run the step, keep the output, or take a form's defaults."""
    _decide(desk, task, json_, lambda _: Approve(note=message))


@at_desk()
def reject(
    desk: Desk,
    task: Task,
    message: Note = None,
    cancel_run: Annotated[bool, typer.Option("--cancel-run", help="End the run, whatever on_reject says.")] = False,
    json_: Json = False,
) -> None:
    """Do not go ahead; `tasks show` tells what follows."""
    _decide(desk, task, json_, lambda _: Reject(note=message, cancel_run=cancel_run))


@at_desk()
def answer(
    desk: Desk,
    task: Task,
    values: Annotated[
        list[str], typer.Argument(help="name=value, once per field; or the one value that is asked for.")
    ],
    message: Note = None,
    json_: Json = False,
) -> None:
    """Enter the values that a form asks for, or the text, number, message or result that is waited for."""
    _decide(desk, task, json_, lambda found: Answer(values=_values(found, values), note=message))


@at_desk()
def respond(
    desk: Desk,
    task: Task,
    text: Annotated[str, typer.Argument(help="What the agent is told in the place of a result.")],
    message: Note = None,
    json_: Json = False,
) -> None:
    """Do not let a call run, and answer the agent in its place, or ask it something."""
    _decide(desk, task, json_, lambda _: Respond(value=text, note=message))


@at_desk()
def choose(
    desk: Desk,
    task: Task,
    routes: Annotated[list[str], typer.Argument(help="One route, or several in their order.")],
    message: Note = None,
    json_: Json = False,
) -> None:
    """Choose the route, or the routes in this order."""
    _decide(desk, task, json_, lambda _: Choose(choices=tuple(routes), note=message))


@at_desk()
def edit(
    desk: Desk,
    task: Task,
    content: Annotated[
        str | None, typer.Option(help="The new content; text, or JSON where the output is JSON.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="A file with the new content.")] = None,
    message: Note = None,
    json_: Json = False,
) -> None:
    """Keep an output, or let a tool call go ahead, with your changes; opens $EDITOR where no content is given."""
    given, draft = content if file is None else _read(file), Draft()
    with draft.kept():
        _decide(desk, task, json_, lambda found: Edit(content=_edited(found, given, draft), note=message))


@at_desk()
def retry(desk: Desk, task: Task, message: Note = None, json_: Json = False) -> None:
    """Try a failed step again."""
    _decide(desk, task, json_, lambda _: Retry(note=message))


@at_desk()
def skip(desk: Desk, task: Task, message: Note = None, json_: Json = False) -> None:
    """Go on without a failed step."""
    _decide(desk, task, json_, lambda _: Skip(note=message))


def add_to(app: typer.Typer) -> None:
    """Add the commands to `sayso tasks`."""
    for command in (approve, reject, answer, respond, choose, edit, retry, skip):
        app.command()(command)


def _decide(desk: Desk, task: str, json_: bool, verdict: Callable[[UserTask], Verdict]) -> None:
    found, _ = find_task(desk.tasks, task)
    done = desk.tasks.decide(found, verdict(found))
    if json_:
        print_json(
            {
                "task": done.task_id,
                "run_id": done.run_id,
                "verdict": done.verdict,
                "action": done.action,
                "by": done.by,
                "at": done.at.isoformat(),
                "note": done.note,
            }
        )
    else:
        typer.echo(f"{done.task_id}: {done.verdict} by {safe(done.by)}; the run will {_NEXT[done.action]}.")


_NEXT = {
    "proceed": "go ahead",
    "skip": "go on without it",
    "cancel": "end as cancelled",
    "retry": "try again",
    "else": "take the other branch",
    "fail": "end with the error",
}


def _values(task: UserTask, given: list[str]) -> dict[str, Any]:
    """Return what was typed, each value read as what its field takes; the one value of a question needs no name."""
    request = task.spec.request
    is_form = isinstance(request, FormRequest)
    values: dict[str, Any] = {}
    for item in given:
        name, equals, text = item.partition("=")
        if not equals and (is_form or len(given) > 1):
            raise InvalidDecision(f"Expected name=value, but got {item!r}.")
        name, text = (name, text) if equals else (VALUE, item)
        values[name] = _read_as(request, name, text) if is_form else _one(request, text)
    return values


def _one(request: object, text: str) -> Any:
    return text if isinstance(request, TextRequest | MessageRequest | OptionsRequest) else _json_or_text(text)


def _read_as(request: FormRequest, name: str, text: str) -> Any:
    """Return a form's value: as JSON where that fits, else as the text that it is."""
    fields = {field.name: field for field in request.fields}
    if name in fields:
        return parse(fields[name], text)
    value, known = _json_or_text(text), fields_of(request.schema)
    if name in known and problems(known[name], value) and not problems(known[name], text):
        return text
    return value


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _edited(task: UserTask, given: str | None, draft: Draft) -> Any:
    match task.spec.request:
        case OutputReviewRequest(output=output):
            was = output
        case ApprovalRequest(call=CallShown() as call):
            was = masked_arguments(call)  # what is left masked stays what it is
        case request:
            raise InvalidDecision(
                f"Expected an output review or a tool call, but task {task.id} is of kind '{request.kind}'."
            )
    is_text = isinstance(was, str)
    if given is None:
        given = draft.written(str(was) if is_text else json.dumps(was, indent=2, ensure_ascii=False))
    if is_text:
        return given
    try:
        return json.loads(given)
    except ValueError as exc:
        raise InvalidDecision(
            f"Expected JSON, as what is edited is, but: {exc}; nothing was decided.",
            hint="Give JSON, as `sayso tasks show` shows it.",
        ) from None


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise Invalid(f"Expected a file of UTF-8 text at {file}, but: {exc}; nothing was decided.") from exc
