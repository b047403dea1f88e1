"""From the fields of a completion, as clients send them, to the verdict that a task takes; and back.

    kind                  takes
    approval, hitl        approved (required); editedArguments; cancelRun; or response: what the agent is told instead
    text                  textValue, or approved: false
    number                numberValue, or approved: false
    multi_option          selectedOptionId, or textValue where another answer is allowed, or approved: false
    form                  values, or approved: true for its defaults, or approved: false
    output_review         approved (required); editedOutput; cancelRun
    route                 selectedOptionIds in their order, or selectedOptionId, or approved: false
    error                 action: retry or skip
    external              result, or approved: false
    uncertain             selectedOptionId: happened, not_happened or stop

With approved: false and cancelRun: true every kind is rejected, and the run ends. A field that its kind does not take
is refused: what was meant is never guessed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sayso.core.codec import to_json
from sayso.model.decisions import Answer, Approve, Cancel, Choose, Edit, Reject, Respond, Retry, Skip, Verdict
from sayso.model.requesterrors import ApprovedRequired, InvalidCompletion
from sayso.model.tasks import TaskRequest

Fields = Mapping[str, Any]
"""The fields that were sent, by their wire names; those that were not sent are not there."""

ALWAYS = frozenset({"comment", "metadata"})
"""Fields that every kind takes beside its own."""
_ENDING = frozenset({"approved", "cancelRun"})
BY_KEYS = frozenset(
    {"approval", "text", "number", "multi_option", "form", "output_review", "route", "error", "external"}
)
"""Kinds that every key may decide; the others are for people who are signed in, unless a trigger says otherwise."""


def verdict_of(request: TaskRequest, sent: Fields) -> Verdict:
    """Return what was said to a task.

    Raises:
        InvalidCompletion: A field is missing, or is none that this kind takes.
        ApprovedRequired: An approval came without a yes or a no.
    """
    allowed, make = _KINDS[request.kind]
    ends = sent.get("approved") is False and sent.get("cancelRun") is True
    wrong = sorted(set(sent) - (_ENDING if ends else allowed) - ALWAYS)
    if ends and set(wrong) <= allowed:
        return _ended(wrong, sent.get("comment"))
    if wrong:
        raise InvalidCompletion(
            f"Expected the fields of a task of kind '{request.kind}' ({', '.join(sorted(allowed))}), but got {wrong}."
        )
    return make(sent, sent.get("comment"))


def fields_of(request: TaskRequest, verdict: Verdict) -> dict[str, Any]:
    """Return the fields that say a verdict, which `verdict_of` takes for the same; the verdict must fit the task.

    Raises:
        InvalidCompletion: No field of this kind says it.
    """
    said = {} if verdict.note is None else {"comment": verdict.note}
    match verdict:
        case Approve():
            return {"approved": True, **said}
        case Reject(cancel_run=cancel_run):
            return {"approved": False, **({"cancelRun": True} if cancel_run else {}), **said}
        case Edit(content=content):
            edited = "editedArguments" if request.kind == "approval" else "editedOutput"
            return {"approved": True, edited: content, **said}
        case Answer() | Respond():
            return {**_answered(request, verdict), **said}
        case Choose(choices=choices):
            return {**({"selectedOptionIds": list(choices)} if request.kind == "route" else _one(choices)), **said}
        case Retry() | Skip():
            return {"action": verdict.verdict, **said}
        case Cancel():
            raise InvalidCompletion("Expected something that a person can say, but a deadline alone says 'cancel'.")


def _answered(request: TaskRequest, verdict: Answer | Respond) -> dict[str, Any]:
    if isinstance(verdict, Respond):
        return {"response": verdict.value}
    values = dict(verdict.values)
    return {"values": values} if request.kind == "form" else {_VALUES[request.kind]: values["value"]}


def _one(choices: Sequence[str]) -> dict[str, Any]:
    return {"selectedOptionId": choices[0]}


_VALUES = {
    "text": "textValue",
    "number": "numberValue",
    "external": "result",
    "message": "textValue",
    "multi_option": "textValue",
}
"""The field that has the answer of a kind that takes one value."""


def _approval(sent: Fields, note: str | None) -> Verdict:
    if "response" in sent:
        if set(sent) - ALWAYS != {"response"}:
            raise InvalidCompletion("Expected an answer in the call's place, or a yes or a no, but got both.")
        return Respond(value=to_json(_needed(sent, "response")), note=note)
    return _yes_or_no(sent, note, "editedArguments")


def _output_review(sent: Fields, note: str | None) -> Verdict:
    return _yes_or_no(sent, note, "editedOutput")


def _ended(answers: Sequence[str], note: str | None) -> Verdict:
    if answers:
        raise InvalidCompletion(f"Expected the end of the run without an answer, but got {answers}.")
    return Reject(note=note, cancel_run=True)


def _yes_or_no(sent: Fields, note: str | None, edited: str) -> Verdict:
    approved = sent.get("approved")
    if not isinstance(approved, bool):
        raise ApprovedRequired("Expected approved to be true or false, but it was not sent.")
    if not approved:
        if edited in sent:
            raise InvalidCompletion(f"Expected a rejection without {edited}.")
        return Reject(note=note, cancel_run=bool(sent.get("cancelRun")))
    if "cancelRun" in sent:
        raise InvalidCompletion("Expected an approval without cancelRun.")
    return Edit(content=to_json(sent[edited]), note=note) if edited in sent else Approve(note=note)


def _value(name: str) -> Callable[[Fields, str | None], Verdict]:
    def make(sent: Fields, note: str | None) -> Verdict:
        if _declined(sent, {name}):
            return Reject(note=note)
        return Answer(values={"value": to_json(_needed(sent, name))}, note=note)

    return make


def _option(sent: Fields, note: str | None) -> Verdict:
    if _declined(sent, {"selectedOptionId", "textValue"}):
        return Reject(note=note)
    if "textValue" in sent and "selectedOptionId" not in sent:
        return Answer(values={"value": sent["textValue"]}, note=note)
    return _uncertain({name: value for name, value in sent.items() if name != "approved"}, note)


def _uncertain(sent: Fields, note: str | None) -> Verdict:
    return Choose(choices=(_needed(sent, "selectedOptionId"),), note=note)


def _form(sent: Fields, note: str | None) -> Verdict:
    if _declined(sent, {"values"}):
        return Reject(note=note)
    if "values" in sent:
        return Answer(values={name: to_json(value) for name, value in sent["values"].items()}, note=note)
    if sent.get("approved") is True:
        return Approve(note=note)
    raise InvalidCompletion("Expected values, or approved: true to take the defaults, but got neither.")


def _route(sent: Fields, note: str | None) -> Verdict:
    if _declined(sent, {"selectedOptionId", "selectedOptionIds"}):
        return Reject(note=note)
    if "selectedOptionIds" in sent:
        return Choose(choices=tuple(sent["selectedOptionIds"]), note=note)
    return Choose(choices=(_needed(sent, "selectedOptionId"),), note=note)


def _error(sent: Fields, note: str | None) -> Verdict:
    match sent.get("action"):
        case "retry":
            return Retry(note=note)
        case "skip":
            return Skip(note=note)
        case other:
            raise InvalidCompletion(f"Expected action to be retry or skip, but got {other!r}.")


def _declined(sent: Fields, answers: set[str]) -> bool:
    """Tell whether nothing was answered on purpose.

    Raises:
        InvalidCompletion: It was declined and answered at once.
    """
    if sent.get("approved") is not False:
        return False
    if answers & set(sent):
        raise InvalidCompletion("Expected approved: false without an answer.")
    return True


def _needed(sent: Fields, name: str) -> Any:
    if sent.get(name) is None:
        raise InvalidCompletion(f"Expected {name}, but it was not sent.")
    return sent[name]


_KINDS: dict[str, tuple[frozenset[str], Callable[[Fields, str | None], Verdict]]] = {
    "approval": (frozenset({"approved", "editedArguments", "cancelRun", "response"}), _approval),
    "output_review": (frozenset({"approved", "editedOutput", "cancelRun"}), _output_review),
    "text": (frozenset({"approved", "textValue"}), _value("textValue")),
    "number": (frozenset({"approved", "numberValue"}), _value("numberValue")),
    "external": (frozenset({"approved", "result"}), _value("result")),
    "message": (frozenset({"textValue"}), _value("textValue")),
    "multi_option": (frozenset({"approved", "selectedOptionId", "textValue"}), _option),
    "form": (frozenset({"approved", "values"}), _form),
    "route": (frozenset({"approved", "selectedOptionId", "selectedOptionIds"}), _route),
    "error": (frozenset({"action"}), _error),
    "uncertain": (frozenset({"selectedOptionId"}), _uncertain),
}
