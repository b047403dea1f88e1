"""The legal moves of a run and of a user task, as tables.

Theory of operation. Six commands move a run: `claim` (a worker takes it), `park` (its program can go no further),
`wake` (a decision, timer or child arrived), `release` (its worker gives it back), `finish` (its program ended) and
`cancel`. A `wake` of a running run changes no state: its worker sees the news when it next commits. Everything that
is not in the table is refused, and a refusal changes nothing. Tests compare every path of the state machines with
these tables.
"""

from typing import Literal

from sayso.model.runs import ENDED, RunState
from sayso.model.tasks import TaskStatus

RunCommand = Literal["claim", "park", "wake", "release", "finish", "fail", "cancel"]
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
    (RunState.WAITING, "wake"): RunState.QUEUED,
    (RunState.QUEUED, "wake"): RunState.QUEUED,
    (RunState.RUNNING, "wake"): RunState.RUNNING,
}

TASK_MOVES: dict[tuple[TaskStatus, TaskCommand], TaskStatus] = {
    (TaskStatus.PENDING, "decide"): TaskStatus.COMPLETED,
    (TaskStatus.PENDING, "expire"): TaskStatus.COMPLETED,
    (TaskStatus.PENDING, "drop"): TaskStatus.CANCELLED,
}


def next_run_state(state: RunState, command: RunCommand) -> RunState | None:
    """Return where a command leads, or None when it is refused."""
    return RUN_MOVES.get((state, command))


def next_task_status(status: TaskStatus, command: TaskCommand) -> TaskStatus | None:
    """Return where a command leads, or None when it is refused."""
    return TASK_MOVES.get((status, command))


def is_ended(state: RunState) -> bool:
    """Tell whether nothing can move the run any more."""
    return state in ENDED
