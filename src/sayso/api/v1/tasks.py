"""User tasks: the inbox of people and keys."""

from typing import Annotated, Literal

from fastapi import Path, Query
from fastapi.responses import JSONResponse

from sayso.api.v1.bodies import Assignment, Completion, Extension, Place
from sayso.api.v1.linking import TASK_LINKS
from sayso.api.v1.runs import Include
from sayso.api.v1.taskwire import Plain, at, decided_json, task_json
from sayso.api.v1.telling import A_TASK, DECIDING, EXTENDING, REVEALING, acting, told
from sayso.core.codec import json_bytes, plain_of
from sayso.model.errors import Invalid, TaskExpired
from sayso.model.ids import RunId, SessionId, TaskId
from sayso.model.registryerrors import AgentNotFound
from sayso.model.requesterrors import NotAssignable, OutOfScope, TaskClaimed, TaskNotPending
from sayso.model.tasks import TaskFilter, UserTask
from sayso.runtime.completing import by_keys
from sayso.runtime.inbox import found
from sayso.runtime.ports import Transaction
from sayso.server.routes import router as strict_router
from sayso.server.service import Asked, Asking, answer

router = strict_router(prefix="/user-tasks", tags=["user tasks"])
TaskPath = Annotated[str, Path(alias="taskId", max_length=200)]
_STATUS: dict[str, Literal["pending", "completed", "cancelled", "any"]] = {
    "Pending": "pending",
    "Completed": "completed",
    "Cancelled": "cancelled",
    "any": "any",
}


@router.get("", **told("tasks", AgentNotFound, OutOfScope, Invalid))
async def list_tasks(
    asked: Asked,
    status: Annotated[Literal["Pending", "Completed", "Cancelled", "any"], Query()] = "Pending",
    kind: Annotated[str | None, Query(max_length=50, description="One kind of task.")] = None,
    agent_id: Annotated[str | None, Query(alias="agentId", max_length=200)] = None,
    run_id: Annotated[str | None, Query(alias="runId", max_length=200)] = None,
    session_id: Annotated[str | None, Query(alias="sessionId", max_length=200)] = None,
    take: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=500, description="`nextCursor` of the page before.")] = None,
    include: Include = None,
) -> Plain:
    """List user tasks, oldest first; with a key, those within its scopes."""
    asked.require("see_tasks")
    program = None if agent_id is None else (await asked.agent(agent_id)).program
    wanted = TaskFilter(
        status=_STATUS[status],
        kind="approval" if kind == "hitl" else kind,
        program=program,
        run_id=None if run_id is None else RunId(run_id),
        session_id=None if session_id is None else SessionId(session_id),
        reach=asked.reach,
    )
    page = await asked.service.runtime.list_tasks(wanted, limit=take, cursor=cursor)
    names = await asked.names()
    kinds, spec = await asked.service.inbox.by_keys(page.tasks), include == "spec"
    items = [task_json(task, asked.now, names, by_keys=kinds[task.run_id], spec=spec) for task in page.tasks]
    return {"items": items, "nextCursor": page.next_cursor}


@router.get("/{taskId}", **told("task", *A_TASK, links=TASK_LINKS))
async def get_task(asked: Asked, task_id: TaskPath, include: Include = None) -> Plain:
    """Return a user task: what was asked, and how it was answered."""
    asked.require("see_tasks")
    task, run = await asked.service.inbox.show(TaskId(task_id), asked.reach)
    parts = await asked.service.sessions.run(run.id, asked.reach)
    return task_json(task, asked.now, await asked.names(), parts, spec=include == "spec")


@router.post("/{taskId}/complete", **acting("task", *DECIDING, status=200, links=TASK_LINKS))
async def complete_task(asked: Asked, body: Completion, task_id: TaskPath) -> JSONResponse:
    """Complete a user task. The first valid answer wins; a later one gets a conflict that names it."""
    asked.require("decide_tasks")
    decide = asked.service.inbox.completing(TaskId(task_id), body.sent(), asked.principal, asked.reach)
    now, names = asked.now, await asked.names()

    def unit(tx: Transaction) -> tuple[int, bytes]:
        decision = decide(tx)
        task, run = found(tx, TaskId(task_id), asked.reach)
        return 200, json_bytes(decided_json(task, decision, now, names, by_keys(tx, run)))

    answered = await asked.act(unit, body.sent())
    asked.service.runtime.wake(RunId(plain_of(answered.body)["runId"]))
    return answer(answered, replayed=bool(answered.digest))


@router.post("/{taskId}/reveal", **told("secret", *A_TASK, *REVEALING))
async def reveal_secret(asked: Asked, body: Place, task_id: TaskPath) -> Plain:
    """Tell one secret argument to a person who may decide the task; that they were told is in the audit log first."""
    asked.require("decide_tasks")
    value = await asked.service.inbox.reveal(TaskId(task_id), body.path, asked.principal, asked.reach)
    return {"path": body.path, "value": value}


@router.post("/{taskId}/extend", **acting("extended", *EXTENDING, status=200))
async def extend_task(asked: Asked, body: Extension, task_id: TaskPath) -> JSONResponse:
    """Give a user task once more the time that it had at first."""
    asked.require("decide_tasks")
    extend = asked.service.inbox.extending(TaskId(task_id), asked.principal, asked.reach, shown=body.due_at)
    now, names = asked.now, await asked.names()

    def unit(tx: Transaction) -> tuple[int, bytes]:
        extended, (_, run) = extend(tx), found(tx, TaskId(task_id), asked.reach)
        return 200, json_bytes(task_json(extended, now, names, by_keys=by_keys(tx, run)))

    answered = await asked.act(unit, {} if body.due_at is None else {"dueAt": at(body.due_at)})
    asked.service.runtime.wake(RunId(plain_of(answered.body)["runId"]))
    return answer(answered, replayed=bool(answered.digest))


@router.post("/{taskId}/claim", **told("task", *A_TASK, TaskClaimed, TaskNotPending, TaskExpired))
async def claim_task(asked: Asked, task_id: TaskPath) -> Plain:
    """Say to be on a task, for a quarter of an hour; claiming again renews."""
    asked.require("decide_tasks")
    claimed = await asked.service.inbox.claim(TaskId(task_id), asked.principal, asked.reach)
    return await _told(asked, claimed)


@router.post("/{taskId}/assign", **told("task", *A_TASK, NotAssignable, TaskNotPending, TaskExpired))
async def assign_task(asked: Asked, body: Assignment, task_id: TaskPath) -> Plain:
    """Say whose work a task is, or nobody's. It is no lock and does not lapse: others may still decide it."""
    asked.require("decide_tasks")
    assigned = await asked.service.inbox.assign(TaskId(task_id), body.assignee, asked.principal, asked.reach)
    return await _told(asked, assigned)


@router.post("/{taskId}/release", **told("task", *A_TASK, TaskClaimed))
async def release_task(asked: Asked, task_id: TaskPath) -> Plain:
    """Say to be no longer on a task."""
    asked.require("decide_tasks")
    released = await asked.service.inbox.release(TaskId(task_id), asked.principal, asked.reach)
    return await _told(asked, released)


async def _told(asked: Asking, task: UserTask) -> Plain:
    kinds = await asked.service.inbox.by_keys([task])
    return task_json(task, asked.now, await asked.names(), by_keys=kinds[task.run_id])
