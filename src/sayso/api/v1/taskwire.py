"""User tasks in the form that clients see: what was asked, as it was hashed, and how it was answered."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sayso.core.codec import plain_of
from sayso.core.completions import BY_KEYS
from sayso.core.deadlines import extensible
from sayso.core.readable import readable
from sayso.core.taskforms import spec_to_json
from sayso.model.actors import TIMEOUT
from sayso.model.decisions import Decision
from sayso.model.journal import EntryKind
from sayso.model.json import Json
from sayso.model.registry import Names
from sayso.model.tasks import TaskStatus, UserTask
from sayso.runtime.sessions import RunParts

Plain = dict[str, Any]
_DECISIONS = {
    "approve": "approved",
    "edit": "approved",
    "reject": "rejected",
    "answer": "answered",
    "choose": "selected",
    "respond": "answered",
    "retry": "retried",
    "skip": "skipped",
    "cancel": "cancelled",
}


def at(when: datetime | None) -> str | None:
    """Return a time as RFC 3339."""
    return None if when is None else when.isoformat().replace("+00:00", "Z")


def pending_json(task: UserTask, by_keys: Collection[str]) -> Plain:
    """Return a pending task in short; `by_keys` are the kinds that a key may complete."""
    return {
        "id": task.id,
        "kind": task.spec.request.kind,
        "summary": task.spec.request.message,
        "apiCompletable": task.spec.request.kind in by_keys,
        "dueAt": at(task.due_at),
    }


def task_json(
    task: UserTask,
    now: datetime,
    names: Names,
    parts: RunParts | None = None,
    *,
    by_keys: Collection[str] = BY_KEYS,
    spec: bool = False,
) -> Plain:
    """Return a user task: what was asked, and how it was answered.

    Args:
        task: The task.
        now: The time.
        names: What its program is called.
        parts: Its run, where the whole answer is wanted.
        by_keys: The kinds that a key may complete, where its run does not say so.
        spec: Whether what was asked is also wanted in the form that is stored and hashed.
    """
    asked: dict[str, Any] = spec_to_json(task.spec)
    request: dict[str, Any] = asked["request"]
    found: Plain = {
        "id": task.id,
        "kind": request["kind"],
        "status": _STATUS[task.status_at(now)],
        "summary": request["message"],
        "runId": task.run_id,
        "sessionId": task.session_id,
        "agentId": names.agent(task.program),
        "program": task.program,
        "key": task.key,
        "digest": task.digest,
        "request": readable(request),
        "stepName": task.spec.step_name,
        "onReject": task.spec.on_reject,
        "onTimeout": None if task.due_at is None else task.spec.on_timeout,
        "apiCompletable": request["kind"] in (by_keys if parts is None else parts.by_keys),
        "createdAt": at(task.created_at),
        "dueAt": at(task.due_at),
        "assignedTo": task.assigned_to,
        "extension": _extension(task),
        "claimedBy": task.claimant_at(now),
        "claimedUntil": at(task.claimed_until) if task.claimant_at(now) else None,
        "outcome": _outcome(task, now, parts),
    }
    return {**found, "spec": asked} if spec else found


def _extension(task: UserTask) -> Plain | None:
    """Return what may be done about a task's deadline; None where it has none."""
    room = extensible(task)
    if room is None:
        return None
    return {"until": at(room.until) if room.left else None, "made": room.made, "left": room.left, "most": room.most}


def decided_json(task: UserTask, decision: Decision, now: datetime, names: Names, by_keys: Collection[str]) -> Plain:
    """Return a user task as it is after a decision: with the verdict, and what the run does next."""
    outcome = decision.outcome
    said = {"via": decision.by.via, "verdict": outcome.verdict, "action": outcome.action, "comment": outcome.note}
    found = task_json(task, now, names, by_keys=by_keys)
    return {**found, "outcome": {**(found["outcome"] or {}), **said}}


_STATUS = {
    TaskStatus.PENDING: "Pending",
    TaskStatus.COMPLETED: "Completed",
    TaskStatus.EXPIRED: "Completed",
    TaskStatus.CANCELLED: "Cancelled",
}


def _outcome(task: UserTask, now: datetime, parts: RunParts | None) -> Json:
    match task.status_at(now):
        case TaskStatus.PENDING:
            return None
        case TaskStatus.CANCELLED:
            return {"decision": "cancelled"}
        case TaskStatus.EXPIRED:
            return {
                "decision": "expired",
                "decidedBy": _who(str(TIMEOUT)),
                "decidedAt": at(task.due_at),
                "via": "timeout",
            }
        case TaskStatus.COMPLETED:
            timed_out = task.decided_by == str(TIMEOUT)
            found: Plain = {
                "decision": "expired" if timed_out else _DECISIONS.get(task.verdict or "", task.verdict),
                "decidedBy": None if task.decided_by is None else _who(task.decided_by),
                "decidedAt": at(task.decided_at),
                "verdict": task.verdict,
                "summary": task.summary,
            }
            return found if parts is None else {**found, **_said(task, parts)}


def _who(recorded: str) -> Plain:
    """Return who decided, from the form in which a decision is stored: `system:timeout`, `api_key:key_...`, a name."""
    kind, mark, id_ = recorded.partition(":")
    if mark and kind in {"system", "api_key"}:
        return {"type": kind, "id": id_, "email": None}
    return {"type": "user", "id": recorded, "email": recorded if "@" in recorded else None}


def _said(task: UserTask, parts: RunParts) -> Plain:
    for entry in parts.entries:
        if entry.kind is EntryKind.DECIDED and entry.key == task.key:
            plain: dict[str, Any] = plain_of(entry.data)
            found: Plain = {"via": plain.get("via"), "action": plain.get("action"), "comment": plain.get("note")}
            if "values" in plain:
                values = plain["values"]
                found["value"] = readable(values["value"] if set(values) == {"value"} else values)
            if "choices" in plain:
                found["optionId"], found["optionIds"] = plain["choices"][0], plain["choices"]
            if "content" in plain:
                edited = "editedArguments" if task.spec.request.kind == "approval" else "editedOutput"
                found[edited] = readable(plain["content"])
            return found
    return {}
