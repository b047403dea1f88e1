"""Approvals: go ahead as shown, go ahead with other arguments, or do not."""

from collections.abc import Mapping
from typing import Any

from sayso.core.confiding import masked_arguments, told_apart
from sayso.core.schemas import found_at
from sayso.model.json import Json
from sayso.model.tasks import ApprovalRequest, CallShown, UserTask
from sayso.web.controls import Control, Unread, controls_of, read_all
from sayso.web.differing import changes
from sayso.web.fields import Fields
from sayso.web.review.kinds.kind import CHECK, Kind, Sent, Unfit, note_of

ARG = "arg:"
"""What the names of edited arguments begin with."""
_REJECTED = {
    "skip": "The run goes on without it.",
    "cancel": "The run ends.",
    "retry": "The step is run again, with your reason.",
    "else": "The run takes the other branch.",
}


def _given(task: UserTask, fields: Fields | None) -> Mapping[str, Any]:
    call = _call(task)
    return {
        "controls": () if call is None else _controls(call, fields),
        "rejected": rejected(task),
        "runs": task.spec.step_name if call is None else call.tool,
    }


def rejected(task: UserTask) -> str:
    """Return what a rejection does."""
    return "The agent is told why." if task.spec.step_type == "Agent" else _REJECTED[task.spec.on_reject]


def rejection(task: UserTask, fields: Fields) -> Sent:
    """Read a rejection, which needs a reason.

    Raises:
        Unfit: There is none.
    """
    ends = fields.has("cancel_run")
    return Sent(
        completion={"approved": False, **note_of(fields, needed=True), **({"cancelRun": True} if ends else {})},
        will="The run ends." if ends else rejected(task),
    )


def _read(task: UserTask, fields: Fields) -> Sent:
    match fields.one("say"):
        case "approve":
            return Sent(completion={"approved": True, **note_of(fields)}, will=_will(task), risky=True)
        case "reject":
            return rejection(task, fields)
        case "respond":
            return _responded(task, fields)
        case "edit" | "check":
            return _edited(task, fields)
        case _:
            raise Unfit({"": "Choose one of the buttons."})


def _responded(task: UserTask, fields: Fields) -> Sent:
    text = fields.text("respond")
    if _call(task) is None:
        raise Unfit({"": "Only a call can be answered in its place."})
    if text is None:
        raise Unfit({"respond": "Write what the agent is told in the place of a result."})
    return Sent(
        completion={"response": text, **note_of(fields)}, will="It does not run. The agent is told your answer."
    )


def _edited(task: UserTask, fields: Fields) -> Sent:
    call = _call(task)
    if call is None:
        raise Unfit({"": "There are no arguments to edit."})
    arguments = edited(call, fields)
    found = tuple(changes(*told_apart(call.schema, call.arguments, arguments)))
    if not found:
        raise Unfit({"": "Nothing is changed. Approve it as it is, or change an argument."})
    return Sent(
        completion={"approved": True, "editedArguments": arguments, **note_of(fields)},
        will=f"This runs {call.tool} with your changes, once they have passed its rules.",
        confirm=True,
        risky=True,
        changes=found,
    )


def edited(call: CallShown, fields: Fields) -> dict[str, Json]:
    """Return the arguments as somebody has edited them, each of the type that it had.

    Raises:
        Unfit: One cannot be read, or does not fit the schema.
    """
    controls = _controls(call, None)
    try:
        arguments = read_all(controls, fields)
    except Unread as unread:
        raise Unfit(unread.errors) from None
    errors = {_field(controls, path): message for path, message in reversed(found_at(call.schema, arguments))}
    if errors:
        raise Unfit(errors)
    return arguments


def _field(controls: tuple[Control, ...], path: tuple[str, ...]) -> str:
    named = ARG + path[0] if path else ""
    return named if any(control.name == named for control in controls) else ""


def _controls(call: CallShown, fields: Fields | None) -> tuple[Control, ...]:
    return controls_of(call.schema, masked_arguments(call), ARG, fields)


def _call(task: UserTask) -> CallShown | None:
    return task.spec.request.call if isinstance(task.spec.request, ApprovalRequest) else None


def _will(task: UserTask) -> str:
    call = _call(task)
    return f"This lets {task.spec.step_name} go ahead." if call is None else f"This runs {call.tool} as shown."


KIND = Kind(
    name="approval",
    label="Approval",
    template="review/kinds/approval.html",
    given=_given,
    read=_read,
    labels={"note": "Reason or note", "respond": "Answer instead", "say": CHECK},
)
