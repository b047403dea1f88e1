"""The rows of the audit log: appended, read, and never changed."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ClauseElement, insert, select

from sayso.core.audit import row_after
from sayso.core.instants import from_micros, to_micros
from sayso.model.actors import Actor
from sayso.model.audit import AuditRow, NewAudit
from sayso.model.workspaces import WorkspaceId
from sayso.stores.statements import ONE, ZERO, P
from sayso.stores.workspace_schema import audit

STATEMENTS: dict[str, ClauseElement] = {
    "last_audit": select(audit.c.seq, audit.c.hash)
    .where(audit.c.workspace_id == P("workspace_id"))
    .order_by(audit.c.seq.desc())
    .limit(ONE)
    .offset(ZERO),
    "insert_audit": insert(audit).values({column.name: P(column.name) for column in audit.columns}),
    "list_audit": select(audit)
    .where(audit.c.workspace_id == P("workspace_id"), audit.c.seq > P("after"))
    .order_by(audit.c.seq)
    .limit(P("limit"))
    .offset(ZERO),
    "audit_of": select(audit)
    .where(audit.c.workspace_id == P("workspace_id"), audit.c.target == P("target"))
    .order_by(audit.c.seq),
}


class AuditRows:
    """The part of a transaction that writes and reads the audit log.

    Args:
        change: Runs a changing statement by name, and returns how many rows it changed.
        all_: Runs a selecting statement by name, and returns its rows.
    """

    def __init__(self, change: Callable[..., int], all_: Callable[..., list[Any]]) -> None:
        self._change = change
        self._all = all_

    def append(self, new: NewAudit) -> AuditRow:
        """See the port."""
        rows = self._all("last_audit", workspace_id=new.workspace_id)
        row = row_after(tuple(rows[0]) if rows else None, new)
        self._change(
            "insert_audit",
            workspace_id=row.workspace_id,
            seq=row.seq,
            at=to_micros(row.at),
            by_type=row.by.type,
            by_id=row.by.id,
            via=row.by.via,
            action=row.action,
            target=row.target,
            data=row.data,
            prev_hash=row.prev_hash,
            hash=row.hash,
        )
        return row

    def list(self, workspace_id: WorkspaceId, *, after: int, limit: int) -> list[AuditRow]:
        """See the port."""
        return [_row(row) for row in self._all("list_audit", workspace_id=workspace_id, after=after, limit=limit)]

    def of(self, workspace_id: WorkspaceId, target: str) -> "list[AuditRow]":
        """See the port."""
        return [_row(row) for row in self._all("audit_of", workspace_id=workspace_id, target=target)]


def _row(row: Any) -> AuditRow:
    workspace, seq, at, by_type, by_id, via, action, target, data, prev, hash_ = row
    return AuditRow(
        workspace_id=workspace,
        seq=seq,
        at=from_micros(at),
        by=Actor(type=by_type, id=by_id, via=via),
        action=action,
        target=target,
        data=data,
        prev_hash=prev,
        hash=hash_,
    )
