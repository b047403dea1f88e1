"""A verdict as the fields of a completion, and back: for every kind that takes it, the same verdict."""

from typing import Any

import pytest

from sayso.core.completions import fields_of, verdict_of
from sayso.core.verdicts import settle
from sayso.model.decisions import Answer, Approve, Cancel, Choose, Edit, Outcome, Reject, Respond, Retry, Skip, Verdict
from sayso.model.requesterrors import InvalidCompletion
from sayso.model.tasks import (
    ApprovalRequest,
    CallShown,
    ErrorRequest,
    ExternalRequest,
    FormField,
    FormRequest,
    MessageRequest,
    NumberRequest,
    Option,
    OptionsRequest,
    OutputReviewRequest,
    RouteRequest,
    TaskRequest,
    TaskSpec,
    TextRequest,
    UncertainRequest,
)

CALL = CallShown(tool="pay", arguments={"amount": 5}, effect="once")
REQUESTS: tuple[TaskRequest, ...] = (
    ApprovalRequest(message="?", call=CALL),
    ApprovalRequest(message="?"),
    FormRequest(message="?", fields=(FormField(name="a", value="b"),)),
    OutputReviewRequest(message="?", output="draft"),
    RouteRequest(message="?", choices=("mail", "sms"), multiple=True),
    ErrorRequest(message="?", error_type="E", error_message="e"),
    TextRequest(message="?"),
    NumberRequest(message="?"),
    OptionsRequest(message="?", options=(Option(id="a", label="A"), Option(id="b", label="B")), allow_other=True),
    ExternalRequest(message="?", call=CALL),
    UncertainRequest(message="?", call=CALL, reference="k", attempt=1),
    MessageRequest(message="?"),
)
VERDICTS: tuple[Verdict, ...] = (
    Approve(), Approve(note="fine"), Reject(note="no"), Reject(cancel_run=True, note="no"), Reject(),
    Edit(content={"amount": 7}, note="less"), Edit(content="better"), Answer(values={"value": "text"}),
    Respond(value="why?", note="odd"),
    Answer(values={"value": 3}), Answer(values={"a": "c"}, note="so"), Choose(choices=("mail",)),
    Choose(choices=("sms", "mail")), Choose(choices=("a",)), Choose(choices=("happened",), note="ref"), Retry(), Skip(),
)  # fmt: skip


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda item: item.kind)
def test_what_a_kind_takes_is_said_and_understood(request_: TaskRequest) -> None:
    spec, taken = TaskSpec(request=request_, step_name="s", step_type="Agent"), 0
    for verdict in VERDICTS:
        if isinstance(settle(spec, verdict), Outcome):
            assert verdict_of(request_, fields_of(request_, verdict)) == verdict
            taken += 1
    assert taken >= 2


def test_every_verdict_was_taken_by_some_kind() -> None:
    specs = [TaskSpec(request=request, step_name="s", step_type="Agent") for request in REQUESTS]
    assert not [
        verdict for verdict in VERDICTS if not any(isinstance(settle(spec, verdict), Outcome) for spec in specs)
    ]


def test_a_deadline_has_no_fields() -> None:
    with pytest.raises(InvalidCompletion, match="deadline"):
        fields_of(REQUESTS[0], Cancel())


@pytest.mark.parametrize(
    "sent",
    [
        {"approved": False, "cancelRun": True, "textValue": "x"},
        {"approved": False, "cancelRun": True, "response": "x"},
        {"approved": True, "cancelRun": True},
        {"cancelRun": True},
        {"approved": False, "cancelRun": True, "selectedOptionId": "a"},
        {"approved": False, "cancelRun": False, "textValue": "x"},
    ],
)
def test_the_end_of_a_run_is_no_answer(sent: dict[str, Any]) -> None:
    for request in (REQUESTS[6], REQUESTS[8]):
        with pytest.raises(InvalidCompletion):
            verdict_of(request, sent)


@pytest.mark.parametrize(
    "more", [{"approved": True}, {"approved": False}, {"editedArguments": {}}, {"cancelRun": True}]
)
def test_an_answer_in_the_place_of_a_call_is_neither_a_yes_nor_a_no(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidCompletion):
        verdict_of(REQUESTS[0], {"response": "why?", **more})


@pytest.mark.parametrize("value", [None, "", "  ", 3, ["x"]])
def test_an_answer_in_the_place_of_a_call_is_a_text(value: Any) -> None:
    spec = TaskSpec(request=REQUESTS[0], step_name="s", step_type="Agent")
    assert not isinstance(settle(spec, Respond(value=value)), Outcome)
