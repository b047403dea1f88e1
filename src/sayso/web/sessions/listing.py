"""The list of sessions: filters, pages with their range and the total, and one row for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends
from starlette.responses import HTMLResponse

from sayso.core.spans import covered
from sayso.model.ids import SessionId
from sayso.model.sessions import ListedSession, SessionPage, SessionSpans
from sayso.server.routes import router as strict_router
from sayso.web.preferring import preferences_of
from sayso.web.rendering import page
from sayso.web.sessions import filtering
from sayso.web.sessions.filtering import View
from sayso.web.sessions.naming import names_of
from sayso.web.stepwords import STATUSES, TRIGGERS, Badge, trigger
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One session in the list."""

    session: ListedSession
    name: str
    badge: Badge
    trigger: str
    duration: timedelta
    waiting: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Which of all rows a page shows."""

    first: int
    last: int
    total: int
    earlier: int | None
    """Where the page before it begins."""
    later: int | None
    """Where the page after it begins."""


@router.get("/sessions")
async def list_sessions(asked: Visited, wanted: Annotated[View, Depends(filtering.view)]) -> HTMLResponse:
    """Show the sessions of the workspace, that with the newest root run first."""
    asked.require("see_sessions")
    preferences = preferences_of(asked.request)
    sessions, names = asked.service.sessions, dict(await names_of(asked))
    found, spans = await sessions.page_with_spans(
        wanted.filter_in(preferences.zone), asked.reach, limit=_PAGE, skip=wanted.skip
    )
    programs = {**names, **{name: name for name in asked.service.workflows}}
    return page(
        asked,
        "sessions/list.html",
        title="Sessions",
        view=wanted,
        rows=[_row(item, spans, names, asked.now) for item in found.items],
        range=range_of(found, wanted.skip),
        narrowed=wanted.narrowed(names),
        programs=sorted(programs.items(), key=lambda item: item[1].casefold()),
        statuses=STATUSES,
        triggers=TRIGGERS,
    )


def _row(item: ListedSession, spans: Mapping[SessionId, SessionSpans], names: Mapping[str, str], now: datetime) -> Row:
    mine = spans.get(item.id, SessionSpans())
    return Row(
        session=item,
        name=names.get(item.program, item.program),
        badge=STATUSES[item.status],
        trigger=trigger(item.origin.trigger_type),
        duration=covered(mine.roots, now),
        waiting=covered(mine.asked, now),
    )


def range_of(found: SessionPage, skip: int) -> Range:
    """Return which rows are shown of how many."""
    last = skip + len(found.items)
    return Range(
        first=skip + 1 if found.items else 0,
        last=last if found.items else 0,
        total=found.total,
        earlier=max(0, skip - _PAGE) if skip > 0 else None,
        later=last if last < found.total and found.items else None,
    )
