"""What the runtime needs from outside: a store, a clock, ids.

A store runs *units*: plain functions over a `Transaction`, each all or nothing. Units hold the rules and no SQL;
the store holds the SQL and no rules.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from sayso.model.audit import AuditFilter, AuditRow, NewAudit
from sayso.model.calls import CallMove, CallState, StoredApproval, StoredCall
from sayso.model.decisions import Decision
from sayso.model.evidence import RunEvidence
from sayso.model.ids import CallId, RunId, SessionId, TaskId, WorkerId
from sayso.model.journal import Entry, NewEntry
from sayso.model.json import Json
from sayso.model.messages import Usage
from sayso.model.requests import Answered, Ticket
from sayso.model.runs import (
    Applied,
    NewRun,
    NewTask,
    Run,
    RunFilter,
    RunPage,
    RunState,
    Session,
    Spent,
    StatePatch,
    Transition,
)
from sayso.model.sessions import ListedSession, SessionFilter, SessionPage, SessionSpans
from sayso.model.tasks import TaskFilter, TaskPage, UserTask
from sayso.model.workspaces import WorkspaceId
from sayso.runtime.directory_ports import CredentialRows, DirectoryRows
from sayso.runtime.measure_ports import MeasureRows
from sayso.runtime.registry_ports import RegistryRows
from sayso.runtime.review_ports import ReviewRows

R = TypeVar("R")


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Return the current aware UTC time."""
        ...


class Ids(Protocol):
    """New identifiers, rising with time."""

    def new(self, prefix: str) -> str:
        """Return `prefix_` and 26 characters."""
        ...


class Secrets(Protocol):
    """The secrets that this process knows; whatever is stored is cleaned of them first."""

    def found_in(self, data: bytes) -> bool:
        """Tell whether the bytes of a JSON value hold one."""
        ...

    def clean(self, value: Json) -> Json:
        """Return a JSON value in which every one is masked."""
        ...


class ConfidedRows(Protocol):
    """The secrets of runs (core/confiding.py)."""

    def keep(self, run_id: RunId, values: Mapping[str, Json]) -> None:
        """Keep values by their references; one that is kept already stays."""
        ...

    def of_run(self, run_id: RunId) -> dict[str, Json]:
        """Return what is kept of a run."""
        ...


class CallLedger(Protocol):
    """The rows of tool calls."""

    def move(self, run: Run, move: CallMove, now: datetime) -> bool:
        """Make one move of one call; False when the row is not where the move begins."""
        ...

    def late(self, call_id: CallId, attempt: int, evidence: bytes) -> bool:
        """Keep what a fenced-off worker has seen; False when something is kept already."""
        ...

    def find(self, call_id: CallId) -> StoredCall | None:
        """Return a call."""
        ...

    def approval(self, task_id: TaskId) -> StoredApproval | None:
        """Return a question about a call with its decision; None where there is no such pair."""
        ...

    def of_run(self, run_id: RunId) -> Sequence[StoredCall]:
        """Return the calls of a run, in the order in which they were proposed."""
        ...

    def close(self, run_id: RunId, now: datetime) -> None:
        """Cancel what a run that ends has not started."""
        ...

    def doubt(self, run_id: RunId, evidence: bytes, now: datetime) -> None:
        """Settle what a run without a worker has started: nobody knows what came of it; what only reads has failed."""
        ...

    def settle_late(self, call_id: CallId, attempt: int, state: CallState, now: datetime) -> bool:
        """Settle an uncertain call of a run that has ended; False when it is not uncertain about this attempt."""
        ...


class SessionRows(Protocol):
    """The rows of sessions."""

    def touch(self, session_id: SessionId, *, user_id: str | None, now: datetime, workspace_id: WorkspaceId) -> bool:
        """Create the session unless it is there; tell whether it was created."""
        ...

    def find(self, session_id: SessionId) -> Session | None:
        """Return a session."""
        ...

    def patch(self, session_id: SessionId, patches: Sequence[StatePatch], *, now: datetime) -> None:
        """Merge changes into the session's state, key by key."""
        ...

    def spent(self, session_id: SessionId) -> Spent:
        """Return what all runs of a session have used."""
        ...

    def newest(self, wanted: SessionFilter, *, limit: int) -> Sequence[ListedSession]:
        """Return the newest sessions that fit, without counting the others."""
        ...

    def timers(self, session_id: SessionId, *, but: RunId) -> Sequence[Entry]:
        """Return the journal entries of all timers that runs of a session have begun, those of one run left out."""
        ...

    def list(self, wanted: SessionFilter, *, limit: int, skip: int) -> SessionPage:
        """Return one page of sessions, that with the newest root run first."""
        ...

    def find_listed(self, session_id: SessionId) -> ListedSession | None:
        """Return a session as a list shows it; None when it has no run."""
        ...

    def spans(self, session_ids: Sequence[SessionId]) -> Mapping[SessionId, SessionSpans]:
        """Return when each of some sessions was at it, and when it waited for people."""
        ...


