"""Sessions: list, show, mark complete, terminate."""

from typing import Annotated

from fastapi import Path, Query
from fastapi.responses import JSONResponse

from sayso.api.v1 import wire
from sayso.api.v1.bodies import Note, Reason
from sayso.api.v1.linking import SESSION_LINKS
from sayso.api.v1.taskwire import Plain
from sayso.api.v1.telling import A_SESSION, acting, told
from sayso.core.codec import json_bytes, plain_of
from sayso.model.errors import RunNotPaused
from sayso.model.ids import SessionId
from sayso.model.registryerrors import AgentNotFound
from sayso.model.requesterrors import OutOfScope
from sayso.model.sessions import SessionFilter, SessionStatus
from sayso.runtime.once import Unit
from sayso.runtime.ports import Transaction
from sayso.server.routes import router as strict_router
from sayso.server.service import Asked, Asking, answer

router = strict_router(tags=["sessions"])
SessionPath = Annotated[str, Path(alias="sessionId", max_length=200)]
Skip = Annotated[int, Query(ge=0, le=1_000_000)]
Take = Annotated[int, Query(ge=1, le=100)]


@router.get("/agents/{agentId}/sessions", **told("sessions", AgentNotFound, OutOfScope))
async def list_agent_sessions(
    asked: Asked,
    agent_id: Annotated[str, Path(alias="agentId", max_length=200)],
    skip: Skip = 0,
    take: Take = 20,
    version_id: Annotated[str | None, Query(alias="versionId", max_length=200)] = None,
    status: SessionStatus | None = None,
) -> Plain:
    """List the sessions of an agent, the one with the newest run first."""
    asked.require("see_sessions")
    program = (await asked.agent(agent_id)).program
    return await listed(asked, SessionFilter(program=program, version_id=version_id, status=status), skip, take)


@router.get("/sessions", **told("sessions"))
async def list_sessions(
    asked: Asked,
    skip: Skip = 0,
    take: Take = 20,
    of: Annotated[
        str | None, Query(max_length=200, description="The name of one agent or workflow, as `program` has it.")
    ] = None,
    version_label: Annotated[str | None, Query(alias="versionLabel", max_length=200)] = None,
    status: SessionStatus | None = None,
) -> Plain:
    """List the sessions of the workspace, the one with the newest run first."""
    asked.require("see_sessions")
    return await listed(asked, SessionFilter(program=of, version=version_label, status=status), skip, take)


async def listed(asked: Asking, wanted: SessionFilter, skip: int, take: int) -> Plain:
    """Return one page of sessions, with how those that are over have ended."""
    sessions = asked.service.sessions
    page = await sessions.page(wanted, asked.reach, limit=take, skip=skip)
    ends = await sessions.ends(page.items)
    names = await asked.names(*(item.origin.version_id for item in page.items))
    items = [wire.listed_json(item, names, ends.get(item.root_run_id)) for item in page.items]
    return {"items": items, "total": page.total}


@router.get("/sessions/{sessionId}", **told("session", *A_SESSION, links=SESSION_LINKS))
async def get_session(asked: Asked, session_id: SessionPath) -> Plain:
    """Return a session: status, tokens, cost, output, and what started it."""
    asked.require("see_runs_of_tasks")
    whole = await asked.service.sessions.session(SessionId(session_id), asked.reach)
    return wire.session_json(whole, asked.now, await asked.names(), exposed=asked.exposed(whole.runs[0].run.origin))


@router.post("/sessions/{sessionId}/terminate", **acting("terminated", *A_SESSION))
async def terminate_session(asked: Asked, body: Reason, session_id: SessionPath) -> JSONResponse:
    """End every run of a session and close its tasks. It cannot be undone."""
    asked.require("end_sessions")
    end = asked.service.sessions.terminating(SessionId(session_id), body.reason, asked.principal, asked.reach)

    def unit(tx: Transaction) -> tuple[int, bytes]:
        return 202, json_bytes({"status": "Failed", "endedRunIds": [run.id for run in end(tx)]})

    return await _ended(asked, unit, body.sent())


@router.post("/sessions/{sessionId}/complete", **acting("completed", *A_SESSION, RunNotPaused))
async def complete_session(asked: Asked, body: Note, session_id: SessionPath) -> JSONResponse:
    """Mark a waiting session as completed, and close its tasks."""
    asked.require("end_sessions")
    end = asked.service.sessions.completing(SessionId(session_id), body.note, asked.principal, asked.reach)

    def unit(tx: Transaction) -> tuple[int, bytes]:
        return 202, json_bytes({"status": "Completed", "endedRunIds": [run.id for run in end(tx)]})

    return await _ended(asked, unit, body.sent())


async def _ended(asked: Asking, unit: Unit, body: Plain) -> JSONResponse:
    answered = await asked.act(unit, body)
    for run_id in plain_of(answered.body)["endedRunIds"]:
        asked.service.runtime.wake(run_id)
    return answer(answered, replayed=bool(answered.digest))
