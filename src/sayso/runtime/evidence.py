"""A session's evidence packet: everything that is kept about it, read on one snapshot and sealed.

What a packet is, and how it is checked without the database, is in core/evidence.py.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sayso.core.auditforms import row_to_json
from sayso.core.codec import plain_of
from sayso.core.contradictions import exact
from sayso.core.decisionforms import decision_bytes, decision_digest, outcome_from_json
from sayso.core.differences import differences
from sayso.core.evidence import sealed
from sayso.core.ledger import APPROVAL
from sayso.model.actors import Actor
from sayso.model.audit import AuditRow
from sayso.model.calls import StoredCall
from sayso.model.errors import JournalCorrupt, SessionNotFound, UnreadableValue
from sayso.model.evidence import RecordedAttempt, RecordedDecision, RunEvidence
from sayso.model.ids import SessionId
from sayso.model.journal import Entry, EntryKind
from sayso.model.json import Json
from sayso.model.messages import Usage
from sayso.model.runs import Run, Session
from sayso.model.tasks import UnreadableRequest, UserTask
from sayso.model.workspaces import WorkspaceId
from sayso.runtime.auditlog import check_chain
from sayso.runtime.ports import Transaction
from sayso.runtime.reading import Reader

_MOST_RUNS = 1_000_000


async def evidence(
    reader: Reader, session_id: SessionId, *, workspace_id: WorkspaceId | None = None
) -> dict[str, Json]:
    """Return the packet of a session.

    It holds the runs with the versions frozen in them, their steps, what people were shown and decided, the calls with
    their attempts, the audit rows about all of these, and a manifest of hashes.

    Args:
        reader: The database.
        session_id: The session.
        workspace_id: Where the session must belong; anywhere by default.

    Raises:
        SessionNotFound: There is none.
        JournalCorrupt: Somebody has changed a row so that it cannot be read.
    """
    try:
        parts = await reader.store.read(lambda tx: _parts(tx, session_id, workspace_id))
    except SessionNotFound:
        raise
    except (KeyError, TypeError, ValueError, UnreadableValue) as exc:
        what = f"{type(exc).__name__}: {exc}"
        raise JournalCorrupt(
            f"Expected to read all of session {session_id}, but a row cannot be read ({what})."
        ) from exc
    return sealed(parts, reader.clock.now().isoformat())


class _Gathered:
    """One run with all that is kept of it."""

    def __init__(self, tx: Transaction, run: Run) -> None:
        self.run = run
        self.entries = tx.load_entries(run.id, after=0)
        self.tasks = tx.run_tasks(run.id, pending_only=False)
        self.calls = tx.calls.of_run(run.id)
        self.rows: RunEvidence = tx.evidence.of_run(run.id)
        self.shape = tx.find_definition(run.fingerprint)
        self.data: dict[int, Any] = {entry.seq: plain_of(entry.data) for entry in self.entries}

    def outcome(self, key: str, kind: EntryKind) -> dict[str, Any]:
        """Return the data of the entry of a kind at a key; empty where there is none."""
        found = [self.data[entry.seq] for entry in self.entries if entry.key == key and entry.kind is kind]
        return found[-1] if found else {}


def _parts(tx: Transaction, session_id: SessionId, workspace_id: WorkspaceId | None) -> dict[str, Json]:
    session = tx.sessions.find(session_id)
    if session is None or workspace_id not in {None, session.workspace_id}:
        raise SessionNotFound(f"Expected a session {session_id}, but there is none.")
    rows = tx.list_runs(session_id=session_id, program=None, state=None, limit=_MOST_RUNS)
    runs = [_Gathered(tx, run) for run in sorted(rows, key=lambda run: (run.created_at, run.id))]
    return {
        "session": _session(tx, session),
        "runs": [_run(item) for item in runs],
        "versions": [_version(item) for item in runs],
        "steps": [_step(item, entry) for item in runs for entry in item.entries],
        "tasks": [_task(item, task) for item in runs for task in item.tasks],
        "decisions": [
            _decision(item, task, item.rows.decisions[task.id])
            for item in runs
            for task in item.tasks
            if task.id in item.rows.decisions
        ],
        "calls": [_call(item, call) for item in runs for call in item.calls],
        "audit": _audit(tx, session, runs),
    }


def _session(tx: Transaction, session: Session) -> dict[str, Json]:
    listed = tx.sessions.find_listed(session.id)
    return {
        "id": session.id,
        "workspace": session.workspace_id,
        "user": session.user_id,
        "status": None if listed is None else str(listed.status),
        "created_at": session.created_at.isoformat(),
        "updated_at": session.updated_at.isoformat(),
        "used": None if listed is None else _usage(listed.usage),
        "state": session.state,
    }


def _run(item: _Gathered) -> dict[str, Json]:
    run, origin = item.run, item.run.origin
    return {
        "id": run.id,
        "of": run.program,
        "state": str(run.state),
        "parent": run.parent_id,
        "parent_key": run.parent_key,
        "entries": run.seq,
        "problem": run.problem,
        "created_at": run.created_at.isoformat(),
        "updated_at": run.updated_at.isoformat(),
        "version": origin.version,
        "version_id": origin.version_id,
        "trigger": {"type": origin.trigger_type, "id": origin.trigger_id},
        "started_by": origin.started_by,
        "used": _usage(run.usage),
        "active_seconds": run.active.total_seconds(),
    }


def _version(item: _Gathered) -> dict[str, Json]:
    """Return what a run executes: the definition's shape, and of an agent the version that was frozen in it."""
    return {
        "run": item.run.id,
        "of": item.run.program,
        "fingerprint": item.run.fingerprint,
        "shape": None if item.shape is None else plain_of(item.shape),
        "version": item.outcome("", EntryKind.STARTED).get("version"),
    }


