"""The one stream of a page: it says that something is new, and the page then asks for what it shows.

No content is pushed, so authorisation is evaluated where it always is, per request. A stream sends nothing while
nothing has changed of its topic: each topic has a mark, a few numbers that every change of it changes.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from sayso.model.ids import SessionId
from sayso.runtime.news import ANYTHING
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
_AT_MOST_EVERY = 0.5
"""Seconds between two words on one stream, however busy the service is."""
Topic = Annotated[str, Query(max_length=200, pattern=r"^(review|sessions|session:[\w-]+)$")]


@router.get("/live", response_class=EventSourceResponse)
async def live(asked: Visited, topic: Topic) -> AsyncIterator[ServerSentEvent]:
    """Tell whenever something of a topic has changed, and once at the start."""
    news, told = asked.service.news, None
    while not asked.stopping:
        heard = news.heard()
        mark = await _mark(asked, topic)
        if mark != told:
            told = mark
            yield ServerSentEvent(event="news", raw_data=mark, id=mark)
            await asyncio.sleep(_AT_MOST_EVERY)
        await news.wait(heard, [ANYTHING])


async def _mark(asked: Asking, topic: str) -> str:
    """Return what changes whenever something of the topic does."""
    name, _, of = topic.partition(":")
    store, workspace = asked.service.runtime.store, asked.principal.workspace.id
    if name == "session":
        return await store.read(lambda tx: tx.reviews.session_mark(workspace, SessionId(of)))
    if name == "sessions":
        return await store.read(lambda tx: tx.reviews.sessions_mark(workspace))
    return await store.read(lambda tx: tx.reviews.mark(workspace))
