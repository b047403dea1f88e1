"""Versions of an agent: save, list, show, edit, delete, deploy, clone, test-run."""

from typing import Annotated

from fastapi import Path, Response
from fastapi.responses import JSONResponse

from sayso.api.v1 import wire
from sayso.api.v1.agentbodies import Clone, Deploy, VersionFields
from sayso.api.v1.agents import AgentPath
from sayso.api.v1.agentwire import agent_json, saved_json, version_json
from sayso.api.v1.bodies import TryVersion
from sayso.api.v1.linking import RUN_LINKS, VERSION_LINKS
from sayso.api.v1.matching import IfMatch, expected, tagged
from sayso.api.v1.taskwire import Plain, at
from sayso.api.v1.telling import A_VERSION, acting, managing, told
from sayso.core.codec import json_bytes
from sayso.model.registry import AgentId, SavedVersion, VersionId
from sayso.model.registryerrors import (
    AgentBlocked,
    AgentIsCode,
    AgentNotFound,
    ChangedMeanwhile,
    DuplicateLabel,
    InvalidInput,
    InvalidVersion,
    NotSupportedYet,
    VersionDeployed,
    WorkspaceSuspended,
)
from sayso.runtime.ports import Transaction
from sayso.runtime.starting import Begin, Wanted
from sayso.runtime.versions import VersionChange
from sayso.server.routes import router as strict_router
from sayso.server.service import Asked, answer

router = strict_router(prefix="/agents/{agentId}/versions", tags=["versions"])
VersionPath = Annotated[str, Path(alias="versionId", max_length=200, description="A version's id.")]


@router.get("", **told("versions", AgentNotFound))
async def list_versions(asked: Asked, agent_id: AgentPath) -> Plain:
    """List an agent's versions, the newest first."""
    asked.require("see_agents")
    found = await asked.service.registry.list_versions(asked.principal.workspace.id, AgentId(agent_id))
    return {"items": [version_json(version) for version in found], "total": len(found)}


@router.post(
    "", **managing("saved", AgentNotFound, AgentIsCode, DuplicateLabel, InvalidVersion, status=201, links=VERSION_LINKS)
)
async def create_version(asked: Asked, body: VersionFields, agent_id: AgentPath) -> JSONResponse:
    """Save a new testing version; what is left out has its default, and what does not fit is refused as a whole."""
    asked.require("edit_agents")
    who = asked.principal
    return _saved(
        await asked.service.registry.create_version(who.workspace.id, AgentId(agent_id), body.root, by=who.actor), 201
    )


@router.get("/{versionId}", **told("version", *A_VERSION))
async def get_version(asked: Asked, agent_id: AgentPath, version_id: VersionPath) -> JSONResponse:
    """Return a version with all its fields."""
    asked.require("see_agents")
    found = await asked.service.registry.load_version(
        asked.principal.workspace.id, AgentId(agent_id), VersionId(version_id)
    )
    return tagged(version_json(found), found.digest)


@router.patch(
    "/{versionId}",
    **managing("saved", *A_VERSION, VersionDeployed, ChangedMeanwhile, AgentIsCode, DuplicateLabel, InvalidVersion),
)
async def edit_version(
    asked: Asked, body: VersionFields, agent_id: AgentPath, version_id: VersionPath, if_match: IfMatch = None
) -> JSONResponse:
    """Change fields of a testing version; what is deployed is not edited."""
    asked.require("edit_agents")
    who = asked.principal
    change = VersionChange(changes=body.root, expected=expected(if_match))
    return _saved(
        await asked.service.registry.edit_version(
            who.workspace.id, AgentId(agent_id), VersionId(version_id), change, by=who.actor
        )
    )


@router.delete("/{versionId}", **managing(None, *A_VERSION, VersionDeployed, AgentIsCode))
async def delete_version(asked: Asked, agent_id: AgentPath, version_id: VersionPath) -> Response:
    """Remove a testing version; runs that have started with it keep what they have frozen."""
    asked.require("edit_agents")
    who = asked.principal
    await asked.service.registry.delete_version(
        who.workspace.id, AgentId(agent_id), VersionId(version_id), by=who.actor
    )
    return Response(status_code=204)


@router.post(
    "/{versionId}/deploy",
    **managing("agent", *A_VERSION, ChangedMeanwhile, AgentIsCode, NotSupportedYet, InvalidVersion),
)
async def deploy_version(
    asked: Asked, agent_id: AgentPath, version_id: VersionPath, body: Deploy | None = None, if_match: IfMatch = None
) -> JSONResponse:
    """Make a version the one that triggers and the API start; what was deployed is testing again."""
    asked.require("edit_agents")
    who = asked.principal
    seen = expected(if_match) if body is None or body.digest is None else body.digest
    agent = await asked.service.registry.deploy(
        who.workspace.id, AgentId(agent_id), VersionId(version_id), expected=seen, by=who.actor
    )
    return tagged(agent_json(agent), at(agent.updated_at))


@router.post(
    "/{versionId}/clone",
    **managing("saved", *A_VERSION, AgentIsCode, DuplicateLabel, InvalidVersion, status=201),
)
async def clone_version(asked: Asked, body: Clone, agent_id: AgentPath, version_id: VersionPath) -> JSONResponse:
    """Save a copy of a version, as a testing version under another label."""
    asked.require("edit_agents")
    who = asked.principal
    return _saved(
        await asked.service.registry.clone_version(
            who.workspace.id, AgentId(agent_id), VersionId(version_id), label=body.version_label, by=who.actor
        ),
        201,
    )


@router.post(
    "/{versionId}/test-runs",
    **acting("started", *A_VERSION, AgentBlocked, WorkspaceSuspended, NotSupportedYet, InvalidInput, links=RUN_LINKS),
)
async def start_test_run(asked: Asked, body: TryVersion, agent_id: AgentPath, version_id: VersionPath) -> JSONResponse:
    """Start a run of this version, whatever is deployed; a sub-agent too."""
    asked.require("edit_agents")
    who, service = asked.principal, asked.service
    wanted = Wanted(workspace_id=who.workspace.id, agent_id=AgentId(agent_id), test_version=VersionId(version_id))
    plan = Begin(wanted=wanted, input=body.input, trigger_type="test_run", started_by=who.id, user_id=body.user_id)
    command = await service.registry.plan(service.runtime, plan)
    begin = service.sessions.starting(command, who, asked.reach)

    def unit(tx: Transaction) -> tuple[int, bytes]:
        return 202, json_bytes(wire.started_json(begin(tx).run, agent_id=agent_id))

    answered = await asked.act(unit, body.sent())
    service.runtime.wake(command.run_id)
    return answer(answered, replayed=bool(answered.digest))


def _saved(saved: SavedVersion, status: int = 200) -> JSONResponse:
    return tagged(saved_json(saved), saved.version.digest, status)
