"""The `/v1` API: agents' runs, sessions, conversations, streams and user tasks, over one service."""

from sayso.api.routes import router as strict_router
from sayso.api.v1 import runs, sessions, streams, tasks, workflows

router = strict_router(prefix="/v1")
for part in (runs, streams, sessions, tasks, workflows):
    router.include_router(part.router)
