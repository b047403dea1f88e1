"""The audit log: who did what to what, whether the record of it still holds, and taking it elsewhere."""

from sayso.server.routes import router as strict_router
from sayso.web.audit import evidencing, exporting, listing, verifying

router = strict_router(include_in_schema=False)
for part in (listing, verifying, exporting, evidencing):
    router.include_router(part.router)
