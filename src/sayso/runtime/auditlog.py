"""Reading the audit log: whole chains, checked or exported page by page, and what is newest.

However long a chain is, only one page of it is in memory.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime

from sayso.core.audit import Checked, check
from sayso.model.audit import AuditRow
from sayso.model.workspaces import WorkspaceId
from sayso.runtime.ports import Store, Transaction

_PAGE = 500
_BEFORE_ALL = -(2**63)
"""Smaller than every number that a row can be given, so that rows put in before the first are read too."""


def check_chain(tx: Transaction, workspace_id: WorkspaceId, anchor: tuple[int, str] | None = None) -> Checked:
    """Check a workspace's whole chain, against what was noted down where an anchor is given; see `core.audit.check`."""
    return check(_rows(tx, workspace_id), anchor)


def newest(tx: Transaction, workspace_id: WorkspaceId, limit: int) -> list[AuditRow]:
    """Return the last rows, the newest last."""
    last = tx.audit.last(workspace_id)
    return [] if last is None else tx.audit.list(workspace_id, after=last[0] - limit, limit=limit)


async def exported(
    store: Store, workspace_id: WorkspaceId, *, since: datetime | None = None, action: str | None = None
) -> AsyncIterator[AuditRow]:
    """Yield a workspace's rows in order.

    Args:
        store: The database.
        workspace_id: The workspace.
        since: Leave out what was done before.
        action: Leave out what is not this (`task.decided`), or nothing of this kind (`task.*`).
    """
    after = _BEFORE_ALL
    while page := await store.read(lambda tx, after=after: tx.audit.list(workspace_id, after=after, limit=_PAGE)):
        for row in page:
            if (since is None or row.at >= since) and (action is None or _is(row.action, action)):
                yield row
        if page[-1].seq <= after:  # numbers that somebody has made unreadable
            return
        after = page[-1].seq


def _rows(tx: Transaction, workspace_id: WorkspaceId) -> Iterator[AuditRow]:
    """Yield every row of a chain; pages overlap by one row, so that a second one of its number is seen."""
    after, known = _BEFORE_ALL, 0
    while page := tx.audit.list(workspace_id, after=after, limit=_PAGE)[known:]:
        yield from page
        if page[-1].seq <= after:
            return
        after, known = page[-1].seq - 1, 1


def _is(action: str, wanted: str) -> bool:
    return action.startswith(wanted[:-1]) if wanted.endswith(".*") else action == wanted
