"""`HumanReview`: which gates a primitive has, and what their answers do.

Everything is checked when it is written: an unknown value, a gate that the primitive cannot honour, or a policy that
does not fit is a `ValueError`, because a gate that silently does nothing is worse than none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar, cast

from sayso.core import forms
from sayso.core.deadlines import allowed_extensions
from sayso.model.tasks import MOST_EXTENSIONS, FormField, OnRejectAction, OnTimeoutAction
from sayso.programs.fields import UserInputField, field_of

_CENTURY = 100 * 366 * 86_400
_E = TypeVar("_E", bound=StrEnum)


class OnReject(StrEnum):
    """What a rejection does."""

    skip = "skip"
    """Go on without the step (or discard the reviewed output)."""
    cancel = "cancel"
    """End the run as cancelled."""
    else_branch = "else"
    """Take the `else_steps`; for Condition only."""
    retry = "retry"
    """Run again with the feedback; for output and iteration reviews."""


class OnTimeout(StrEnum):
    """What a passed deadline does."""

    approve = "approve"
    """Go ahead, as if it were approved."""
    reject = "reject"
    """As a rejection: what `on_reject` says."""
    cancel = "cancel"
    """End the run as cancelled."""
    skip = "skip"
    """Go on without the step."""


class OnError(StrEnum):
    """What a failing step does."""

    fail = "fail"
    """End the run in ERROR."""
    skip = "skip"
    """Record the error and go on."""
    pause = "pause"
    """Ask a person: retry or skip."""


@dataclass
class HumanReview:
    """The gates of one primitive and their policies.

    Args:
        requires_confirmation: Ask before it runs.
        confirmation_message: The question; a default names the primitive.
        requires_user_input: Ask for values before it runs (Step), or for the route (Router).
        user_input_message: The question.
        user_input_schema: The values asked for, as `UserInputField` or dicts.
        allow_multiple_selections: Whether several routes may be chosen (Router).
        requires_output_review: Show the output before the run goes on: a flag, or a predicate of the `StepOutput`.
        output_review_message: The question.
        requires_iteration_review: Show each pass of a Loop.
        iteration_review_message: The question.
        on_reject: What a rejection does; None means the primitive's own default (`else` for Condition, else `skip`).
        on_error: What a failure does.
        max_retries: How many rejections end the run (output review), and how often an error may be retried; 0 sets
            no limit.
        timeout: Seconds (or a timedelta) that every question of this primitive may wait.
        on_timeout: What happens then.
        extensions: How often people may extend the deadline, each time by `timeout`: 10 times at most, which is also
            what counts where nothing is said; 0 makes it a hard deadline.

    Raises:
        ValueError: A value is unknown, or the policies do not fit each other.
    """

    requires_confirmation: bool = False
    confirmation_message: str | None = None
    requires_user_input: bool = False
    user_input_message: str | None = None
    user_input_schema: Sequence[UserInputField | Mapping[str, Any]] | None = None
    allow_multiple_selections: bool = False
    requires_output_review: bool | Callable[[Any], bool] = False
    output_review_message: str | None = None
    requires_iteration_review: bool = False
    iteration_review_message: str | None = None
    on_reject: OnReject | str | None = None
    on_error: OnError | str = OnError.fail
    max_retries: int = 3
    timeout: float | timedelta | None = None
    on_timeout: OnTimeout | str = OnTimeout.cancel
    extensions: int = MOST_EXTENSIONS

    def __post_init__(self) -> None:
        self.on_reject = None if self.on_reject is None else _enum(OnReject, self.on_reject, "on_reject")
        self.on_error = _enum(OnError, self.on_error, "on_error")
        self.on_timeout = _enum(OnTimeout, self.on_timeout, "on_timeout")
        for name in (
            "requires_confirmation",
            "requires_user_input",
            "allow_multiple_selections",
            "requires_iteration_review",
        ):
            _flag(name, self.__dict__[name])
        if not callable(self.requires_output_review):
            _flag("requires_output_review", self.requires_output_review)
        if self.requires_output_review and self.requires_iteration_review:
            raise ValueError("Expected requires_output_review or requires_iteration_review, but both are set.")
        if type(self.max_retries) is not int or self.max_retries < 0:
            raise ValueError(f"Expected max_retries to be 0 (no limit) or more, but got {self.max_retries!r}.")
        self.timeout = _seconds(self.timeout)
        allowed_extensions(self.extensions, "extensions")
        self.user_input_schema = [field_of(item) for item in self.user_input_schema or ()]
        if not self.requires_user_input and (self.user_input_schema or self.user_input_message):
            raise ValueError("Expected requires_user_input=True beside user_input_schema or user_input_message.")
        names = [field.name for field in self.fields()]
        if len(set(names)) != len(names):
            raise ValueError(f"Expected distinct field names, but got {', '.join(names)}.")
        if self.on_reject is OnReject.retry and not (self.requires_output_review or self.requires_iteration_review):
            raise ValueError(
                "Expected on_reject='retry' beside an output or iteration review, but there is none:"
                " what was rejected before it ran cannot be run again."
            )

    def fields(self) -> list[UserInputField]:
        """Return the values asked for."""
        return cast("list[UserInputField]", list(self.user_input_schema or ()))

    def form_fields(self) -> tuple[FormField, ...]:
        """Return the values asked for, as they are stored with a task."""
        return tuple(field.to_field() for field in self.fields())

    def pauses(self) -> bool:
        """Tell whether any question can be asked."""
        return bool(
            self.requires_confirmation
            or self.requires_user_input
            or self.requires_output_review
            or self.requires_iteration_review
            or self.on_error is OnError.pause
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """Which gates a primitive can honour."""

    user_input: bool = False
    routes: bool = False
    output_review: bool = False
    iteration_review: bool = False
    else_branch: bool = False


def check_review(kind: str, name: str, review: HumanReview, can: Abilities) -> None:
    """Refuse gates that this primitive cannot honour.

    Raises:
        ValueError: With the primitive, the setting, and what to do.
    """
    refused = {
        "requires_user_input": review.requires_user_input and not (can.user_input or can.routes),
        "allow_multiple_selections": review.allow_multiple_selections and not can.routes,
        "requires_output_review": bool(review.requires_output_review) and not can.output_review,
        "requires_iteration_review": review.requires_iteration_review and not can.iteration_review,
        "on_reject='else'": review.on_reject is OnReject.else_branch and not can.else_branch,
    }
    for setting, wrong in refused.items():
        if wrong:
            raise ValueError(
                f"Expected a gate that {kind} '{name}' can honour, but {setting} is not one;"
                " put it on another primitive."
            )
    if review.timeout is not None and not review.pauses():
        raise ValueError(f"Expected {kind} '{name}' to ask something when it has a timeout, but no gate is set.")
    if can.user_input and review.requires_user_input and not review.user_input_schema:
        raise ValueError(f"Expected user_input_schema on {kind} '{name}', which requires user input.")
    reroutes = can.routes and review.on_reject is OnReject.retry
    asks = review.requires_user_input or reroutes
    if review.timeout is not None and review.on_timeout is OnTimeout.approve and asks:
        if can.routes:
            raise ValueError(
                f"Expected a policy that {kind} '{name}' can carry out, but a deadline cannot choose a route."
            )
        if not forms.can_default(review.form_fields()):
            raise ValueError(
                f"Expected defaults for every required field of {kind} '{name}',"
                " since on_timeout='approve' answers with them."
            )


def reject_action(review: HumanReview, *, default: OnRejectAction, reviewing: bool) -> OnRejectAction:
    """Return what a rejection does; `retry` counts for reviews only, before execution it means the default."""
    chosen = cast("OnReject | None", review.on_reject)
    if chosen is None or (chosen is OnReject.retry and not reviewing):
        return default
    if chosen is OnReject.else_branch and reviewing:
        return "skip"
    return chosen.value


def timeout_action(review: HumanReview) -> OnTimeoutAction:
    """Return what a passed deadline does."""
    return cast("OnTimeout", review.on_timeout).value


def _enum(kind: type[_E], value: str, name: str) -> _E:
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"Expected {name} to be one of {', '.join(kind)}; got {value!r}.") from None


def _flag(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"Expected {name} to be True or False, but got {value!r}.")


def _seconds(timeout: object) -> float | None:
    if timeout is None:
        return None
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= _CENTURY:
        raise ValueError(f"Expected timeout in seconds, more than 0 and at most a century, but got {timeout!r}.")
    return seconds
