"""A task as a card: what is asked, what exactly it is about, and what each answer does."""

from typing import Any

from sayso.cli import callcards
from sayso.cli.callcards import about_call, about_request
from sayso.cli.text import safe, shown
from sayso.core.deadlines import extensible
from sayso.core.schemas import fields_of
from sayso.core.taskforms import spec_to_json
from sayso.model.json import Json
from sayso.model.tasks import (
    ApprovalRequest,
    ErrorRequest,
    FormField,
    FormRequest,
    OutputReviewRequest,
    RouteRequest,
    TaskStatus,
    UnreadableRequest,
    UserTask,
)

_REJECTED = {
    "skip": "go on without it",
    "cancel": "end the run",
    "retry": "run it again with your reason",
    "else": "take the other branch",
}


def task_json(task: UserTask, status: TaskStatus) -> dict[str, Any]:
    """Return a task as plain JSON."""
    return {
        "id": task.id,
        "run_id": task.run_id,
        "session_id": task.session_id,
        "workflow": task.program,
        "key": task.key,
        "status": str(status),
        "digest": task.digest,
        "created_at": task.created_at.isoformat(),
        "due_at": None if task.due_at is None else task.due_at.isoformat(),
        "extensions_left": None if (room := extensible(task)) is None else room.left,
        "decided_by": task.decided_by,
        "decided_at": None if task.decided_at is None else task.decided_at.isoformat(),
        "verdict": task.verdict,
        "answer": task.summary,
        "assigned_to": task.assigned_to,
        **spec_to_json(task.spec),
    }


def card(task: UserTask, status: TaskStatus, *, at: str = "") -> str:
    """Return the card's text.

    Args:
        task: The task.
        status: What it is now.
        at: Options that the commands on the card need, e.g. ` -d FILE`.
    """
    spec = task.spec
    lines = [
        safe(spec.request.message),
        f"  {spec.request.kind} for {spec.step_type} '{safe(spec.step_name)}' of '{safe(task.program)}'",
        f"  task {task.id}  run {task.run_id}  key {safe(task.key)}",
        f"  asked {task.created_at:%Y-%m-%d %H:%M:%S} UTC  status {status}",
    ]
    if task.due_at is not None:
        lines.append(f"  until {task.due_at:%Y-%m-%d %H:%M:%S} UTC, then: {spec.on_timeout}{_room(task, status, at)}")
    if task.assigned_to is not None:
        lines.append(f"  assigned to {safe(task.assigned_to)}")
    if task.decided_by is not None:
        lines.append(f"  decided by {safe(task.decided_by)}: {task.verdict} at {task.decided_at:%Y-%m-%d %H:%M:%S} UTC")
    if task.summary is not None:
        lines.append(f"  said: {safe(task.summary)}")
    return "\n".join([*lines, *_about(task), *(_ways(task, at) if status is TaskStatus.PENDING else [])])


def more_time(left: int) -> str:
    """Return how often a deadline may still be extended, in words."""
    return "it cannot be extended" if not left else f"it can be extended {left} time{'' if left == 1 else 's'} more"


def _room(task: UserTask, status: TaskStatus, at: str) -> str:
    room = extensible(task)
    if room is None or status is not TaskStatus.PENDING:
        return ""
    way = f": sayso tasks extend {task.id}{at}" if room.left else ""
    return f"\n  {more_time(room.left)}{way}"


def _about(task: UserTask) -> list[str]:
    match task.spec.request:
        case ApprovalRequest(call=call):
            return [] if call is None else about_call(call)
        case FormRequest() as request:
            call = [] if request.call is None else about_call(request.call)
            schema = [] if request.schema is None else ["  values that fit:", *_indented(shown(request.schema))]
            extra = [f"  also confirms: {safe(request.confirm_message)}"] if request.confirm else []
            return [*call, *schema, *extra, *[f"  {_field(field)}" for field in request.fields]]
        case OutputReviewRequest() as request:
            problem = [f"  note: {safe(request.problem)}"] if request.problem else []
            rounds = f" (rejected {request.retry_count} times before)" if request.retry_count else ""
            return [*problem, f"  the output{rounds}:", *_indented(shown(request.output))]
        case RouteRequest() as request:
            how = "one or several, in order" if request.multiple else "one"
            return [f"  choose {how} of: {', '.join(map(safe, request.choices))}"]
        case ErrorRequest() as request:
            return [f"  {request.error_type}: {safe(request.error_message)} (retried {request.retry_count} times)"]
        case UnreadableRequest():
            return ["  it cannot be decided here; its run can be cancelled"]
        case request:
            return about_request(request)


def _ways(task: UserTask, at: str) -> list[str]:
    rejected = "the agent is told why" if task.spec.step_type == "Agent" else _REJECTED[task.spec.on_reject]
    reject = f"  sayso tasks reject {task.id}{at} -m 'why'      {rejected}"
    match task.spec.request:
        case ApprovalRequest(call=call):
            edit = [] if call is None else [f"  sayso tasks edit {task.id}{at}      go ahead with other arguments"]
            instead = [] if call is None else [f"  sayso tasks respond {task.id} 'answer'{at}      answer in its place"]
            ways = [f"  sayso tasks approve {task.id}{at}      go ahead", *edit, *instead, reject]
        case FormRequest() as request:
            names = " ".join([*(f"{field.name}=..." for field in request.fields), *_by_schema(request.schema)])
            ways = [f"  sayso tasks answer {task.id} {names}{at}", reject]
        case OutputReviewRequest():
            ways = [
                f"  sayso tasks approve {task.id}{at}      keep it",
                f"  sayso tasks edit {task.id}{at}      keep it with your changes",
                reject,
            ]
        case RouteRequest():
            ways = [f"  sayso tasks choose {task.id} ROUTE{at}", reject]
        case ErrorRequest():
            ways = [
                f"  sayso tasks retry {task.id}{at}      try again",
                f"  sayso tasks skip {task.id}{at}      go on without it",
            ]
        case UnreadableRequest():
            ways = [f"  sayso runs cancel {task.run_id}{at}      end the run"]
        case request:
            ways = callcards.ways(request, task.id, at)
    return ["", *ways]


def _by_schema(schema: Json) -> list[str]:
    """Return the values that a schema names, those that may be left out in brackets."""
    required = schema.get("required") if isinstance(schema, dict) else None
    needed = required if isinstance(required, list) else []
    return [f"{safe(name)}=..." if name in needed else f"[{safe(name)}=...]" for name in fields_of(schema)]


def _field(field: FormField) -> str:
    allowed = "" if field.allowed_values is None else f", one of {', '.join(map(repr, field.allowed_values))}"
    default = "" if field.value is None else f", default {field.value!r}"
    need = "required" if field.required else "optional"
    about = f": {safe(field.description)}" if field.description else ""
    return f"{safe(field.name)} ({field.field_type}, {need}{allowed}{default}){about}"


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in text.splitlines() or [""]]
