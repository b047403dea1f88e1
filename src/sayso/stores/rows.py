"""From a row, in the order in which the statements select it, to a value of the model."""

import json
from datetime import timedelta
from typing import Any

from sayso.core.instants import from_micros, some_micros, some_time, to_micros
from sayso.core.reviewing import operation_of, subject_of, words_of
from sayso.core.risks import risk_of
from sayso.core.taskforms import digest_of, listed_spec
from sayso.model.actors import Actor
from sayso.model.calls import CallState, Effect, StoredApproval, StoredCall
from sayso.model.errors import UnreadableValue
from sayso.model.ids import RunId
from sayso.model.journal import Entry, EntryKind
from sayso.model.messages import Usage
from sayso.model.runs import NewTask, Origin, Run, RunState, Session
from sayso.model.sessions import ListedSession, SessionStatus
from sayso.model.tasks import TaskStatus, UserTask

_NANO = 1_000_000_000
_STATES = frozenset(RunState)
_ENTRIES = {str(kind): kind for kind in EntryKind}
_CALL_STATES = frozenset(CallState)
_EFFECTS = frozenset(Effect)


def state_of(text: str) -> RunState:
    """Return the state that a row names; one that is none of ours hides no other run."""
    return RunState(text) if text in _STATES else RunState.UNKNOWN


def entry_of(run_id: RunId, row: Any) -> Entry:
    """Return the entry of a row of the journal.

    Raises:
        UnreadableValue: It is of a kind that this version does not know.
    """
    seq, key, kind, at, data, blob = row
    known = _ENTRIES.get(kind)
    if known is None:
        raise UnreadableValue(f"Expected a known kind of entry at {seq} of run {run_id}, but it says {kind!r}.")
    return Entry(run_id, seq, key, known, from_micros(at), data if blob is None else blob)


def run_of(row: Any) -> Run:
    """Return the run of a row of `statements.RUN`."""
    (
        id_, session, program, print_, state, epoch, seq, ready, parent, parent_key, problem, created, updated,
        version, input_tokens, output_tokens, cost, active, workspace, *started
    ) = row  # fmt: skip
    return Run(
        id=id_,
        session_id=session,
        program=program,
        fingerprint=print_,
        state=state_of(state),
        epoch=epoch,
        seq=seq,
        ready_at=some_time(ready),
        parent_id=parent,
        parent_key=parent_key,
        problem=problem,
        created_at=from_micros(created),
        updated_at=from_micros(updated),
        origin=_origin([workspace, version, *started]),
        usage=usage_of(input_tokens, output_tokens, cost),
        active=timedelta(microseconds=active),
    )


def _origin(columns: list[Any]) -> Origin:
    workspace, version, version_id, trigger_type, trigger_id, started_by = columns
    return Origin(
        workspace_id=workspace,
        version=version,
        version_id=version_id,
        trigger_type=trigger_type,
        trigger_id=trigger_id,
        started_by=started_by,
    )


def usage_of(input_tokens: int | None, output_tokens: int | None, cost_nano: int | None) -> Usage:
    """Return what was used, from the columns (or their sums) that hold it; costs are whole nano-dollars."""
    cost = None if cost_nano is None else int(cost_nano) / _NANO
    return Usage(input_tokens=int(input_tokens or 0), output_tokens=int(output_tokens or 0), cost=cost)


def nano_of(cost: float) -> int:
    """Return a cost in dollars as it is stored, so that sums are exact."""
    return round(cost * _NANO)


def as_bytes(cell: bytes | str) -> bytes:
    """Return what a column of bytes holds: a change by hand may have left a text in it, which hides no other row."""
    return cell.encode() if isinstance(cell, str) else cell


