"""Reading the audit log: whole chains, checked or exported page by page, and what is newest.

However long a chain is, only one page of it is in memory.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime

from sayso.core.audit import Checked, check
from sayso.model.audit import AuditRow
from sayso.model.workspaces import WorkspaceId
from sayso.runtime.ports import Store, Transaction

_PAGE = 500
_MOST_PAGES = 20
"""How many pages are looked through for one answer."""
_BEFORE_ALL = -(2**63)
"""Smaller than every number that a row can be given, so that rows put in before the first are read too."""


def check_chain(tx: Transaction, workspace_id: WorkspaceId, anchor: tuple[int, str] | None = None) -> Checked:
    """Check a workspace's whole chain, against what was noted down where an anchor is given; see `core.audit.check`."""
    return check(_rows(tx, workspace_id), anchor)


def newest(tx: Transaction, workspace_id: WorkspaceId, limit: int) -> list[AuditRow]:
    """Return the last rows, the newest last."""
    return tx.audit.list(workspace_id, after=before_last(tx, workspace_id, limit), limit=limit)


def before_last(tx: Transaction, workspace_id: WorkspaceId, count: int) -> int:
    """Return the number after which so many rows are left."""
    last = tx.audit.last(workspace_id)
    return 0 if last is None else last[0] - count


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some rows in order, and where to go on."""

    rows: tuple[AuditRow, ...]
    next_after: int | None
    """The number after which the next page begins; None where there is nothing more."""


def page_of(
    tx: Transaction,
    workspace_id: WorkspaceId,
    *,
    after: int,
    limit: int,
    action: str | None = None,
    target: str | None = None,
) -> AuditPage:
    """Return rows numbered above `after` in order, those of one action (or `task.*`) or about one target where named.

    A page that was looked for in very many rows may be short, and even empty, though there is more.
    """
    found: list[AuditRow] = []
    for row in _after(tx, workspace_id, after, target):
        if len(found) == limit:
            return AuditPage(rows=tuple(found), next_after=after)
        after = row.seq
        if action is None or _is(row.action, action):
            found.append(row)
    last = tx.audit.last(workspace_id)
    more = target is None and last is not None and after < last[0]
    return AuditPage(rows=tuple(found), next_after=after if more else None)


def _after(tx: Transaction, workspace_id: WorkspaceId, after: int, target: str | None) -> Iterator[AuditRow]:
    if target is not None:
        yield from (row for row in tx.audit.of(workspace_id, target) if row.seq > after)
        return
    for _ in range(_MOST_PAGES):
        page = tx.audit.list(workspace_id, after=after, limit=_PAGE)
        yield from page
        if not page or page[-1].seq <= after:
            return
        after = page[-1].seq


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
