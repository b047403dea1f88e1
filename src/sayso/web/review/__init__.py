"""Review: the inbox, the card, and what is done on it."""

from sayso.server.routes import router as strict_router
from sayso.web.review import beside, bulk, carding, inbox, timing

router = strict_router(include_in_schema=False)
router.include_router(inbox.router)
router.include_router(bulk.router)
router.include_router(carding.router)
router.include_router(beside.router)
router.include_router(timing.router)
