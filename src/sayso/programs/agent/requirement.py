"""`RunRequirement`: a question of an agent's run, with the methods that answer it.

Of what a holder sends back only the answer is read, by the requirement's id.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, cast

from sayso.core.codec import from_json, to_json
from sayso.core.confiding import masked, masked_arguments, masks_left, says_secret
from sayso.core.ledger import HAPPENED, NOT_HAPPENED, STOP
from sayso.core.verdicts import Refused, settle
from sayso.model.decisions import Answer, Approve, Choose, Edit, Outcome, Reject, Respond, Verdict
from sayso.model.errors import Invalid, InvalidDecision, SaysoError
from sayso.model.tasks import (
    ApprovalRequest,
    CallShown,
    FormRequest,
    OptionsRequest,
    TaskSpec,
    UncertainRequest,
    UserTask,
)
from sayso.programs.requirement import Requirement


@dataclass
class ToolExecution:
    """The tool call that a question is about."""

    tool_name: str
    tool_args: dict[str, Any]
    effect: str
    call_key: str
    """The journal key of the call."""


@dataclass
class RunRequirement(Requirement):
    """A question of an agent: an approval, missing arguments, an external result, an answer, an unknown outcome."""

    kind: str = "approval"
    """`approval`, `form`, `external`, `text`, `number`, `multi_option`, `uncertain` or `message`."""
    message: str = ""
    why: str | None = None
    preview: Any = None
    """What the tool says that the call would change: `{"before", "after"}`, `{"value"}`, or `{"error"}`."""
    tool_execution: ToolExecution | None = None
    options: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    schema: Any = None
    """What values, or edited arguments, must fit."""
    reference: str | None = None
    """What a call with an unknown outcome can be looked up by at the remote: its idempotency key."""
    evidence: Any = None
    """What is known of that outcome."""
    confirmation: bool | None = None
    note: str | None = None
    values: dict[str, Any] | None = None
    choice: str | None = None
    edited_args: dict[str, Any] | None = None
    response: str | None = None
    """What the agent is told in the place of a call's result."""
    _spec: TaskSpec | None = field(default=None, repr=False, compare=False)

    # -- what it wants -----------------------------------------------------------------------------------

    @property
    def needs_confirmation(self) -> bool:
        """Whether a yes or no is asked for and not given."""
        return self.is_open and self.kind == "approval" and self.verdict() is None

    @property
    def needs_user_input(self) -> bool:
        """Whether values are asked for and not given."""
        return self.is_open and self.kind in {"form", "text", "number", "message"} and self.verdict() is None

    @property
    def needs_external_execution(self) -> bool:
        """Whether a result from outside is asked for and not given."""
        return self.is_open and self.kind == "external" and self.verdict() is None

    def is_resolved(self) -> bool:
        """Whether an answer is given, here or in the store."""
        return not self.is_open or self.verdict() is not None

    # -- answering ---------------------------------------------------------------------------------------

    def confirm(self, note: str | None = None) -> None:
        """Say yes to a call as it is shown.

        Raises:
            ValueError: The question is of another kind, or is settled.
        """
        self._wanted("approval", by="confirm()")
        self.confirmation, self.note = True, note
        self.edited_args = self.values = self.response = None

    def edit(self, arguments: Mapping[str, Any], note: str | None = None) -> None:
        """Say yes to a call with other arguments.

        Raises:
            ValueError: The arguments do not fit the tool's schema, or the question is of another kind.
        """
        self._wanted("approval", by="edit()")
        self._keep(confirmation=True, note=note, edited_args=dict(arguments), values=None, response=None)

    def reject(self, note: str | None = None, *, cancel_run: bool = False) -> None:
        """Say no, with the reason that the model is told; with `cancel_run` the run ends.

        Raises:
            ValueError: The question cannot be rejected, or is settled.
        """
        self.refuse_if_settled()
        if self.kind in {"uncertain", "message"}:
            raise Invalid(f"Expected an answer to '{self.step_id}', which cannot be rejected.")
        self.confirmation, self.note = False, note
        self.values = self.choice = self.edited_args = self.response = None
        self.on_reject = "cancel" if cancel_run else self.on_reject

    def respond(self, value: str, note: str | None = None) -> None:
        """Do not run a call, and tell the agent this in the place of its result: an answer, or a question back.

        Raises:
            ValueError: It is no text, or the question is of another kind, or is settled.
        """
        self._wanted("approval", by="respond()")
        self._keep(confirmation=None, edited_args=None, values=None, note=note, response=value)

    def provide_user_input(self, values: Mapping[str, Any]) -> None:
        """Give the arguments, or the form's values, that a person is asked for.

        Raises:
            ValueError: They do not fit; nothing of the call is kept.
        """
        self._wanted("form", by="provide_user_input()")
        self._keep(values=dict(values))

    def set_external_execution_result(self, result: Any) -> None:
        """Give the result of a call that was executed outside.

        Raises:
            ValueError: The question is of another kind, or is settled.
        """
        self._wanted("external", by="set_external_execution_result()")
        self._keep(values={"value": result})

    def answer(self, value: Any) -> None:
        """Give the text, the number, the message, or another option where that is allowed.

        Raises:
            ValueError: It does not fit.
        """
        self._wanted("text", "number", "message", "multi_option", by="answer()")
        self._keep(values={"value": value}, choice=None)

    def choose(self, option: str) -> None:
        """Choose an option by its id.

        Raises:
            ValueError: There is no such option.
        """
        self._wanted("multi_option", by="choose()")
        self._keep(choice=option, values=None)

    def it_happened(self, reference: str | None = None) -> None:
        """Say that a call with an unknown outcome took effect."""
        self._say(HAPPENED, reference)

    def it_did_not_happen(self, note: str | None = None) -> None:
        """Say that it did not; the model may propose it again, which is another call with another approval."""
        self._say(NOT_HAPPENED, note)

    def stop_run(self, note: str | None = None) -> None:
        """End the run, since nobody can tell."""
        self._say(STOP, note)

    def verdict(self) -> Verdict | None:
        """Return what the answer says so far; None while there is none."""
        self._refuse_odd()
        if self.confirmation is False:
            return Reject(note=self.note, cancel_run=self.on_reject == "cancel")
        if self.choice is not None:
            return Choose(choices=(self.choice,), note=self.note)
        if self.response is not None:
            return Respond(value=to_json(self.response), note=self.note)
        if self.values is not None:
            return Answer(values={name: to_json(value) for name, value in self.values.items()}, note=self.note)
        if self.edited_args is not None and self.confirmation:  # arguments alone are no yes
            return Edit(content=to_json(self.edited_args), note=self.note)
        return Approve(note=self.note) if self.confirmation else None

    # -- for the runtime ---------------------------------------------------------------------------------

    def answer_from(self, given: "RunRequirement") -> None:
        """Take the answer, and nothing else, of what a holder has sent back."""
        for name in ("confirmation", "note", "values", "choice", "edited_args", "response"):
            setattr(self, name, getattr(given, name))
        self.on_reject = given.on_reject or self.on_reject

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "RunRequirement":
        """Return the requirement of a dict; nothing in it is believed but the answer."""
        known = {item.name for item in fields(cls) if not item.name.startswith("_")} - {"tool_execution"}
        plain: dict[str, Any] = {"id": "", "step_id": ""}
        plain |= {name: value for name, value in data.items() if name in known}
        return cls(**cls.instants(plain))

    def to_dict(self) -> dict[str, Any]:
        """Return the requirement as a dict."""
        plain = super().to_dict()
        if self.tool_execution is not None:
            plain["tool_execution"] = dict(vars(self.tool_execution))
        return plain

    def _say(self, what: str, note: str | None) -> None:
        self._wanted("uncertain", by="it_happened(), it_did_not_happen() or stop_run()")
        self._keep(choice=what, note=note)

    def _wanted(self, *kinds: str, by: str) -> None:
        self.refuse_if_settled()
        if self.kind not in kinds:
            raise Invalid(f"Expected an answer that fits a question of kind '{self.kind}', not {by}.")

    def _keep(self, **answer: Any) -> None:
        """Keep an answer if it fits what is stored."""
        before = {name: getattr(self, name) for name in answer}
        for name, value in answer.items():
            setattr(self, name, value)
        try:
            verdict = self.verdict()
            unknown = masks_left(self.schema, self.edited_args or {})  # left as it is: what it stands for is not here
            outcome = None if self._spec is None or verdict is None or unknown else settle(self._spec, verdict)
            if isinstance(outcome, Refused):
                raise InvalidDecision(f"Expected an answer that fits '{self.step_id}', but: {outcome.reason}.")
        except SaysoError:
            for name, value in before.items():
                setattr(self, name, value)
            raise

    def _refuse_odd(self) -> None:
        """Refuse parts of an answer that are not of their type; they may come from anywhere.

        Raises:
            ValueError: Naming what is expected.
        """
        values: Any = self.values
        note: Any = self.note
        choice: Any = self.choice
        odd = {
            "the confirmation to be true or false": self.confirmation is not None
            and type(self.confirmation) is not bool,
            "the note to be a text": not isinstance(note, str | None),
            "either a yes or an answer in the call's place": self.response is not None
            and any(part is not None for part in (self.confirmation, values, choice, self.edited_args)),
            "the choice to be an option's id": not isinstance(choice, str | None),
            "the values by their names": values is not None
            and not (isinstance(values, Mapping) and all(isinstance(name, str) for name in cast("Any", values))),
        }
        for wanted, is_odd in odd.items():
            if is_odd:
                raise Invalid(f"Expected {wanted}, in the answer to '{self.step_id}'.")


