"""The rows of requests that were answered once, for those who send them again under the same key."""

from datetime import datetime

from sqlalchemy import ClauseElement, delete, insert, select

from sayso.core.instants import from_micros, to_micros
from sayso.model.requests import Answered, Ticket
from sayso.stores.cursors import Rows
from sayso.stores.statements import P
from sayso.stores.workspace_schema import requests

_SAME = (
    requests.c.workspace_id == P("workspace_id"),
    requests.c.principal == P("principal"),
    requests.c.key == P("key"),
)
STATEMENTS: dict[str, ClauseElement] = {
    "find_request": select(requests.c.digest, requests.c.status, requests.c.body, requests.c.at).where(*_SAME),
    "insert_request": insert(requests).values({column.name: P(column.name) for column in requests.columns}),
    "forget_request": delete(requests).where(*_SAME),
    "forget_requests": delete(requests).where(requests.c.at < P("before")),
}


class RequestRows(Rows):
    """The part of a transaction that remembers requests."""

    def find(self, ticket: Ticket) -> Answered | None:
        """See the port."""
        rows = self._all("find_request", workspace_id=ticket.workspace_id, principal=ticket.principal, key=ticket.key)
        if not rows:
            return None
        digest, status, body, at = rows[0]
        return Answered(digest=digest, status=status, body=body, at=from_micros(at))

    def remember(self, ticket: Ticket, status: int, body: bytes, now: datetime) -> None:
        """See the port."""
        same = {"workspace_id": ticket.workspace_id, "principal": ticket.principal, "key": ticket.key}
        self._change("forget_request", **same)
        self._change("insert_request", **same, digest=ticket.digest, status=status, body=body, at=to_micros(now))

    def forget(self, *, before: datetime) -> int:
        """See the port."""
        return self._change("forget_requests", before=to_micros(before))
