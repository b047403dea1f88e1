"""Commands as transactions: each function here is one all-or-nothing unit over a store's `Transaction`.

They are plain and synchronous; the rules they apply are in core. A refusal raises one of our errors, which rolls
the unit
back: a refused command changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sayso.core.codec import json_bytes, plain_of
from sayso.core.decisionforms import decision_bytes, decision_digest, outcome_from_json
from sayso.core.fingerprint import Shape
from sayso.core.ledger import HAPPENED, NOT_HAPPENED, UNKNOWN
from sayso.core.summaries import summary_of
from sayso.core.verdicts import Refused, settle_timeout
from sayso.model.actors import LATE, TIMEOUT, Actor
from sayso.model.calls import CallMove, CallState, StoredCall
from sayso.model.decisions import Choose, Decision, Outcome, Verdict
from sayso.model.errors import (
    AlreadyDecided,
    InvalidDecision,
    LedgerConflict,
    SessionNotFound,
    TaskChanged,
    TaskClosed,
    TaskExpired,
    TaskNotFound,
)
from sayso.model.ids import CallId, RunId, SessionId, TaskId, WorkerId
from sayso.model.journal import FROM_OUTSIDE, Entry, EntryKind, NewEntry
from sayso.model.json import Json
from sayso.model.messages import Usage
from sayso.model.runs import ENDED, NO_ORIGIN, Applied, NewRun, NewTask, Origin, Run, RunState, StatePatch, Transition
from sayso.model.tasks import TaskStatus, UserTask
from sayso.runtime.auditing import write_down
from sayso.runtime.confiding import said_of, settled
from sayso.runtime.endings import close_calls, end_tree, tell_parent
from sayso.runtime.integrity import refuse_changed_question, refuse_changed_rows, refuse_unreadable
from sayso.runtime.ports import Transaction
from sayso.runtime.reading import existing


class NewsArrived(Exception):
    """A run cannot end yet: entries have arrived that its worker has not seen. The unit was rolled back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A run to be started."""

    run_id: RunId
    session_id: SessionId
    program: str
    fingerprint: str
    shape: Shape | None
    """The definition's shape, unless this process has stored it already."""
    started: dict[str, Any]
    """The input, in the codec's JSON form; the session's state is added to it."""
    user_id: str | None = None
    state: dict[str, Any] | None = None
    """Session state given by the caller, in the codec's JSON form."""
    overwrite_state: bool = False
    origin: Origin = NO_ORIGIN
    check: Callable[[Transaction], None] | None = None
    """Looked at before anything is written; raises to refuse the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A worker's claim on a run."""

    owner: WorkerId
    now: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A leased run with all that is needed to replay it."""

    run: Run
    entries: list[Entry]
    shape: bytes | None
    """The shape of the definition it was last advanced with, where that is not the one at hand."""


class Commit(NamedTuple):
    """Everything that one commit of a worker changes."""

    run: Run
    transition: Transition
    tasks: tuple[NewTask, ...] = ()
    children: tuple[NewRun, ...] = ()
    patches: tuple[StatePatch, ...] = ()
    calls: tuple[CallMove, ...] = ()
    secrets: Mapping[str, Json] = {}
    """Secrets that were sealed, by their references."""
    usage: Usage | None = None
    """What models have used since the last commit."""
    drop_tasks: bool = False
    """Whether the run ends with tasks that nobody has decided."""
    drop_calls: bool = False
    """Whether the run ends with calls that were not started."""
    end_children: bool = False
    """Whether the run ends before its children."""
    stale: tuple[TaskId, ...] = ()
    """Open tasks that nothing waits for any more."""
    read_tasks: bool = False
    """Whether the run's tasks are wanted, as this commit leaves them."""


class Committed(NamedTuple):
    """What a commit brought back."""

    applied: Applied
    news: list[Entry]
    """Entries that others have written, to be folded before the next step."""
    tasks: list[UserTask] | None
    """Every task of the run, where they were wanted."""


