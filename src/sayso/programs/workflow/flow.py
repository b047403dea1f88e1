"""What flows through a tree, and what the interpreter offers to the parts that run it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from sayso.core.codec import from_json
from sayso.model.decisions import Outcome
from sayso.model.tasks import TaskSpec
from sayso.programs.context import Context
from sayso.programs.workflow.events import BaseWorkflowRunEvent
from sayso.programs.workflow.primitives import Nested, Node
from sayso.programs.workflow.values import StepInput, StepOutput


class Flow(NamedTuple):
    """What one primitive hands to the next."""

    input: Any
    outputs: dict[str, StepOutput]
    additional: dict[str, Any]
    previous: Any = None
    depth: int = 0
    parent: str | None = None
    dependencies: Mapping[str, Any] = MappingProxyType({})
    """Those of the workflows around, the innermost last."""
    metadata: Mapping[str, Any] = MappingProxyType({})

    def inside(self, path: str) -> "Flow":
        """Return the flow of a list inside `path`."""
        return self._replace(outputs=dict(self.outputs), depth=self.depth + 1, parent=path)

    def after(self, output: StepOutput) -> "Flow":
        """Return the flow behind an item of the same list; the list's outputs are shared, not copied."""
        self.outputs.pop(str(output.step_name), None)  # of namesakes the latest counts, and comes last
        self.outputs[str(output.step_name)] = output
        return Flow(  # written out: `_replace` takes three times as long, behind every step of every replay
            self.input,
            self.outputs,
            self.additional,
            output.content,
            self.depth,
            self.parent,
            self.dependencies,
            self.metadata,
        )

    def with_data(self, **data: Any) -> "Flow":
        """Return the flow with more additional data."""
        return self._replace(additional={**self.additional, **data})

    def step_input(self, **data: Any) -> StepInput:
        """Return what a step function gets."""
        return StepInput(
            input=self.input,
            previous_step_content=self.previous,
            previous_step_outputs=dict(self.outputs),
            additional_data={**self.additional, **data},
        )


@dataclass(frozen=True, slots=True)
class Pause:
    """A question of this pass, with what it is about; answered or not."""

    step_input: StepInput
    step_output: StepOutput | None = None


def edit(output: StepOutput, outcome: Outcome) -> Outcome:
    """Let a person's edit, where the answer holds one, take the place of an output's content."""
    if outcome.edited:
        output.content = from_json(outcome.content)
    return outcome


class Decider(Protocol):
    """Runs user code that decides a way, journaled once."""

    async def decide(
        self,
        key: str,
        function: Callable[..., Any],
        argument: Any,
        flow: Flow,
        then: Callable[[Any], Any],
    ) -> Any:
        """Return what the user's function says about the argument, made plain by `then`, now and on every replay."""
        ...


class Interpreter(Protocol):
    """What leaves and composites need of the interpreter."""

    ctx: Context
    definition: Nested
    granted: set[str]
    session_state: dict[str, Any]

    @property
    def leaves(self) -> Decider:
        """User code that decides a way."""
        ...

    async def sequence(
        self, nodes: Sequence[tuple[str, Node]], path: str, flow: Flow, results: list[StepOutput] | None = None
    ) -> list[StepOutput]:
        """Run items one after the other."""
        ...

    async def node(self, node: Node, path: str, flow: Flow) -> StepOutput | None:
        """Run one primitive."""
        ...

    async def ask(self, node: Node, key: str, spec: TaskSpec, flow: Flow, output: StepOutput | None = None) -> Outcome:
        """Ask a person."""
        ...

    async def review(self, node: Node, key: str, output: StepOutput, flow: Flow, *, round_: int) -> Outcome:
        """Have an output reviewed where the primitive asks for it; a person's edit becomes its content."""
        ...

    def announce(self, kind: type[BaseWorkflowRunEvent], node: Node, path: str, flow: Flow, **more: Any) -> None:
        """Tell the listeners."""
        ...

    def about(self, node: Node, path: str, flow: Flow) -> dict[str, Any]:
        """Return the fields that every event of a primitive has."""
        ...

    async def bracketed(
        self,
        node: Node,
        path: str,
        flow: Flow,
        kinds: tuple[type[BaseWorkflowRunEvent], type[BaseWorkflowRunEvent]],
        body: Callable[[], Awaitable[list[StepOutput]]],
        **more: Any,
    ) -> list[StepOutput]:
        """Run a body between its events."""
        ...
