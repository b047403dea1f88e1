"""How a task stands that is no longer pending: who decided what, when, and what was given; or why it is closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sayso.core.codec import plain_of
from sayso.core.confiding import told_apart
from sayso.core.decisionforms import outcome_from_json
from sayso.core.readable import readable
from sayso.core.reviewing import call_of
from sayso.core.verdicts import settle_timeout
from sayso.model.actors import TIMEOUT
from sayso.model.journal import EntryKind
from sayso.model.json import Json
from sayso.model.tasks import OutputReviewRequest, TaskStatus, UserTask
from sayso.runtime.sessions import RunParts
from sayso.web.differing import Change, changes
from sayso.web.review.showing import Shown, rows_of

_SAID = {
    "approve": "approved",
    "edit": "approved with changes",
    "reject": "rejected",
    "answer": "answered",
    "choose": "chosen",
    "respond": "not run, answered in its place",
    "retry": "to be tried again",
    "skip": "skipped",
    "cancel": "cancelled",
}
_NEXT = {
    "proceed": "the run goes ahead",
    "skip": "the run goes on without it",
    "cancel": "the run ends",
    "retry": "it is tried again",
    "else": "the run takes the other branch",
    "fail": "the run ends with the error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How it came out."""

    said: str
    """In words: `approved`, `timed out`, ..."""
    look: str
    """The class of its notice."""
    by: str | None
    at: datetime | None
    note: str | None = None
    then: str | None = None
    """What the run does."""
    timed_out: bool = False
    changes: Sequence[Change] = ()
    """What was changed of what was shown."""
    given: Sequence[Shown] = ()
    """What was answered."""


def settled(task: UserTask, parts: RunParts, now: datetime) -> Settled | None:
    """Return how a task came out; None while it is pending."""
    match task.status_at(now):
        case TaskStatus.PENDING:
            return None
        case TaskStatus.CANCELLED:
            return Settled(said="closed: the run ended before anybody decided", look="info", by=None, at=task.closed_at)
        case TaskStatus.EXPIRED:
            then = _then(settle_timeout(task.spec).action)
            return Settled(said="timed out", look="warn", by=None, at=task.due_at, then=then, timed_out=True)
        case TaskStatus.COMPLETED:
            return _decided(task, parts)


def said(verdict: str | None) -> str:
    """Return what a verdict is called."""
    return _SAID.get(verdict or "", verdict or "decided")


def timeout_words(task: UserTask) -> str:
    """Return what happens at the deadline."""
    outcome = settle_timeout(task.spec)
    return f"{said(outcome.verdict)}, and {_then(outcome.action)}"


def _then(action: str) -> str:
    return _NEXT.get(action, action)


def _decided(task: UserTask, parts: RunParts) -> Settled:
    timed_out = task.decided_by == str(TIMEOUT)
    entries = [entry for entry in parts.entries if entry.kind is EntryKind.DECIDED and entry.key == task.key]
    plain: dict[str, Any] = plain_of(entries[-1].data) if entries else {"action": "proceed", "verdict": task.verdict}
    outcome = outcome_from_json(plain)
    word = said(task.verdict)
    refused = task.verdict in {"reject", "respond", "cancel", "skip"}
    return Settled(
        said=f"timed out: {word}" if timed_out else word,
        look="warn" if timed_out else "bad" if refused else "good",
        by=None if timed_out else (task.decided_by or "?").partition(":")[2] or task.decided_by,
        at=task.due_at if timed_out and task.due_at else task.decided_at,
        timed_out=timed_out,
        note=outcome.note if outcome.reason is None else f"{outcome.note or ''} ({outcome.reason})".strip(),
        then=_then(outcome.action) if entries else None,
        changes=_changes(task, outcome.content) if outcome.edited else (),
        given=_given(outcome.values, outcome.choices),
    )


def _changes(task: UserTask, content: Json) -> Sequence[Change]:
    """Return what an edit has made of what was shown; of a secret only whether it is another one."""
    request = task.spec.request
    if isinstance(request, OutputReviewRequest):
        return tuple(changes(readable(request.output), readable(content)))
    call = call_of(request)
    if call is None:
        return tuple(changes(None, readable(content)))
    return tuple(changes(*told_apart(call.schema, call.arguments, content)))


def _given(values: Any, choices: Sequence[str]) -> Sequence[Shown]:
    if choices:
        return rows_of({"chosen": choices[0] if len(choices) == 1 else list(choices)})
    if values is None:
        return ()
    plain = readable(dict(values))
    return rows_of(plain)
