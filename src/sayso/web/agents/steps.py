"""The steps of a workflow and their gates, in words. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sayso.programs.workflow.definition import WorkflowDefinition
from sayso.programs.workflow.primitives import Node, Step
from sayso.programs.workflow.review import HumanReview, OnError
from sayso.web.agents.gating import name_of
from sayso.web.wording import lasting

_REJECTED = {
    "skip": "goes on without it",
    "cancel": "the run is cancelled",
    "else": "takes the other way",
    "retry": "runs again with the feedback",
}
_LATE = {
    "approve": "goes ahead",
    "reject": "counts as rejected",
    "cancel": "the run is cancelled",
    "skip": "goes on without it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One step, at its place in the tree."""

    name: str
    kind: str
    depth: int
    about: str
    gates: tuple[str, ...]
    """What people are asked here; nothing where it runs by itself."""
    policies: tuple[str, ...]


def step_rows(workflow: WorkflowDefinition) -> list[StepRow]:
    """Return the tree of a workflow from top to bottom."""
    return list(_rows(workflow.nodes, 0))


def _rows(nodes: Sequence[tuple[str, Node]], depth: int) -> Iterator[StepRow]:
    for name, node in nodes:
        gates = tuple(_gates(node))
        policies = tuple(_policies(node)) if gates else ()
        kind, about = _kind(node)
        yield StepRow(name=name, kind=kind, depth=depth, about=about, gates=gates, policies=policies)
        inner = node.workflow if isinstance(node, Step) else None
        yield from _rows(node.children if inner is None else inner.nodes, depth + 1)


def _kind(node: Node) -> tuple[str, str]:
    about = node.description or ""
    if isinstance(node, Step) and node.agent is not None:
        return "Agent", about or f"The agent {node.agent.name} works here, with the gates of its tools."
    if isinstance(node, Step) and node.workflow is not None:
        return "Workflow", about
    return node.kind, about


def _gates(node: Node) -> Iterator[str]:
    review = node.review
    if review.requires_confirmation:
        yield "asks before it runs"
    if review.requires_user_input:
        names = ", ".join(field.name for field in review.fields())
        yield f"asks for {names}" if names else "a person chooses the way"
    if callable(review.requires_output_review):
        yield f"shows its output on a condition ({name_of(review.requires_output_review)})"
    elif review.requires_output_review:
        yield "shows its output before the run goes on"
    if review.requires_iteration_review:
        yield "shows each pass"
    if review.on_error is OnError.pause:
        yield "asks on a failure: retry or skip"


def _policies(node: Node) -> Iterator[str]:
    review: HumanReview = node.review
    rejected: Any = review.on_reject or node.default_reject
    if review.requires_confirmation or review.requires_output_review or review.requires_iteration_review:
        yield f"Rejected: {_REJECTED[str(rejected)]}"
    if isinstance(review.timeout, int | float):
        late = f"After {lasting(review.timeout)} without an answer: {_LATE[str(review.on_timeout)]}"
        yield late if review.extensions else f"{late}; a hard deadline"
