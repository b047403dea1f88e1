"""Agents: create, list, show, edit, delete, block, unblock; roll back and retract what is deployed."""

from typing import Annotated

from fastapi import Path, Query, Response
from fastapi.responses import JSONResponse

from sayso.api.v1.agentbodies import BlockAgent, CreateAgent, EditAgent, Rollback, UnblockAgent
from sayso.api.v1.agentwire import agent_json, operation_json
from sayso.api.v1.linking import AGENT_LINKS
from sayso.api.v1.matching import IfMatch, expected_at, tagged
from sayso.api.v1.taskwire import Plain, at
from sayso.api.v1.telling import A_VERSION, AN_AGENT, managing, told
from sayso.model.registry import AgentId, AgentRecord, VersionId
from sayso.model.registryerrors import (
    AgentHasOpenSessions,
    AgentIsCode,
    AgentNotFound,
    ChangedMeanwhile,
    DuplicateName,
    InvalidAgent,
    InvalidVersion,
    NoDeployedVersion,
    NotSupportedYet,
    PauseRulesPresent,
    TriggersPresent,
    VersionDeployed,
    WorkspaceLimited,
)
from sayso.runtime.agents import AgentChange
from sayso.server.routes import router as strict_router
from sayso.server.service import Asked

router = strict_router(tags=["agents"])
AgentPath = Annotated[str, Path(alias="agentId", max_length=200, description="An agent's id.")]
Skip = Annotated[int, Query(ge=0, le=1_000_000)]
Take = Annotated[int, Query(ge=1, le=100)]


@router.get("/operations", **told("operations"))
async def list_operations(asked: Asked) -> Plain:
    """List the operations that versions may allow: the functions that this server has loaded."""
    asked.require("see_agents")
    found = [operation_json(tool) for _, tool in sorted(asked.service.operations.items())]
    return {"items": found, "total": len(found)}


@router.get("/agents", **told("agents"))
async def list_agents(asked: Asked, skip: Skip = 0, take: Take = 20) -> Plain:
    """List the agents of the workspace, by name."""
    asked.require("see_agents")
    page = await asked.service.registry.list_agents(asked.principal.workspace.id, limit=take, skip=skip)
    return {"items": [agent_json(agent) for agent in page.items], "total": page.total}


@router.post(
    "/agents", **managing("agent", InvalidAgent, DuplicateName, WorkspaceLimited, status=201, links=AGENT_LINKS)
)
async def create_agent(asked: Asked, body: CreateAgent) -> JSONResponse:
    """Add an agent, with nothing deployed."""
    asked.require("edit_agents")
    who = asked.principal
    made = await asked.service.registry.create_agent(
        who.workspace.id, name=body.name, mode=body.execution_mode, by=who.actor
    )
    return _tagged(made, 201)


@router.get("/agents/{agentId}", **told("agent", *AN_AGENT))
async def get_agent(asked: Asked, agent_id: AgentPath) -> JSONResponse:
    """Return an agent: its mode, what is deployed, whether it is blocked."""
    asked.require("see_agents")
    return _tagged(await asked.agent(agent_id))


@router.patch(
    "/agents/{agentId}",
    **managing(
        "agent",
        AgentNotFound,
        AgentIsCode,
        ChangedMeanwhile,
        DuplicateName,
        PauseRulesPresent,
        TriggersPresent,
        InvalidAgent,
        InvalidVersion,
    ),
)
async def edit_agent(asked: Asked, body: EditAgent, agent_id: AgentPath, if_match: IfMatch = None) -> JSONResponse:
    """Rename an agent, or change its mode; runs that have started keep theirs."""
    asked.require("edit_agents")
    who = asked.principal
    change = AgentChange(name=body.name, mode=body.execution_mode, expected=expected_at(if_match))
    return _tagged(await asked.service.registry.edit_agent(who.workspace.id, AgentId(agent_id), change, by=who.actor))


@router.delete("/agents/{agentId}", **managing(None, AgentNotFound, VersionDeployed, AgentHasOpenSessions))
async def delete_agent(asked: Asked, agent_id: AgentPath) -> Response:
    """Remove an agent with its testing versions and its triggers; what is deployed must be retracted first."""
    asked.require("edit_agents")
    who = asked.principal
    await asked.service.registry.delete_agent(who.workspace.id, AgentId(agent_id), by=who.actor)
    return Response(status_code=204)


@router.post("/agents/{agentId}/block", **managing("agent", AgentNotFound, InvalidAgent))
async def block_agent(asked: Asked, body: BlockAgent, agent_id: AgentPath) -> JSONResponse:
    """Let no run of an agent start until somebody unblocks it; what runs goes on."""
    asked.require("edit_agents")
    who = asked.principal
    return _tagged(
        await asked.service.registry.block(
            who.workspace.id, AgentId(agent_id), reason=body.reason, note=body.note, by=who.actor
        )
    )


@router.post("/agents/{agentId}/unblock", **managing("agent", AgentNotFound, InvalidAgent))
async def unblock_agent(asked: Asked, body: UnblockAgent, agent_id: AgentPath) -> JSONResponse:
    """Let runs of an agent start again, with a note that says why."""
    asked.require("edit_agents")
    who = asked.principal
    return _tagged(
        await asked.service.registry.unblock(who.workspace.id, AgentId(agent_id), note=body.note, by=who.actor)
    )


@router.post(
    "/agents/{agentId}/rollback",
    **managing("agent", *A_VERSION, AgentIsCode, NotSupportedYet, InvalidVersion),
)
async def roll_back_agent(asked: Asked, body: Rollback, agent_id: AgentPath) -> JSONResponse:
    """Deploy an older version again; told as a rollback in the audit log."""
    asked.require("edit_agents")
    who = asked.principal
    return _tagged(
        await asked.service.registry.rollback(
            who.workspace.id, AgentId(agent_id), VersionId(body.version_id), by=who.actor
        )
    )


@router.post("/agents/{agentId}/retract", **managing("agent", AgentNotFound, NoDeployedVersion))
async def retract_agent(asked: Asked, agent_id: AgentPath) -> JSONResponse:
    """Leave an agent without a deployed version; nothing is deleted, and what runs goes on."""
    asked.require("edit_agents")
    who = asked.principal
    return _tagged(await asked.service.registry.retract(who.workspace.id, AgentId(agent_id), by=who.actor))


def _tagged(agent: AgentRecord, status: int = 200) -> JSONResponse:
    return tagged(agent_json(agent), at(agent.updated_at), status)
