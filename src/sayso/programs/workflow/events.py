"""The events of a streamed run, under the names that users of workflow frameworks know.

They tell what happens as it happens. A pause event is told only after the pause is durable. Events are not stored:
the journal is, and a stream that is read again starts from there.
"""

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar


class WorkflowRunEvent(StrEnum):
    """The names of the events, as `event.event` has them."""

    workflow_started = "WorkflowStarted"
    workflow_completed = "WorkflowCompleted"
    workflow_paused = "WorkflowPaused"
    workflow_cancelled = "WorkflowCancelled"
    workflow_error = "WorkflowError"
    step_started = "StepStarted"
    step_completed = "StepCompleted"
    step_output = "StepOutput"
    step_executor_paused = "StepExecutorPaused"
    step_executor_continued = "StepExecutorContinued"
    step_paused = "StepPaused"
    step_continued = "StepContinued"
    step_output_review = "StepOutputReview"
    step_error = "StepError"
    router_paused = "RouterPaused"
    loop_execution_started = "LoopExecutionStarted"
    loop_iteration_started = "LoopIterationStarted"
    loop_iteration_completed = "LoopIterationCompleted"
    loop_execution_completed = "LoopExecutionCompleted"
    parallel_execution_started = "ParallelExecutionStarted"
    parallel_execution_completed = "ParallelExecutionCompleted"
    condition_execution_started = "ConditionExecutionStarted"
    condition_execution_completed = "ConditionExecutionCompleted"
    router_execution_started = "RouterExecutionStarted"
    router_execution_completed = "RouterExecutionCompleted"
    steps_execution_started = "StepsExecutionStarted"
    steps_execution_completed = "StepsExecutionCompleted"
    custom_event = "CustomEvent"


@dataclass(kw_only=True)
class BaseWorkflowRunEvent:
    """Base of every event."""

    event: ClassVar[str] = "WorkflowRunEvent"
    created_at: int | None = None
    """Seconds since 1970 UTC."""
    workflow_id: str | None = None
    workflow_name: str | None = None
    session_id: str | None = None
    run_id: str | None = None
    step_id: str | None = None
    """The readable key of the step."""
    step_name: str | None = None
    parent_step_id: str | None = None
    nested_depth: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the event as a dict, without empty fields."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        return {"event": self.event, **{name: value for name, value in plain.items() if value is not None}}


@dataclass(kw_only=True)
class WorkflowStartedEvent(BaseWorkflowRunEvent):
    """The run is stored and begins."""

    event = "WorkflowStarted"


@dataclass(kw_only=True)
class WorkflowCompletedEvent(BaseWorkflowRunEvent):
    """The run is over."""

    event = "WorkflowCompleted"
    content: Any = None


@dataclass(kw_only=True)
class WorkflowPausedEvent(BaseWorkflowRunEvent):
    """The run has come to rest and waits for people; sent last, only with `stream_events=True` on request."""

    event = "WorkflowPaused"
    requirements: list[Any] = field(default_factory=list[Any])


@dataclass(kw_only=True)
class WorkflowCancelledEvent(BaseWorkflowRunEvent):
    """The run ended before its end."""

    event = "WorkflowCancelled"
    reason: str | None = None
    content: Any = None


@dataclass(kw_only=True)
class WorkflowErrorEvent(BaseWorkflowRunEvent):
    """The run failed."""

    event = "WorkflowError"
    error: str | None = None


@dataclass(kw_only=True)
class StepStartedEvent(BaseWorkflowRunEvent):
    """A step is executed."""

    event = "StepStarted"


@dataclass(kw_only=True)
class StepCompletedEvent(BaseWorkflowRunEvent):
    """A step's outcome is stored."""

    event = "StepCompleted"
    content: Any = None


@dataclass(kw_only=True)
class StepOutputEvent(BaseWorkflowRunEvent):
    """The output of a step of the workflow's own list."""

    event = "StepOutput"
    step_output: Any = None

    @property
    def content(self) -> Any:
        """The output's content."""
        return None if self.step_output is None else self.step_output.content


@dataclass(kw_only=True)
class StepPausedEvent(BaseWorkflowRunEvent):
    """A person is asked before a step (or any composite) runs."""

    event = "StepPaused"
    requirement_id: str | None = None
    requires_confirmation: bool = False
    confirmation_message: str | None = None
    requires_user_input: bool = False
    user_input_message: str | None = None
    user_input_schema: list[dict[str, Any]] | None = None


@dataclass(kw_only=True)
class StepContinuedEvent(BaseWorkflowRunEvent):
    """A step goes ahead after its pause."""

    event = "StepContinued"


