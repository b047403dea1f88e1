"""The review pages: what people see and decide in a browser; parse, call the runtime, render.

Each page is a route that asks the runtime and fills a template. It works without scripts; with them, parts of it are
fetched anew when the page's stream says that something has changed. No rule is made here, and no page reads a store.
"""

from sayso.server.routes import router as strict_router
from sayso.web import (
    agents,
    audit,
    dashboard,
    live,
    provider,
    review,
    sessions,
    settings,
    signin,
    start,
    statics,
)
from sayso.web.refusing import refused

__all__ = ["refused", "router"]

router = strict_router(include_in_schema=False)
_PARTS = (statics, live, start, signin, provider, dashboard, review, sessions, agents, audit, settings)
for part in _PARTS:
    router.include_router(part.router)
