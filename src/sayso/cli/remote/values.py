"""From what a server answers to the values of the model that commands print.

A server that is older than this command leaves out what it does not know; that is said, and never made up.
"""

from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar, cast

from sayso.cli.desk import Decided, SeenTask
from sayso.client import ServerFailed, Task, answers, rows
from sayso.core.audit import Broken, Checked
from sayso.core.auditforms import row_from_json
from sayso.core.codec import json_bytes
from sayso.core.taskforms import listed_spec
from sayso.model.actors import Actor
from sayso.model.audit import AuditRow
from sayso.model.calls import CallState, Effect, StoredCall
from sayso.model.ids import CallId, RunId, SessionId, TaskId
from sayso.model.journal import Entry, EntryKind
from sayso.model.json import Json
from sayso.model.messages import Usage
from sayso.model.runs import Origin, Run, RunState
from sayso.model.sessions import ListedSession, SessionStatus
from sayso.model.tasks import TaskStatus, UserTask
from sayso.model.workspaces import (
    ApiKey,
    Credential,
    Invitation,
    KeyId,
    Member,
    Person,
    PersonId,
    Role,
    Scope,
    WorkspaceId,
)

T = TypeVar("T")
_STATUS = {"Pending": TaskStatus.PENDING, "Completed": TaskStatus.COMPLETED, "Cancelled": TaskStatus.CANCELLED}


def needed(found: T | None, what: str) -> T:
    """Return what an answer must have.

    Raises:
        ServerFailed: It does not: the server is older, or none of ours.
    """
    if found is None:
        raise ServerFailed(
            f"Expected an answer with {what}, but there is none.",
            status=200,
            hint="The server may be older than this command, or be another program's.",
        )
    return found


# -- tasks --------------------------------------------------------------------------------------------------------


def task_of(told: Task) -> SeenTask:
    """Return a task, and where it stands; it must have been asked for with its spec."""
    spec = needed(told.spec, "what was asked, as it is stored (include=spec)")
    outcome: dict[str, Any] = dict(told.outcome or {})
    status = _status(told, outcome)
    decided = {} if status is TaskStatus.EXPIRED else outcome
    task = UserTask(
        id=TaskId(told.id),
        run_id=RunId(told.run_id),
        session_id=SessionId(told.session_id),
        program=told.program,
        key=told.key,
        spec=listed_spec(json_bytes(dict(spec))),
        digest=told.digest,
        status=TaskStatus.PENDING if status is TaskStatus.EXPIRED else status,
        created_at=needed(told.created_at, "createdAt"),
        due_at=told.due_at,
        decided_by=_who(decided.get("decidedBy")),
        decided_at=_time(decided.get("decidedAt")),
        verdict=decided.get("verdict"),
        assigned_to=told.assigned_to,
        claimed_by=told.claimed_by,
        claimed_until=told.claimed_until,
        summary=decided.get("summary"),
    )
    return SeenTask(task, status)


def _status(told: Task, outcome: dict[str, Any]) -> TaskStatus:
    """Return the status; past its deadline, a task that nobody has looked at since has no verdict yet."""
    if outcome.get("decision") == "expired" and "verdict" not in outcome:
        return TaskStatus.EXPIRED
    return needed(_STATUS.get(told.status), "a status")


def decided_of(told: Task) -> Decided:
    """Return a decision as the server has recorded it."""
    outcome: dict[str, Any] = dict(needed(told.outcome, "an outcome"))
    return Decided(
        task_id=told.id,
        run_id=told.run_id,
        verdict=needed(outcome.get("verdict"), "a verdict"),
        action=needed(outcome.get("action"), "an action"),
        by=needed(_who(outcome.get("decidedBy")), "decidedBy"),
        at=needed(_time(outcome.get("decidedAt")), "decidedAt"),
        note=outcome.get("comment"),
    )


def _who(told: Any) -> str | None:
    """Return who decided, in the form in which that is stored."""
    if told is None:
        return None
    return str(Actor(type=told["type"], id=told["id"]))


def _time(text: object) -> datetime | None:
    return None if text is None else datetime.fromisoformat(str(text))


# -- runs and sessions --------------------------------------------------------------------------------------------


def run_of(told: rows.StoredRun) -> Run:
    """Return a run's row."""
    return Run(
        id=RunId(told.id),
        session_id=SessionId(told.session_id),
        program=told.program,
        fingerprint=told.fingerprint,
        state=RunState(needed(told.state or None, "a state")),
        epoch=told.epoch,
        seq=told.seq,
        created_at=needed(told.started_at, "startedAt"),
        updated_at=needed(told.updated_at, "updatedAt"),
        ready_at=told.ready_at,
        parent_id=None if told.parent_run_id is None else RunId(told.parent_run_id),
        problem=told.problem,
        origin=Origin(
            version=told.version_label,
            version_id=told.agent_version_id,
            trigger_type=told.trigger_type,
            trigger_id=told.trigger_id,
            started_by=told.triggered_by,
        ),
        usage=Usage(input_tokens=told.input_tokens, output_tokens=told.output_tokens, cost=told.cost),
        active=timedelta(seconds=told.active_seconds),
    )


