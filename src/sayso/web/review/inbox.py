"""The inbox: what waits for people, what whoever looks has put off, what is decided, and what was dropped."""

from fastapi.responses import HTMLResponse

from sayso.core.reviewing import operation_of
from sayso.core.risks import LEVELS, risk_of
from sayso.core.roles import allows
from sayso.model.reviews import ReviewFilter
from sayso.model.tasks import UserTask
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.rendering import given, page, text_of
from sayso.web.review.bulk import alike
from sayso.web.review.filtering import GROUPS, TABS, Viewed
from sayso.web.review.settled import said
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
_PAGE = 50


@router.get("/review")
async def inbox(asked: Visited, view: Viewed) -> HTMLResponse:
    """Show one view of the inbox; the list alone when it is fetched anew."""
    asked.require("see_tasks")
    found, tabs = await asked.service.review.opened(view.filter_for(asked), limit=_PAGE, cursor=view.after or None)
    seen_so_far = view.shown + len(found.tasks)
    everybody = await asked.service.inbox.assignable(asked.principal) if allows(asked.principal, "see_people") else []
    last = None if found.tasks else await _last_decided(asked)
    return page(
        asked,
        "review/inbox.html",
        title="Review",
        view=view,
        found=found,
        waiting=tabs,
        groups=GROUPS,
        tabs=TABS,
        levels=LEVELS,
        colleagues=[one for one in everybody if one != asked.principal.id],
        operation_of=operation_of,
        risk_of=risk_of,
        said=said,
        alike=alike,
        following=view.link(after=found.next_cursor, shown=seen_so_far) if found.next_cursor else None,
        until=seen_so_far,
        last=last,
    )


@router.get("/waiting")
async def waiting(asked: Visited) -> HTMLResponse:
    """Tell how many tasks wait, beside the name of the inbox in the navigation."""
    asked.require("see_tasks")
    count = await asked.service.review.pending(asked.principal.id, asked.reach)
    return HTMLResponse(text_of("parts/waiting.html", **{**given(asked), "tasks_waiting": count}))


async def _last_decided(asked: Asking) -> UserTask | None:
    wanted = ReviewFilter(person=asked.principal.id, reach=asked.reach, tab="completed")
    return next(iter((await asked.service.review.page(wanted, limit=1)).tasks), None)