class AuditRows(Protocol):
    """The rows of the audit log."""

    def append(self, new: NewAudit) -> AuditRow:
        """Add a row at the end of its workspace's chain."""
        ...

    def list(self, workspace_id: WorkspaceId, *, after: int, limit: int) -> list[AuditRow]:
        """Return rows numbered above `after`, in order."""
        ...

    def fitting(self, workspace_id: WorkspaceId, wanted: AuditFilter, *, after: int, limit: int) -> "list[AuditRow]":
        """Return the rows numbered above `after` that are wanted, in order."""
        ...

    def newest(
        self, workspace_id: WorkspaceId, wanted: AuditFilter, *, floor: int, before: int, limit: int
    ) -> "list[AuditRow]":
        """Return the rows numbered from `floor` to below `before` that are wanted, the newest first."""
        ...

    def last(self, workspace_id: WorkspaceId) -> tuple[int, str] | None:
        """Return the number and hash of the last row of a chain."""
        ...

    def workspaces(self) -> "list[WorkspaceId]":
        """Return the workspaces that have a chain."""
        ...

    def of(self, workspace_id: WorkspaceId, target: str) -> "list[AuditRow]":
        """Return the rows about one thing, in order."""
        ...


class RequestRows(Protocol):
    """The rows of requests that were answered."""

    def find(self, ticket: Ticket) -> Answered | None:
        """Return what a request under this key was answered with."""
        ...

    def remember(self, ticket: Ticket, status: int, body: bytes, now: datetime) -> None:
        """Keep an answer, in place of an older one under the same key."""
        ...

    def forget(self, *, before: datetime) -> int:
        """Delete answers older than a time; return how many."""
        ...


class EvidenceRows(Protocol):
    """The rows of what was shown, decided and attempted."""

    def of_run(self, run_id: RunId) -> RunEvidence:
        """Return what is kept of a run beside its journal, its tasks and its calls."""
        ...


