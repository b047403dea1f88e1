"""The management paths of the reference: the same routes as under `/v1`, for clients that know them by these.

The tenant is the workspace that is active for whoever asks; another one is not found.
"""

from typing import Annotated

from fastapi import Path
from fastapi.responses import JSONResponse

from sayso.api.v1 import agents, versions
from sayso.api.v1.agentbodies import Deploy
from sayso.api.v1.agents import AgentPath, Skip, Take
from sayso.api.v1.matching import IfMatch
from sayso.api.v1.taskwire import Plain
from sayso.api.v1.telling import A_VERSION, AN_AGENT, managing, told
from sayso.api.v1.versions import VersionPath
from sayso.model.directoryerrors import WorkspaceNotFound
from sayso.model.registryerrors import (
    AgentIsCode,
    AgentNotFound,
    ChangedMeanwhile,
    InvalidVersion,
    NoDeployedVersion,
    NotSupportedYet,
)
from sayso.server.routes import router as strict_router
from sayso.server.service import Asked, Asking

router = strict_router(prefix="/internal/v1/tenants/{tenantId}/agents", tags=["reference paths"])
TenantPath = Annotated[str, Path(alias="tenantId", max_length=200, description="The id of the active workspace.")]


def _refuse_other(asked: Asking, tenant_id: str) -> None:
    if asked.principal.workspace.id != tenant_id:
        raise WorkspaceNotFound("Expected the workspace that is active for this credential, but this is another.")


@router.get("", **told("agents", WorkspaceNotFound))
async def list_tenant_agents(asked: Asked, tenant_id: TenantPath, skip: Skip = 0, take: Take = 20) -> Plain:
    """List the agents of the workspace; see `GET /v1/agents`."""
    _refuse_other(asked, tenant_id)
    return await agents.list_agents(asked, skip, take)


@router.get("/{agentId}", **told("agent", WorkspaceNotFound, *AN_AGENT))
async def get_tenant_agent(asked: Asked, tenant_id: TenantPath, agent_id: AgentPath) -> JSONResponse:
    """Return an agent; see `GET /v1/agents/{agentId}`."""
    _refuse_other(asked, tenant_id)
    return await agents.get_agent(asked, agent_id)


@router.get("/{agentId}/versions", **told("versions", WorkspaceNotFound, AgentNotFound))
async def list_tenant_versions(asked: Asked, tenant_id: TenantPath, agent_id: AgentPath) -> Plain:
    """List an agent's versions; see `GET /v1/agents/{agentId}/versions`."""
    _refuse_other(asked, tenant_id)
    return await versions.list_versions(asked, agent_id)


@router.get("/{agentId}/versions/{versionId}", **told("version", WorkspaceNotFound, *A_VERSION))
async def get_tenant_version(
    asked: Asked, tenant_id: TenantPath, agent_id: AgentPath, version_id: VersionPath
) -> JSONResponse:
    """Return a version; see `GET /v1/agents/{agentId}/versions/{versionId}`."""
    _refuse_other(asked, tenant_id)
    return await versions.get_version(asked, agent_id, version_id)


@router.post(
    "/{agentId}/versions/{versionId}/deploy",
    **managing("agent", WorkspaceNotFound, *A_VERSION, ChangedMeanwhile, AgentIsCode, NotSupportedYet, InvalidVersion),
)
async def deploy_for_tenant(
    asked: Asked,
    tenant_id: TenantPath,
    agent_id: AgentPath,
    version_id: VersionPath,
    body: Deploy | None = None,
    if_match: IfMatch = None,
) -> JSONResponse:
    """Deploy a version; see `POST /v1/agents/{agentId}/versions/{versionId}/deploy`."""
    _refuse_other(asked, tenant_id)
    return await versions.deploy_version(asked, agent_id, version_id, body, if_match)


@router.post("/{agentId}/retract", **managing("agent", WorkspaceNotFound, AgentNotFound, NoDeployedVersion))
async def retract_for_tenant(asked: Asked, tenant_id: TenantPath, agent_id: AgentPath) -> JSONResponse:
    """Retract the deployment; see `POST /v1/agents/{agentId}/retract`."""
    _refuse_other(asked, tenant_id)
    return await agents.retract_agent(asked, agent_id)
