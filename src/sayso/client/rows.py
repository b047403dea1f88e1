"""What the service answers about what is kept: runs, journals, tool calls, people, keys, tokens and the audit log.

As in client/answers.py, every field has a default, and what this client does not know yet is in `extra`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sayso.client.answers import Extra
from sayso.client.reading import TIME, one, several
from sayso.model.json import Json


def _extra() -> Extra:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run's row."""

    id: str = ""
    session_id: str = ""
    parent_run_id: str | None = None
    agent_id: str = ""
    program: str = ""
    """What it executes: the name of an agent or workflow of code, or the id of an agent made as data."""
    agent_version_id: str | None = None
    version_label: str | None = None
    state: str = ""
    """`queued`, `running`, `waiting`, `completed`, `failed` or `cancelled`."""
    problem: str | None = None
    fingerprint: str = ""
    """Which definition it was started or last advanced with."""
    epoch: int = 0
    seq: int = 0
    """The number of the last entry of its journal."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    active_seconds: float = 0.0
    trigger_type: str | None = None
    trigger_id: str | None = None
    triggered_by: str | None = None
    started_at: datetime | None = field(default=None, metadata=TIME)
    updated_at: datetime | None = field(default=None, metadata=TIME)
    ready_at: datetime | None = field(default=None, metadata=TIME)
    """When a worker should next look at it."""
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """Some runs, newest first."""

    items: tuple[StoredRun, ...] = field(default=(), metadata=several(lambda: StoredRun))
    next_cursor: str | None = None
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One entry of a journal."""

    seq: int = 0
    at: datetime | None = field(default=None, metadata=TIME)
    kind: str = ""
    key: str = ""
    data: Json = None
    """As it is stored, marks of Python types included."""
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A run's row, and some entries of its journal in order."""

    run: StoredRun = field(default_factory=StoredRun, metadata=one(lambda: StoredRun))
    items: tuple[JournalEntry, ...] = field(default=(), metadata=several(lambda: JournalEntry))
    next_after: int | None = None
    """Where the next page begins; None at the end."""
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCall:
    """One tool call as the ledger has it."""

    id: str = ""
    run_id: str = ""
    key: str = ""
    tool: str = ""
    tool_digest: str = ""
    effect: str = ""
    arguments: Json = None
    digest: str = ""
    idempotency_key: str = ""
    state: str = ""
    attempts: int = 0
    created_at: datetime | None = field(default=None, metadata=TIME)
    updated_at: datetime | None = field(default=None, metadata=TIME)
    first_sent_at: datetime | None = field(default=None, metadata=TIME)
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent; its versions are read elsewhere."""

    id: str = ""
    name: str = ""
    execution_mode: str = ""
    origin: str = ""
    deployed_version_id: str | None = None
    deployed_version_label: str | None = None
    blocked_until_reviewed: bool = False
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentList:
    """Some agents, by name."""

    items: tuple[Agent, ...] = field(default=(), metadata=several(lambda: Agent))
    total: int = 0
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A workspace."""

    id: str = ""
    name: str = ""
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """Who asks, and in which workspace."""

    type: str = ""
    """`person` or `api_key`."""
    id: str = ""
    email: str | None = None
    name: str | None = None
    role: str | None = None
    abilities: Json = None
    workspace: Workspace = field(default_factory=Workspace, metadata=one(lambda: Workspace))
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody in the workspace."""

    id: str = ""
    email: str = ""
    name: str = ""
    role: str = ""
    disabled_at: datetime | None = field(default=None, metadata=TIME)
    created_at: datetime | None = field(default=None, metadata=TIME)
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An invitation."""

    id: str = ""
    email: str = ""
    role: str = ""
    status: str = ""
    created_by: str = ""
    created_at: datetime | None = field(default=None, metadata=TIME)
    expires_at: datetime | None = field(default=None, metadata=TIME)
    accepted_at: datetime | None = field(default=None, metadata=TIME)
    secret: str | None = None
    """Told by the answer that makes it, and never again."""
    link: str | None = None
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key."""

    id: str = ""
    name: str = ""
    shown: str = ""
    scopes: tuple[Mapping[str, Json], ...] = ()
    status: str = ""
    created_by: str = ""
    created_at: datetime | None = field(default=None, metadata=TIME)
    expires_at: datetime | None = field(default=None, metadata=TIME)
    revoked_at: datetime | None = field(default=None, metadata=TIME)
    last_used_at: datetime | None = field(default=None, metadata=TIME)
    key: str | None = None
    """Told by the answer that makes it, and never again."""
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A person's token."""

    id: str = ""
    name: str = ""
    workspace_id: str = ""
    created_at: datetime | None = field(default=None, metadata=TIME)
    expires_at: datetime | None = field(default=None, metadata=TIME)
    last_used_at: datetime | None = field(default=None, metadata=TIME)
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheck:
    """Whether the audit log of the workspace holds."""

    ok: bool = False
    rows: int = 0
    anchor: Mapping[str, Json] | None = None
    """`seq` and `hash` of the last row: what to note down elsewhere."""
    anchored: bool = False
    broken: Mapping[str, Json] | None = None
    """`seq` and `reason` of the first row that does not hold."""
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some rows of the audit log in order, each as the service tells it."""

    items: tuple[Mapping[str, Json], ...] = ()
    next_after: int | None = None
    extra: Extra = field(default_factory=_extra)
