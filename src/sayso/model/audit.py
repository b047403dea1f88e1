"""The audit log: who did what to what, append-only, each row chained to the one before by its hash."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sayso.model.actors import Actor
from sayso.model.json import Json
from sayso.model.workspaces import WorkspaceId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAudit:
    """Something to be written down."""

    workspace_id: WorkspaceId
    at: datetime
    by: Actor
    action: str
    """What was done, e.g. `task.decided`, `version.deployed`."""
    target: str
    """The id of what it was done to."""
    data: Mapping[str, Json]
    """What else matters; never a secret, never a payload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One stored row."""

    workspace_id: WorkspaceId
    seq: int
    """From 1, without gaps."""
    at: datetime
    by: Actor
    action: str
    target: str
    data: bytes
    """The JSON bytes that are hashed."""
    prev_hash: str
    """The hash of the row before; of the first row, `core.audit.GENESIS`."""
    hash: str
