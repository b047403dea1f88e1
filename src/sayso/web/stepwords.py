"""What things of sessions are called: the words of the business, with the tone in which they are shown."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sayso.model.runs import Run, RunState
from sayso.model.sessions import SessionStatus
from sayso.model.tasks import TaskStatus, UserTask
from sayso.web.steps import Kind, Step

_TITLE = 140


class Badge(NamedTuple):
    """A word or two, and how they are to be taken: `good`, `bad`, `warn`, `info` or nothing."""

    text: str
    tone: str = ""


_S = SessionStatus
STATUSES: Mapping[SessionStatus, Badge] = {
    _S.WAITING_FOR_HITL: Badge("Awaiting approval", "warn"),
    _S.WAITING_FOR_RESPONSE: Badge("Awaiting reply", "warn"),
    _S.WAITING_FOR_AITL: Badge("Awaiting its parent", "warn"),
    _S.WAITING_FOR_TIMER: Badge("Waiting for a time"),
    _S.RUNNING: Badge("Running", "info"),
    _S.COMPLETED: Badge("Completed", "good"),
    _S.FAILED: Badge("Failed", "bad"),
}
TRIGGERS: Mapping[str, str] = {
    "api": "API",
    "manual": "By hand",
    "test_run": "Test run",
    "scheduled": "Schedule",
    "event": "Event",
}
KINDS: Mapping[Kind, str] = {
    "input": "Input",
    "model": "Reasoned",
    "output": "Output",
    "tool": "Tool called",
    "step": "Step",
    "ask": "Person asked",
    "wait": "Wait",
    "child": "Child run",
    "event": "Event",
    "note": "Note",
    "limit": "Limit",
    "end": "Run done",
}
_SAID: Mapping[str, Badge] = {
    "approve": Badge("Approved", "good"),
    "edit": Badge("Approved with changes", "good"),
    "reject": Badge("Rejected", "bad"),
    "answer": Badge("Answered", "good"),
    "choose": Badge("Answered", "good"),
    "respond": Badge("Answered in its place", "info"),
    "reply": Badge("Replied", "good"),
    "retry": Badge("Tried again", "info"),
    "skip": Badge("Skipped", "info"),
    "cancel": Badge("Cancelled", "bad"),
    "complete": Badge("Marked complete", "info"),
}
_CALLS: Mapping[str, Badge] = {
    "failed": Badge("Failed", "bad"),
    "refused": Badge("Refused", "bad"),
    "blocked": Badge("Blocked", "bad"),
    "expired": Badge("Expired", "bad"),
    "void": Badge("Void", "bad"),
    "cancelled": Badge("Cancelled", "bad"),
    "uncertain": Badge("Outcome unknown", "warn"),
    "abandoned": Badge("Outcome unknown", "warn"),
}
_ASKS: Mapping[str, str] = {
    "approval": "Awaiting approval",
    "output_review": "Awaiting review",
    "message": "Awaiting reply",
}
_APPROVING = frozenset({"approve", "edit"})


def trigger(of: str | None) -> str:
    """Return what started a run."""
    return "Code" if of is None else TRIGGERS.get(of, of)


def run_badge(run: Run, status: SessionStatus) -> Badge:
    """Return where a run stands; one that was ended from outside says so."""
    return Badge("Cancelled", "bad") if run.state is RunState.CANCELLED else STATUSES[status]


def said_badge(said: Mapping[str, Any]) -> Badge:
    """Return what a person, or a deadline, has said."""
    return _SAID.get(str(said.get("verdict")), Badge("Decided", "info"))


def task_badge(task: UserTask, now: datetime) -> Badge | None:
    """Return where a task stands that nobody has answered."""
    match task.status_at(now):
        case TaskStatus.PENDING:
            return Badge(_ASKS.get(task.spec.request.kind, "Awaiting an answer"), "warn")
        case TaskStatus.EXPIRED:
            return Badge("Time is up", "bad")
        case TaskStatus.CANCELLED:
            return Badge("Dropped")
        case TaskStatus.COMPLETED:
            return None


def step_badges(step: Step, now: datetime) -> list[Badge]:
    """Return what stands beside a step: what people said about it, what waits, and how it ended."""
    found = [said_badge(said) for said in step.said]
    found += [badge for task in step.tasks if (badge := task_badge(task, now)) is not None]
    if step.kind == "end":
        found.append(Badge("Completed", "good") if step.state == "Completed" else Badge("Failed", "bad"))
    elif step.state is not None and step.state in _CALLS:
        found.append(_CALLS[step.state])
    elif failed(step):
        found.append(Badge("Failed", "bad"))
    if len(step.attempts) > 1 or step.retries:
        found.append(Badge(f"{max(len(step.attempts), len(step.retries) + 1)} attempts", "warn"))
    return found


def failed(step: Step) -> bool:
    """Tell whether something went wrong in a step; that a person rejected it is an answer, not a failure."""
    return step.state == "Failed" or (step.failure is not None and step.state not in {"rejected", "cancelled"})


def title_of(step: Step) -> str:
    """Return what a step is about: of what was said its beginning, of all else its name."""
    said = step.input if step.kind == "input" else step.output if step.kind in {"model", "output"} else None
    if said is None:
        return step.title[:_TITLE]
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return " ".join(text[: 4 * _TITLE].split())[:_TITLE]
