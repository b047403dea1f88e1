"""Starting an agent on its page: a run of the live version, or a test run of any."""

from fastapi import Request
from starlette.responses import Response

from sayso.model.errors import SaysoError
from sayso.model.registry import AgentId, VersionId
from sayso.model.registryerrors import ChangedMeanwhile, InvalidInput
from sayso.runtime.starting import Begin, Wanted
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.agents.acts import VersionPath, refused_on_page
from sayso.web.agents.pages import AgentPath
from sayso.web.controls import Unread
from sayso.web.fields import Fields, fields_of
from sayso.web.inputs import input_of
from sayso.web.starting import begun, run_of
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)


@router.post("/agents/{agentId}/versions/{versionId}/test-run")
async def test_run(asked: Visited, request: Request, agent_id: AgentPath, version_id: VersionPath) -> Response:
    """Start a run of this version, whatever is live; a sub-agent too."""
    asked.require("edit_agents")
    sent = await fields_of(request)
    workspace = asked.principal.workspace.id
    wanted = Wanted(workspace_id=workspace, agent_id=AgentId(agent_id), test_version=VersionId(version_id))
    return await _started(asked, wanted, version_id, sent, "test_run")


@router.post("/agents/{agentId}/versions/{versionId}/runs")
async def start(asked: Visited, request: Request, agent_id: AgentPath, version_id: VersionPath) -> Response:
    """Start a run of the live version; the page that it is started on shows which one that is."""
    asked.require("start_runs")
    sent = await fields_of(request)
    wanted = Wanted(workspace_id=asked.principal.workspace.id, agent_id=AgentId(agent_id))
    return await _started(asked, wanted, version_id, sent, "manual")


async def _started(asked: Asking, wanted: Wanted, version_id: str, sent: Fields, trigger_type: str) -> Response:
    service, runtime = asked.service, asked.service.runtime
    try:
        await _refuse_other(asked, wanted, version_id)
        version = await service.registry.load_version(wanted.workspace_id, wanted.agent_id, VersionId(version_id))
        command = await service.registry.plan(
            runtime,
            Begin(
                wanted=wanted,
                input=input_of(version.body.get("inputSchema"), sent),
                trigger_type=trigger_type,
                started_by=asked.principal.id,
                run_id=run_of(sent),
            ),
        )
        return await begun(asked, command)
    except Unread as unread:
        problem = InvalidInput("Expected an input of the types that are asked for; nothing was started.")
        return await refused_on_page(
            asked, wanted.agent_id, problem, version_id=version_id, sent=sent, errors=unread.errors
        )
    except SaysoError as exc:
        return await refused_on_page(asked, wanted.agent_id, exc, version_id=version_id, sent=sent)


async def _refuse_other(asked: Asking, wanted: Wanted, version_id: str) -> None:
    """Refuse to start the live version where somebody has seen another one."""
    agent = await asked.agent(wanted.agent_id)
    if wanted.test_version is None and agent.deployed_version_id not in {None, version_id}:
        raise ChangedMeanwhile(
            f"Expected the version that you saw to be live, but '{agent.deployed_label}' is; nothing was started.",
            hint="Look at the live version, and start that one.",
        )
