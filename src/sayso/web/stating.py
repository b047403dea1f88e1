"""What states are called on the pages, and how grave they are."""

from sayso.model.runs import RunState
from sayso.model.sessions import SessionStatus

SESSIONS: dict[SessionStatus, tuple[str, str]] = {
    SessionStatus.RUNNING: ("Running", "info"),
    SessionStatus.WAITING_FOR_HITL: ("Awaiting a decision", "warn"),
    SessionStatus.WAITING_FOR_AITL: ("Awaiting its parent", "warn"),
    SessionStatus.WAITING_FOR_RESPONSE: ("Awaiting a reply", "warn"),
    SessionStatus.WAITING_FOR_TIMER: ("Awaiting a time", "info"),
    SessionStatus.COMPLETED: ("Completed", "good"),
    SessionStatus.FAILED: ("Failed", "bad"),
}
"""The words for where a session stands, and the badge they stand in."""

RUNS: dict[RunState, str] = {
    RunState.COMPLETED: "completed",
    RunState.WAITING: "waiting",
    RunState.RUNNING: "running",
    RunState.QUEUED: "queued",
    RunState.FAILED: "failed",
    RunState.CANCELLED: "cancelled",
}
"""The words for where a run stands, in the order in which they are told."""

TRIGGERS: dict[str | None, str] = {
    "api": "API",
    "manual": "by hand",
    "test_run": "test run",
    "scheduled": "schedule",
    "event": "event",
    None: "code",
}
"""What started a run."""