@dataclass(kw_only=True)
class StepOutputReviewEvent(BaseWorkflowRunEvent):
    """A person is asked whether an output (or a pass of a loop) is good."""

    event = "StepOutputReview"
    requirement_id: str | None = None
    output_review_message: str | None = None
    step_output: Any = None


@dataclass(kw_only=True)
class StepErrorEvent(BaseWorkflowRunEvent):
    """A step failed and a person is asked what to do."""

    event = "StepError"
    requirement_id: str | None = None
    error: str | None = None


@dataclass(kw_only=True)
class RouterPausedEvent(BaseWorkflowRunEvent):
    """A person is asked for the route."""

    event = "RouterPaused"
    requirement_id: str | None = None
    available_choices: list[str] = field(default_factory=list[str])
    user_input_message: str | None = None
    allow_multiple_selections: bool = False


@dataclass(kw_only=True)
class LoopExecutionStartedEvent(BaseWorkflowRunEvent):
    """A loop begins."""

    event = "LoopExecutionStarted"


@dataclass(kw_only=True)
class LoopIterationStartedEvent(BaseWorkflowRunEvent):
    """A pass begins."""

    event = "LoopIterationStarted"
    iteration: int = 0


@dataclass(kw_only=True)
class LoopIterationCompletedEvent(BaseWorkflowRunEvent):
    """A pass is over."""

    event = "LoopIterationCompleted"
    iteration: int = 0


@dataclass(kw_only=True)
class LoopExecutionCompletedEvent(BaseWorkflowRunEvent):
    """A loop ended by its end condition or its last pass; one that a reviewer accepted ends with the decision."""

    event = "LoopExecutionCompleted"
    iterations: int = 0


@dataclass(kw_only=True)
class ParallelExecutionStartedEvent(BaseWorkflowRunEvent):
    """Branches begin side by side."""

    event = "ParallelExecutionStarted"


@dataclass(kw_only=True)
class ParallelExecutionCompletedEvent(BaseWorkflowRunEvent):
    """Every branch is over."""

    event = "ParallelExecutionCompleted"


@dataclass(kw_only=True)
class ConditionExecutionStartedEvent(BaseWorkflowRunEvent):
    """A way is taken."""

    event = "ConditionExecutionStarted"
    condition_result: bool | None = None


@dataclass(kw_only=True)
class ConditionExecutionCompletedEvent(BaseWorkflowRunEvent):
    """That way is over."""

    event = "ConditionExecutionCompleted"


@dataclass(kw_only=True)
class RouterExecutionStartedEvent(BaseWorkflowRunEvent):
    """The chosen steps begin."""

    event = "RouterExecutionStarted"
    selected_steps: list[str] = field(default_factory=list[str])


@dataclass(kw_only=True)
class RouterExecutionCompletedEvent(BaseWorkflowRunEvent):
    """The chosen steps are over."""

    event = "RouterExecutionCompleted"


@dataclass(kw_only=True)
class StepsExecutionStartedEvent(BaseWorkflowRunEvent):
    """A sequence begins."""

    event = "StepsExecutionStarted"


@dataclass(kw_only=True)
class StepsExecutionCompletedEvent(BaseWorkflowRunEvent):
    """A sequence is over."""

    event = "StepsExecutionCompleted"


@dataclass(kw_only=True)
class CustomEvent(BaseWorkflowRunEvent):
    """What a generator function yielded on its way."""

    event = "CustomEvent"
    data: Any = None


@dataclass(kw_only=True)
class StepExecutorPausedEvent(BaseWorkflowRunEvent):
    """An agent in a step asks a person, e.g. about a tool call."""

    event = "StepExecutorPaused"
    requirement_id: str | None = None
    executor_name: str | None = None
    executor_type: str | None = None


@dataclass(kw_only=True)
class StepExecutorContinuedEvent(BaseWorkflowRunEvent):
    """A question of an agent in a step was answered, and the agent goes on with it."""

    event = "StepExecutorContinued"
    executor_name: str | None = None
    executor_type: str | None = None


PAUSE_EVENTS = (StepExecutorPausedEvent, StepPausedEvent, RouterPausedEvent, StepOutputReviewEvent, StepErrorEvent)
"""The events that say: a person is asked."""

ALWAYS = (
    WorkflowStartedEvent,
    WorkflowCompletedEvent,
    WorkflowCancelledEvent,
    WorkflowErrorEvent,
    StepOutputEvent,
    StepContinuedEvent,
    StepExecutorContinuedEvent,
    CustomEvent,
    *PAUSE_EVENTS,
)
"""The events that are sent without `stream_events=True`."""
