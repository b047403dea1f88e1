"""What serves: version, database, worker, and every setting in force, secrets masked; for owners and admins."""

import platform

from starlette.responses import HTMLResponse

from sayso.server.routes import router as strict_router
from sayso.web.settings.tabs import settings_page
from sayso.web.visiting import Visited

router = strict_router(prefix="/settings", include_in_schema=False)


@router.get("/system")
async def system(asked: Visited) -> HTMLResponse:
    """Show the process that answers."""
    asked.require("manage_workspace")
    service = asked.service
    return settings_page(
        asked,
        "system.html",
        title="System",
        about=service.about,
        options=service.options,
        by_provider=service.provider is not None,
        python=platform.python_version(),
    )
