"""The rows of sessions: their state, what their runs have used, and their listing."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sayso.core.codec import json_bytes
from sayso.core.instants import from_micros, some_time, to_micros
from sayso.model.ids import RunId, SessionId
from sayso.model.journal import Entry
from sayso.model.runs import Session, Spent, StatePatch
from sayso.model.sessions import ListedSession, SessionFilter, SessionPage, SessionSpans, Span
from sayso.model.workspaces import WorkspaceId
from sayso.stores.listings import Listings
from sayso.stores.rows import entry_of, listed_of, session_of, usage_of


class SessionRows:
    """The part of a transaction that writes and reads sessions.

    Args:
        change: Runs a changing statement by name, and returns how many rows it changed.
        all_: Runs a selecting statement by name, and returns its rows.
        text: Runs a selecting statement, given as text.
        listings: The statements of the lists.
    """

    def __init__(
        self,
        change: Callable[..., int],
        all_: Callable[..., list[Any]],
        text: Callable[[str, Mapping[str, Any]], list[Any]],
        listings: Listings,
    ) -> None:
        self._change = change
        self._all = all_
        self._text = text
        self._listings = listings

    def touch(self, session_id: SessionId, *, user_id: str | None, now: datetime, workspace_id: WorkspaceId) -> bool:
        """See the port."""
        at = to_micros(now)
        created = self._change(
            "insert_session",
            session_id=session_id,
            user_id=user_id,
            state=b"{}",
            created_at=at,
            updated_at=at,
            workspace_id=workspace_id,
        )
        return created == 1

    def find(self, session_id: SessionId) -> Session | None:
        """See the port."""
        rows = self._all("find_session", session_id=session_id)
        return session_of(rows[0]) if rows else None

    def patch(self, session_id: SessionId, patches: Sequence[StatePatch], *, now: datetime) -> None:
        """See the port."""
        ((stored,),) = self._all("lock_session", session_id=session_id)
        state: dict[str, Any] = json.loads(stored)
        for patch in patches:
            state.update(patch.set)
            for key in patch.removed:
                state.pop(key, None)
        self._change("set_session", session_id=session_id, state=json_bytes(state), now=to_micros(now))

    def spent(self, session_id: SessionId) -> Spent:
        """See the port."""
        ((*used, active),) = self._all("session_spent", session_id=session_id)
        return Spent(usage_of(*used), timedelta(microseconds=int(active or 0)))

    def newest(self, wanted: SessionFilter, *, limit: int) -> Sequence[ListedSession]:
        """See the port."""
        page, _, parameters = self._listings.sessions(wanted)
        return [listed_of(row) for row in self._text(page, {**parameters, "limit": limit, "offset": 0})]

    def timers(self, session_id: SessionId, *, but: RunId) -> Sequence[Entry]:
        """See the port."""
        return [entry_of(RunId(run), row) for *row, run in self._all("session_timers", session_id=session_id, but=but)]

    def list(self, wanted: SessionFilter, *, limit: int, skip: int) -> SessionPage:
        """See the port."""
        page, count, parameters = self._listings.sessions(wanted)
        found = self._text(page, {**parameters, "limit": limit, "offset": skip})
        ((total,),) = self._text(count, parameters)
        return SessionPage(items=tuple(listed_of(row) for row in found), total=total)

    def find_listed(self, session_id: SessionId) -> ListedSession | None:
        """See the port."""
        rows = self._text(self._listings.session(), {"session_id": session_id})
        return listed_of(rows[0]) if rows else None

    def spans(self, session_ids: Sequence[SessionId]) -> Mapping[SessionId, SessionSpans]:
        """See the port."""
        if not session_ids:
            return {}
        roots, asked, parameters = self._listings.spans(session_ids)
        lasted, waited = _spans(self._text(roots, parameters)), _spans(self._text(asked, parameters))
        return {
            one: SessionSpans(roots=tuple(lasted.get(one, ())), asked=tuple(waited.get(one, ()))) for one in session_ids
        }


def _spans(rows: Iterable[Any]) -> dict[SessionId, list[Span]]:
    found: dict[SessionId, list[Span]] = {}
    for session_id, begin, end in rows:
        found.setdefault(session_id, []).append(Span(from_micros(begin), some_time(end)))
    return found
