"""API keys of the workspace: what programs prove themselves with."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Path
from starlette.responses import HTMLResponse, Response

from sayso.core.roles import allows
from sayso.model.directoryerrors import Forbidden
from sayso.model.errors import Invalid, SaysoError
from sayso.model.registry import AgentId, AgentRecord, Trigger, TriggerId
from sayso.model.registryerrors import AgentNotFound, TriggerNotFound
from sayso.model.workspaces import KeyId, Scope
from sayso.runtime.apikeys import NewKey
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.fields import Fields, fields_of
from sayso.web.settings.tabs import NOTHING, days_of, done, settings_page
from sayso.web.visiting import Visited

router = strict_router(prefix="/settings/keys", include_in_schema=False)
_MOST_AGENTS = 100


@dataclass(frozen=True, slots=True)
class Reachable:
    """An agent that a key can be made for, with the triggers that it can be narrowed to."""

    agent: AgentRecord
    triggers: list[Trigger]


@router.get("")
async def keys(asked: Visited) -> HTMLResponse:
    """List the keys of the workspace, newest first, revoked and expired ones too."""
    asked.require("see_keys")
    return await _shown(asked)


@router.post("")
async def create_key(asked: Visited) -> HTMLResponse:
    """Make a key that reaches what its scopes name; it is shown on this page and never again."""
    asked.require("manage_keys")
    fields = await fields_of(asked.request)
    try:
        scopes = [await _scope(asked, text) for text in fields.all("scope")]
        days = days_of(fields)
        made = await asked.service.directory.keys.create(
            asked.principal,
            name=fields.one("name"),
            scopes=scopes,
            expires_at=None if days is None else asked.now + timedelta(days=days),
        )
    except (AgentNotFound, TriggerNotFound, Forbidden, Invalid) as exc:
        return await _shown(asked, wrong=exc, kept=fields)
    return await _shown(asked, made=made)


@router.post("/{key_id}/revoke")
async def revoke_key(asked: Visited, key_id: Annotated[str, Path(max_length=200)]) -> Response:
    """Revoke a key: its next request is refused."""
    asked.require("manage_keys")
    await asked.service.directory.keys.revoke(asked.principal, KeyId(key_id))
    return done("/settings/keys", "revoked")


async def _scope(asked: Asking, text: str) -> Scope:
    """Return a scope from `agent`, or `agent:trigger`, both of which this workspace has."""
    agent_id, _, trigger_id = text.partition(":")
    registry, workspace = asked.service.registry, asked.principal.workspace.id
    agent = await registry.load_agent(workspace, AgentId(agent_id))
    if trigger_id:
        await registry.load_trigger(workspace, agent.id, TriggerId(trigger_id))
    return Scope(agent_id=agent.id, trigger_id=trigger_id or None)


async def _reachable(asked: Asking) -> tuple[list[Reachable], bool]:
    """Return the agents that a key can be made for, and whether there are more than are shown."""
    registry, workspace = asked.service.registry, asked.principal.workspace.id
    found = await registry.list_agents(workspace, limit=_MOST_AGENTS + 1)
    return [
        Reachable(agent, list(await registry.list_triggers(workspace, agent.id)))
        for agent in found.items[:_MOST_AGENTS]
    ], len(found.items) > _MOST_AGENTS


async def _shown(
    asked: Asking, *, made: NewKey | None = None, wrong: SaysoError | None = None, kept: Fields = NOTHING
) -> HTMLResponse:
    manages = allows(asked.principal, "manage_keys")
    reachable, more = await _reachable(asked) if manages else ([], False)
    return settings_page(
        asked,
        "keys.html",
        title="API keys",
        wrong=wrong,
        kept=kept,
        made=made,
        keys=await asked.service.directory.keys.list(asked.principal),
        reachable=reachable,
        more=more,
        names={each.agent.id: each.agent.name for each in reachable},
    )
