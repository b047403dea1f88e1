"""Sessions and runs: their list, the page of one, and what is done to them."""

from sayso.server.routes import router as strict_router
from sayso.web.sessions import acts, listing, session

router = strict_router(include_in_schema=False)
for part in (listing, session, acts):
    router.include_router(part.router)