def entry_of(run_id: RunId, told: rows.JournalEntry) -> Entry:
    """Return one entry of a journal."""
    at = needed(told.at, "at")
    return Entry(run_id, told.seq, told.key, EntryKind(told.kind), at, json_bytes(told.data))


def call_of(told: rows.LedgerCall) -> StoredCall:
    """Return one tool call."""
    return StoredCall(
        id=CallId(told.id),
        run_id=told.run_id,
        key=told.key,
        tool=told.tool,
        tool_digest=told.tool_digest,
        effect=Effect(told.effect),
        arguments=json_bytes(told.arguments),
        digest=told.digest,
        idempotency_key=told.idempotency_key,
        state=CallState(told.state),
        attempt=told.attempts,
        created_at=needed(told.created_at, "createdAt"),
        updated_at=needed(told.updated_at, "updatedAt"),
        first_sent_at=told.first_sent_at,
    )


def session_of(told: answers.Session) -> ListedSession:
    """Return a session as a list shows it."""
    return ListedSession(
        id=SessionId(told.id),
        user_id=told.user_id,
        status=SessionStatus(told.status),
        root_run_id=RunId(told.root_run_id),
        program=told.program,
        origin=Origin(
            version=told.version_label,
            version_id=told.agent_version_id,
            trigger_type=told.trigger_type,
            trigger_id=told.trigger_id,
            started_by=told.triggered_by,
        ),
        runs=told.run_count,
        usage=Usage(input_tokens=told.input_tokens, output_tokens=told.output_tokens, cost=told.cost),
        started_at=needed(told.started_at, "startedAt"),
        updated_at=needed(told.updated_at, "updatedAt"),
    )


# -- people -------------------------------------------------------------------------------------------------------


def member_of(told: rows.Member, workspace: WorkspaceId) -> Member:
    """Return a member."""
    person = Person(
        id=PersonId(told.id),
        email=told.email,
        name=told.name,
        disabled_at=told.disabled_at,
        created_at=needed(told.created_at, "createdAt"),
    )
    return Member(workspace_id=workspace, person=person, role=cast("Role", told.role))


def invitation_of(told: rows.Invitation, workspace: WorkspaceId) -> Invitation:
    """Return an invitation."""
    return Invitation(
        id=told.id,
        workspace_id=workspace,
        email=told.email,
        role=cast("Role", told.role),
        created_by=told.created_by,
        created_at=needed(told.created_at, "createdAt"),
        expires_at=needed(told.expires_at, "expiresAt"),
        accepted_at=told.accepted_at,
    )


def key_of(told: rows.ApiKey, workspace: WorkspaceId) -> ApiKey:
    """Return an API key."""
    return ApiKey(
        id=KeyId(told.id),
        workspace_id=workspace,
        name=told.name,
        last4=told.shown.rpartition("…")[2],
        scopes=tuple(_scope(scope) for scope in told.scopes),
        created_by=told.created_by,
        created_at=needed(told.created_at, "createdAt"),
        expires_at=told.expires_at,
        revoked_at=told.revoked_at,
        last_used_at=told.last_used_at,
    )


def _scope(told: Any) -> Scope:
    return Scope(agent_id=str(told.get("agentId")), trigger_id=told.get("triggerId"))


def token_of(told: rows.Token, person: PersonId) -> Credential:
    """Return a token."""
    kind: Literal["token"] = "token"
    return Credential(
        id=told.id,
        kind=kind,
        person_id=person,
        workspace_id=WorkspaceId(told.workspace_id),
        name=told.name,
        created_at=needed(told.created_at, "createdAt"),
        expires_at=needed(told.expires_at, "expiresAt"),
        seen_at=told.last_used_at,
    )


# -- the audit log ------------------------------------------------------------------------------------------------


def row_of(told: "dict[str, Json]") -> AuditRow:
    """Return a row of the audit log, as a list or an export tells it.

    Raises:
        ServerFailed: It is none.
    """
    try:
        return row_from_json({"prev_hash": told.get("prevHash"), **told})
    except ValueError as exc:
        raise ServerFailed(f"Expected rows of the audit log, but: {exc}", status=200) from exc


def checked_of(told: rows.AuditCheck) -> Checked:
    """Return what a look at the chain has found."""
    last: Any = told.anchor
    broken: Any = told.broken
    return Checked(
        rows=told.rows,
        last=None if last is None else (last["seq"], last["hash"]),
        broken=None if broken is None else Broken(seq=broken["seq"], reason=broken["reason"]),
    )
