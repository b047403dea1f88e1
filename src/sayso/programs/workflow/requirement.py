"""Requirements: a run's questions as Python objects, with the methods that answer them.

A requirement is a view of a stored task plus the answer that its holder has given so far. Only the answer is ever
sent back; what a holder changes otherwise is refused, so a client cannot rewrite what it approves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from sayso.core import forms
from sayso.core.codec import to_json
from sayso.model.decisions import Answer, Approve, Choose, Edit, Reject, Retry, Skip, Verdict
from sayso.model.errors import Invalid
from sayso.programs.agent.requirement import RunRequirement
from sayso.programs.fields import UserInputField
from sayso.programs.requirement import Requirement
from sayso.programs.workflow.values import StepInput, StepOutput


@dataclass
class StepRequirement(Requirement):
    """A question about a step: confirmation, input, output review or route."""

    requires_confirmation: bool = False
    confirmation_message: str | None = None
    confirmed: bool | None = None
    requires_user_input: bool = False
    user_input_message: str | None = None
    user_input_schema: list[UserInputField] | None = None
    user_input: dict[str, Any] | None = None
    requires_route_selection: bool = False
    available_choices: list[str] | None = None
    allow_multiple_selections: bool = False
    selected_choices: list[str] | None = None
    requires_output_review: bool = False
    output_review_message: str | None = None
    is_post_execution: bool = False
    step_input: StepInput | None = None
    step_output: StepOutput | None = None
    rejection_feedback: str | None = None
    edited_output: Any = None
    retry_count: int = 0
    max_retries: int = 0
    requires_executor_input: bool = False
    executor_name: str | None = None
    executor_type: str | None = None
    executor_requirements: list[RunRequirement] = field(default_factory=list[RunRequirement])
    """The questions of an agent in this step, each answered by itself."""
    review_problem: str | None = None
    """Why the review is asked for although its condition failed."""
    note: str | None = None
    _edited: bool = field(default=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the requirement as a dict; contents keep their Python types."""
        plain = super().to_dict()
        for name in ("step_input", "step_output"):
            value = plain.pop(name, None)
            if isinstance(value, StepOutput):
                plain[name] = value.to_dict()
        if self._edited:
            plain["edited"] = True
        plain["executor_requirements"] = [item.to_dict() for item in self.executor_requirements]
        if "user_input_schema" in plain:
            plain["user_input_schema"] = [item.to_dict() for item in plain["user_input_schema"] or ()]
        return plain

    # -- answering ---------------------------------------------------------------------------------------

    def confirm(self, note: str | None = None) -> None:
        """Say yes: run the step, or keep the output.

        Raises:
            ValueError: The question is of another kind, or is settled.
        """
        self.refuse_if_settled()
        if not (self.requires_confirmation or self.requires_output_review):
            raise Invalid(f"Expected {self._wants()} on '{self.step_id}', not confirm().")
        self.confirmed, self.note = True, note
        self._edited, self.edited_output = False, None

    def reject(self, feedback: str | None = None, *, cancel_run: bool = False) -> None:
        """Say no; what follows is `on_reject`, or the end of the run with `cancel_run`.

        Raises:
            ValueError: The question is settled.
        """
        self.refuse_if_settled()
        self.confirmed, self.rejection_feedback = False, feedback
        self.user_input = self.selected_choices = None
        self._edited, self.edited_output = False, None
        if cancel_run:
            self.on_reject = "cancel"

    def edit(self, new_output: Any) -> None:
        """Keep the output with this content in place of the step's own.

        Raises:
            ValueError: It is not an output review, or is settled.
            UnstorableValue: The content cannot be stored.
        """
        self.refuse_if_settled()
        if not self.requires_output_review:
            raise Invalid(f"Expected {self._wants()} on '{self.step_id}', not edit().")
        to_json(new_output)
        self.confirmed, self.edited_output, self._edited = True, new_output, True

    def set_user_input(self, validate: bool = True, **values: Any) -> None:
        """Give the values asked for; a wrong one is refused and nothing of the call is kept.

        Raises:
            ValueError: With one line per field that does not fit.
        """
        self.refuse_if_settled()
        if not self.requires_user_input:
            raise Invalid(f"Expected {self._wants()} on '{self.step_id}', not set_user_input().")
        asked = [item.to_field() for item in self._blank_schema()]
        plain = {name: to_json(value) for name, value in values.items()}
        found = forms.problems(asked, plain) if validate else []
        if found:
            raise ValueError("User input validation failed:\n  - " + "\n  - ".join(found))
        self.user_input = forms.complete(asked, plain)
        for item in self.user_input_schema or ():
            item.value = self.user_input.get(item.name)
        self.confirmed = None if self.confirmed is False else self.confirmed

    def get_user_input(self, name: str) -> Any:
        """Return a value that was given."""
        return (self.user_input or {}).get(name)

    def select(self, *choices: str) -> None:
        """Choose the route, or the routes in this order.

        Raises:
            ValueError: An unknown route, several where one may be chosen, or another kind of question.
        """
        self.refuse_if_settled()
        if not self.requires_route_selection:
            raise Invalid(f"Expected {self._wants()} on '{self.step_id}', not select().")
        unknown = [choice for choice in choices if choice not in (self.available_choices or ())]
        if unknown or not choices:
            given = ", ".join(map(repr, unknown)) or "none"
            raise Invalid(f"Expected one of {', '.join(self.available_choices or ())}, but got {given}.")
        if len(choices) > 1 and not self.allow_multiple_selections:
            raise Invalid(f"Expected one route for '{self.step_id}', but got {len(choices)}.")
        if len(set(choices)) != len(choices):
            raise Invalid(f"Expected distinct routes for '{self.step_id}', but got {', '.join(choices)}.")
        self.selected_choices, self.confirmed = list(choices), None

    def select_single(self, choice: str) -> None:
        """Choose one route; see `select`."""
        self.select(choice)

    def select_multiple(self, choices: Sequence[str]) -> None:
        """Choose several routes; see `select`."""
        self.select(*choices)

    # -- what is missing ---------------------------------------------------------------------------------

    @property
    def is_resolved(self) -> bool:
        """Whether an answer is given, here or in the store."""
        if self.requires_executor_input:
            return all(item.is_resolved() for item in self.executor_requirements)
        return not self.is_open or self.verdict() is not None

    @property
    def needs_executor_resolution(self) -> bool:
        """Whether a question of the step's agent is open and not answered."""
        return self.requires_executor_input and not self.is_resolved

    @property
    def needs_confirmation(self) -> bool:
        """Whether a confirmation is asked for and not given."""
        return self.is_open and self.requires_confirmation and self.confirmed is None

    @property
    def needs_user_input(self) -> bool:
        """Whether values are asked for and not given."""
        return self.is_open and self.requires_user_input and self.user_input is None and self.confirmed is not False

    @property
    def needs_output_review(self) -> bool:
        """Whether a review is asked for and not given."""
        return self.is_open and self.requires_output_review and self.confirmed is None

    @property
    def needs_route_selection(self) -> bool:
        """Whether a route is asked for and not chosen."""
        return (
            self.is_open
            and self.requires_route_selection
            and self.selected_choices is None
            and self.confirmed is not False
        )

    def verdict(self) -> Verdict | None:
        """Return what the answer says so far; None while it is incomplete."""
        if self.confirmed is not None and type(self.confirmed) is not bool:
            raise Invalid(f"Expected 'confirmed' of '{self.step_id}' to be true or false, but got {self.confirmed!r}.")
        if self.confirmed is False:
            return Reject(note=self.rejection_feedback, cancel_run=self.on_reject == "cancel")
        if self.requires_route_selection:
            return (
                None if self.selected_choices is None else Choose(choices=tuple(self.selected_choices), note=self.note)
            )
        if self.requires_user_input:
            complete = self.user_input is not None and (self.confirmed or not self.requires_confirmation)
            return Answer(values=dict(self.user_input or {}), note=self.note) if complete else None
        if self._edited or self.edited_output is not None:
            return Edit(content=to_json(self.edited_output), note=self.note)
        return Approve(note=self.note) if self.confirmed else None

    def answer_from(self, given: "StepRequirement") -> None:
        """Take the answer, and nothing else, of what a holder has sent back."""
        for name in ("confirmed", "rejection_feedback", "user_input", "selected_choices", "edited_output", "note"):
            setattr(self, name, getattr(given, name))
        self._edited = given._edited
        self.on_reject = given.on_reject or self.on_reject

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "StepRequirement":
        """Return the requirement of a dict; unknown names are ignored, and nothing in it is believed but the answer."""
        known = {item.name for item in fields(cls) if not item.name.startswith("_")} - {"step_input", "step_output"}
        plain = {name: value for name, value in data.items() if name in known}
        schema = plain.get("user_input_schema")
        if schema is not None:
            plain["user_input_schema"] = [
                item if isinstance(item, UserInputField) else _loose_field(item) for item in schema
            ]
        plain["executor_requirements"] = [
            item if isinstance(item, RunRequirement) else RunRequirement.from_dict(item)
            for item in plain.get("executor_requirements") or ()
        ]
        defaults: dict[str, Any] = {"id": "", "step_id": "", **plain}
        requirement = cls(**cls.instants(defaults))
        requirement._edited = data.get("edited") is True
        return requirement

    def _wants(self) -> str:
        if self.requires_executor_input:
            return "answers to its executor_requirements"
        if self.requires_route_selection:
            return "select()"
        if self.requires_user_input:
            return "set_user_input()"
        return "confirm(), edit() or reject()" if self.requires_output_review else "confirm() or reject()"

    def _blank_schema(self) -> list[UserInputField]:
        return self._defaults if self._defaults is not None else list(self.user_input_schema or ())

    _defaults: list[UserInputField] | None = field(default=None, repr=False)


