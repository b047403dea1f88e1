"""The chain of the audit log.

A row's hash covers the row before it, so that a change, a removal or a move of any row shows in every later hash.
What a chain cannot show by itself: that its tail was cut off, or that whoever may write the database computed it anew;
an anchor kept elsewhere (the last number and hash, as `sayso audit verify` prints them) shows these too.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sayso.core.codec import json_bytes
from sayso.core.instants import to_micros
from sayso.core.ledger import canonical
from sayso.model.audit import AuditRow, NewAudit
from sayso.model.errors import UnstorableValue
from sayso.model.json import Json

GENESIS = "0" * 64
"""What the first row follows."""


def row_after(last: tuple[int, str] | None, new: NewAudit) -> AuditRow:
    """Return the row that follows the last one (its number and hash), or begins the chain."""
    seq, prev = (1, GENESIS) if last is None else (last[0] + 1, last[1])
    row = AuditRow(
        workspace_id=new.workspace_id,
        seq=seq,
        at=new.at,
        by=new.by,
        action=new.action,
        target=new.target,
        data=data_bytes(new.data),
        prev_hash=prev,
        hash="",
    )
    return replace(row, hash=hash_of(row))


def data_bytes(data: Mapping[str, Json]) -> bytes:
    """Return the bytes of a row's data: with sorted keys, so that whoever copies the JSON can make them again.

    Raises:
        UnstorableValue: A string holds a lone surrogate, which UTF-8 cannot carry.
    """
    try:
        return canonical(dict(data))
    except UnicodeEncodeError as exc:
        raise UnstorableValue(f"Expected text that UTF-8 can carry, but it cannot ({exc.reason}).") from exc


def hash_of(row: AuditRow) -> str:
    """Return the hash that a row must carry."""
    plain = [row.workspace_id, row.seq, to_micros(row.at), row.by.type, row.by.id, row.by.via, row.action, row.target]
    return hashlib.sha256(
        b"sayso/audit/v1\n" + row.prev_hash.encode() + b"\n" + json_bytes(plain) + b"\n" + row.data
    ).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Where a chain does not hold."""

    seq: int
    """The first number that is wrong or missing."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a look at a whole chain has found."""

    rows: int
    """How many rows hold, from the first on."""
    last: tuple[int, str] | None
    """The number and hash of the last of them: what to note down elsewhere."""
    broken: Broken | None


def verify(rows: Iterable[AuditRow], anchor: tuple[int, str] | None = None) -> Broken | None:
    """Return where a chain is broken, or None; see `check`."""
    return check(rows, anchor).broken


def check(
    rows: Iterable[AuditRow],
    anchor: tuple[int, str] | None = None,
    *,
    begin: tuple[int, str] = (0, GENESIS),
    whole: bool = True,
) -> Checked:
    """Hold every row against the one before it, and the chain against what was noted down.

    Without an anchor, neither a tail that was cut off nor a chain that was computed anew can be found.

    Args:
        rows: All rows of one workspace, in order.
        anchor: A number and its hash that were noted down earlier.
        begin: The number and hash that the first row follows, where the rows before it were checked already.
        whole: Whether nothing comes after these rows, so that an anchor behind the last one is missing.
    """
    count, last, broken = 0, begin, None
    for row in rows:
        broken = _wrong(row, last) or _not_noted(row, anchor)
        if broken is not None:
            break
        count, last = count + 1, (row.seq, row.hash)
    if whole and broken is None and anchor is not None and last[0] < anchor[0]:
        broken = Broken(seq=last[0] + 1, reason=f"the chain ends before number {anchor[0]}, which was noted down")
    return Checked(rows=count, last=last if count else None, broken=broken)


def _wrong(row: AuditRow, last: tuple[int, str]) -> Broken | None:
    if row.seq <= last[0]:
        return Broken(seq=row.seq, reason=f"it comes after number {last[0]}")
    if row.seq != last[0] + 1:
        return Broken(seq=last[0] + 1, reason=f"it is missing; number {row.seq} comes after number {last[0]}")
    if row.prev_hash != last[1]:
        return Broken(seq=row.seq, reason="it does not follow the row before it")
    if row.hash != hash_of(row):
        return Broken(seq=row.seq, reason="its content is not what was hashed")
    return None


def _not_noted(row: AuditRow, anchor: tuple[int, str] | None) -> Broken | None:
    if anchor is None or row.seq != anchor[0] or row.hash == anchor[1]:
        return None
    return Broken(seq=row.seq, reason="its hash is not the one that was noted down")
