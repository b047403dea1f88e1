"""From a run at rest to what its caller sees."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sayso.core.codec import from_json
from sayso.model.decisions import Outcome
from sayso.model.errors import SaysoError, StepFailed
from sayso.model.runs import Run, RunState
from sayso.model.tasks import UserTask
from sayso.programs.workflow.definition import WorkflowDefinition
from sayso.programs.workflow.executors import executor_requirements, is_executors
from sayso.programs.workflow.interpreter import WorkflowExecution
from sayso.programs.workflow.matching import requirement_of
from sayso.programs.workflow.output import RunStatus, WorkflowRunOutput
from sayso.programs.workflow.requirement import ErrorRequirement, Requirement, StepRequirement
from sayso.runtime.runner import Rest

STATUSES = {
    RunState.QUEUED: RunStatus.pending,
    RunState.RUNNING: RunStatus.running,
    RunState.WAITING: RunStatus.paused,
    RunState.COMPLETED: RunStatus.completed,
    RunState.FAILED: RunStatus.error,
    RunState.CANCELLED: RunStatus.cancelled,
    RunState.UNKNOWN: RunStatus.paused,
}


def output_of(definition: WorkflowDefinition, rest: Rest, tasks: list[UserTask], now: datetime) -> WorkflowRunOutput:
    """Return the output of a run, as the pass that led to its rest saw it."""
    execution = cast("WorkflowExecution", rest.execution)
    started = from_json(rest.record.started)
    output = _bare(definition, rest.run, rest.state, started)
    output.step_results = execution.results
    output.session_state = execution.session_state
    finished = rest.record.finished or {}
    match rest.state:
        case RunState.COMPLETED:
            output.content = rest.output
        case RunState.CANCELLED:
            output.content = rest.reason
            output.cancellation_stage = finished.get("stage", "EXECUTING" if rest.record.cancelled_by else "PAUSED")
        case RunState.FAILED:
            output.error = error_of(rest, finished)
            output.content = f"Workflow execution failed: {output.error}"
        case RunState.QUEUED | RunState.RUNNING | RunState.WAITING | RunState.UNKNOWN:
            output.content = execution.results[-1].content if execution.results else None
    _add_requirements(output, definition, tasks, now, execution, rest.record.decisions)
    return output


def bare_output(
    definition: WorkflowDefinition, run: Run, tasks: list[UserTask], now: datetime, problem: SaysoError
) -> WorkflowRunOutput:
    """Return what can be said of a run that this code cannot replay."""
    output = _bare(definition, run, run.state, {})
    output.problem = str(problem)
    _add_requirements(output, definition, tasks, now, None, {})
    return output


def _bare(definition: WorkflowDefinition, run: Run, state: RunState, started: dict[str, Any]) -> WorkflowRunOutput:
    return WorkflowRunOutput(
        run_id=run.id,
        session_id=run.session_id,
        status=STATUSES[state],
        workflow_id=definition.id,
        workflow_name=definition.name,
        user_id=started.get("user_id"),
        parent_run_id=run.parent_id,
        input=started.get("input"),
        metadata={**definition.metadata, **(started.get("metadata") or {})} or None,
        problem=run.problem,
        created_at=run.created_at,
    )


def error_of(rest: Rest, finished: dict[str, Any]) -> str:
    """Return why a run failed, in one sentence."""
    error = finished.get("e")
    if error is not None:
        return f"{error['type']}: {error['message']}"
    if isinstance(rest.failure, StepFailed):
        return f"{rest.failure.error_type}: {rest.failure.error_message}"
    return f"{type(rest.failure).__name__}: {rest.failure}"


def _add_requirements(
    output: WorkflowRunOutput,
    definition: WorkflowDefinition,
    tasks: list[UserTask],
    now: datetime,
    execution: WorkflowExecution | None,
    decided: Mapping[str, Outcome],
) -> None:
    top = [segment for segment, _ in definition.nodes]
    for task in tasks:
        if is_executors(task):
            continue
        first = task.key.split("/")[0].split("?")[0].split("@")[0].split("#")[0]
        index = top.index(first) if first in top else None
        pause = None if execution is None else execution.pauses.get(task.key)
        found = requirement_of(task, pause, now=now, index=index, outcome=decided.get(task.key))
        if isinstance(found, StepRequirement):
            output.step_requirements.append(found)
        else:
            output.error_requirements.append(found)
    agents = [task for task in tasks if is_executors(task)]
    output.step_requirements += executor_requirements(agents, decided, now=now, tops=top)
    output.step_requirements.sort(key=lambda item: item.id)
    if output.is_paused and tasks:
        waiting: list[Requirement] = [*output.active_step_requirements, *output.active_error_requirements]
        newest = max(waiting, key=lambda item: item.id, default=None)
        if newest is not None:
            output.paused_step_name, output.paused_step_index = newest.step_name, newest.step_index
            is_agents = isinstance(newest, StepRequirement) and newest.requires_executor_input
            output.pause_kind = "error" if isinstance(newest, ErrorRequirement) else "executor" if is_agents else "step"
