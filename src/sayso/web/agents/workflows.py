"""The workflows that this server has loaded: their steps and gates, their runs, and starting one."""

from typing import Annotated, Any

from fastapi import Path, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from sayso.core.roles import allows
from sayso.model.errors import SaysoError
from sayso.model.json import Json
from sayso.model.registryerrors import InvalidInput
from sayso.model.sessions import SessionFilter
from sayso.runtime.starting import BeginWorkflow
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.agents.steps import step_rows
from sayso.web.agents.viewing import decided_of
from sayso.web.agents.words import WORDS
from sayso.web.burden import burden_view
from sayso.web.controls import Unread
from sayso.web.fields import Fields, fields_of
from sayso.web.inputs import form_of, input_of
from sayso.web.periods import period
from sayso.web.preferring import preferences_of
from sayso.web.rendering import page
from sayso.web.starting import begun, fresh_run, run_of
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
Name = Annotated[str, Path(max_length=200)]
_RUNS = 20
_OURS = 500


@router.get("/agents/workflows/{workflow}")
async def workflow_page(asked: Visited, workflow: Name) -> HTMLResponse:
    """Show one workflow."""
    asked.require("see_agents")
    return await _shown(asked, workflow)


@router.post("/agents/workflows/{workflow}/runs")
async def start(asked: Visited, request: Request, workflow: Name) -> Response:
    """Start a run of a workflow."""
    asked.require("start_runs")
    sent = await fields_of(request)
    record, found = await asked.workflow(workflow)
    try:
        command = BeginWorkflow(
            workspace_id=record.workspace_id,
            started=found.started_with(input_of(_schema_of(found), sent)),
            trigger_type="manual",
            started_by=asked.principal.id,
            run_id=run_of(sent),
        )
        return await begun(
            asked, await asked.service.registry.plan_workflow(asked.service.runtime, record.name, command)
        )
    except Unread as unread:
        problem: SaysoError = InvalidInput("Expected an input of the types that are asked for; nothing was started.")
        return await _shown(asked, workflow, problem=problem, sent=sent, errors=unread.errors)
    except SaysoError as exc:
        if exc.status >= _OURS:
            raise
        return await _shown(asked, workflow, problem=exc, sent=sent)


async def _shown(
    asked: Asking,
    name: str,
    *,
    problem: SaysoError | None = None,
    sent: Fields | None = None,
    errors: dict[str, str] | None = None,
) -> HTMLResponse:
    record, found = await asked.workflow(name)
    service = asked.service
    month = period("30d", asked.now, preferences_of(asked.request).zone)
    decided = await decided_of(asked, record.program, month)
    waiting = await service.measures.runs_waiting(record.workspace_id)
    runs = None
    if allows(asked.principal, "see_sessions"):
        runs = await service.sessions.page(SessionFilter(program=record.program), asked.reach, limit=_RUNS, skip=0)
    return page(
        asked,
        "agents/workflow.html",
        title=record.name,
        status=200 if problem is None else problem.status,
        record=record,
        about=found.description,
        steps=step_rows(found),
        waiting=waiting.get(record.program, 0),
        runs=runs,
        burden=burden_view(decided, month),
        form=form_of(_schema_of(found), sent),
        problem=problem,
        tried={"errors": errors or {}},
        fresh_run=fresh_run(asked),
        names={},
        **WORDS,
    )


def _schema_of(workflow: Any) -> Json:
    """Return the JSON Schema of a workflow's input, where it has one."""
    wanted = workflow.input_schema
    return wanted.model_json_schema() if hasattr(wanted, "model_json_schema") else None
