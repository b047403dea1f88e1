"""Settings: what somebody prefers and has signed in with, and for those who may, people, keys, workspace and system."""

from sayso.server.routes import router as strict_router
from sayso.web.settings import keys, me, people, person, roles, signins, system, workspace

router = strict_router(include_in_schema=False)
for part in (me, signins, people, person, roles, keys, workspace, system):
    router.include_router(part.router)
