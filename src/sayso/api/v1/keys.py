"""API keys of the active workspace: what programs prove themselves with."""

from typing import Annotated

from fastapi import Path, Response
from fastapi.responses import JSONResponse

from sayso.api.v1.peoplebodies import CreateKey
from sayso.api.v1.peoplewire import key_json
from sayso.api.v1.taskwire import Plain
from sayso.api.v1.telling import A_TRIGGER, managing, told
from sayso.model.directoryerrors import KeyNotFound
from sayso.model.errors import Invalid
from sayso.model.registry import AgentId, TriggerId
from sayso.model.registryerrors import AgentNotFound
from sayso.model.workspaces import KeyId, Scope
from sayso.server.routes import router as strict_router
from sayso.server.service import Asked

router = strict_router(prefix="/keys", tags=["keys"])


@router.get("", **told("keys"))
async def list_keys(asked: Asked) -> Plain:
    """List the keys of the workspace, newest first, revoked and expired ones too; never a secret."""
    asked.require("see_keys")
    found = await asked.service.directory.keys.list(asked.principal)
    return {"items": [key_json(key, asked.now) for key in found], "total": len(found)}


@router.post("", **managing("made_key", *A_TRIGGER, status=201))
async def create_key(asked: Asked, body: CreateKey) -> JSONResponse:
    """Make a key that reaches what its scopes name; it is shown here and never again."""
    asked.require("manage_keys")
    registry, workspace = asked.service.registry, asked.principal.workspace.id
    for scope in body.scopes:
        agent_id = AgentId(scope.agent_id)
        if await registry.find_agent(workspace, agent_id) is None:  # a workflow can be one's scope, too
            raise AgentNotFound("Expected scopes of agents or workflows that there are.", agent_id=agent_id)
        if scope.trigger_id is not None:
            await registry.load_trigger(workspace, agent_id, TriggerId(scope.trigger_id))
    if body.expires_at is not None and body.expires_at.tzinfo is None:
        raise Invalid("Expected expiresAt to name its offset from UTC, but it does not.")
    made = await asked.service.directory.keys.create(
        asked.principal,
        name=body.name,
        scopes=[Scope(agent_id=scope.agent_id, trigger_id=scope.trigger_id) for scope in body.scopes],
        expires_at=body.expires_at,
    )
    return JSONResponse({**key_json(made.key, asked.now), "key": made.text}, 201)


@router.delete("/{keyId}", **managing(None, KeyNotFound))
async def revoke_key(asked: Asked, key_id: Annotated[str, Path(alias="keyId", max_length=200)]) -> Response:
    """Revoke a key: its next request is refused. Revoking it once more changes nothing."""
    asked.require("manage_keys")
    await asked.service.directory.keys.revoke(asked.principal, KeyId(key_id))
    return Response(status_code=204)
