"""What was answered, in one line."""

from typing import Any

import pytest

from sayso.core.summaries import LONGEST, summary_of
from sayso.model.decisions import Outcome
from sayso.model.tasks import (
    ApprovalRequest,
    CallShown,
    FormRequest,
    Option,
    OptionsRequest,
    OutputReviewRequest,
    RouteRequest,
    TaskRequest,
    TextRequest,
)

_CALL = CallShown(tool="pay", arguments={"amount": 420, "to": "ada", "deep": {"a/b": [1, 2]}}, effect="once")
_PAY = ApprovalRequest(message="Pay?", call=_CALL)
_ASK = TextRequest(message="Why?")
_PICK = OptionsRequest(message="Which?", options=(Option(id="a", label="the first"), Option(id="b", label="b")))


def outcome(verdict: str = "approve", **more: Any) -> Outcome:
    return Outcome(action="proceed", verdict=verdict, **more)


@pytest.mark.parametrize(
    ("request_", "given", "line"),
    [
        (_PAY, outcome(), None),
        (_PAY, outcome("reject", note="too  much\nfor now"), "“too much for now”"),
        (_PAY, outcome("edit", edited=True, content={"amount": 300, "to": "ada", "deep": {"a/b": [1, 3]}}),
         "amount: 420 → 300; deep/a/b/1: 2 → 3"),
        (_PAY, outcome("edit", edited=True, content={"amount": 420, "deep": {"a/b": [1, 2]}, "x": None}),
         "to: ada → left out; x: null"),
        (_ASK, outcome("answer", values={"value": "blue"}), "blue"),
        (_ASK, outcome("answer", values={"n": 3, "why": "because", "tags": ["a"]}, note="ok"),
         'n: 3; why: because; tags: ["a"] “ok”'),
        (_PICK, outcome("choose", choices=("a",)), "the first"),
        (RouteRequest(message="?", choices=("x", "y")), outcome("choose", choices=("y", "x")), "y, x"),
        (OutputReviewRequest(message="?", output="old"), outcome("edit", edited=True, content="new\nlines"),
         "new lines"),
        (_PAY, outcome("reject", note="no", reason="Max retries (1) reached"), "“no” (Max retries (1) reached)"),
    ],
)  # fmt: skip
def test_a_line_says_what_was_answered(request_: TaskRequest, given: Outcome, line: str | None) -> None:
    assert summary_of(request_, given) == line


def test_a_long_answer_is_cut_and_says_so() -> None:
    line = summary_of(_ASK, outcome("answer", values={f"field{n}": "x" * 500 for n in range(9)}, note="y" * 900))
    assert line is not None
    assert len(line) <= LONGEST
    assert line.endswith("…")
    assert "\n" not in line


def test_what_a_form_calls_secret_is_dots_also_where_an_older_version_has_stored_it_in_the_clear() -> None:
    schema = {"properties": {"token": {"type": "string", "format": "password"}, "name": {"type": "string"}}}
    form = FormRequest(message="?", schema=schema)
    assert summary_of(form, outcome("answer", values={"name": "n", "token": "hunter2"})) == "name: n; token: ••••"
