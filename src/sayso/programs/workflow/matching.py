"""Stored tasks as requirements, and what may differ when a requirement comes back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sayso.core.codec import from_json
from sayso.model.decisions import Outcome
from sayso.model.errors import Invalid
from sayso.model.tasks import (
    ApprovalRequest,
    ErrorRequest,
    FormRequest,
    OutputReviewRequest,
    RouteRequest,
    StepRequest,
    UserTask,
)
from sayso.programs.workflow.flow import Pause
from sayso.programs.workflow.requirement import ErrorRequirement, Requirement, StepRequirement
from sayso.programs.workflow.review import UserInputField


def requirement_of(
    task: UserTask, pause: Pause | None, *, now: datetime, index: int | None, outcome: Outcome | None = None
) -> StepRequirement | ErrorRequirement:
    """Return the requirement that shows a stored task, and how it was decided where `outcome` says so."""
    spec = task.spec
    common: dict[str, Any] = {
        "id": task.id,
        "step_id": task.key.partition("?")[0],
        "step_name": spec.step_name,
        "step_type": spec.step_type,
        "step_index": index,
        "digest": task.digest,
        "status": str(task.status_at(now)),
        "decided_by": task.decided_by,
        "decided_at": task.decided_at,
        "timeout_at": task.due_at,
        "on_timeout": None if task.due_at is None else spec.on_timeout,
        "on_reject": spec.on_reject,
        "step_input": None if pause is None else pause.step_input,
    }
    request = spec.request
    if isinstance(request, ErrorRequest):
        return ErrorRequirement(
            **common,
            error_message=request.error_message,
            error_type=request.error_type,
            retry_count=request.retry_count,
            max_retries=request.max_retries,
            decision=cast("Any", task.verdict if task.verdict in {"retry", "skip"} else None),
        )
    requirement = StepRequirement(**common, **_question(cast("StepRequest", request), task, pause))
    if outcome is not None:
        _answered(requirement, outcome)
    return requirement


def _answered(requirement: StepRequirement, outcome: Outcome) -> None:
    """Fill in what was said."""
    requirement.note = outcome.note
    if outcome.verdict == "reject":
        requirement.rejection_feedback = outcome.note
    if outcome.values is not None:
        requirement.user_input = from_json(dict(outcome.values))
    if outcome.choices:
        requirement.selected_choices = list(outcome.choices)
    if outcome.edited:
        requirement.edited_output = from_json(outcome.content)


def _question(request: StepRequest, task: UserTask, pause: Pause | None) -> dict[str, Any]:
    """Return the fields of a step's requirement that belong to its kind of question."""
    match request:
        case ApprovalRequest():
            return {
                "requires_confirmation": True,
                "confirmation_message": request.message,
                "confirmed": _said(task),
            }
        case FormRequest():
            return {
                "requires_confirmation": request.confirm,
                "confirmation_message": request.confirm_message,
                "requires_user_input": True,
                "user_input_message": request.message,
                "user_input_schema": _schema(request.fields),
                "_defaults": _schema(request.fields),
                "confirmed": _said(task),
            }
        case RouteRequest():
            return {
                "requires_route_selection": True,
                "user_input_message": request.message,
                "available_choices": list(request.choices),
                "allow_multiple_selections": request.multiple,
                "user_input_schema": _schema(request.fields) if request.fields else None,
            }
        case OutputReviewRequest():
            return {
                "requires_output_review": True,
                "output_review_message": request.message,
                "is_post_execution": True,
                "step_output": None if pause is None else pause.step_output,
                "retry_count": request.retry_count,
                "max_retries": request.max_retries,
                "review_problem": request.problem,
                "confirmed": _said(task),
            }
        case ErrorRequest():
            return {}


_FIXED = (
    "step_id",
    "step_name",
    "step_type",
    "digest",
    "requires_confirmation",
    "confirmation_message",
    "requires_user_input",
    "user_input_message",
    "requires_route_selection",
    "available_choices",
    "allow_multiple_selections",
    "requires_output_review",
    "output_review_message",
    "retry_count",
    "max_retries",
    "timeout_at",
    "on_timeout",
    "error_message",
    "error_type",
)


def refuse_changed(given: Requirement, stored: Requirement) -> None:
    """Refuse a requirement that says anything else than the stored one, apart from its answer.

    Raises:
        ValueError: Naming the field that was changed.
    """
    if type(given) is not type(stored):
        raise Invalid(f"Expected a {type(stored).__name__} for '{stored.step_id}', but got a {type(given).__name__}.")
    for name in _FIXED:
        was, now = getattr(stored, name, None), getattr(given, name, None)
        earlier = name == "timeout_at" and was is not None and now is not None and now < was  # read before an extension
        if now != was and not earlier and not (now is None or now in (False, "", 0)):
            raise Invalid(
                f"Expected '{name}' of requirement {stored.id} to be as stored, but it was changed to {now!r}."
            )
    if given.on_reject not in {None, stored.on_reject, "cancel"}:
        raise Invalid(
            f"Expected on_reject of requirement {stored.id} to be as stored ('{stored.on_reject}') or 'cancel'."
        )


def _said(task: UserTask) -> bool | None:
    return None if task.verdict is None else task.verdict not in {"reject", "cancel", "skip"}


def _schema(asked: Sequence[Any]) -> list[UserInputField]:
    return [
        UserInputField(item.name, item.field_type, item.description, item.value, item.required, item.allowed_values)
        for item in asked
    ]
