"""Questions of agents inside steps, as their callers see them: one requirement per step, with the questions in it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sayso.model.decisions import Outcome
from sayso.model.tasks import TaskStatus, UserTask
from sayso.programs.agent.requirement import RunRequirement, requirement_of
from sayso.programs.workflow.requirement import StepRequirement

_TURN = "/turn#"


def is_executors(task: UserTask) -> bool:
    """Tell whether a task is an agent's, and not a step's."""
    return task.spec.step_type == "Agent"


def executor_requirements(
    tasks: Sequence[UserTask], decided: Mapping[str, Outcome], *, now: datetime, tops: Sequence[str]
) -> list[StepRequirement]:
    """Return one requirement per step whose agent has asked, in the order of their first questions.

    Args:
        tasks: The agents' tasks of a run.
        decided: How they were decided.
        now: The time.
        tops: The segments of the workflow's own list, for display.
    """
    steps: dict[str, list[RunRequirement]] = {}
    for task in tasks:
        path = task.key.partition(_TURN)[0]
        steps.setdefault(path, []).append(requirement_of(task, now=now, outcome=decided.get(task.key)))
    return [_grouped(path, asked, tops) for path, asked in steps.items()]


def _grouped(path: str, asked: list[RunRequirement], tops: Sequence[str]) -> StepRequirement:
    top = path.split("/")[0].split("@")[0].split("#")[0]
    open_ = any(item.is_open for item in asked)
    return StepRequirement(
        id=asked[-1].id,
        step_id=path,
        step_name=path.split("/")[-1].split("@")[0],
        step_type="Step",
        step_index=list(tops).index(top) if top in tops else None,
        status=str(TaskStatus.PENDING) if open_ else asked[-1].status,
        requires_executor_input=True,
        executor_name=asked[-1].step_name,
        executor_type="agent",
        executor_requirements=asked,
    )
