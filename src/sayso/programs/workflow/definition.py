"""A workflow as data: its tree, its shape, and what a run of it starts with."""

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any, cast

from sayso.core.fingerprint import Shape
from sayso.core.keys import join, segments
from sayso.programs.context import Execution
from sayso.programs.workflow.interpreter import WorkflowExecution
from sayso.programs.workflow.primitives import Condition, Item, Loop, Node, Router, Step, nodes_of
from sayso.programs.workflow.review import OnError


class WorkflowDefinition:
    """A named tree of steps; a `Program` for the runtime.

    Args:
        name: The name under which runs are stored; give it in production, so that a rename of code cannot lose a run.
        steps: The tree, or one function of `(workflow, WorkflowExecutionInput)`.
        id: An id for people and APIs; derived from the name by default.
        description: For people.
        dependencies: Values handed to every step; they live in code and are not stored.
        metadata: Plain values handed to every step.

    Raises:
        ValueError: The tree is empty or holds something that is no step.
    """

    def __init__(
        self,
        name: str = "workflow",
        *,
        steps: Sequence[Item] | Callable[..., Any] | None = None,
        id: str | None = None,
        description: str | None = None,
        dependencies: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        if not name:
            raise ValueError("Expected a name for the workflow, but it is empty.")
        self.name = name
        self.id = id or "-".join(re.findall(r"[a-z0-9]+", name.lower())) or "workflow"
        self.description = description
        self.dependencies = dependencies or {}
        self.metadata = metadata or {}
        self.function = steps if callable(steps) and not isinstance(steps, Sequence) else None
        found = (
            [Step(_name_of(self.function), _whole(self.function))]
            if self.function is not None
            else nodes_of(cast("Any", steps), f"workflow '{name}'")
        )
        self.nodes: Sequence[tuple[str, Node]] = tuple(zip(segments([node.name for node in found]), found, strict=True))

    def shape(self) -> Shape:
        """Return every static key of the tree with its kind; see core/fingerprint.py."""
        found: dict[str, str] = {}
        _describe(self.nodes, "", found)
        return found

    def execution(self) -> Execution:
        """Return a fresh pass over the tree."""
        return WorkflowExecution(self)


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _whole(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of `(workflow, execution_input)`, under any names, as a step's function."""
    names = list(inspect.signature(function).parameters)
    if len(names) < 2 or {"workflow", "execution_input"} <= set(names):
        return function

    def step(workflow: Any, execution_input: Any, run_context: Any, session_state: Any) -> Any:
        given = {"run_context": run_context, "session_state": session_state}
        return function(workflow, execution_input, **{name: given[name] for name in names[2:] if name in given})

    return step


def _describe(nodes: Sequence[tuple[str, Node]], path: str, found: dict[str, str]) -> None:
    names = [node.name for _, node in nodes]
    for name, node in nodes:
        here = join(path, name)
        count = names.count(node.name)
        nested = isinstance(node, Step) and node.workflow is not None
        kind = "Workflow" if nested else node.kind
        if isinstance(node, Condition) and isinstance(node.evaluator, bool) and not node.review.requires_confirmation:
            kind = f"{kind}, always {node.evaluator}"
        found[here] = kind if count == 1 else f"{kind}, one of {count} namesakes"
        found.update({f"{here}{suffix}": what for suffix, what in _questions(node).items()})
        inner = cast("Step", node).workflow if nested else None
        _describe(node.children if inner is None else inner.nodes, here, found)


def _questions(node: Node) -> dict[str, str]:
    """Return the keys of a node beside its own, with their kinds."""
    review = node.review
    asked = {
        "?confirm": review.requires_confirmation
        and not (isinstance(node, Step) and review.requires_user_input)
        and "approval",
        "?input": isinstance(node, Step) and review.requires_user_input and "form",
        "?route": isinstance(node, Router)
        and bool(review.requires_user_input or review.requires_output_review)
        and "route",
        "?review": bool(review.requires_output_review or review.requires_iteration_review) and "review",
        ":review-if": callable(review.requires_output_review) and "predicate",
        "?error": review.on_error is OnError.pause and "error",
        ":evaluator": isinstance(node, Condition) and callable(node.evaluator) and "evaluator",
        ":end": isinstance(node, Loop) and node.end_condition is not None and "end condition",
        ":selector": isinstance(node, Router) and node.selector is not None and "selector",
    }
    return {suffix: str(what) for suffix, what in asked.items() if what}
