"""What the service answers, as values. What this client does not know yet is in `extra`, by its wire name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sayso.client.reading import TIME, one, several
from sayso.model.json import Json

Extra = Mapping[str, Json]
RUNNING = "Running"
ENDED = frozenset({"Completed", "Failed", "Cancelled"})
"""The statuses after which nothing comes."""


def _extra() -> Extra:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A user task: what was asked, and how it was answered. In `Run.pending_user_tasks`, only the first five fields."""

    id: str = ""
    kind: str = ""
    summary: str = ""
    api_completable: bool = False
    """Whether a key may answer it; otherwise a person must."""
    due_at: datetime | None = field(default=None, metadata=TIME)
    status: str = "Pending"
    run_id: str = ""
    session_id: str = ""
    agent_id: str = ""
    program: str = ""
    """The name under which its run is stored: of an agent or workflow loaded from code, its own."""
    key: str = ""
    digest: str = ""
    """Binds an answer to what was shown: give it to `complete_user_task`."""
    request: Mapping[str, Json] = field(default_factory=_extra)
    step_name: str = ""
    on_reject: str | None = None
    on_timeout: str | None = None
    created_at: datetime | None = field(default=None, metadata=TIME)
    assigned_to: str | None = None
    """Whose work it is; others may still decide."""
    extension: Mapping[str, Json] | None = None
    """What may be done about the deadline: `until` (after one more extension), `made`, `left`, `most`; or None."""
    claimed_by: str | None = None
    claimed_until: datetime | None = field(default=None, metadata=TIME)
    outcome: Mapping[str, Json] | None = None
    """`decision`, `verdict`, `action`, `decidedBy` (`type`, `id`, `email`), `decidedAt`, what was said; or None."""
    spec: Mapping[str, Json] | None = None
    """What was asked in the form that is stored and hashed; None where it was not asked for."""
    duplicate_delivery: bool = False
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """Some user tasks."""

    items: tuple[Task, ...] = field(default=(), metadata=several(lambda: Task))
    next_cursor: str | None = None
    total: int | None = None
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run, as it stands."""

    run_id: str = ""
    session_id: str = ""
    status: str = RUNNING
    """`Running`, `WaitingForHITL`, `WaitingForResponse`, `WaitingForTimer`, `Completed`, `Failed`, ..."""
    output: Json = None
    error: Json = None
    problem: str | None = None
    """Why it cannot go on for now, e.g. changed code."""
    total_tokens_used: int = 0
    pending_user_tasks: tuple[Task, ...] = field(default=(), metadata=several(lambda: Task))
    agent_id: str | None = None
    trigger_id: str | None = None
    duplicate_delivery: bool = False
    """The service had this very request before, and did nothing again."""
    extra: Extra = field(default_factory=_extra)

    @property
    def rests(self) -> bool:
        """Whether it has ended, or waits for somebody or for a time."""
        return self.status != RUNNING

    @property
    def ended(self) -> bool:
        """Whether nothing comes any more."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a run stands after something was sent to it."""

    status: str = RUNNING
    cancelled: bool | None = None
    """After `cancel_run`: whether this call ended it; False where it had ended already."""
    duplicate_delivery: bool = False
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of a session, and which runs that ended."""

    status: str = ""
    ended_run_ids: tuple[str, ...] = ()
    duplicate_delivery: bool = False
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session; what a list does not show is None."""

    id: str = ""
    agent_id: str = ""
    program: str = ""
    """The name under which its runs are stored: of an agent or workflow loaded from code, its own."""
    agent_version_id: str | None = None
    version_label: str | None = None
    llm_model: str | None = None
    tenant_id: str | None = None
    status: str = ""
    user_id: str | None = None
    root_run_id: str = ""
    entry_run_id: str | None = None
    run_count: int = 0
    trigger_type: str | None = None
    trigger_id: str | None = None
    trigger_name: str | None = None
    triggered_by: str | None = None
    total_tokens_used: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    input: Json = None
    output: Json = None
    error: Json = None
    start_context: Mapping[str, Json] | None = None
    started_at: datetime | None = field(default=None, metadata=TIME)
    updated_at: datetime | None = field(default=None, metadata=TIME)
    finished_at: datetime | None = field(default=None, metadata=TIME)
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some sessions, the one with the newest run first."""

    items: tuple[Session, ...] = field(default=(), metadata=several(lambda: Session))
    total: int = 0
    """How many there are."""
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run of a conversation."""

    id: str = ""
    session_id: str = ""
    agent_id: str = ""
    agent_version_id: str | None = None
    agent_name: str = ""
    version_label: str | None = None
    llm_model: str | None = None
    parent_run_id: str | None = None
    depth: int = 0
    status: str = ""
    state: str = ""
    total_tokens_used: int = 0
    cost: float | None = None
    active_seconds: float = 0.0
    """How long it was at work; waiting does not count."""
    input: Json = None
    output: Json = None
    error: Json = None
    trigger_type: str | None = None
    trigger_id: str | None = None
    trigger_name: str | None = None
    triggered_by: str | None = None
    started_at: datetime | None = field(default=None, metadata=TIME)
    finished_at: datetime | None = field(default=None, metadata=TIME)
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a timeline."""

    id: str = ""
    run_id: str = ""
    sequence: int = 0
    ordinal: int | None = None
    type: str = ""
    content: Mapping[str, Json] | None = None
    tokens_used: int | None = None
    error: Json = None
    started_at: datetime | None = field(default=None, metadata=TIME)
    finished_at: datetime | None = field(default=None, metadata=TIME)
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A whole session: its runs, and one timeline of all of them."""

    session: Session = field(default_factory=Session, metadata=one(lambda: Session))
    runs: tuple[RunRow, ...] = field(default=(), metadata=several(lambda: RunRow))
    items: tuple[Item, ...] = field(default=(), metadata=several(lambda: Item))
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that has happened in a session."""

    id: str | None = None
    """Where to go on after it; None where another event of the same moment follows."""
    ts: datetime | None = field(default=None, metadata=TIME)
    kind: str = ""
    """`session`, `run`, `step`, `user_task` or `aitl`."""
    subject: str = ""
    """What exactly, e.g. `engine.step.tool_call`."""
    data: Item = field(default_factory=Item, metadata=one(lambda: Item))
    extra: Extra = field(default_factory=_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A workflow that the service can start."""

    id: str = ""
    name: str = ""
    description: str | None = None
    steps: Mapping[str, Json] = field(default_factory=_extra)
    extra: Extra = field(default_factory=_extra)