def task_of(row: Any) -> UserTask:
    """Return the task of a row of `statements.TASK`."""
    (
        id_,
        run,
        session,
        program,
        key,
        _kind,
        status,
        digest,
        body,
        created,
        due,
        workspace,
        claimed_by,
        claimed_until,
        closed,
        assigned_to,
        blob,
        verdict,
        by_type,
        by_id,
        decided,
        summary,
    ) = row
    shown = as_bytes(body if blob is None else blob)
    return UserTask(
        id=id_,
        run_id=run,
        session_id=session,
        program=program,
        key=key,
        spec=listed_spec(shown),
        digest=digest,
        status=TaskStatus(status),
        created_at=from_micros(created),
        due_at=some_time(due),
        decided_by=None if by_id is None else str(Actor(type=by_type, id=by_id)),
        decided_at=some_time(decided),
        verdict=verdict,
        workspace_id=workspace,
        claimed_by=claimed_by,
        claimed_until=some_time(claimed_until),
        closed_at=some_time(closed),
        assigned_to=assigned_to,
        summary=summary,
        intact=digest_of(shown, run_id=run, key=key) == digest,
    )


def call_of(row: Any) -> StoredCall:
    """Return the call of a row of `statements.CALL`.

    Raises:
        UnreadableValue: Its state or its effect is none that this version knows.
    """
    (id_, run, key, tool, tool_digest, effect, arguments, digest, idem, state, attempt, created, updated, sent) = row
    if state not in _CALL_STATES or effect not in _EFFECTS:
        raise UnreadableValue(f"Expected a known state and effect of call '{key}', but got {state!r} and {effect!r}.")
    return StoredCall(
        id=id_,
        run_id=run,
        key=key,
        tool=tool,
        tool_digest=tool_digest,
        effect=Effect(effect),
        arguments=arguments,
        digest=digest,
        idempotency_key=idem,
        state=CallState(state),
        attempt=attempt,
        created_at=from_micros(created),
        updated_at=from_micros(updated),
        first_sent_at=some_time(sent),
    )


def approval_of(row: Any) -> StoredApproval:
    """Return the question and decision of a row of the statement `find_approval`."""
    (workspace, run, session, program, key, kind, status, digest, body, blob, due, *decided) = row
    (decided_run, verdict, action, note, by_type, by_id, via, at, bound) = decided
    return StoredApproval(
        workspace_id=workspace,
        run_id=run,
        session_id=session,
        program=program,
        key=key,
        kind=kind,
        status=status,
        digest=digest,
        body=as_bytes(body if blob is None else blob),
        due_at=some_time(due),
        decided_run_id=decided_run,
        verdict=verdict,
        action=action,
        note=note,
        by=str(Actor(type=by_type, id=by_id)),
        via=via,
        decided_at=from_micros(at),
        bound=bound,
    )


def session_of(row: Any) -> Session:
    """Return the session of a row."""
    id_, user, state, created, updated, workspace = row
    return Session(
        id=id_, user_id=user, state=json.loads(state), created_at=from_micros(created),
        updated_at=from_micros(updated), workspace_id=workspace,
    )  # fmt: skip


def listed_of(row: Any) -> ListedSession:
    """Return the session of a row of `sessionlists.LISTED`."""
    (id_, user, status, run, program, count, input_tokens, output_tokens, cost, created, updated, *origin) = row
    return ListedSession(
        id=id_,
        user_id=user,
        status=SessionStatus(status),
        root_run_id=run,
        program=program,
        origin=_origin(origin),
        runs=count,
        usage=usage_of(input_tokens, output_tokens, cost),
        started_at=from_micros(created),
        updated_at=from_micros(updated),
    )


def task_row(run: Run, task: NewTask, stored: tuple[bytes | None, str | None]) -> dict[str, Any]:
    """Return the row of a new task; `stored` is its body, inline or the digest of a blob."""
    body, blob = stored
    return {
        "task_id": task.id,
        "run_id": run.id,
        "session_id": run.session_id,
        "program": run.program,
        "key": task.key,
        "kind": task.spec.request.kind,
        "status": "pending",
        "digest": task.digest,
        "body": body,
        "blob": blob,
        "created_at": to_micros(task.created_at),
        "due_at": some_micros(task.due_at),
        "workspace_id": run.origin.workspace_id,
        "claimed_by": None,
        "claimed_until": None,
        "operation": operation_of(task.spec),
        "subject": subject_of(task.spec),
        "words": words_of(run.program, task.spec),
        "closed_at": None,
        "risk": risk_of(task.spec.request).level,
        "assigned_to": None,
    }
