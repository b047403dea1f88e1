"""The active workspace: its name, switches and limits, and whether runs start in it."""

from dataclasses import replace

from fastapi.responses import JSONResponse

from sayso.api.v1.peoplebodies import ChangeWorkspace, CreateWorkspace, SettingsPatch, given
from sayso.api.v1.peoplewire import workspace_json
from sayso.api.v1.taskwire import Plain
from sayso.api.v1.telling import managing, told
from sayso.model.workspaces import WorkspaceSettings
from sayso.server.routes import router as strict_router
from sayso.server.service import Asked

router = strict_router(tags=["workspace"])


@router.get("/workspace", **told("workspace"))
async def get_workspace(asked: Asked) -> Plain:
    """Return the active workspace, with its switches and limits."""
    return workspace_json(await asked.service.directory.workspaces.load(asked.principal))


@router.patch("/workspace", **managing("workspace"))
async def change_workspace(asked: Asked, body: ChangeWorkspace) -> Plain:
    """Change the name, the switches or the limits; what is not named stays as it is."""
    asked.require("manage_workspace")
    settings = body.settings
    return workspace_json(
        await asked.service.directory.workspaces.amend(
            asked.principal,
            name=body.name,
            changed=None if settings is None else lambda old: _patched(old, settings),
        )
    )


def _patched(old: WorkspaceSettings, patch: SettingsPatch) -> WorkspaceSettings:
    values = given(patch)
    if "limits" in values:
        values["limits"] = replace(old.limits, **given(patch.limits))
    return replace(old, **values)


@router.post("/workspace/suspend", **managing("workspace"))
async def suspend_workspace(asked: Asked) -> Plain:
    """Let no run start in the workspace; what runs goes on, and people may still decide."""
    asked.require("manage_workspace")
    return workspace_json(await asked.service.directory.workspaces.suspend(asked.principal))


@router.post("/workspace/activate", **managing("workspace"))
async def activate_workspace(asked: Asked) -> Plain:
    """Let runs start in the workspace again."""
    asked.require("manage_workspace")
    return workspace_json(await asked.service.directory.workspaces.activate(asked.principal))


@router.post("/workspaces", **managing("workspace", status=201))
async def create_workspace(asked: Asked, body: CreateWorkspace) -> JSONResponse:
    """Create another workspace; the person who does becomes its owner."""
    asked.require("manage_workspace")
    made = await asked.service.directory.workspaces.create(asked.principal, name=body.name)
    return JSONResponse(workspace_json(made), 201)
