"""Workflows: list them, start them, and answer what they ask; everything else of their runs is as for agents."""

from typing import Annotated, Any

from fastapi import Path, Query
from fastapi.responses import JSONResponse

from sayso.api.v1 import wire
from sayso.api.v1.bodies import Decisions, StartWorkflow
from sayso.api.v1.linking import RUN_LINKS
from sayso.api.v1.runs import RunPath, moved
from sayso.api.v1.sessions import listed
from sayso.api.v1.taskwire import Plain
from sayso.api.v1.telling import A_RUN, DECIDING, OF_STARTS, acting, told
from sayso.core.codec import json_bytes
from sayso.model.ids import RunId, SessionId, TaskId
from sayso.model.registry import AgentRecord
from sayso.model.requesterrors import OutOfScope, WorkflowNotFound
from sayso.model.sessions import SessionFilter, SessionStatus
from sayso.runtime.ports import Transaction
from sayso.runtime.starting import BeginWorkflow
from sayso.server.routes import router as strict_router
from sayso.server.service import Asked, answer

router = strict_router(tags=["workflows"])
Name = Annotated[str, Path(alias="workflow", max_length=200, description="A workflow's name.")]


@router.get("/workflows", **told("workflows"))
async def list_workflows(asked: Asked) -> Plain:
    """List the workflows that this server can start."""
    asked.require("see_agents")
    loaded = asked.service.workflows
    listed = await asked.service.registry.list_workflows(asked.principal.workspace.id)
    found = [_about(record, loaded[record.name]) for record in listed if record.name in loaded]
    return {"items": found, "total": len(found)}


def _about(record: AgentRecord, workflow: Any) -> Plain:
    return {
        "id": record.id,
        "name": record.name,
        "description": workflow.description,
        "versionId": record.deployed_version_id,
        "versionLabel": record.deployed_label,
        "steps": dict(workflow.shape()),
    }


@router.post(
    "/workflows/{workflow}/runs", **acting("started", WorkflowNotFound, OutOfScope, *OF_STARTS, links=RUN_LINKS)
)
async def start_workflow(asked: Asked, body: StartWorkflow, workflow: Name) -> JSONResponse:
    """Start a run of a workflow."""
    asked.require("start_runs")
    record, found = await asked.workflow(workflow)
    asked.refuse_beyond(record.program)
    command = BeginWorkflow(
        workspace_id=record.workspace_id,
        started=found.started_with(body.input, body.additional_data, body.user_id),
        trigger_type="manual" if asked.principal.key is None else "api",
        started_by=asked.principal.id,
        user_id=body.user_id,
        session_id=None if body.session_id is None else SessionId(body.session_id),
    )
    runtime = asked.service.runtime
    planned = await asked.service.registry.plan_workflow(runtime, record.name, command)
    begin = asked.service.sessions.starting(planned, asked.principal, asked.reach)

    def unit(tx: Transaction) -> tuple[int, bytes]:
        return 202, json_bytes(wire.started_json(begin(tx).run, agent_id=record.id))

    answered = await asked.act(unit, body.sent())
    runtime.wake(planned.run_id)
    return answer(answered, replayed=bool(answered.digest))


@router.get("/workflows/{workflow}/sessions", **told("sessions", WorkflowNotFound))
async def list_workflow_sessions(
    asked: Asked,
    workflow: Name,
    skip: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    take: Annotated[int, Query(ge=1, le=100)] = 20,
    status: SessionStatus | None = None,
) -> Plain:
    """List the sessions of a workflow, the one with the newest run first."""
    asked.require("see_sessions")
    record, _ = await asked.workflow(workflow)
    wanted = SessionFilter(program=record.program, status=status)
    return await listed(asked, wanted, skip, take)


@router.post("/runs/{runId}/decisions", **acting("moved", *A_RUN, *DECIDING))
async def decide_run(asked: Asked, body: Decisions, run_id: Annotated[RunPath, Path(alias="runId")]) -> JSONResponse:
    """Answer several tasks of one run at once: all answers are taken, or none."""
    asked.require("decide_tasks")
    inbox = asked.service.inbox
    commands = [
        inbox.completing(
            TaskId(item.user_task_id),
            {name: value for name, value in item.sent().items() if name != "userTaskId"},
            asked.principal,
            asked.reach,
            run_id=RunId(run_id),
        )
        for item in body.decisions
    ]

    def decide(tx: Transaction) -> None:
        for command in commands:
            command(tx)

    return await moved(asked, RunId(run_id), decide, body.sent())