def requirement_of(task: UserTask, *, now: datetime, outcome: Outcome | None = None) -> RunRequirement:
    """Return the requirement that shows a stored task, and how it was decided where `outcome` says so."""
    spec, request = task.spec, task.spec.request
    call: CallShown | None = getattr(request, "call", None)
    found = RunRequirement(
        id=task.id,
        step_id=task.key.partition("?")[0],
        step_name=spec.step_name,
        step_type=spec.step_type,
        digest=task.digest,
        status=str(task.status_at(now)),
        decided_by=task.decided_by,
        decided_at=task.decided_at,
        timeout_at=task.due_at,
        on_timeout=None if task.due_at is None else spec.on_timeout,
        on_reject=spec.on_reject,
        kind=request.kind,
        message=request.message,
        why=None if call is None else call.why,
        preview=None if call is None else call.preview,
        tool_execution=None if call is None else _execution(call, task.key),
        options=[{"id": o.id, "label": o.label} for o in request.options]
        if isinstance(request, OptionsRequest)
        else [],
        schema=_schema_of(request),
        reference=request.reference if isinstance(request, UncertainRequest) else None,
        evidence=request.evidence if isinstance(request, UncertainRequest) else None,
        _spec=spec,
    )
    if outcome is not None:
        found.note = outcome.note
        found.confirmation = outcome.action == "proceed"
        found.values = None if outcome.values is None else from_json(masked(dict(outcome.values)))
        found.choice = outcome.choices[0] if outcome.choices else None
        found.edited_args = from_json(masked(outcome.content)) if outcome.edited else None
        if outcome.verdict == "respond":
            found.confirmation, found.values, found.response = None, None, (found.values or {}).get("value")
    return found


def _execution(call: CallShown, key: str) -> ToolExecution:
    arguments: Any = masked_arguments(call) if says_secret(call.schema) else call.arguments
    return ToolExecution(
        tool_name=call.tool, tool_args=dict(arguments), effect=call.effect, call_key=key.partition("?")[0]
    )


def _schema_of(request: object) -> Any:
    if isinstance(request, FormRequest):
        return request.schema
    if isinstance(request, ApprovalRequest) and request.call is not None:
        return request.call.schema
    return None