def start(tx: Transaction, command: Start, now: datetime, lease: Lease | None) -> Claimed | None:
    """Create a session where needed and a run in it, leased or queued; None when the run's id is taken."""
    if command.check is not None:
        command.check(tx)
    if command.shape is not None:
        tx.save_definition(command.fingerprint, command.program, json_bytes(dict(command.shape)), now=now)
    created = tx.sessions.touch(
        command.session_id, user_id=command.user_id, now=now, workspace_id=command.origin.workspace_id
    )
    started = command.started
    if not created or command.state:
        started = {**started, "state": _state_at_start(tx, command, now)}
    new = NewRun(
        id=command.run_id,
        session_id=command.session_id,
        program=command.program,
        fingerprint=command.fingerprint,
        started=json_bytes(started),
        user_id=command.user_id,
        origin=command.origin,
    )
    owner, until = (None, None) if lease is None else (lease.owner, lease.until)
    if not tx.insert_run(new, now=now, owner=owner, ready_at=until):
        return None
    run = Run(
        id=command.run_id,
        session_id=command.session_id,
        program=command.program,
        fingerprint=command.fingerprint,
        state=RunState.QUEUED if lease is None else RunState.RUNNING,
        epoch=0 if lease is None else 1,
        seq=1,
        created_at=now,
        updated_at=now,
        ready_at=until,
        origin=command.origin,
    )
    return Claimed(run=run, entries=[Entry(run.id, 1, "", EntryKind.STARTED, now, new.started)], shape=None)


def _state_at_start(tx: Transaction, command: Start, now: datetime) -> dict[str, Any]:
    session = tx.sessions.find(command.session_id)
    if session is not None and session.workspace_id != command.origin.workspace_id:
        raise SessionNotFound(f"Expected a session {command.session_id}, but there is none.")
    stored = {} if session is None else dict(session.state)
    given = command.state or {}
    patch = given if command.overwrite_state else {key: value for key, value in given.items() if key not in stored}
    removed = tuple(stored.keys() - given.keys()) if command.overwrite_state and command.state is not None else ()
    if patch or removed:
        tx.sessions.patch(command.session_id, [StatePatch(patch, removed)], now=now)
    return {key: value for key, value in {**stored, **patch}.items() if key not in removed}


def claim(tx: Transaction, run_id: RunId, lease: Lease, fingerprints: Mapping[str, str]) -> Claimed | None:
    """Lease a run, carry out its passed deadlines, and load its journal; None when it may not be claimed.

    Args:
        tx: The transaction.
        run_id: The run.
        lease: Who claims it, until when.
        fingerprints: The definitions at hand, by program; the stored shape is loaded only where it differs.
    """
    run = tx.claim_run(run_id, owner=lease.owner, now=lease.now, until=lease.until)
    if run is None:
        return None
    for task in tx.due_tasks(now=lease.now, limit=1000, run_id=run_id):
        expire(tx, task, lease.now)
    known = fingerprints.get(run.program, run.fingerprint) == run.fingerprint
    shape = None if known else tx.find_definition(run.fingerprint)
    return Claimed(run=run, entries=tx.load_entries(run_id, after=0), shape=shape)


def commit(tx: Transaction, change: Commit) -> Committed | None:
    """Write what a worker has done; None when its lease is lost, and then nothing is written.

    Raises:
        NewsArrived: The run was to end, but entries have arrived that its worker has not seen.
    """
    transition, run = change.transition, change.run
    applied = tx.apply(transition)
    if applied is None:
        return None
    ends = transition.end in ENDED
    if applied.news and ends:
        raise NewsArrived
    _write_rows(tx, change)
    if ends:
        _after_end(tx, change)
    news = tx.load_entries(run.id, after=transition.known_seq) if applied.news else []
    tasks = tx.run_tasks(run.id, pending_only=False) if change.read_tasks else None
    return Committed(applied=applied, news=[entry for entry in news if entry.kind in FROM_OUTSIDE], tasks=tasks)


