"""Reading the audit log: whole chains, checked or exported page by page, and what is newest.

However long a chain is, only one page of it is in memory.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import islice

from sayso.core.audit import GENESIS, Broken, Checked, check
from sayso.model.audit import AuditFilter, AuditRow
from sayso.model.workspaces import WorkspaceId
from sayso.runtime.ports import Store, Transaction

_PAGE = 500
_MOST_PAGES = 20
"""How many pages are looked through for one answer."""
_MOST_CHECKED = 20_000
"""How many rows are checked for one answer of a page."""
_MOST_LOOKED_AT = 200_000
"""How many rows are looked at for one page of those that are wanted."""
_BEFORE_ALL = -(2**63)
"""Smaller than every number that a row can be given, so that rows put in before the first are read too."""


def check_chain(tx: Transaction, workspace_id: WorkspaceId, anchor: tuple[int, str] | None = None) -> Checked:
    """Check a workspace's whole chain, against what was noted down where an anchor is given; see `core.audit.check`."""
    return check(_rows(tx, workspace_id), anchor)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartChecked:
    """What a look at a part of a chain has found."""

    checked: Checked
    """`rows` counts those of this part."""
    begin: int
    """The number that the first row of the part has."""
    last: int
    """The number of the chain's last row."""
    more: bool
    """Whether rows follow that were not looked at."""


def check_part(
    tx: Transaction,
    workspace_id: WorkspaceId,
    *,
    begin: tuple[int, str] | None = None,
    anchor: tuple[int, str] | None = None,
    most: int = _MOST_CHECKED,
) -> PartChecked:
    """Check at most so many rows of a chain: bounded work, to be gone on with from the last row that held.

    Args:
        tx: The transaction.
        workspace_id: Whose chain.
        begin: The number and hash of a row up to which the chain was found to hold; the part begins after it.
        anchor: What was noted down earlier.
        most: How many rows at most.
    """
    end = tx.audit.last(workspace_id)
    last = 0 if end is None else end[0]
    rows = _rows(tx, workspace_id, _BEFORE_ALL if begin is None else begin[0] - 1)
    first = begin[0] + 1 if begin is not None else 1
    if begin is not None:
        known = next(rows, None)
        if known is None or (known.seq, known.hash) != begin:
            changed = Broken(seq=begin[0], reason="it is not the row that was there when the part before was checked")
            return PartChecked(checked=Checked(rows=0, last=None, broken=changed), begin=first, last=last, more=False)
    whole = last < first + most
    found = check(islice(rows, most), anchor, begin=begin or (0, GENESIS), whole=whole)
    return PartChecked(checked=found, begin=first, last=last, more=not whole and found.broken is None)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestFirst:
    """Some rows, the newest first, and where to go on."""

    rows: tuple[AuditRow, ...]
    next_before: int | None
    """The number before which the next page begins; None where there is nothing more."""
    looked_down_to: int | None
    """Where the look ended before the page was full: in this many rows there was no more that is wanted."""


def newest_first(
    tx: Transaction,
    workspace_id: WorkspaceId,
    wanted: AuditFilter,
    *,
    before: int | None = None,
    limit: int = 50,
    span: int = _MOST_LOOKED_AT,
) -> NewestFirst:
    """Return the newest rows that are wanted, from below a number on; at most `span` rows are looked at for a page."""
    end = tx.audit.last(workspace_id)
    top = before if before is not None else 1 if end is None else end[0] + 1
    floor = top - span
    floor = floor if floor > 1 else _BEFORE_ALL
    found = tx.audit.newest(workspace_id, wanted, floor=floor, before=top, limit=limit + 1)
    if len(found) > limit:
        return NewestFirst(rows=tuple(found[:limit]), next_before=found[limit - 1].seq, looked_down_to=None)
    ended = floor == _BEFORE_ALL
    return NewestFirst(rows=tuple(found), next_before=None if ended else floor, looked_down_to=None if ended else floor)


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


async def exported(store: Store, workspace_id: WorkspaceId, wanted: AuditFilter) -> AsyncIterator[AuditRow]:
    """Yield the rows of a workspace that are wanted, in order."""
    after = _BEFORE_ALL
    while page := await store.read(
        lambda tx, after=after: tx.audit.fitting(workspace_id, wanted, after=after, limit=_PAGE)
    ):
        for row in page:
            yield row
        if page[-1].seq <= after:  # numbers that somebody has made unreadable
            return
        after = page[-1].seq


def _rows(tx: Transaction, workspace_id: WorkspaceId, after: int = _BEFORE_ALL) -> Iterator[AuditRow]:
    """Yield every row of a chain; pages overlap by one row, so that a second one of its number is seen."""
    known = 0
    while page := tx.audit.list(workspace_id, after=after, limit=_PAGE)[known:]:
        yield from page
        if page[-1].seq <= after:
            return
        after, known = page[-1].seq - 1, 1


def _is(action: str, wanted: str) -> bool:
    return action.startswith(wanted[:-1]) if wanted.endswith(".*") else action == wanted
