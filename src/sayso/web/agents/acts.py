"""What is done with an agent on its page: deploy, roll back, retract, delete, block, clear the block, switch triggers.

A refusal is told on the page of the agent, in words; what was written stays in its form.
"""

from collections.abc import Awaitable, Mapping
from typing import Annotated, Any

from fastapi import Path, Request
from starlette.responses import RedirectResponse, Response

from sayso.model.errors import SaysoError
from sayso.model.registry import AgentId, TriggerId, VersionId
from sayso.runtime.triggers import TriggerChange
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.agents.pages import AgentPath, shown
from sayso.web.fields import Fields, fields_of
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
VersionPath = Annotated[str, Path(alias="versionId", max_length=200)]
TriggerPath = Annotated[str, Path(alias="triggerId", max_length=200)]
_OURS = 500


async def done_or_refused(
    asked: Asking,
    agent_id: str,
    act: Awaitable[Any],
    done: str,
    *,
    version_id: str = "",
    sent: Fields | None = None,
) -> Response:
    """Carry an act out and lead to the agent's page, or show that page with the refusal.

    Args:
        asked: Who acts.
        agent_id: The agent.
        act: What is to be done.
        done: What is said then; see `pages.DONE`.
        version_id: The version to show afterwards.
        sent: What was written in the form.
    """
    try:
        await act
    except SaysoError as exc:
        return await refused_on_page(asked, agent_id, exc, version_id=version_id, sent=sent)
    version = f"&version={version_id}" if version_id else ""
    return RedirectResponse(f"/agents/{agent_id}?done={done}{version}", 303)


async def refused_on_page(
    asked: Asking,
    agent_id: str,
    problem: SaysoError,
    *,
    version_id: str = "",
    sent: Fields | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response:
    """Show the page of an agent with the reason why something was not done; a failure of ours is none."""
    if problem.status >= _OURS:
        raise problem
    return await shown(asked, agent_id, version_id=version_id, problem=problem, sent=sent, errors=errors)


# -- what is live --------------------------------------------------------------------------------------------------


@router.post("/agents/{agentId}/versions/{versionId}/deploy")
async def deploy(asked: Visited, request: Request, agent_id: AgentPath, version_id: VersionPath) -> Response:
    """Make a version live, as it was seen."""
    asked.require("edit_agents")
    seen = (await fields_of(request)).text("digest")
    who = asked.principal
    act = asked.service.registry.deploy(
        who.workspace.id, AgentId(agent_id), VersionId(version_id), expected=seen, by=who.actor
    )
    return await done_or_refused(asked, agent_id, act, "deployed", version_id=version_id)


@router.post("/agents/{agentId}/versions/{versionId}/rollback")
async def roll_back(asked: Visited, agent_id: AgentPath, version_id: VersionPath) -> Response:
    """Make an older version live again."""
    asked.require("edit_agents")
    who = asked.principal
    act = asked.service.registry.rollback(who.workspace.id, AgentId(agent_id), VersionId(version_id), by=who.actor)
    return await done_or_refused(asked, agent_id, act, "rolled-back", version_id=version_id)


@router.post("/agents/{agentId}/retract")
async def retract(asked: Visited, agent_id: AgentPath) -> Response:
    """Leave the agent without a live version."""
    asked.require("edit_agents")
    who = asked.principal
    act = asked.service.registry.retract(who.workspace.id, AgentId(agent_id), by=who.actor)
    return await done_or_refused(asked, agent_id, act, "retracted")


@router.post("/agents/{agentId}/versions/{versionId}/delete")
async def delete(asked: Visited, agent_id: AgentPath, version_id: VersionPath) -> Response:
    """Delete a testing version."""
    asked.require("edit_agents")
    who = asked.principal
    try:
        await asked.service.registry.delete_version(
            who.workspace.id, AgentId(agent_id), VersionId(version_id), by=who.actor
        )
    except SaysoError as exc:
        return await refused_on_page(asked, agent_id, exc, version_id=version_id)
    return RedirectResponse(f"/agents/{agent_id}?done=deleted", 303)


# -- who may start -------------------------------------------------------------------------------------------------


@router.post("/agents/{agentId}/block")
async def block(asked: Visited, request: Request, agent_id: AgentPath) -> Response:
    """Let no run of the agent start."""
    asked.require("edit_agents")
    sent = await fields_of(request)
    who, reason, note = asked.principal, sent.one("reason").strip(), sent.text("note")
    act = asked.service.registry.block(who.workspace.id, AgentId(agent_id), reason=reason, note=note, by=who.actor)
    return await done_or_refused(asked, agent_id, act, "blocked", sent=sent)


@router.post("/agents/{agentId}/unblock")
async def unblock(asked: Visited, request: Request, agent_id: AgentPath) -> Response:
    """Let runs of the agent start again."""
    asked.require("edit_agents")
    who, sent = asked.principal, await fields_of(request)
    note = sent.one("note").strip()
    act = asked.service.registry.unblock(who.workspace.id, AgentId(agent_id), note=note, by=who.actor)
    return await done_or_refused(asked, agent_id, act, "unblocked", sent=sent)


@router.post("/agents/{agentId}/triggers/{triggerId}/activate")
async def activate(asked: Visited, agent_id: AgentPath, trigger_id: TriggerPath) -> Response:
    """Switch a trigger on."""
    return await _switched(asked, agent_id, trigger_id, on=True)


@router.post("/agents/{agentId}/triggers/{triggerId}/deactivate")
async def deactivate(asked: Visited, agent_id: AgentPath, trigger_id: TriggerPath) -> Response:
    """Switch a trigger off."""
    return await _switched(asked, agent_id, trigger_id, on=False)


async def _switched(asked: Asking, agent_id: str, trigger_id: str, *, on: bool) -> Response:
    asked.require("edit_agents")
    who = asked.principal
    act = asked.service.registry.edit_trigger(
        who.workspace.id, AgentId(agent_id), TriggerId(trigger_id), TriggerChange(active=on), by=who.actor
    )
    return await done_or_refused(asked, agent_id, act, "activated" if on else "deactivated")