def _write_rows(tx: Transaction, change: Commit) -> None:
    """Write what belongs to the entries of a commit."""
    run, now = change.run, change.transition.now
    if change.tasks:
        tx.insert_tasks(run, change.tasks)
    for child in change.children:
        tx.insert_run(child, now=now, owner=None, ready_at=None)
    if change.secrets:
        tx.confided.keep(run.id, change.secrets)
    _move_calls(tx, run, change.calls, now)
    if change.usage is not None:
        tx.count_usage(run.id, change.usage, epoch=run.epoch)
    if change.patches:
        tx.sessions.patch(run.session_id, change.patches, now=now)
    for task_id in change.stale:
        tx.drop_task(task_id, now=now)


def _move_calls(tx: Transaction, run: Run, moves: Sequence[CallMove], now: datetime) -> None:
    for move in moves:
        refuse_changed_rows(tx, run, move)
        if not tx.calls.move(run, move, now):
            raise LedgerConflict(
                f"Expected call '{move.key}' of run {run.id} to be {move.was} with the digest of what was approved,"
                " but its row says otherwise.",
                run_id=run.id,
            )


def _after_end(tx: Transaction, change: Commit) -> None:
    run, now = change.run, change.transition.now
    if change.drop_tasks:
        tx.close_tasks(run.id, now=now)
    if change.drop_calls:
        close_calls(tx, run, now)
    if change.end_children:
        for child in tx.list_children(run.id):
            end_tree(tx, child, now, {"reason": "the parent run ended", "by": "system:parent"})
    tell_parent(tx, run, change.transition.entries[-1], now)


def decide(
    tx: Transaction,
    task_id: TaskId,
    verdict: Verdict,
    digest: str,
    by: Actor,
    now: datetime,
    *,
    metadata: Json = None,
) -> Decision:
    """Record a decision and wake the run that waits for it; the first valid one wins.

    Raises:
        TaskNotFound: No such task.
        AlreadyDecided: Someone was faster.
        TaskExpired: The deadline has passed.
        TaskClosed: The run ended or dropped the task.
        TaskChanged: The digest is not that of the stored bytes.
        TaskUnreadable: This version cannot read what is asked.
        InvalidDecision: The verdict does not fit; the task stays pending.
        UnstorableValue: A part of it cannot be stored.
    """
    task = tx.find_task(task_id)
    if task is None:
        raise TaskNotFound(f"Expected a user task {task_id}, but there is none.", task_id=task_id)
    refuse_if_settled(task, now)
    refuse_changed_question(task)
    refuse_unreadable(task)
    if task.digest != digest:
        raise TaskChanged(
            f"Expected the digest of task {task_id} as it is stored, but got {digest[:12]!r}.", task_id=task_id
        )
    outcome = settled(tx, task, verdict)
    if isinstance(outcome, Refused):
        raise InvalidDecision(
            f"Expected a decision that fits task {task_id} ('{task.key}'), but: {outcome.reason}.", task_id=task_id
        )
    decision = replace(_decision(task, outcome, by, now), metadata=said_of(tx, task.run_id, metadata))
    entry = _decided(task, outcome, by, now)
    if not tx.decide_task(decision, timeout=False):
        refuse_if_settled(tx.find_task(task_id) or task, now)
        raise TaskClosed(f"Expected task {task_id} to be pending, but it no longer is.", task_id=task_id)
    if tx.wake_run(task.run_id, [entry], now=now) is None:
        raise TaskClosed(f"Expected the run of task {task_id} to wait for it, but it has ended.", task_id=task_id)
    write_down(tx, task.workspace_id, now, by, "task.decided", task.id, _told(task, outcome))
    return decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """A verdict on one task."""

    task_id: TaskId
    verdict: Verdict
    digest: str
    """Of what was shown to whoever decides."""
    again: bool = False
    """Whether the task is settled with a verdict of that name: the same answer changes nothing, another is too late."""


