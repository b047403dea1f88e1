"""Requests that may be sent again: the same key and body get the same answer, and the act happens once."""

from dataclasses import dataclass
from datetime import datetime

from sayso.model.workspaces import WorkspaceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One request with an `Idempotency-Key`."""

    workspace_id: WorkspaceId
    principal: str
    """Who sends it; keys of different senders do not meet."""
    key: str
    digest: str
    """Of method, path and body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What such a request was answered with."""

    digest: str
    status: int
    body: bytes
    at: datetime
