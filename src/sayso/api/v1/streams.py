"""Server-sent events of a session: what happens, as it happens, and again from any point.

Each event carries its position as `id`; a client that comes back with `Last-Event-ID` misses nothing and gets nothing
twice. Comments keep the connection alive, and the stream ends after the end of the session, or when the server stops.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Path
from fastapi.sse import EventSourceResponse, ServerSentEvent

from sayso.api.v1.taskwire import at
from sayso.api.v1.telling import A_RUN, told
from sayso.api.v1.wire import item_json
from sayso.model.errors import Invalid
from sayso.model.ids import RunId
from sayso.model.json import Json
from sayso.model.registry import Names
from sayso.runtime.following import Event, Follower, parse
from sayso.server.routes import router as strict_router
from sayso.server.service import Asked, Asking

router = strict_router(tags=["runs"])
_HIDDEN = frozenset({"step", "user_task", "aitl"})


@dataclass(frozen=True, slots=True)
class _Opened:
    asked: Asking
    follower: Follower
    exposed: bool
    names: Names


async def _opened(
    asked: Asked,
    run_id: Annotated[str, Path(alias="runId", max_length=200)],
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", max_length=2000)] = None,
) -> _Opened:
    """Find the session before anything is sent, so that a refusal has its status."""
    asked.require("see_runs_of_tasks")
    parts = await asked.service.sessions.run(RunId(run_id), asked.reach)
    follower = Follower(asked.service.runtime.store, parts.run.session_id, parse(last_event_id))
    return _Opened(asked, follower, asked.exposed(parts.run.origin), await asked.names())


@router.get("/runs/{runId}/stream", response_class=EventSourceResponse, **told("stream", *A_RUN, Invalid))
async def stream_run(opened: Annotated[_Opened, Depends(_opened)]) -> AsyncIterator[ServerSentEvent]:
    """Follow the session of a run: steps, tasks, runs and the end, as server-sent events.

    Each `data` is one JSON object `{ts, kind, subject, data}`; `id` is where to go on after it.
    """
    service = opened.asked.service
    while True:
        heard = service.news.heard()
        for event in await opened.follower.news():
            if opened.exposed or not (event.kind in _HIDDEN or event.subject == "engine.subagent.spawned"):
                yield sent(event, opened.names, exposed=opened.exposed)
        if opened.follower.over or opened.asked.stopping:
            return
        await service.news.wait(heard, opened.follower.about)


def sent(event: Event, names: Names, *, exposed: bool) -> ServerSentEvent:
    """Return an event as it is sent; where steps are hidden, without the input and without what child runs said."""
    data = item_json(event.item, None, names)
    if not exposed and (event.child or event.item.type == "RunStarted"):
        data["content"], data["error"] = None, None
    told: dict[str, Json] = {
        "ts": at(event.item.started_at),
        "kind": event.kind,
        "subject": event.subject,
        "data": data,
    }
    return ServerSentEvent(raw_data=json.dumps(told, ensure_ascii=False), id=event.position)
