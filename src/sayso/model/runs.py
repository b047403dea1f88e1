"""Runs and sessions as rows, and the transitions between them.

Theory of operation. A run is in one of six states. `queued` may be claimed by any worker; `running` belongs to the
worker whose epoch it carries, until its lease ends; `waiting` holds nothing but rows. One column, `ready_at`, says
when a worker should next look at the run: now for `queued`, the end of the lease for `running`, the next deadline
or timer for `waiting` (None where only a person can move it), None for the ended states. So leases, timers,
deadlines and wake-ups share one index, and one claim serves all four. core/states.py has the table of legal moves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sayso.model.ids import RunId, SessionId, TaskId
from sayso.model.journal import NewEntry
from sayso.model.json import Json
from sayso.model.messages import Usage
from sayso.model.tasks import TaskSpec
from sayso.model.workspaces import DEFAULT_WORKSPACE, Reach, WorkspaceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a run comes from; a child run has its parent's."""

    workspace_id: WorkspaceId = DEFAULT_WORKSPACE
    version: str | None = None
    """The label of the agent version that it was started with."""
    version_id: str | None = None
    """That version, where it is stored."""
    trigger_type: str | None = None
    """`api`, `manual`, `test_run`, `scheduled` or `event`; None where code started it."""
    trigger_id: str | None = None
    started_by: str | None = None
    """The person or key that started it."""


NO_ORIGIN = Origin()


class RunState(StrEnum):
    """Where a run stands in the store."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """Never stored: what a row says that this version does not know; the run is listed, and nothing moves it here."""


ENDED = frozenset({RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED})
"""The states that nothing leaves."""


def rest_of(run_id: RunId) -> str:
    """Return what news call the moment in which a run comes to rest: it waits, or has ended."""
    return f"{run_id}/rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One stored run."""

    id: RunId
    session_id: SessionId
    program: str
    """The name under which the program is registered."""
    fingerprint: str
    """Which definition the run was started or last advanced with."""
    state: RunState
    epoch: int
    """The fence: every write of a worker carries the epoch of its claim."""
    seq: int
    """The number of the last journal entry."""
    created_at: datetime
    updated_at: datetime
    ready_at: datetime | None = None
    parent_id: RunId | None = None
    parent_key: str | None = None
    problem: str | None = None
    """Why the run could not be advanced, e.g. a changed definition."""
    origin: Origin = NO_ORIGIN
    usage: Usage = field(default_factory=Usage)
    """What its models have used so far."""
    active: timedelta = timedelta(0)
    """How long workers have held it; waiting does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs are wanted; None does not narrow."""

    reach: Reach | None = None
    """Only runs within this reach; None for all of the database."""
    session_id: SessionId | None = None
    program: str | None = None
    """The agent or workflow."""
    state: RunState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """One page of a listing, newest first."""

    runs: tuple[Run, ...] = ()
    next_cursor: str | None = None
    """Where the next page starts; None at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run to be created."""

    id: RunId
    session_id: SessionId
    program: str
    fingerprint: str
    started: bytes
    """The data of the `started` entry: the input, in the codec's form."""
    user_id: str | None = None
    parent_id: RunId | None = None
    parent_key: str | None = None
    origin: Origin = NO_ORIGIN


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """A task to be opened."""

    id: TaskId
    key: str
    spec: TaskSpec
    body: bytes
    """The bytes that are shown and hashed."""
    digest: str
    created_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class StatePatch:
    """A change of a session's state: top-level keys set (codec's JSON form) and removed."""

    set: Mapping[str, Json]
    removed: tuple[str, ...] = ()


class Transition(NamedTuple):  # a named tuple, as it is made in every step: a quarter of a frozen dataclass's time
    """What one commit of a worker changes on its run's row and journal."""

    run_id: RunId
    epoch: int
    known_seq: int
    """The last entry that the worker has seen; a higher number in the store means news."""
    now: datetime
    entries: tuple[NewEntry, ...] = ()
    end: RunState | None = None
    """The state to come to rest in (`waiting`, or an ended one); None keeps the lease."""
    ready_at: datetime | None = None
    """When a waiting run should be looked at again."""
    active: timedelta = timedelta()
    """How long the worker has held the run since its last commit, or since its claim."""


class Applied(NamedTuple):
    """What the store answers to a transition."""

    seq: int
    """The number of the last entry written."""
    news: bool
    """Whether somebody else has written entries that the worker has not seen; then the run has not come to rest."""


class Spent(NamedTuple):
    """What a whole session has used so far, over all its runs."""

    usage: Usage
    active: timedelta
    """How long workers have held its runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One stored session."""

    id: SessionId
    user_id: str | None
    state: Mapping[str, Json]
    """Shared by the session's runs, in the codec's JSON form."""
    created_at: datetime
    updated_at: datetime
    workspace_id: WorkspaceId = DEFAULT_WORKSPACE
