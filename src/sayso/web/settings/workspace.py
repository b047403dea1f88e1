"""The active workspace: its name, switches and limits, whether runs start in it; and the way to another one."""

from dataclasses import replace

from starlette.responses import HTMLResponse, Response

from sayso.model.directoryerrors import Forbidden
from sayso.model.errors import Invalid, SaysoError
from sayso.model.workspaces import WorkspaceId, WorkspaceLimits, WorkspaceSettings
from sayso.server.cookies import keep_session, session_text
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.fields import Fields, fields_of
from sayso.web.settings.tabs import NOTHING, done, settings_page
from sayso.web.visiting import Visited

router = strict_router(prefix="/settings/workspace", include_in_schema=False)
_HERE = "/settings/workspace"
SWITCHES = (
    ("starters_may_decide", "People may decide tasks of runs that they have started themselves", "Keys never may."),
    ("developers_manage_secrets", "Developers may add and remove secrets", "Otherwise owners and admins alone."),
    ("operators_see_sessions", "Operators may see the list of sessions", "Otherwise only the runs of their tasks."),
)
LIMITS = (
    ("max_tool_calls_ceiling", "Tool calls of one run", "calls"),
    ("max_active_seconds", "Active time of one session", "seconds, without waiting"),
    ("wait_budget_seconds", "Waiting that an agent may ask for", "seconds in one session"),
    ("max_agents", "Agents in the workspace", "agents"),
)
_WHOLE = {"max_tool_calls_ceiling", "max_agents"}
_MOST = 1_000_000_000


@router.get("")
async def workspace(asked: Visited) -> HTMLResponse:
    """Show the workspace, and the others that one is in."""
    asked.require("see_tasks")
    return await _shown(asked)


@router.post("")
async def change(asked: Visited) -> Response:
    """Set the name, the switches and the limits."""
    asked.require("manage_workspace")
    fields = await fields_of(asked.request)
    try:
        settings = _settings_of(fields)
        await asked.service.directory.workspaces.amend(
            asked.principal, name=fields.one("name"), changed=lambda _: settings
        )
    except (Invalid, Forbidden) as exc:
        return await _shown(asked, exc, fields)
    return done(_HERE, "saved")


@router.post("/suspend")
async def suspend(asked: Visited) -> Response:
    """Let no run start in the workspace; what runs goes on, and people may still decide."""
    asked.require("manage_workspace")
    await asked.service.directory.workspaces.suspend(asked.principal)
    return done(_HERE, "suspended")


@router.post("/activate")
async def activate(asked: Visited) -> Response:
    """Let runs start again."""
    asked.require("manage_workspace")
    await asked.service.directory.workspaces.activate(asked.principal)
    return done(_HERE, "activated")


@router.post("/create")
async def create(asked: Visited) -> Response:
    """Create another workspace; the person who does becomes its owner."""
    asked.require("manage_workspace")
    fields = await fields_of(asked.request)
    try:
        await asked.service.directory.workspaces.create(asked.principal, name=fields.one("new_name"))
    except (Invalid, Forbidden) as exc:
        return await _shown(asked, exc, fields)
    return done(_HERE, "created")


@router.post("/switch")
async def switch(asked: Visited) -> Response:
    """Make another workspace active in this browser."""
    asked.require("see_tasks")
    fields, options = await fields_of(asked.request), asked.service.options
    text = session_text(asked.request, options) or ""
    signed_in = await asked.service.directory.sign_in.switch(text, WorkspaceId(fields.one("workspace_id")))
    response = done(_HERE, "switched")
    keep_session(response, options, signed_in, asked.now)
    return response


def _settings_of(fields: Fields) -> WorkspaceSettings:
    switches = {name: fields.has(name) for name, _, _ in SWITCHES}
    limits = {name: _limit_of(fields, name, label) for name, label, _ in LIMITS}
    found = replace(WorkspaceLimits(), **limits)
    return replace(WorkspaceSettings(), **switches, limits=found)


def _limit_of(fields: Fields, name: str, label: str) -> float | int | None:
    text = fields.text(name)
    if text is None:
        return None
    try:
        value = int(text) if name in _WHOLE else float(text)
    except ValueError:
        value = 0
    if not 0 < value <= _MOST:
        what = "a whole number" if name in _WHOLE else "a number"
        raise Invalid(
            f"Expected {what} of more than 0 and at most {_MOST:,} under “{label}”, or nothing for no limit.",
            hint="Nothing was changed.",
        )
    return value


async def _shown(asked: Asking, wrong: SaysoError | None = None, kept: Fields = NOTHING) -> HTMLResponse:
    directory = asked.service.directory
    return settings_page(
        asked,
        "workspace.html",
        title="Workspace",
        wrong=wrong,
        kept=kept,
        found=await directory.workspaces.load(asked.principal),
        memberships=await directory.workspaces.list(asked.principal),
        switches=SWITCHES,
        limits=LIMITS,
    )
