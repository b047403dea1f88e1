"""The `/v1` API: agents' runs, sessions, conversations, streams and user tasks, over one service."""

from fastapi import APIRouter

from sayso.api.v1 import runs, sessions, streams, tasks, workflows

router = APIRouter(prefix="/v1")
for part in (runs, streams, sessions, tasks, workflows):
    router.include_router(part.router)
