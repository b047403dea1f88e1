"""The legal moves of a run and of a user task, as tables.

Theory of operation. Seven commands move a run: `claim` (a worker takes it), `park` (its program can go no further),
`wake` (a decision, timer or child arrived), `release` (its worker gives it back), `finish` (its program ended),
`cancel`, and `complete` (an operator says that a waiting run is done). A `wake` of a running run changes no state: its
worker sees the news when it next commits. Everything that is not in the table is refused, and a refusal changes
nothing. The store's statements hold these rules; tests watch every change of a row (tests/property/moves.py) and find
it here, and docs/reference/states.md is drawn from here.
"""

from collections.abc import Collection
from typing import Literal

from sayso.model.runs import RunState
from sayso.model.sessions import SessionStatus
from sayso.model.tasks import TaskStatus

RunCommand = Literal["claim", "park", "wake", "release", "finish", "fail", "cancel", "complete"]
TaskCommand = Literal["decide", "expire", "drop"]

RUN_MOVES: dict[tuple[RunState, RunCommand], RunState] = {
    (RunState.QUEUED, "claim"): RunState.RUNNING,
    (RunState.WAITING, "claim"): RunState.RUNNING,
    (RunState.RUNNING, "claim"): RunState.RUNNING,  # only when the lease has ended; the epoch rises
    (RunState.RUNNING, "park"): RunState.WAITING,
    (RunState.RUNNING, "release"): RunState.QUEUED,
    (RunState.RUNNING, "finish"): RunState.COMPLETED,
    (RunState.RUNNING, "fail"): RunState.FAILED,
    (RunState.RUNNING, "cancel"): RunState.CANCELLED,
    (RunState.WAITING, "cancel"): RunState.CANCELLED,
    (RunState.QUEUED, "cancel"): RunState.CANCELLED,
    (RunState.WAITING, "complete"): RunState.COMPLETED,
    (RunState.WAITING, "wake"): RunState.QUEUED,
    (RunState.QUEUED, "wake"): RunState.QUEUED,
    (RunState.RUNNING, "wake"): RunState.RUNNING,
}


TASK_MOVES: dict[tuple[TaskStatus, TaskCommand], TaskStatus] = {
    (TaskStatus.PENDING, "decide"): TaskStatus.COMPLETED,
    (TaskStatus.PENDING, "expire"): TaskStatus.COMPLETED,
    (TaskStatus.PENDING, "drop"): TaskStatus.CANCELLED,
}


def status_of(state: RunState, kinds: Collection[str], *, children_move: bool = False) -> SessionStatus:
    """Return where a session stands, in one word.

    Args:
        state: The state of its newest root run.
        kinds: The kinds of its pending tasks.
        children_move: Whether a child run is queued or running.
    """
    match state:
        case RunState.COMPLETED:
            return SessionStatus.COMPLETED
        case RunState.FAILED | RunState.CANCELLED:
            return SessionStatus.FAILED
        case RunState.QUEUED | RunState.RUNNING:
            return SessionStatus.RUNNING
        case RunState.WAITING | RunState.UNKNOWN:
            if any(kind != "message" for kind in kinds):
                return SessionStatus.WAITING_FOR_HITL
            if children_move:
                return SessionStatus.RUNNING
            return SessionStatus.WAITING_FOR_RESPONSE if kinds else SessionStatus.WAITING_FOR_TIMER
