"""`WorkflowRunOutput`: where a run stands, as its caller sees it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sayso.programs.workflow.requirement import ErrorRequirement, StepRequirement
from sayso.programs.workflow.values import StepOutput


class RunStatus(StrEnum):
    """A run's status, in the words of workflow users."""

    pending = "PENDING"
    running = "RUNNING"
    completed = "COMPLETED"
    paused = "PAUSED"
    cancelled = "CANCELLED"
    error = "ERROR"


@dataclass
class WorkflowRunOutput:
    """A run as it stood when this was made."""

    run_id: str
    session_id: str
    status: RunStatus
    workflow_id: str | None = None
    workflow_name: str | None = None
    user_id: str | None = None
    parent_run_id: str | None = None
    input: Any = None
    content: Any = None
    """The last output's content; of a cancelled or failed run, one sentence that says why."""
    step_results: list[StepOutput] = field(default_factory=list[StepOutput])
    """Outputs of the workflow's own list; composites hold theirs in `steps`."""
    step_requirements: list[StepRequirement] = field(default_factory=list[StepRequirement])
    """Every question of the run so far, the newest last."""
    error_requirements: list[ErrorRequirement] = field(default_factory=list[ErrorRequirement])
    """Every question about a failure so far, the newest last."""
    session_state: dict[str, Any] = field(default_factory=dict[str, Any])
    """The session's state as this run sees it."""
    metadata: dict[str, Any] | None = None
    cancellation_stage: str | None = None
    """PENDING, EXECUTING or PAUSED: where the run was when it was cancelled."""
    paused_step_name: str | None = None
    paused_step_index: int | None = None
    """Where the newest pause's item stands in the workflow's list, for display; nothing resumes by it."""
    pause_kind: str | None = None
    """`step` or `error`, for the newest pause."""
    error: str | None = None
    problem: str | None = None
    """Why the run cannot be advanced by this code, e.g. a changed definition."""
    created_at: datetime | None = None

    @property
    def is_paused(self) -> bool:
        """Whether the run waits for people."""
        return self.status is RunStatus.paused

    @property
    def is_cancelled(self) -> bool:
        """Whether the run was cancelled."""
        return self.status is RunStatus.cancelled

    @property
    def active_step_requirements(self) -> list[StepRequirement]:
        """Questions that wait for an answer in the store."""
        return [item for item in self.step_requirements if item.is_open]

    @property
    def steps_requiring_confirmation(self) -> list[StepRequirement]:
        """Open confirmations."""
        return [item for item in self.active_step_requirements if item.requires_confirmation]

    @property
    def steps_requiring_user_input(self) -> list[StepRequirement]:
        """Open forms."""
        return [item for item in self.active_step_requirements if item.requires_user_input]

    @property
    def steps_requiring_output_review(self) -> list[StepRequirement]:
        """Open output and iteration reviews."""
        return [item for item in self.active_step_requirements if item.requires_output_review]

    @property
    def steps_requiring_route(self) -> list[StepRequirement]:
        """Open route selections."""
        return [item for item in self.active_step_requirements if item.requires_route_selection]

    @property
    def steps_requiring_executor_resolution(self) -> list[StepRequirement]:
        """Steps whose agent asks; each question is in `executor_requirements`."""
        return [item for item in self.active_step_requirements if item.requires_executor_input]

    @property
    def active_error_requirements(self) -> list[ErrorRequirement]:
        """Open questions about failures."""
        return [item for item in self.error_requirements if item.is_open]

    @property
    def steps_with_errors(self) -> list[ErrorRequirement]:
        """Open questions about failures, under the reference's other name."""
        return self.active_error_requirements

    @property
    def requirements(self) -> Sequence[StepRequirement | ErrorRequirement]:
        """Every question of the run."""
        return [*self.step_requirements, *self.error_requirements]

    def to_dict(self) -> dict[str, Any]:
        """Return the output as a dict; contents keep their Python types."""
        plain = {name: value for name, value in self.__dict__.items() if value is not None}
        plain["status"] = self.status.value
        plain["step_results"] = [item.to_dict() for item in self.step_results]
        plain["step_requirements"] = [item.to_dict() for item in self.step_requirements]
        plain["error_requirements"] = [item.to_dict() for item in self.error_requirements]
        return plain


@dataclass
class WorkflowSession:
    """A session with its runs."""

    session_id: str
    user_id: str | None
    session_state: dict[str, Any]
    """Merged over all runs of the session."""
    runs: list[WorkflowRunOutput] = field(default_factory=list[WorkflowRunOutput])
    """Oldest first."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