def _step(item: _Gathered, entry: Entry) -> dict[str, Json]:
    return {
        "run": item.run.id,
        "seq": entry.seq,
        "key": entry.key,
        "kind": str(entry.kind),
        "at": entry.at.isoformat(),
        "data": item.data[entry.seq],
        "sha256": hashlib.sha256(entry.data).hexdigest(),
    }


def _task(item: _Gathered, task: UserTask) -> dict[str, Json]:
    body = item.rows.bodies[task.id]
    return {
        "id": task.id,
        "run": task.run_id,
        "key": task.key,
        "kind": task.spec.request.kind,
        "status": str(task.status),
        "created_at": task.created_at.isoformat(),
        "due_at": None if task.due_at is None else task.due_at.isoformat(),
        "shown": _asked(body),
        "bytes": exact(body),
        "digest": task.digest,
    }


def _decision(item: _Gathered, task: UserTask, row: RecordedDecision) -> dict[str, Json]:
    said, body = item.outcome(task.key, EntryKind.DECIDED), item.rows.bodies[task.id]
    unreadable = isinstance(task.spec.request, UnreadableRequest)
    answer = {name: said[name] for name in ("content", "values", "choices", "reason") if name in said}
    return {
        "task": task.id,
        "run": task.run_id,
        "key": task.key,
        "verdict": row.verdict,
        "action": row.action,
        "note": row.note,
        "metadata": row.metadata,
        "name": str(row.by),
        "by": _actor(row.by),
        "at": row.at.isoformat(),
        "digest": _shown(task, row, said),
        "answer": answer,
        "changed": [] if unreadable else list[Json](_changes(plain_of(body)["request"], said)),
    }


def _asked(body: bytes) -> Json:
    """Return the question; None where its bytes, which stand beside it, are no JSON."""
    try:
        return plain_of(body)
    except UnreadableValue:
        return None


def _shown(task: UserTask, row: RecordedDecision, said: dict[str, Any]) -> str:
    """Return the digest of what was shown: the one that is stored covers the answer too, and is checked by it."""
    if not said:
        return row.digest
    bound = decision_digest(task.digest, decision_bytes(task.id, outcome_from_json(said), row.by))
    return task.digest if row.digest == bound else row.digest


def _changes(request: Mapping[str, Any], said: Mapping[str, Any]) -> Sequence[Mapping[str, Json]]:
    """Return what a person has made of what was shown: edited arguments or content, and values beside the defaults."""
    if "content" in said:
        shown = request["call"]["arguments"] if request.get("call") else request.get("output")
        return differences(shown, said["content"])
    if "values" not in said or request["kind"] != "form":
        return []
    if request.get("call"):
        arguments: dict[str, Json] = request["call"]["arguments"]
        return differences(arguments, {**arguments, **said["values"]})
    defaults = {field["name"]: field["value"] for field in request.get("fields", ()) if "value" in field}
    return differences(defaults, {**defaults, **said["values"]})


def _call(item: _Gathered, call: StoredCall) -> dict[str, Json]:
    result = item.outcome(call.key, EntryKind.STEP).get("v", {})
    request = next((task.spec.request for task in item.tasks if task.key == call.key + APPROVAL), None)
    shown = getattr(request, "call", None)
    return {
        "id": call.id,
        "run": call.run_id,
        "key": call.key,
        "tool": call.tool,
        "tool_digest": item.rows.tool_digests[call.id],
        "effect": str(call.effect),
        "arguments": cast("Json", exact(call.arguments)),
        "digest": call.digest,
        "idempotency_key": call.idempotency_key,
        "state": str(call.state),
        "created_at": call.created_at.isoformat(),
        "updated_at": call.updated_at.isoformat(),
        "first_sent_at": None if call.first_sent_at is None else call.first_sent_at.isoformat(),
        "gate": {"asked_because": shown and shown.why, "code": result.get("code"), "message": result.get("message")},
        "attempts": [_attempt(attempt) for attempt in item.rows.attempts if attempt.call_id == call.id],
    }


def _attempt(attempt: RecordedAttempt) -> dict[str, Json]:
    return {
        "number": attempt.number,
        "epoch": attempt.epoch,
        "started_at": attempt.started_at.isoformat(),
        "outcome": attempt.outcome,
        "evidence": None if attempt.evidence is None else plain_of(attempt.evidence),
        "late": None if attempt.late is None else plain_of(attempt.late),
    }


def _audit(tx: Transaction, session: Session, runs: list[_Gathered]) -> dict[str, Json]:
    """Return the rows about a session and everything in it, and where the whole chain stands at this moment."""
    targets: set[str] = {session.id}
    for item in runs:
        targets |= {item.run.id, *(task.id for task in item.tasks), *(call.id for call in item.calls)}
        if item.run.origin.version_id is not None:
            targets.add(item.run.origin.version_id)
    found: list[AuditRow] = [row for target in targets for row in tx.audit.of(session.workspace_id, target)]
    chain = check_chain(tx, session.workspace_id)
    broken = chain.broken and {"seq": chain.broken.seq, "reason": chain.broken.reason}
    anchor = chain.last and {"seq": chain.last[0], "hash": chain.last[1]}
    return {
        "rows": [row_to_json(row) for row in sorted(found, key=lambda row: row.seq)],
        "chain": {"rows": chain.rows, "anchor": cast("Json", anchor), "broken": cast("Json", broken)},
    }


def _actor(by: Actor) -> dict[str, Json]:
    return {"type": by.type, "id": by.id, "via": by.via}


def _usage(usage: Usage) -> dict[str, Json]:
    return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens, "cost": usage.cost}
