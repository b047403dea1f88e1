"""Writing down who did what, in the transaction of what was done."""

from collections.abc import Mapping
from datetime import datetime

from sayso.model.actors import Actor
from sayso.model.audit import NewAudit
from sayso.model.json import Json
from sayso.model.workspaces import WorkspaceId
from sayso.runtime.ports import Transaction


def write_down(
    tx: Transaction,
    workspace_id: WorkspaceId,
    now: datetime,
    by: Actor,
    action: str,
    target: str,
    data: Mapping[str, Json],
) -> None:
    """Add a row to the audit log of a workspace."""
    tx.audit.append(NewAudit(workspace_id=workspace_id, at=now, by=by, action=action, target=target, data=data))