@dataclass
class ErrorRequirement(Requirement):
    """A question about a failed step: try again, or go on without it."""

    error_message: str | None = None
    error_type: str | None = None
    retry_count: int = 0
    max_retries: int = 0
    decision: Literal["retry", "skip"] | None = None
    step_input: StepInput | None = None

    def retry(self) -> None:
        """Try the failed step again.

        Raises:
            ValueError: The retries are used up, or the question is settled.
        """
        self.refuse_if_settled()
        if self.max_retries and self.retry_count >= self.max_retries:
            raise Invalid(
                f"Expected skip() on '{self.step_id}': it was already retried {self.retry_count} times,"
                " which is its limit."
            )
        self.decision = "retry"

    def skip(self) -> None:
        """Go on without the step.

        Raises:
            ValueError: The question is settled.
        """
        self.refuse_if_settled()
        self.decision = "skip"

    @property
    def needs_decision(self) -> bool:
        """Whether nothing was said yet."""
        return self.is_open and self.decision is None

    @property
    def is_resolved(self) -> bool:
        """Whether an answer is given, here or in the store."""
        return not self.needs_decision

    @property
    def should_retry(self) -> bool:
        """Whether the answer is to try again."""
        return self.decision == "retry"

    @property
    def should_skip(self) -> bool:
        """Whether the answer is to go on without it."""
        return self.decision == "skip"

    def answer_from(self, given: "ErrorRequirement") -> None:
        """Take the answer, and nothing else, of what a holder has sent back."""
        self.decision = given.decision

    def verdict(self) -> Verdict | None:
        """Return what the answer says; None while there is none."""
        match self.decision:
            case "retry":
                return Retry()
            case "skip":
                return Skip()
            case None:
                return None
            case other:  # pyright: ignore[reportUnnecessaryComparison] - it may come from JSON
                raise Invalid(f"Expected the decision on '{self.step_id}' to be retry or skip, but got {other!r}.")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ErrorRequirement":
        """Return the requirement of a dict; nothing in it is believed but the answer."""
        known = {item.name for item in fields(cls)} - {"step_input"}
        plain: dict[str, Any] = {"id": "", "step_id": ""}
        plain |= {name: value for name, value in data.items() if name in known}
        return cls(**cls.instants(plain))


def _loose_field(item: Mapping[str, Any]) -> UserInputField:
    return UserInputField(name=str(item.get("name", "?")), field_type=str(item.get("field_type", "str")))
