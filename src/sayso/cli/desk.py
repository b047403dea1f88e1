"""What the commands stand on, wherever the work is: a desk, over a file or over a server.

A command says what it wants of its desk and prints what comes of it; which of the two it has, it does not know. The
values are those of the model, so that both print the same. `cli.local` is the desk of a file, `cli.remote` that of a
server.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from sayso.core.audit import Checked
from sayso.model.audit import AuditRow
from sayso.model.calls import StoredCall
from sayso.model.decisions import Verdict
from sayso.model.journal import Entry
from sayso.model.json import Json
from sayso.model.runs import Run, RunState
from sayso.model.sessions import ListedSession, SessionFilter, SessionPage
from sayso.model.tasks import Listed, TaskStatus, UserTask
from sayso.model.workspaces import ApiKey, Credential, Invitation, Member, Person, Role, Scope


class Server(NamedTuple):
    """A server, and what to present there."""

    url: str
    credential: str | None
    """An API key or a person's token; None presents nothing."""
    options: str
    """What a command needs to be said to come there again."""


class SeenTask(NamedTuple):
    """A task, and where it stands at the moment."""

    task: UserTask
    status: TaskStatus


class TaskList(NamedTuple):
    """Some tasks, oldest first."""

    tasks: Sequence[SeenTask]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision as it was recorded."""

    task_id: str
    run_id: str
    verdict: str
    action: str
    """What the run does next."""
    by: str
    at: datetime
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRun:
    """A run with all that is kept of it."""

    run: Run
    tasks: Sequence[SeenTask]
    entries: Sequence[Entry]
    calls: Sequence[StoredCall]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a run that was started has come to rest."""

    run_id: str
    session_id: str
    status: str
    """`COMPLETED`, `PAUSED`, `ERROR`, `CANCELLED`, ..."""
    content: Any
    tasks: Sequence[SeenTask]
    """What it waits for."""
    agent: bool
    """Whether it is of an agent; otherwise of a workflow."""
    then: str | None = None
    """What it waits for and what takes it on, where that is not seen to already."""


class Tasks(Protocol):
    """What waits for people."""

    def page(self, *, status: Listed, kind: str | None, limit: int, cursor: str | None) -> TaskList:
        """Return one page of tasks, oldest first."""
        ...

    def find(self, task_id: str) -> SeenTask | None:
        """Return the task of an id."""
        ...

    def assign(self, task_id: str, to: str | None) -> SeenTask:
        """Say whose work a task is, or nobody's; return it."""
        ...

    def decide(self, task: UserTask, verdict: Verdict) -> Decided:
        """Decide a task as it was shown; the first valid decision wins."""
        ...

    def reveal(self, task: UserTask, place: str) -> Json:
        """Return the secret argument at a place, after it was written down who is told it."""
        ...

    def extend(self, task: UserTask) -> UserTask:
        """Extend the deadline of a task as it was shown; return the task with its new one."""
        ...


class Runs(Protocol):
    """Runs."""

    def list(self, *, workflow: str | None, state: RunState | None, limit: int) -> Sequence[Run]:
        """Return runs, newest first."""
        ...

    def show(self, run_id: str) -> ShownRun:
        """Return a run with its tasks, journal and tool calls."""
        ...

    def cancel(self, run_id: str, reason: str | None) -> bool:
        """End a run and close its tasks; False for one that had ended already."""
        ...

    def skip_wait(self, run_id: str) -> None:
        """Let a run that waits for a time go on now."""
        ...

    def start(self, target: str, given: Any, session: str | None) -> Standing:
        """Start a run, and return it when it has come to rest."""
        ...


class Sessions(Protocol):
    """Sessions."""

    def list(self, wanted: SessionFilter, *, limit: int, skip: int) -> SessionPage:
        """Return some sessions, the one with the newest run first."""
        ...

    def show(self, session_id: str) -> tuple[ListedSession, Sequence[Run]]:
        """Return a session and its runs, oldest first."""
        ...

    def complete(self, session_id: str, note: str | None) -> Sequence[str]:
        """Mark the waiting runs of a session as completed; return them."""
        ...

    def terminate(self, session_id: str, reason: str | None) -> Sequence[str]:
        """End every run of a session; return those that this ended."""
        ...


