"""The dashboard: what waits and for how long, how runs went, what models have used, and who decided how fast."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse

from sayso.core.roles import allows
from sayso.server.routes import router as strict_router
from sayso.web.agents.words import WORDS
from sayso.web.dashboard.viewing import RUN_SERIES, dashboard_view
from sayso.web.periods import WORDS as PERIODS
from sayso.web.periods import Span, period
from sayso.web.preferring import preferences_of
from sayso.web.rendering import page
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
_RECENT = 10


@router.get("/dashboard")
async def dashboard(asked: Visited, wanted: Annotated[Span, Query(alias="period")] = "7d") -> HTMLResponse:
    """Show the figures of a period that ends now."""
    asked.require("see_dashboard")
    service, workspace = asked.service, asked.principal.workspace.id
    span = period(wanted, asked.now, preferences_of(asked.request).zone)
    measures = await service.measures.whole(workspace, parts=span.begins)
    decided = await service.measures.decided(workspace, since=span.since)
    may_see = allows(asked.principal, "see_sessions")
    recent = await service.sessions.newest(asked.reach, limit=_RECENT) if may_see else ()
    return page(
        asked,
        "dashboard/dashboard.html",
        title="Dashboard",
        view=dashboard_view(measures, decided, span),
        recent=recent,
        names=measures.names,
        periods=PERIODS,
        run_series=RUN_SERIES,
        **WORDS,
    )