Chooser = Callable[[Run, Sequence[UserTask]], Sequence[Decide]]
"""Works out the decisions on a run from the run and its tasks as they stand; a function of these alone, which may raise
one of our errors to refuse."""


def answer(
    tx: Transaction,
    run_id: RunId,
    choose: Chooser,
    by: Actor,
    lease: Lease,
    fingerprints: Mapping[str, str],
    *,
    hold: bool = True,
) -> Claimed | None:
    """Record the chosen decisions on one run, all or none, and lease the run, if it is to be held.

    None when it is not, or when another worker has it.

    Deadlines that have passed are carried out first, so what is chosen from is what counts.

    Raises:
        RunNotFound: No such run.
        SaysoError: What `choose` raised.
        See `decide`.
    """
    run, tasks = tx.find_run(run_id), tx.run_tasks(run_id, pending_only=False)
    expired = [task for task in tasks if task.status_at(lease.now) is TaskStatus.EXPIRED]
    for task in expired:
        expire(tx, task, lease.now)
    if expired:
        run, tasks = tx.find_run(run_id), tx.run_tasks(run_id, pending_only=False)
    run = existing(run_id, run)
    for command in choose(run, tasks):
        if command.again:
            _refuse_another(tx, run, command)
        else:
            decide(tx, command.task_id, command.verdict, command.digest, by, lease.now)
    return claim(tx, run_id, lease, fingerprints) if hold else None


def _refuse_another(tx: Transaction, run: Run, command: Decide) -> None:
    """Let the answer that was recorded pass once more, and refuse any other.

    Raises:
        AlreadyDecided: Someone has given another answer.
    """
    task = tx.find_task(command.task_id)
    said = None if task is None else settled(tx, task, command.verdict)
    for entry in tx.load_entries(run.id, after=0):
        if task is not None and entry.kind is EntryKind.DECIDED and entry.key == task.key:
            known = outcome_from_json(plain_of(entry.data))
            if not isinstance(said, Outcome) or _substance(said) != _substance(known):
                raise AlreadyDecided(
                    task.id, by=task.decided_by or "?", at=task.decided_at or entry.at, verdict=task.verdict or "?"
                )


def _substance(outcome: Outcome) -> tuple[object, ...]:
    values = None if outcome.values is None else dict(outcome.values)
    return outcome.action, outcome.edited, outcome.content, values, outcome.choices


def expire(tx: Transaction, task: UserTask, now: datetime) -> bool:
    """Carry out a passed deadline, exactly once; False when a decision or another worker was faster."""
    changed = Outcome(action="cancel", verdict="cancel", note="what was asked was changed in the database")
    outcome = settle_timeout(task.spec) if task.intact else changed
    if not tx.decide_task(_decision(task, outcome, TIMEOUT, now), timeout=True):
        return False
    tx.wake_run(task.run_id, [_decided(task, outcome, TIMEOUT, now)], now=now)
    write_down(tx, task.workspace_id, now, TIMEOUT, "task.expired", task.id, _told(task, outcome))
    return True


def expire_due(tx: Transaction, now: datetime, limit: int) -> list[UserTask]:
    """Carry out up to `limit` passed deadlines, the oldest first; return those that were carried out."""
    return [task for task in tx.due_tasks(now=now, limit=limit, run_id=None) if expire(tx, task, now)]


