"""What was approved against what is stored: the last look at the rows before a call leaves.

The journal says what was asked, what was said, and what would run. The rows of the task, its decision and the call say
so again. Where one of them was changed by hand, they differ, and nothing is executed.
"""

from sayso.core.codec import plain_of
from sayso.core.decisionforms import decision_digest
from sayso.core.ledger import APPROVAL, idempotency_key
from sayso.core.taskforms import LEGACY, digest_of
from sayso.model.calls import Approved, CallMove, CallState, StoredApproval, StoredCall
from sayso.model.runs import Run

_S = CallState
_BEFORE_IT_LEAVES = frozenset({(_S.AWAITING, _S.AUTHORISED), (_S.AWAITING, _S.SUCCEEDED), (_S.RETRY_WAIT, _S.STARTED)})


def is_last_look(move: CallMove) -> bool:
    """Tell whether a call's stored row is about to be relied on."""
    return (move.was, move.state) in _BEFORE_IT_LEAVES


def changed_call(run: Run, move: CallMove, row: StoredCall | None) -> list[str]:
    """Return the columns of a call's row that are not what the journal says; empty where all are."""
    if row is None:
        return ["calls.call_id"]
    as_shown = move.was is _S.AWAITING
    digest = move.shown_digest if as_shown else move.digest
    expected = {
        "run_id": run.id,
        "key": move.key,
        "tool": move.call.tool,
        "tool_digest": move.call.tool_digest,
        "effect": move.call.effect,
        "arguments": move.shown_arguments if as_shown else move.arguments,
        "digest": digest,
        "idempotency_key": idempotency_key(move.call_id, digest),
        "state": move.was,
        "attempt": 0 if as_shown else move.attempt - 1,
    }
    stored = {
        "run_id": row.run_id,
        "key": row.key,
        "tool": row.tool,
        "tool_digest": row.tool_digest,
        "effect": row.effect,
        "arguments": row.arguments,
        "digest": row.digest,
        "idempotency_key": row.idempotency_key,
        "state": row.state,
        "attempt": row.attempt,
    }
    return [f"calls.{name}" for name in expected if stored[name] != expected[name]]


def changed_approval(run: Run, key: str, approved: Approved, row: StoredApproval | None) -> list[str]:
    """Return the columns of a question and its decision that are not what the journal says; empty where all are."""
    if row is None:
        return ["tasks or decisions: the row"]
    said = plain_of(approved.decided)
    shown = digest_of(row.body, run_id=run.id, key=key + APPROVAL)
    pairs = {
        "tasks.workspace_id": (row.workspace_id, run.origin.workspace_id),
        "tasks.run_id": (row.run_id, run.id),
        "tasks.session_id": (row.session_id, run.session_id),
        "tasks.program": (row.program, run.program),
        "tasks.key": (row.key, key + APPROVAL),
        "tasks.kind": (LEGACY.get(row.kind, row.kind), approved.kind),
        "tasks.status": (row.status, "completed"),
        "tasks.digest": (row.digest, approved.shown),
        "tasks.body": (shown, approved.shown),
        "tasks.due_at": (row.due_at, approved.due_at),
        "decisions.run_id": (row.decided_run_id, run.id),
        "decisions.verdict": (row.verdict, said.get("verdict")),
        "decisions.action": (row.action, said.get("action")),
        "decisions.note": (row.note, said.get("note")),
        "decisions.by": (row.by, said.get("by")),
        "decisions.via": (row.via, said.get("via")),
        "decisions.at": (row.decided_at, approved.decided_at),
        "decisions.digest": (row.bound, decision_digest(approved.shown, approved.decided)),
        "journal.task": (said.get("task"), approved.task_id),
    }
    return [name for name, (stored, expected) in pairs.items() if stored != expected]
