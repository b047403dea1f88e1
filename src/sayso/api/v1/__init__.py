"""The `/v1` API over one service, and the reference's management paths."""

from sayso.api.v1 import (
    agents,
    audit,
    internal,
    keys,
    me,
    people,
    runs,
    sessions,
    streams,
    tasks,
    triggers,
    versions,
    workflows,
    workspace,
)
from sayso.server.routes import router as strict_router

router = strict_router()
_v1 = strict_router(prefix="/v1")
for part in (runs, streams, sessions, tasks, workflows, agents, versions, triggers, me, people, keys, workspace, audit):
    _v1.include_router(part.router)
router.include_router(_v1)
router.include_router(internal.router)
