"""From a primitive's `HumanReview` to the questions that people are asked."""

from typing import Any

from sayso.core.codec import to_json
from sayso.model.errors import StepFailed
from sayso.model.tasks import (
    ApprovalRequest,
    ErrorRequest,
    FormRequest,
    OutputReviewRequest,
    RouteRequest,
    TaskRequest,
    TaskSpec,
    UserTask,
)
from sayso.programs.workflow import events
from sayso.programs.workflow.primitives import Condition, Loop, Node, Router, Step, Steps
from sayso.programs.workflow.review import reject_action, timeout_action
from sayso.programs.workflow.values import StepOutput


def confirmation(node: Node) -> TaskSpec:
    """Ask whether a primitive may run."""
    message = node.review.confirmation_message or default_confirmation(node)
    return _spec(node, ApprovalRequest(message=message))


def user_input(node: Step) -> TaskSpec:
    """Ask for a step's values; with confirmation, the answer is also the go-ahead."""
    review = node.review
    request = FormRequest(
        message=review.user_input_message or f"Enter the input of step '{node.name}'",
        fields=review.form_fields(),
        confirm=review.requires_confirmation,
        confirm_message=(review.confirmation_message or default_confirmation(node))
        if review.requires_confirmation
        else None,
    )
    return _spec(node, request)


def route(node: Router) -> TaskSpec:
    """Ask for the route."""
    choices = tuple(child.name for _, child in node.children)
    review = node.review
    request = RouteRequest(
        message=review.user_input_message or f"Select a route from: {', '.join(choices)}",
        choices=choices,
        multiple=review.allow_multiple_selections,
        fields=review.form_fields(),
    )
    return _spec(node, request)


def output_review(node: Node, content: Any, *, retry_count: int, problem: str | None) -> TaskSpec:
    """Ask whether an output is good."""
    request = OutputReviewRequest(
        message=node.review.output_review_message or f"Review output of step '{node.name}'",
        output=to_json(content),
        retry_count=retry_count,
        max_retries=node.review.max_retries,
        problem=problem,
    )
    return _spec(node, request, reviewing=True)


def iteration_review(node: Loop, content: Any, *, iteration: int) -> TaskSpec:
    """Ask whether a pass of a loop is good enough."""
    message = f"Loop '{node.name}' completed iteration {iteration}/{node.max_iterations}. Continue?"
    request = OutputReviewRequest(
        message=node.review.iteration_review_message or message,
        output=to_json(content),
        iteration=iteration,
        max_iterations=node.max_iterations,
        max_retries=0,
    )
    return _spec(node, request, reviewing=True)


def error(node: Node, failure: StepFailed, *, retry_count: int) -> TaskSpec:
    """Ask what to do about a failure."""
    request = ErrorRequest(
        message=f"Step '{node.name}' failed: {failure.error_message}",
        error_type=failure.error_type,
        error_message=failure.error_message,
        retry_count=retry_count,
        max_retries=node.review.max_retries,
    )
    return _spec(node, request)


def default_confirmation(node: Node) -> str:
    """Return the question that is asked where none is given."""
    match node:
        case Loop():
            return f"Execute loop '{node.name}'?"
        case Condition():
            return f"Execute condition '{node.name}'? (yes=if branch, no=else branch)"
        case Steps():
            return f"Execute steps pipeline '{node.name}'?"
        case Router():
            return f"Execute router '{node.name}' with selected steps?"
        case _:
            return f"Execute {node.kind.lower()} '{node.name}'?"


def pause_event(task: UserTask, output: StepOutput | None, **common: Any) -> events.BaseWorkflowRunEvent:
    """Return the event that tells of an opened task."""
    request = task.spec.request
    common |= {"requirement_id": task.id}
    match request:
        case ApprovalRequest():
            return events.StepPausedEvent(requires_confirmation=True, confirmation_message=request.message, **common)
        case FormRequest():
            return events.StepPausedEvent(
                requires_confirmation=request.confirm,
                confirmation_message=request.confirm_message,
                requires_user_input=True,
                user_input_message=request.message,
                user_input_schema=[_field_dict(field) for field in request.fields],
                **common,
            )
        case RouteRequest():
            return events.RouterPausedEvent(
                available_choices=list(request.choices),
                user_input_message=request.message,
                allow_multiple_selections=request.multiple,
                **common,
            )
        case OutputReviewRequest():
            return events.StepOutputReviewEvent(output_review_message=request.message, step_output=output, **common)
        case ErrorRequest():
            return events.StepErrorEvent(error=request.error_message, **common)
        case _:
            raise AssertionError(f"a step does not ask for a {request.kind}")


def _field_dict(field: Any) -> dict[str, Any]:
    return {
        "name": field.name,
        "field_type": field.field_type,
        "description": field.description,
        "value": field.value,
        "required": field.required,
        "allowed_values": None if field.allowed_values is None else list(field.allowed_values),
    }


def _spec(node: Node, request: TaskRequest, *, reviewing: bool = False) -> TaskSpec:
    review = node.review
    return TaskSpec(
        request=request,
        step_name=node.name,
        step_type=node.kind,
        on_reject=reject_action(review, default="skip" if reviewing else node.default_reject, reviewing=reviewing),
        timeout_seconds=None if review.timeout is None else float(review.timeout),  # pyright: ignore[reportArgumentType] - seconds since __post_init__
        on_timeout=timeout_action(review),
        extensions=None if review.timeout is None else review.extensions,
    )