class AuditLog(Protocol):
    """The audit log."""

    def verify(self, workspace: str | None, anchor: tuple[int, str] | None) -> Mapping[str, Checked]:
        """Check the chain of a workspace, or of every one within reach, by workspace."""
        ...

    def newest(self, workspace: str | None, limit: int) -> Sequence[AuditRow]:
        """Return the last rows, the newest last."""
        ...

    def export(
        self, workspace: str | None, *, since: datetime | None, action: str | None, write: Callable[[AuditRow], object]
    ) -> int:
        """Write the rows one by one, in order; return how many there are."""
        ...

    def evidence(self, session_id: str) -> dict[str, Any]:
        """Return everything that is kept about a session, sealed with hashes."""
        ...


class People(Protocol):
    """The people of one workspace."""

    def members(self) -> Sequence[Member]:
        """Return who is in it."""
        ...

    def invitations(self) -> Sequence[Invitation]:
        """Return its invitations, accepted ones too."""
        ...

    def add(self, email: str, role: Role, name: str | None) -> Member:
        """Make somebody a member."""
        ...

    def change_role(self, email: str, role: Role) -> Member:
        """Give a member another role."""
        ...

    def remove(self, email: str) -> Member:
        """Take somebody out of it; return the member as it was."""
        ...

    def disable(self, email: str) -> Member:
        """Let a person sign in nowhere any more."""
        ...

    def enable(self, email: str) -> Member:
        """Let a disabled person sign in again."""
        ...

    def invite(self, email: str, role: Role, lasts: timedelta | None) -> tuple[Invitation, str]:
        """Invite somebody; return the invitation with its secret."""
        ...

    def uninvite(self, invitation_id: str) -> None:
        """Revoke an invitation that nobody has accepted."""
        ...

    def link(self, email: str) -> tuple[Credential, str]:
        """Make a link that signs a member in; return it with its secret."""
        ...


class Keys(Protocol):
    """The API keys of one workspace."""

    def list(self) -> Sequence[ApiKey]:
        """Return them, newest first."""
        ...

    def create(self, name: str, scopes: Sequence[Scope], ends: datetime | None) -> tuple[ApiKey, str]:
        """Make a key; return it with its secret."""
        ...

    def revoke(self, key_id: str) -> None:
        """Revoke a key."""
        ...


class Tokens(Protocol):
    """The tokens of people in one workspace."""

    def list(self, email: str) -> Sequence[Credential]:
        """Return those of a member that are in force, newest first."""
        ...

    def create(self, email: str, name: str, lasts: timedelta | None) -> tuple[Credential, str]:
        """Make a token that stands for a member; return it with its secret."""
        ...

    def revoke(self, token_id: str) -> None:
        """End a token."""
        ...


class Desk(Protocol):
    """All of it; people, keys and tokens are those of the workspace that is named, or of the desk's own."""

    @property
    def options(self) -> str:
        """What a command needs to be said to come to this desk again, e.g. ` -d FILE`."""
        ...

    @property
    def tasks(self) -> Tasks:
        """What waits for people."""
        ...

    @property
    def runs(self) -> Runs:
        """Runs."""
        ...

    @property
    def sessions(self) -> Sessions:
        """Sessions."""
        ...

    @property
    def audit(self) -> AuditLog:
        """The audit log."""
        ...

    def people(self, workspace: str | None) -> People:
        """Return the people of a workspace."""
        ...

    def keys(self, workspace: str | None) -> Keys:
        """Return the API keys of a workspace."""
        ...

    def tokens(self, workspace: str | None) -> Tokens:
        """Return the tokens of a workspace's people."""
        ...


def changed(member: Member, now: Member | Person | None) -> Member:
    """Return a member as it is after an act, or was before a removal."""
    match now:
        case Member():
            return now
        case Person():
            return Member(workspace_id=member.workspace_id, person=now, role=member.role)
        case None:
            return member
