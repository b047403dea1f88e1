"""The inbox: what waits for people, what whoever looks has put off, what is decided, and what was dropped."""

from fastapi.responses import HTMLResponse

from sayso.core.reviewing import operation_of
from sayso.model.reviews import COUNTED, ReviewFilter
from sayso.model.tasks import UserTask
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.rendering import page
from sayso.web.review.filtering import GROUPS, TABS, Viewed
from sayso.web.review.scale import risk_of
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
_PAGE = 50


@router.get("/review")
async def inbox(asked: Visited, view: Viewed) -> HTMLResponse:
    """Show one view of the inbox; the list alone when it is fetched anew."""
    asked.require("see_tasks")
    found, waiting = await asked.service.review.opened(view.filter_for(asked), limit=_PAGE, cursor=view.after or None)
    seen_so_far = view.shown + len(found.tasks)
    last = None if found.tasks else await _last_decided(asked)
    return page(
        asked,
        "review/inbox.html",
        title="Review",
        view=view,
        found=found,
        waiting=waiting,
        counted=COUNTED,
        groups=GROUPS,
        tabs=TABS,
        operation_of=operation_of,
        risk_of=risk_of,
        following=view.link(after=found.next_cursor, shown=seen_so_far) if found.next_cursor else None,
        until=seen_so_far,
        last=last,
    )


async def _last_decided(asked: Asking) -> UserTask | None:
    wanted = ReviewFilter(person=asked.principal.id, reach=asked.reach, tab="completed")
    return next(iter((await asked.service.review.page(wanted, limit=1)).tasks), None)
