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


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which rows are wanted; what is None does not matter."""

    action: str | None = None
    """`task.decided`, or `task.*` for all of a kind."""
    actor: str | None = None
    """Who did it: the id of the actor."""
    target: str | None = None
    """The id of what it was done to."""
    since: datetime | None = None
    """Nothing that was done before."""
    until: datetime | None = None
    """Nothing that was done at this time or later."""
