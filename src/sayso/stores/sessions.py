"""The rows of sessions: their state, what their runs have used, and their listing."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sayso.core.codec import json_bytes
from sayso.core.instants import from_micros, to_micros
from sayso.model.ids import RunId, SessionId
from sayso.model.journal import Entry, EntryKind
from sayso.model.runs import Session, Spent, StatePatch
from sayso.model.sessions import ListedSession, SessionFilter, SessionPage
from sayso.model.workspaces import WorkspaceId
from sayso.stores.listings import Listings
from sayso.stores.rows import listed_of, session_of, usage_of


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

    def timers(self, session_id: SessionId, *, but: RunId) -> Sequence[Entry]:
        """See the port."""
        return [
            Entry(RunId(run), seq, key, EntryKind(kind), from_micros(at), data if blob is None else blob)
            for seq, key, kind, at, data, blob, run in self._all("session_timers", session_id=session_id, but=but)
        ]

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
