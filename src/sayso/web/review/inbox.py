"""The inbox: what waits for people, what they have put off, and what is decided."""

from fastapi.responses import HTMLResponse

from sayso.model.reviews import ReviewFilter
from sayso.server.routes import router as strict_router
from sayso.web.rendering import page
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
_PAGE = 50


@router.get("/review")
async def inbox(asked: Visited) -> HTMLResponse:
    """Show the inbox."""
    asked.require("see_tasks")
    wanted = ReviewFilter(person=asked.principal.id, reach=asked.reach)
    found = await asked.service.review.page(wanted, limit=_PAGE)
    return page(asked, "review/inbox.html", title="Review", found=found)
