"""The audit log of a server."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sayso.cli.remote import values
from sayso.cli.remote.where import own_workspace
from sayso.client import Sayso
from sayso.core.audit import Checked
from sayso.model.audit import AuditRow

_PAGE = 100


class ServerLog:
    """See `cli.desk.AuditLog`; a server tells the chain of the own workspace."""

    def __init__(self, client: Sayso) -> None:
        self._client = client

    def verify(self, workspace: str | None, anchor: tuple[int, str] | None) -> Mapping[str, Checked]:
        """See the port."""
        own = own_workspace(self._client, workspace)
        noted = None if anchor is None else f"{anchor[0]}:{anchor[1]}"
        return {own: values.checked_of(self._client.verify_audit(noted))}

    def newest(self, workspace: str | None, limit: int) -> Sequence[AuditRow]:
        """See the port."""
        own_workspace(self._client, workspace)
        page = self._client.list_audit(last=limit, take=min(limit, _PAGE))
        found = list(page.items)
        while page.next_after is not None and len(found) < limit:
            page = self._client.list_audit(after=page.next_after, take=min(limit - len(found), _PAGE))
            found += page.items
        return [values.row_of(dict(row)) for row in found]

    def export(
        self, workspace: str | None, *, since: datetime | None, action: str | None, write: Callable[[AuditRow], object]
    ) -> int:
        """See the port."""
        own_workspace(self._client, workspace)
        count = 0
        for row in self._client.export_audit(since=since, action=action):
            write(values.row_of(dict(row)))
            count += 1
        return count

    def evidence(self, session_id: str) -> dict[str, Any]:
        """See the port."""
        return dict(self._client.get_evidence(session_id))
