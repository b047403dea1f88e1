"""The rows of the audit log: appended, read, and never changed."""

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ClauseElement, and_, insert, or_, select

from sayso.core.audit import row_after
from sayso.core.instants import EPOCH, from_micros, to_micros
from sayso.model.actors import Actor, ActorType
from sayso.model.audit import AuditFilter, AuditRow, NewAudit
from sayso.model.workspaces import WorkspaceId
from sayso.stores.cursors import Rows
from sayso.stores.statements import ONE, ZERO, P
from sayso.stores.workspace_schema import audit

_WANTED = (
    audit.c.workspace_id == P("workspace_id"),
    or_(P("any_action") == ONE, and_(audit.c.action >= P("action_from"), audit.c.action <= P("action_to"))),
    or_(P("any_actor") == ONE, audit.c.by_id == P("actor")),
    or_(P("any_target") == ONE, audit.c.target == P("target")),
    or_(P("any_since") == ONE, audit.c.at >= P("since")),
    or_(P("any_until") == ONE, audit.c.at < P("until")),
)
_LAST_OF_A_KIND = "\U0010ffff"
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
    "fitting_audit": select(audit)
    .where(*_WANTED, audit.c.seq > P("after"))
    .order_by(audit.c.seq)
    .limit(P("limit"))
    .offset(ZERO),
    "newest_audit": select(audit)
    .where(*_WANTED, audit.c.seq >= P("floor"), audit.c.seq < P("before"))
    .order_by(audit.c.seq.desc())
    .limit(P("limit"))
    .offset(ZERO),
    "audit_of": select(audit)
    .where(audit.c.workspace_id == P("workspace_id"), audit.c.target == P("target"))
    .order_by(audit.c.seq),
    "audit_workspaces": select(audit.c.workspace_id).distinct().order_by(audit.c.workspace_id),
}

_UNREADABLE = EPOCH - timedelta(microseconds=1)
"""The time of a row whose own cannot be read; no hash covers it."""


class AuditRows(Rows):
    """The part of a transaction that writes and reads the audit log."""

    def append(self, new: NewAudit) -> AuditRow:
        """See the port."""
        row = row_after(self.last(new.workspace_id), new)
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

    def fitting(self, workspace_id: WorkspaceId, wanted: AuditFilter, *, after: int, limit: int) -> "list[AuditRow]":
        """See the port."""
        found = self._all("fitting_audit", workspace_id=workspace_id, after=after, limit=limit, **_parameters(wanted))
        return [_row(row) for row in found]

    def newest(
        self, workspace_id: WorkspaceId, wanted: AuditFilter, *, floor: int, before: int, limit: int
    ) -> "list[AuditRow]":
        """See the port."""
        place = {"floor": floor, "before": before, "limit": limit}
        found = self._all("newest_audit", workspace_id=workspace_id, **place, **_parameters(wanted))
        return [_row(row) for row in found]

    def last(self, workspace_id: WorkspaceId) -> tuple[int, str] | None:
        """See the port."""
        rows = self._all("last_audit", workspace_id=workspace_id)
        return (rows[0][0], rows[0][1]) if rows else None

    def workspaces(self) -> "list[WorkspaceId]":
        """See the port."""
        return [row[0] for row in self._all("audit_workspaces")]

    def of(self, workspace_id: WorkspaceId, target: str) -> "list[AuditRow]":
        """See the port."""
        return [_row(row) for row in self._all("audit_of", workspace_id=workspace_id, target=target)]


def _parameters(wanted: AuditFilter) -> dict[str, Any]:
    action = wanted.action or ""
    kind = action[:-1] if action.endswith(".*") else None
    return {
        "any_action": int(wanted.action is None),
        "action_from": action if kind is None else kind,
        "action_to": action if kind is None else kind + _LAST_OF_A_KIND,
        "any_actor": int(wanted.actor is None),
        "actor": wanted.actor or "",
        "any_target": int(wanted.target is None),
        "target": wanted.target or "",
        "any_since": int(wanted.since is None),
        "since": 0 if wanted.since is None else to_micros(wanted.since),
        "any_until": int(wanted.until is None),
        "until": 0 if wanted.until is None else to_micros(wanted.until),
    }


def _row(row: Any) -> AuditRow:
    """Return a row as it is stored; a column that somebody gave another type is read as what no hash covers."""
    workspace, seq, at, by_type, by_id, via, action, target, data, prev, hash_ = row
    return AuditRow(
        workspace_id=workspace,
        seq=seq if isinstance(seq, int) else -1,
        at=_time(at),
        by=Actor(type=cast("ActorType", _text(by_type)), id=_text(by_id), via=_text(via)),
        action=_text(action),
        target=_text(target),
        data=data if isinstance(data, bytes) else repr(data).encode(),
        prev_hash=_text(prev),
        hash=_text(hash_),
    )


def _text(stored: Any) -> str:
    return stored if isinstance(stored, str) else repr(stored)


def _time(stored: Any) -> datetime:
    try:
        return from_micros(stored)
    except (TypeError, OverflowError):
        return _UNREADABLE
