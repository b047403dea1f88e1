"""Who may do what: the table of abilities by role, as it is in force in this workspace."""

from starlette.responses import HTMLResponse

from sayso.core.roles import MEANINGS, SWITCHES, TABLE, may
from sayso.model.workspaces import ROLES
from sayso.server.routes import router as strict_router
from sayso.web.settings.tabs import settings_page
from sayso.web.visiting import Visited

router = strict_router(prefix="/settings", include_in_schema=False)


@router.get("/roles")
async def roles(asked: Visited) -> HTMLResponse:
    """Show the table."""
    asked.require("see_tasks")
    settings = asked.principal.workspace.settings
    rows = [
        (ability, MEANINGS[ability], [may(role, ability, settings) for role in ROLES])
        for ability in TABLE
        if TABLE[ability]
    ]
    switched = [switch for switch in SWITCHES if switch.on(settings)]
    return settings_page(asked, "roles.html", title="Roles", roles=ROLES, rows=rows, switched=switched)
