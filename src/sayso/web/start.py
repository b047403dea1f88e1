"""The way in: `/` leads to the first page that whoever comes may see."""

from starlette.responses import RedirectResponse

from sayso.server.routes import router as strict_router
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)


@router.get("/")
async def start(asked: Visited) -> RedirectResponse:
    """Lead to the inbox."""
    asked.require("see_tasks")
    return RedirectResponse("/review", 303)
