"""The primitives of a workflow: Step, Steps, Condition, Loop, Router, Parallel, and the `@pause` decorator.

They are data; interpreter.py runs them. A list may also hold plain functions and workflows, which become steps. Each
primitive's children carry a path segment (core/keys.py) by which a run finds them again.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

from sayso.core.keys import segments
from sayso.model.tasks import OnRejectAction
from sayso.programs.agent.definition import AgentDefinition
from sayso.programs.workflow.review import Abilities, HumanReview, OnError, UserInputField, check_review

F = TypeVar("F", bound=Callable[..., Any])
_PAUSE = "__sayso_pause__"


class Node:
    """Base of every primitive."""

    kind: ClassVar[str]
    abilities: ClassVar[Abilities] = Abilities()
    default_reject: ClassVar[OnRejectAction] = "skip"

    def __init__(
        self, name: str, children: Sequence["Node"], human_review: HumanReview | None, description: str | None
    ) -> None:
        if not name:
            raise ValueError(f"Expected a name for the {self.kind}, but it is empty.")
        self.name = name
        self.description = description
        self.review = human_review or HumanReview()
        if not isinstance(self.review, HumanReview):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
            raise ValueError(
                f"Expected human_review of {self.kind} '{name}' to be a HumanReview; got {human_review!r}."
            )
        check_review(self.kind, name, self.review, self.abilities)
        self.children = tuple(zip(segments([child.name for child in children]), children, strict=True))

    @property
    def human_review(self) -> HumanReview:
        """The gates of this primitive."""
        return self.review

    @property
    def on_error(self) -> OnError:
        """What a failure in here does."""
        return cast("OnError", self.review.on_error)


@runtime_checkable
class Nested(Protocol):
    """A workflow that is used as a step."""

    name: str
    nodes: "Sequence[tuple[str, Node]]"
    dependencies: dict[str, Any]
    metadata: dict[str, Any]


class Step(Node):
    """One unit of work: a function, or a whole workflow.

    Args:
        name: Its name; a function's own name (or that of its `@pause`) by default.
        executor: A sync or async function of `StepInput` (and `run_context`, `session_state` if it takes them).
        workflow: A workflow that runs inside this one, with its gates.
        agent: An agent that works inside this run, with the gates of its tools.
        team: A team, in the same way.
        step_id: Ignored for identity, which is the path of names; kept for callers that set it.
        description: For people.
        max_retries: How often a failing execution is tried again by itself.
        skip_on_failure: Short for `HumanReview(on_error="skip")`.
        human_review: Its gates; an explicit one wins over `@pause`.

    Raises:
        ValueError: Not exactly one of `executor` and `workflow`, or a gate that does not fit.
    """

    kind = "Step"
    abilities = Abilities(user_input=True, output_review=True)

    def __init__(
        self,
        name: str | None = None,
        executor: Callable[..., Any] | None = None,
        *,
        workflow: Nested | None = None,
        agent: AgentDefinition | None = None,
        team: AgentDefinition | None = None,
        step_id: str | None = None,
        description: str | None = None,
        max_retries: int = 0,
        skip_on_failure: bool = False,
        human_review: HumanReview | None = None,
    ) -> None:
        agent = agent or team
        if sum(item is not None for item in (executor, workflow, agent)) != 1:
            raise ValueError(f"Expected exactly one of executor, workflow, agent and team on step {name!r}.")
        if agent is not None and not isinstance(agent, AgentDefinition):  # pyright: ignore[reportUnnecessaryIsInstance] - see Node
            raise ValueError(f"Expected agent of step {name!r} to be an Agent or a Team, but got {agent!r}.")
        if executor is not None and not callable(executor):
            raise ValueError(f"Expected the executor of step {name!r} to be a function, but got {executor!r}.")
        if type(max_retries) is not int or max_retries < 0:
            raise ValueError(f"Expected max_retries of step {name!r} to be 0 or more, but got {max_retries!r}.")
        if executor is None and max_retries:
            raise ValueError(f"Expected max_retries on a step with a function, but step {name!r} has none.")
        paused = cast("_Pause | None", getattr(executor, _PAUSE, None))
        review = human_review or (paused.review if paused is not None else HumanReview())
        if skip_on_failure and isinstance(review, HumanReview):  # pyright: ignore[reportUnnecessaryIsInstance] - see Node
            if review.on_error is OnError.pause:
                raise ValueError(f"Expected skip_on_failure or on_error='pause' on step {name!r}, but both are set.")
            review = replace(review, on_error=OnError.skip)
        inferred = (
            (paused.name if paused is not None else None)
            or _function_name(executor)
            or getattr(workflow or agent, "name", None)
        )
        super().__init__(name or inferred or "step", (), review, description)
        self.executor = executor
        self.workflow = workflow
        self.agent = agent
        self.step_id = step_id
        self.max_retries = max_retries


class Steps(Node):
    """A sequence that is one item: each step gets the output of the one before.

    Args:
        name: Its name.
        steps: What runs, in order.
        description: For people.
        human_review: Confirmation, error policy and deadline.
    """

    kind = "Steps"

    def __init__(
        self,
        name: str = "steps",
        description: str | None = None,
        steps: "Sequence[Item] | None" = None,
        human_review: HumanReview | None = None,
    ) -> None:
        super().__init__(name, nodes_of(steps, f"Steps '{name}'"), human_review, description)


class Condition(Node):
    """One way or the other.

    Args:
        evaluator: A bool, or a function of `StepInput`; not asked when a person confirms.
        steps: What runs when true (or confirmed).
        else_steps: What runs when false (or rejected, unless `on_reject` says otherwise).
        name: Its name.
        description: For people.
        human_review: With `requires_confirmation`, a person decides instead of the evaluator.
    """

    kind = "Condition"
    abilities = Abilities(else_branch=True)
    default_reject: ClassVar[OnRejectAction] = "else"

    def __init__(
        self,
        evaluator: bool | Callable[..., Any] = True,
        steps: "Sequence[Item] | None" = None,
        else_steps: "Sequence[Item] | None" = None,
        name: str = "condition",
        description: str | None = None,
        human_review: HumanReview | None = None,
    ) -> None:
        if not isinstance(evaluator, bool) and not callable(evaluator):
            raise ValueError(
                f"Expected the evaluator of Condition '{name}' to be a bool or a function; got {evaluator!r}."
            )
        yes, no = nodes_of(steps, f"Condition '{name}'"), nodes_of(else_steps or (), f"Condition '{name}'", empty=True)
        super().__init__(name, [*yes, *no], human_review, description)
        self.evaluator = evaluator
        self.yes, self.no = self.children[: len(yes)], self.children[len(yes) :]


class Loop(Node):
    """The same steps again, until the end condition holds, a reviewer accepts, or the passes are used up.

    Args:
        steps: One pass.
        name: Its name.
        description: For people.
        max_iterations: The most passes.
        end_condition: A function of the pass's list of `StepOutput`; true ends the loop.
        forward_iteration_output: Whether a pass gets the last content of the one before.
        human_review: Confirmation, or a review of each pass.
    """

    kind = "Loop"
    abilities = Abilities(iteration_review=True)

    def __init__(
        self,
        steps: "Sequence[Item]",
        name: str = "loop",
        description: str | None = None,
        max_iterations: int = 3,
        end_condition: Callable[..., Any] | None = None,
        forward_iteration_output: bool = False,
        human_review: HumanReview | None = None,
    ) -> None:
        if type(max_iterations) is not int or max_iterations < 1:
            raise ValueError(f"Expected max_iterations of Loop '{name}' to be 1 or more, but got {max_iterations!r}.")
        if human_review is not None and human_review.requires_iteration_review and max_iterations == 1:
            raise ValueError(f"Expected Loop '{name}' to have a pass after the one that is reviewed, but it has one.")
        if end_condition is not None and not callable(end_condition):
            raise ValueError(f"Expected end_condition of Loop '{name}' to be a function, but got {end_condition!r}.")
        super().__init__(name, nodes_of(steps, f"Loop '{name}'"), human_review, description)
        self.max_iterations = max_iterations
        self.end_condition = end_condition
        self.forward_iteration_output = forward_iteration_output


class Router(Node):
    """One or several of the choices, picked by a function or by a person.

    Args:
        choices: What can run; a nested list becomes a group named `steps_group_<i>`.
        selector: A function of `StepInput` that returns a choice, its name, or a list of them.
        name: Its name.
        description: For people.
        human_review: `requires_user_input` lets a person choose; an output review can send back to the choice.
    """

    kind = "Router"
    abilities = Abilities(routes=True, output_review=True)

    def __init__(
        self,
        choices: "Sequence[Item | Sequence[Item]]",
        selector: Callable[..., Any] | None = None,
        name: str = "router",
        description: str | None = None,
        human_review: HumanReview | None = None,
    ) -> None:
        items: list[Any] = [
            Steps(name=f"steps_group_{number}", steps=list(cast("Sequence[Item]", choice)))
            if isinstance(choice, list | tuple)
            else choice
            for number, choice in enumerate(choices)
        ]
        super().__init__(name, nodes_of(items, f"Router '{name}'"), human_review, description)
        names = [child.name for _, child in self.children]
        if len(set(names)) != len(names):
            raise ValueError(f"Expected distinct choices on Router '{name}', but got {', '.join(names)}.")
        if selector is None and not self.review.requires_user_input:
            raise ValueError(
                f"Expected a selector on Router '{name}', or requires_user_input so that a person chooses."
            )
        if selector is not None and not callable(selector):
            raise ValueError(f"Expected the selector of Router '{name}' to be a function, but got {selector!r}.")
        self.selector = selector


class Parallel(Node):
    """Branches side by side; each may pause for itself, and deciding one moves that one.

    Args:
        steps: The branches. Its content is a dict of their contents by name.
        name: Its name.
        description: For people.
        human_review: Confirmation, error policy and deadline.
    """

    kind = "Parallel"

    def __init__(
        self,
        *steps: "Item",
        name: str = "parallel",
        description: str | None = None,
        human_review: HumanReview | None = None,
    ) -> None:
        super().__init__(name, nodes_of(steps, f"Parallel '{name}'"), human_review, description)


Item: TypeAlias = Node | Callable[..., Any] | Nested
"""What a list of steps may hold."""


def nodes_of(items: Iterable[Any] | None, where: str, *, empty: bool = False) -> list[Node]:
    """Return the primitives that a list stands for.

    Raises:
        ValueError: An item is none, or the list is empty.
    """
    if items is None or isinstance(items, str):
        raise ValueError(f"Expected a list of steps for {where}, but got {items!r}.")
    found = [_node_of(item, where) for item in items]
    if not found and not empty:
        raise ValueError(f"Expected at least one step in {where}.")
    return found


def _node_of(item: Any, where: str) -> Node:
    if isinstance(item, Node):
        return item
    if isinstance(item, AgentDefinition):
        return Step(agent=item)
    if isinstance(item, Nested):
        return Step(workflow=item)
    if callable(item):
        return Step(name=_function_name(item), executor=item)
    raise ValueError(f"Expected a step, a function or a workflow in {where}, but got {item!r}.")


def _function_name(function: Callable[..., Any] | None) -> str | None:
    return None if function is None else getattr(function, "__name__", type(function).__name__)


@dataclass(frozen=True, slots=True)
class _Pause:
    """What `@pause` leaves on a function."""

    name: str | None
    review: HumanReview


def pause(
    name: str | None = None,
    *,
    requires_confirmation: bool = False,
    confirmation_message: str | None = None,
    requires_user_input: bool = False,
    user_input_message: str | None = None,
    user_input_schema: Sequence[UserInputField | dict[str, Any]] | None = None,
) -> Callable[[F], F]:
    """Give a step function its gates; the function itself stays as it is.

    Args:
        name: The name of a `Step(executor=f)` that has none of its own.
        requires_confirmation: Ask before it runs.
        confirmation_message: The question.
        requires_user_input: Ask for values before it runs.
        user_input_message: The question.
        user_input_schema: The values asked for.

    Raises:
        ValueError: See `HumanReview`.
    """
    if callable(name):
        raise ValueError("Expected @pause(...) with what it asks for, but got @pause without parentheses.")
    review = HumanReview(
        requires_confirmation=requires_confirmation,
        confirmation_message=confirmation_message,
        requires_user_input=requires_user_input,
        user_input_message=user_input_message,
        user_input_schema=user_input_schema,
    )

    def mark(function: F) -> F:
        setattr(function, _PAUSE, _Pause(name, review))
        return function

    return mark
