"""Agents: the list, one agent with its versions, gates, runs and burden, and what is done with them."""

from sayso.server.routes import router as strict_router
from sayso.web.agents import acts, listing, pages, starts, workflows

router = strict_router(include_in_schema=False)
for part in (listing, workflows, pages, acts, starts):
    router.include_router(part.router)
