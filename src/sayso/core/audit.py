"""The chain of the audit log.

A row's hash covers the row before it, so that a change, a removal or a move of any row shows in every later hash.
What a chain cannot show by itself: that its tail was cut off, or that whoever may write the database computed it anew;
an anchor kept elsewhere (the last number and hash, as `sayso audit verify` prints them) shows these too.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sayso.core.codec import json_bytes
from sayso.core.instants import to_micros
from sayso.model.audit import AuditRow, NewAudit

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
        data=json_bytes(dict(new.data)),
        prev_hash=prev,
        hash="",
    )
    return replace(row, hash=hash_of(row))


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


def verify(rows: Iterable[AuditRow], anchor: tuple[int, str] | None = None) -> Broken | None:
    """Return where a chain is broken, or None.

    Args:
        rows: All rows of one workspace, in order.
        anchor: A number and its hash that were noted down earlier.
    """
    last = (0, GENESIS)
    anchored = anchor is None
    for row in rows:
        found = _wrong(row, last)
        if found is not None:
            return found
        last = (row.seq, row.hash)
        if anchor is not None and row.seq == anchor[0]:
            anchored = True
            if row.hash != anchor[1]:
                return Broken(seq=row.seq, reason="its hash is not the one that was noted down")
    if anchor is not None and not anchored:
        return Broken(seq=last[0] + 1, reason=f"the chain ends before number {anchor[0]}, which was noted down")
    return None


def _wrong(row: AuditRow, last: tuple[int, str]) -> Broken | None:
    if row.seq != last[0] + 1:
        return Broken(seq=last[0] + 1, reason=f"number {last[0] + 1} is missing; {row.seq} follows {last[0]}")
    if row.prev_hash != last[1]:
        return Broken(seq=row.seq, reason="it does not follow the row before it")
    if row.hash != hash_of(row):
        return Broken(seq=row.seq, reason="its content is not what was hashed")
    return None
