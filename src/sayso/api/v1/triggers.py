"""API triggers of an agent: who may start it from outside, how often, and what such clients see."""

from typing import Annotated

from fastapi import Path, Response
from fastapi.responses import JSONResponse

from sayso.api.v1.agentbodies import CreateTrigger, EditTrigger
from sayso.api.v1.agents import AgentPath
from sayso.api.v1.agentwire import trigger_json
from sayso.api.v1.linking import TRIGGER_LINKS
from sayso.api.v1.taskwire import Plain
from sayso.api.v1.telling import A_TRIGGER, managing, told
from sayso.model.registry import AgentId, TriggerId
from sayso.model.registryerrors import (
    AgentNotFound,
    ApiTriggerExists,
    DuplicateName,
    InvalidTrigger,
    SubAgentNotStartable,
    TriggerTypeUnsupported,
)
from sayso.runtime.triggers import TriggerChange
from sayso.server.routes import router as strict_router
from sayso.server.service import Asked

router = strict_router(prefix="/agents/{agentId}/triggers", tags=["triggers"])
TriggerPath = Annotated[str, Path(alias="triggerId", max_length=200, description="A trigger's id.")]


@router.get("", **told("triggers", AgentNotFound))
async def list_triggers(asked: Asked, agent_id: AgentPath) -> Plain:
    """List an agent's triggers, by name."""
    asked.require("see_agents")
    found = await asked.service.registry.list_triggers(asked.principal.workspace.id, AgentId(agent_id))
    return {"items": [trigger_json(trigger) for trigger in found], "total": len(found)}


@router.post(
    "",
    **managing(
        "trigger",
        AgentNotFound,
        SubAgentNotStartable,
        ApiTriggerExists,
        TriggerTypeUnsupported,
        DuplicateName,
        InvalidTrigger,
        status=201,
        links=TRIGGER_LINKS,
    ),
)
async def create_trigger(asked: Asked, body: CreateTrigger, agent_id: AgentPath) -> JSONResponse:
    """Add an API trigger to an agent; it has one at most."""
    asked.require("edit_agents")
    if body.type != "api":
        raise TriggerTypeUnsupported(f"Expected a trigger of type 'api', but '{body.type}' is of a later release.")
    who = asked.principal
    given = TriggerChange(name=body.name, active=body.active, settings=body.settings)
    made = await asked.service.registry.create_trigger(who.workspace.id, AgentId(agent_id), given, by=who.actor)
    return JSONResponse(trigger_json(made), 201)


@router.get("/{triggerId}", **told("trigger", *A_TRIGGER))
async def get_trigger(asked: Asked, agent_id: AgentPath, trigger_id: TriggerPath) -> Plain:
    """Return a trigger with all its settings."""
    asked.require("see_agents")
    workspace = asked.principal.workspace.id
    return trigger_json(await asked.service.registry.load_trigger(workspace, AgentId(agent_id), TriggerId(trigger_id)))


@router.patch("/{triggerId}", **managing("trigger", *A_TRIGGER, DuplicateName, InvalidTrigger))
async def edit_trigger(asked: Asked, body: EditTrigger, agent_id: AgentPath, trigger_id: TriggerPath) -> Plain:
    """Change a trigger's name, switch or settings."""
    asked.require("edit_agents")
    who = asked.principal
    given = TriggerChange(name=body.name, active=body.active, settings=body.settings)
    return trigger_json(
        await asked.service.registry.edit_trigger(
            who.workspace.id, AgentId(agent_id), TriggerId(trigger_id), given, by=who.actor
        )
    )


@router.delete("/{triggerId}", **managing(None, *A_TRIGGER))
async def delete_trigger(asked: Asked, agent_id: AgentPath, trigger_id: TriggerPath) -> Response:
    """Remove a trigger; keys that name it start nothing by it any more."""
    asked.require("edit_agents")
    who = asked.principal
    await asked.service.registry.delete_trigger(
        who.workspace.id, AgentId(agent_id), TriggerId(trigger_id), by=who.actor
    )
    return Response(status_code=204)
