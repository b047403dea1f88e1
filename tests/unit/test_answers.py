"""The verdict table of the kinds that agents ask with: every kind against every verdict."""

from typing import Any

import pytest

from sayso.core.verdicts import Refused, settle, settle_timeout
from sayso.model.decisions import Answer, Approve, Cancel, Choose, Edit, Reject, Respond, Retry, Skip
from sayso.model.tasks import (
    ApprovalRequest,
    CallShown,
    ExternalRequest,
    FormRequest,
    MessageRequest,
    NumberRequest,
    Option,
    OptionsRequest,
    TaskSpec,
    TextRequest,
    UncertainRequest,
)

CALL = CallShown(tool="pay", arguments={"n": 1}, effect="once", digest="d", schema={"type": "object"})
OPTION = (Option(id="a", label="A"),)
KINDS: dict[str, Any] = {
    "approval of a call": ApprovalRequest(message="?", call=CALL),
    "form": FormRequest(message="?", schema={"type": "object", "required": ["value"]}),
    "text": TextRequest(message="?"),
    "number": NumberRequest(message="?", minimum=1),
    "multi_option": OptionsRequest(message="?", options=OPTION),
    "multi_option (other)": OptionsRequest(message="?", options=OPTION, allow_other=True),
    "external": ExternalRequest(message="?", call=CALL),
    "uncertain": UncertainRequest(message="?", call=CALL, reference="k", attempt=1),
    "message": MessageRequest(message="?"),
}
SAID: dict[str, Any] = {
    "approve": Approve(),
    "edit": Edit(content={"n": 2}),
    "answer": Answer(values={"value": "b"}),
    "number": Answer(values={"value": 2}),
    "respond": Respond(value="why so much?"),
    "choose": Choose(choices=("a",)),
    "happened": Choose(choices=("happened",)),
    "reject": Reject(note="no"),
    "retry": Retry(),
    "skip": Skip(),
    "reject and end": Reject(cancel_run=True),
    "cancel": Cancel(),
}
TAKES: dict[str, set[str]] = {
    "approval of a call": {"approve", "edit", "respond", "reject"},
    "form": {"answer", "number", "reject"},
    "text": {"answer", "reject"},
    "number": {"number", "reject"},
    "multi_option": {"choose", "reject"},
    "multi_option (other)": {"choose", "answer", "reject"},
    "external": {"answer", "number", "reject"},
    "uncertain": {"happened"},
    "message": {"answer"},
}
"""What each kind takes; to end the run is possible everywhere."""


def _spec(request: Any, **options: Any) -> TaskSpec:
    return TaskSpec(request=request, step_name="s", step_type="Agent", on_reject="skip", **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("said", SAID)
def test_every_kind_takes_its_verdicts_and_no_others(kind: str, said: str) -> None:
    outcome = settle(_spec(KINDS[kind]), SAID[said])
    if said in {"reject and end", "cancel"}:
        assert (type(outcome).__name__, getattr(outcome, "action", None)) == ("Outcome", "cancel")
    elif said not in TAKES[kind]:
        assert isinstance(outcome, Refused)
    else:
        assert getattr(outcome, "action", None) == ("skip" if said in {"reject", "respond"} else "proceed")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("policy", ["approve", "reject", "skip", "cancel"])
def test_no_deadline_answers_what_only_a_person_knows(kind: str, policy: Any) -> None:
    """Only a call can be approved by time; what needs an answer that nobody gave ends the run rather than go on."""
    outcome = settle_timeout(_spec(KINDS[kind], on_timeout=policy))
    if kind == "approval of a call" and policy == "approve":
        assert outcome.action == "proceed"
    else:
        assert outcome.action in {"skip", "cancel"}
        assert (outcome.values, outcome.choices, outcome.edited) == (None, (), False)


@pytest.mark.parametrize(
    ("request_", "wrong"),
    [
        (TextRequest(message="?", max_length=2), ["", " ", "abc", 1, None, True]),
        (MessageRequest(message="?"), ["", "\n", 5]),
        (NumberRequest(message="?", minimum=1, maximum=5), [0, 6, "3", True, None, float("nan"), float("inf")]),
        (OptionsRequest(message="?", options=OPTION), ["a", "b"]),
    ],
    ids=lambda item: getattr(item, "kind", ""),
)
def test_an_answer_that_does_not_fit_is_refused(request_: Any, wrong: list[Any]) -> None:
    """Items 145 to 147."""
    for value in wrong:
        assert isinstance(settle(_spec(request_), Answer(values={"value": value})), Refused), value
    for names in ({}, {"other": "x"}, {"value": "x", "more": 1}):
        assert isinstance(settle(_spec(request_), Answer(values=names)), Refused), names


@pytest.mark.parametrize("choices", [(), ("b",), ("a", "a"), ("A",)])
def test_an_unknown_option_is_refused(choices: tuple[str, ...]) -> None:
    assert isinstance(settle(_spec(KINDS["multi_option"]), Choose(choices=choices)), Refused)
    assert isinstance(settle(_spec(KINDS["uncertain"]), Choose(choices=choices)), Refused)