def late_outcome(
    tx: Transaction, call_id: CallId, attempt: int, evidence: bytes, state: CallState, now: datetime
) -> None:
    """Keep what a worker learned after its lease was lost.

    Where a person is being asked about this very attempt, the answer is known now, and the task is closed with it.
    Where a person has said otherwise, that stays what counts, and the contradiction is written down.
    Where the run has ended, nobody can be asked, and the call itself is settled.
    """
    kept = tx.calls.late(call_id, attempt, evidence)
    call = tx.calls.find(call_id)
    if call is not None and kept:
        _tell_contradiction(tx, call, attempt, state, now)
    if call is None or call.state is not CallState.UNCERTAIN or call.attempt != attempt:
        return
    run = tx.find_run(RunId(call.run_id))
    if run is not None and run.state in ENDED:
        tx.calls.settle_late(call_id, attempt, state, now)
        about: dict[str, Json] = {"run": run.id, "key": call.key, "state": state}
        write_down(tx, run.origin.workspace_id, now, LATE, "call.settled", call_id, about)
        return
    for task in tx.run_tasks(RunId(call.run_id), pending_only=True):
        if task.key == call.key + UNKNOWN:
            said = HAPPENED if state is CallState.SUCCEEDED else NOT_HAPPENED
            verdict = Choose(choices=(said,), note="the worker that had sent it has reported its outcome late")
            decide(tx, task.id, verdict, task.digest, LATE, now)


def _tell_contradiction(tx: Transaction, call: StoredCall, attempt: int, state: CallState, now: datetime) -> None:
    """Write down that a person's word about a call is not what its worker has seen.

    Of several attempts, one that failed says nothing about the others: only a success contradicts them all.
    """
    wrong = NOT_HAPPENED if state is CallState.SUCCEEDED else HAPPENED if call.attempt == 1 else None
    key, run_id = call.key + UNKNOWN, RunId(call.run_id)
    asked = [task for task in tx.run_tasks(run_id, pending_only=False) if task.key == key]
    told = [entry for entry in tx.load_entries(run_id, after=0) if entry.kind is EntryKind.DECIDED and entry.key == key]
    for task, entry in zip(asked, told, strict=False):
        said = outcome_from_json(plain_of(entry.data)).choices
        if said == (wrong,):
            data: dict[str, Json] = {
                "run": run_id, "task": task.id, "attempt": attempt,
                "said": said[0], "by": task.decided_by, "seen": str(state),
            }  # fmt: skip
            write_down(tx, task.workspace_id, now, LATE, "call.outcome_contradicted", call.id, data)


def refuse_if_settled(task: UserTask, now: datetime) -> None:
    """Refuse a decision on a task that is no longer pending at `now`.

    Raises:
        AlreadyDecided: Someone was faster.
        TaskExpired: The deadline has passed.
        TaskClosed: The run ended or dropped it.
    """
    match task.status_at(now):
        case TaskStatus.COMPLETED:
            raise AlreadyDecided(
                task.id, by=task.decided_by or "?", at=task.decided_at or now, verdict=task.verdict or "?"
            )
        case TaskStatus.CANCELLED:
            raise TaskClosed(
                f"Expected task {task.id} to be pending, but its run ended and dropped it.", task_id=task.id
            )
        case TaskStatus.EXPIRED:
            due = "?" if task.due_at is None else task.due_at.isoformat()
            raise TaskExpired(
                f"Expected a decision on task {task.id} before {due}, but that time has passed;"
                f" on_timeout='{task.spec.on_timeout}' applies.",
                task_id=task.id,
            )
        case TaskStatus.PENDING:
            return


def _decision(task: UserTask, outcome: Outcome, by: Actor, now: datetime) -> Decision:
    return Decision(
        task_id=task.id,
        run_id=task.run_id,
        key=task.key,
        outcome=outcome,
        by=by,
        at=now,
        digest=task.digest,
        bound=decision_digest(task.digest, decision_bytes(task.id, outcome, by)),
        summary=summary_of(task.spec.request, outcome),
    )


def _told(task: UserTask, outcome: Outcome) -> dict[str, Json]:
    told: dict[str, Json] = {
        "run": task.run_id,
        "kind": task.spec.request.kind,
        "verdict": outcome.verdict,
        "action": outcome.action,
        "digest": task.digest,
    }
    return told if outcome.note is None else {**told, "note": outcome.note}


def _decided(task: UserTask, outcome: Outcome, by: Actor, now: datetime) -> NewEntry:
    return NewEntry(task.key, EntryKind.DECIDED, now, decision_bytes(task.id, outcome, by))
