"""What step functions get and return."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass
class StepOutput:
    """What a step produced.

    A function may return one to say more than its content; any other return value becomes the content.
    """

    content: Any = None
    """The value, with its type; it survives a restart."""
    step_name: str | None = None
    step_id: str | None = None
    """The readable key of the execution, e.g. `pipeline/draft@2`."""
    step_type: str | None = None
    executor_type: str | None = None
    executor_name: str | None = None
    step_run_id: str | None = None
    success: bool = True
    error: str | None = None
    stop: bool = False
    """Whether the workflow should end here, as completed."""
    is_paused: bool = False
    steps: "list[StepOutput] | None" = None
    """The outputs inside a composite, in order."""

    def to_dict(self) -> dict[str, Any]:
        """Return the output as a dict; contents keep their Python types."""
        plain = {name: value for name, value in self.__dict__.items() if value is not None and name != "steps"}
        if self.steps is not None:
            plain["steps"] = [output.to_dict() for output in self.steps]
        return plain

    def find(self, name: str) -> "StepOutput | None":
        """Return the output of a step of this name, here or inside."""
        if self.step_name == name:
            return self
        for output in self.steps or ():
            found = output.find(name)
            if found is not None:
                return found
        return None


@dataclass
class StepInput:
    """What a step function gets; the same before and after a resume."""

    input: Any = None
    """The workflow's input."""
    previous_step_content: Any = None
    """The content of the step before, in this list."""
    previous_step_outputs: Mapping[str, StepOutput] = field(default_factory=dict[str, StepOutput], repr=False)
    """Earlier outputs by step name; of namesakes, the latest."""
    additional_data: dict[str, Any] = field(default_factory=dict[str, Any])
    """The run's additional data; also `user_input`, `rejection_feedback` and `previous_output` where a person gave
    them."""

    def get_step_output(self, name: str) -> StepOutput | None:
        """Return an earlier output by step name, also from inside composites."""
        direct = self.previous_step_outputs.get(name)
        if direct is not None:
            return direct
        for output in self.previous_step_outputs.values():
            found = output.find(name)
            if found is not None:
                return found
        return None

    def get_step_content(self, name: str) -> Any:
        """Return the content of an earlier step; for Parallel, a dict by branch; None when it has not run."""
        output = self.get_step_output(name)
        return None if output is None else output.content

    def get_last_step_content(self) -> Any:
        """Return the content of the latest earlier step."""
        if not self.previous_step_outputs:
            return None
        return list(self.previous_step_outputs.values())[-1].content

    def get_all_previous_content(self) -> str:
        """Return all earlier contents as one text, a heading per step."""
        return "\n\n".join(f"## {name}\n{output.content}" for name, output in self.previous_step_outputs.items())


@dataclass
class RunContext:
    """Where a step runs; functions that take `run_context` get it."""

    run_id: str
    session_id: str
    user_id: str | None
    workflow_id: str | None
    workflow_name: str
    session_state: dict[str, Any]
    """The session's state; what a step changes is stored with its outcome."""
    dependencies: dict[str, Any]
    metadata: dict[str, Any]
    step_key: str
    """The journal key of this execution."""
    effect_key: str
    """The key of the first execution of this effect: a retry after a failure is the same effect, a new round of a
    review is another."""

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt at this effect, in every process: hand it to remotes that honour one.

        A person's retry after a failure keeps it, since the failed attempt may have gone through; an execution that a
        reviewer has sent back gets a new one.

        32 hexadecimal characters.
        """
        return hashlib.sha256(f"sayso/step/v1\x00{self.run_id}\x00{self.effect_key}".encode()).hexdigest()[:32]


@dataclass
class WorkflowExecutionInput:
    """What a workflow made of one function gets."""

    input: Any = None
    additional_data: dict[str, Any] | None = None


StepResult: TypeAlias = "StepOutput | Any"
"""What a step function may return."""