class Transaction(Protocol):
    """One transaction of the store: what a unit may read and write."""

    # runs
    def insert_run(self, run: NewRun, *, now: datetime, owner: WorkerId | None, ready_at: datetime | None) -> bool:
        """Create a run (leased to `owner`, or queued); False when the id is taken."""
        ...

    def find_run(self, run_id: RunId) -> Run | None:
        """Return a run's row."""
        ...

    def list_runs(
        self, *, session_id: SessionId | None, program: str | None, state: RunState | None, limit: int
    ) -> list[Run]:
        """Return runs, newest first."""
        ...

    def page_runs(self, wanted: RunFilter, *, limit: int, cursor: str | None) -> RunPage:
        """Return one page of runs, newest first."""
        ...

    def claim_run(self, run_id: RunId, *, owner: WorkerId, now: datetime, until: datetime) -> Run | None:
        """Lease a run that may be claimed; None when it may not."""
        ...

    def ready_runs(self, programs: Sequence[str], *, now: datetime, limit: int) -> list[RunId]:
        """Return runs whose `ready_at` has come, the longest waiting first."""
        ...

    def next_ready_at(self, programs: Sequence[str]) -> datetime | None:
        """Return when the next run of these programs becomes ready."""
        ...

    def apply(self, transition: Transition) -> Applied | None:
        """Write a worker's transition; None when the epoch is no longer its own (nothing is written)."""
        ...

    def count_usage(self, run_id: RunId, usage: Usage, *, epoch: int) -> None:
        """Add what a leased run's models have used."""
        ...

    def started_since(self, trigger_id: str, *, since: datetime) -> int:
        """Return how many runs a trigger has started after a time."""
        ...

    def started_before(self, trigger_id: str, *, since: datetime, beyond: int) -> datetime | None:
        """Return when the run was created that a trigger started before its newest `beyond` ones, if after `since`."""
        ...

    def at_work(self, trigger_id: str) -> int:
        """Return how many runs of a trigger are queued or running."""
        ...

    def renew_lease(self, run_id: RunId, *, epoch: int, until: datetime) -> int | None:
        """Extend a lease and return the last entry's number; None when it is lost."""
        ...

    def wake_run(self, run_id: RunId, entries: Sequence[NewEntry], *, now: datetime) -> RunState | None:
        """Append entries from outside and make a waiting run ready; None when the run has ended."""
        ...

    def postpone_run(
        self, run_id: RunId, entry: NewEntry, *, due: datetime, until: datetime | None, now: datetime
    ) -> bool:
        """Append an entry from outside that makes no run ready; False when the run has ended.

        A run that waits, and was to be looked at when `due` comes, is to be looked at `until` instead.
        """
        ...

    def end_run(self, run_id: RunId, entries: Sequence[NewEntry], state: RunState, *, now: datetime) -> bool:
        """End a run from outside, fencing off any worker; False when it has ended already."""
        ...

    def release_run(
        self, run_id: RunId, state: RunState, *, problem: str | None, epoch: int, now: datetime, retry_at: datetime
    ) -> None:
        """Give a leased run back: queued, or waiting with the reason why it could not be advanced."""
        ...

    def set_fingerprint(self, run_id: RunId, fingerprint: str, *, epoch: int) -> None:
        """Record the definition that a leased run goes on with."""
        ...

    def list_children(self, run_id: RunId) -> list[Run]:
        """Return the direct child runs."""
        ...

    # journal
    def load_entries(self, run_id: RunId, *, after: int) -> list[Entry]:
        """Return the entries numbered above `after`, in order, in one query."""
        ...

    # definitions
    def save_definition(self, fingerprint: str, program: str, shape: bytes, *, now: datetime) -> None:
        """Store a definition's shape unless it is there."""
        ...

    def find_definition(self, fingerprint: str) -> bytes | None:
        """Return a stored shape."""
        ...

    # tasks
    def insert_tasks(self, run: Run, tasks: Sequence[NewTask]) -> None:
        """Open tasks of a run."""
        ...

    def find_task(self, task_id: TaskId) -> UserTask | None:
        """Return a task."""
        ...

    def list_tasks(self, wanted: TaskFilter, *, now: datetime, limit: int, cursor: str | None) -> TaskPage:
        """Return one page of tasks, oldest first; pending excludes what has expired at `now`."""
        ...

    def run_tasks(self, run_id: RunId, *, pending_only: bool) -> list[UserTask]:
        """Return the tasks of a run in the order in which they were opened."""
        ...

    def due_tasks(self, *, now: datetime, limit: int, run_id: RunId | None) -> list[UserTask]:
        """Return pending tasks whose deadline has passed."""
        ...

    def decide_task(self, decision: Decision, *, timeout: bool) -> bool:
        """Complete a task by compare-and-set on status, digest and deadline; False when it lost.

        With `timeout`, only a task whose deadline has passed can be completed; otherwise only one whose has not.
        """
        ...

    def extend_task(self, task: UserTask, until: datetime, *, now: datetime) -> bool:
        """Move a deadline by compare-and-set on status, digest and the deadline itself; False when it lost.

        Only a task whose deadline has not passed can be extended.
        """
        ...

    def claim_task(self, task_id: TaskId, by: str, *, now: datetime, until: datetime) -> bool:
        """Note who is on a pending task; False when somebody else is."""
        ...

    def assign_task(self, task_id: TaskId, to: str | None) -> bool:
        """Say whose work a pending task is, or nobody's; False where it is not pending."""
        ...

    def release_task(self, task_id: TaskId) -> None:
        """Forget who is on a task."""
        ...

    def drop_task(self, task_id: TaskId, *, now: datetime) -> None:
        """Cancel one task, if it is pending."""
        ...

    def close_tasks(self, run_id: RunId, *, now: datetime) -> int:
        """Cancel the pending tasks of a run; return how many there were."""
        ...

    # the call ledger
    @property
    def calls(self) -> CallLedger:
        """The rows of tool calls."""
        ...

    @property
    def confided(self) -> ConfidedRows:
        """The secrets of runs."""
        ...

    @property
    def audit(self) -> AuditRows:
        """The rows of the audit log."""
        ...

    @property
    def requests(self) -> RequestRows:
        """The rows of requests that were answered."""
        ...

    @property
    def registry(self) -> RegistryRows:
        """The rows of agents, versions and triggers."""
        ...

    @property
    def directory(self) -> DirectoryRows:
        """The rows of workspaces, people and invitations."""
        ...

    @property
    def credentials(self) -> CredentialRows:
        """The rows of sessions, links, tokens and API keys."""
        ...

    @property
    def evidence(self) -> EvidenceRows:
        """The rows of what was shown, decided and attempted."""
        ...

    @property
    def reviews(self) -> ReviewRows:
        """What the inbox of reviewers keeps and lists."""
        ...

    @property
    def measures(self) -> MeasureRows:
        """What the figures of a workspace are added up from."""
        ...

    @property
    def sessions(self) -> "SessionRows":
        """The rows of sessions."""
        ...


class Store(Protocol):
    """A database."""

    async def run(self, unit: Callable[[Transaction], R]) -> R:
        """Run a unit in one durable transaction; it is all or nothing."""
        ...

    async def read(self, unit: Callable[[Transaction], R]) -> R:
        """Run a unit that only reads, beside the writers."""
        ...

    def watch(self, callback: Callable[[Collection[str]], None]) -> Callable[[], None]:
        """Call back, on some thread, after each commit of this process; return how to stop that.

        The callback is given what the commit is about: the ids of the runs whose journal or tasks it wrote, `rest_of`
        those that came to rest by it, and the ids of the sessions in which it created runs. It may be given more than
        these, never less. One that raises is logged, and neither the others nor any writing feel it.
        """
        ...

    async def changed(self) -> bool:
        """Tell whether another process has committed since the last call."""
        ...

    async def probe(self) -> None:
        """Commit a change that means nothing; raises when the database refuses changes."""
        ...


class Listener(Protocol):
    """Somebody who is told what a run announces."""

    def __call__(self, event: object) -> None:
        """Take one event; must neither block nor raise."""
        ...
