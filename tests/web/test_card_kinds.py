"""Every kind of task, read and decided by plain HTTP: what does not fit is told beside its field, what fits arrives."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest

from tests.web.cardkit import Desk, desk_of
from tests.web.cardprograms import clerk, flows
from tests.web.site import site


@dataclass
class Office:
    """The desk, and what came of the decisions."""

    desk: Desk
    told: list[str]
    """What the model was told."""

    def until(self, wanted: Any) -> None:
        for _ in range(300):
            if wanted in self.desk.done or any(str(wanted) in text for text in self.told if isinstance(wanted, str)):
                return
            time.sleep(0.02)
        raise AssertionError(f"not among {self.desk.done} and {self.told}")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    done: list[Any] = []
    told: list[str] = []
    with site(tmp_path_factory.mktemp("kinds"), lambda db: [clerk(db, done, told), *flows(db, done)]) as found:
        yield Office(desk_of(found, done), told)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One question, an answer that does not fit, and one that does."""

    program: str = "clerk"
    text: str = ""
    shows: str
    wrong: tuple[dict[str, str], str] | None = None
    right: dict[str, str]
    comes: Any
    twice: bool = False
    """Whether the answer takes a second press."""


CASES = {
    "text": Case(
        text="text", shows="Why?", wrong=({"say": "answer", "value": " "}, "a text that is not empty"),
        right={"say": "answer", "value": "because\nof that"}, comes="because\nof that",
    ),
    "text that is too long": Case(
        text="text", shows="At most 20", wrong=({"say": "answer", "value": "x" * 21}, "at most 20 characters"),
        right={"say": "reject", "note": "I do not know"}, comes="I do not know",
    ),
    "call that is answered in its place": Case(
        text="look", shows="Answer or ask back instead",
        wrong=({"say": "respond", "respond": " "}, "Write what the agent"),
        right={"say": "respond", "respond": "Which shelf?"}, comes="Which shelf?",
    ),
    "number": Case(
        text="number", shows="at least 1, at most 9", wrong=({"say": "answer", "value": "10"}, "at most 9"),
        right={"say": "answer", "value": " 7.5 "}, comes="7.5",
    ),
    "no number": Case(
        text="number", shows="boxes", wrong=({"say": "answer", "value": "1,5"}, "Give a number"),
        right={"say": "answer", "value": "2"}, comes="2",
    ),
    "choice": Case(
        text="choice", shows="the second", wrong=({"say": "answer"}, "Choose one"),
        right={"say": "answer", "value": "id:b"}, comes="b: the second",
    ),
    "another choice": Case(
        text="choice", shows="Something else", wrong=({"say": "answer", "value": "other"}, "Say what"),
        right={"say": "answer", "value": "other", "other": "neither"}, comes="neither",
    ),
    "an unknown choice": Case(
        text="choice", shows="the first", wrong=({"say": "answer", "value": "id:zz"}, "Expected one of a, b"),
        right={"say": "answer", "value": "id:a"}, comes="a: the first",
    ),
    "form": Case(
        text="form", shows="whole number, at least 0",
        wrong=({"say": "answer", "field:name": "A", "field:age": "-1"}, "less than the minimum"),
        right={
            "say": "answer", "field:name": "Ada", "field:age": "36", "field:size": "40", "field:tags": '["x", "y"]',
        },
        comes='{"name": "Ada", "age": 36, "size": 40, "tags": ["x", "y"]}',
    ),
    "form with what is missing": Case(
        text="form", shows="name", wrong=({"say": "answer", "field:name": "", "field:age": ""}, "Give a whole number"),
        right={"say": "answer", "field:name": "Bo", "field:age": "1"}, comes='{"name": "Bo", "age": 1}',
    ),
    "arguments that a person gives": Case(
        text="fill", shows="hello", wrong=({"say": "answer", "field:copies": "2"}, "Give a"),
        right={"say": "answer", "field:recipient": "ann", "field:copies": "2"},
        comes=("send", "hello", "ann", 2), twice=True,
    ),
    "outside": Case(
        text="outside", shows="is to be done", wrong=({"say": "answer", "value": "{", "as_json": "on"}, "Give JSON"),
        right={"say": "answer", "value": '{"ok": [1, true]}', "as_json": "on"}, comes='{"ok": [1, true]}',
    ),
    "unsure": Case(
        text="unsure", shows="the other side is silent", wrong=({"say": "happened"}, "Give the reference"),
        right={"say": "happened", "note": "ch_123"}, comes="ch_123", twice=True,
    ),
    "approval of what reads": Case(
        text="look", shows="low risk", right={"say": "approve"}, comes=("look", "the shelf"),
    ),
    "confirmation of a step": Case(
        program="confirm", text="c1", shows="confirm", wrong=({"say": "reject"}, "Say why"),
        right={"say": "approve"}, comes=("confirm", "c1"),
    ),
    "fields of a step": Case(
        program="fields", text="f1", shows="whole number", wrong=({"say": "answer", "field:n": "x"}, "Give a whole"),
        right={"say": "answer", "field:n": "4"}, comes=("fields", {"user_input": {"n": 4}}),
    ),
    "route": Case(
        program="route", text="r1", shows="deep", wrong=({"say": "answer"}, "Choose one"),
        right={"say": "answer", "value": "deep"}, comes=("deep", "r1"),
    ),
    "routes in order": Case(
        program="routes", text="r2", shows="1 goes first",
        wrong=({"say": "answer", "place:odd": "1", "place:quick": "1"}, "a number of its own"),
        right={"say": "answer", "place:odd": "1", "place:quick": "2"}, comes=("odd", "r2"),
    ),
    "failed step": Case(
        program="error", text="e1", shows="no answer", right={"say": "retry"}, comes=("flaky", "e1"),
    ),
    "output": Case(
        program="output", text="o1", shows="about o1", wrong=({"say": "reject"}, "Say why"),
        right={"say": "edit", "output": "first line\nabout everything\nlast line"},
        comes=("after", "first line\nabout everything\nlast line"), twice=True,
    ),
    "output that is kept": Case(
        program="output", text="o2", shows="about o2", wrong=({"say": "edit"}, "Nothing is changed"),
        right={"say": "approve"}, comes=("after", "first line\nabout o2\nlast line"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_kind_is_shown_refused_and_decided(office: Office, name: str) -> None:
    case, desk = CASES[name], office.desk
    task = desk.asked(case.program, case.text)
    with desk.site.client() as client:
        page = client.get(f"/review/{task}").text
        assert case.shows in unescape(page)
        if case.wrong is not None:
            sent, problem = case.wrong
            refused = client.post(f"/review/{task}/decide", data={**desk.hidden(page), **sent})
            assert refused.status_code == 422
            assert problem in unescape(refused.text)
            kept = [value for key, value in sent.items() if key not in {"say", "as_json"} and value.strip()]
            assert all(value.removeprefix("id:") in unescape(refused.text) for value in kept if value != "id:zz")
            assert desk.status(task) == "pending"
            page = refused.text
        if case.twice:
            first = client.post(f"/review/{task}/decide", data={**desk.hidden(page), **case.right})
            assert first.status_code == 200
            assert "Nothing is decided yet" in first.text
            assert desk.status(task) == "pending"
            page = first.text
        answer = client.post(f"/review/{task}/decide", data={**desk.hidden(page), **case.right})
        assert answer.status_code == 303, answer.text
        assert desk.status(task) == "completed"
        assert "owner@example.com" in client.get(f"/review/{task}").text
    office.until(case.comes)


def test_edited_arguments_keep_their_types(office: Office) -> None:
    desk = office.desk
    task = desk.asked("clerk", "move")
    with desk.site.client() as client:
        page = client.get(f"/review/{task}").text
        edited = {
            "arg:amount": "400", "arg:count": "4", "arg:to": "bo@example.com", "arg:body": "Dear Bo,\r\nhere.\r\n",
            "arg:urgent": "true", "arg:currency": "USD", "arg:address": '{"street": "High Street", "numbers": [7]}',
            "arg:ref": "007",
        }  # fmt: skip
        first = client.post(f"/review/{task}/preview", data={**desk.hidden(page), "say": "edit", **edited})
        assert first.status_code == 200
        text = unescape(first.text)
        assert "Nothing is decided yet" in text
        assert "− 420.5" in text
        assert "+ 400" in text
        assert "address/street" in text
        other = client.post(
            f"/review/{task}/decide", data={**desk.hidden(first.text), "say": "edit", **edited, "arg:count": "5"}
        )
        assert (other.status_code, desk.status(task)) == (200, "pending")  # what was confirmed is not what is sent
        done = client.post(f"/review/{task}/decide", data={**desk.hidden(first.text), "say": "edit", **edited})
        assert done.status_code == 303
        settled = unescape(client.get(f"/review/{task}").text)
        assert "Approved with changes" in settled
        assert "What was changed" in settled
    address = {"street": "High Street", "numbers": [7]}
    office.until(("move", 400.0, 4, "bo@example.com", "Dear Bo,\nhere.\n", True, "USD", address, "007"))
    moved = next(item for item in desk.done if item[0] == "move")
    assert [type(value) for value in moved[1:]] == [float, int, str, str, bool, str, dict, str]


def test_what_does_not_fit_is_told_beside_its_field_and_the_draft_is_kept(office: Office) -> None:
    desk = office.desk
    task = desk.asked("clerk", "move")
    with desk.site.client() as client:
        page = client.get(f"/review/{task}").text
        wrong = {"arg:amount": "a lot", "arg:count": "1.5", "arg:address": "{", "arg:to": "cy@example.com"}
        answer = client.post(f"/review/{task}/preview", data={**desk.hidden(page), "say": "edit", **wrong})
    assert answer.status_code == 422
    text = unescape(answer.text)
    for told in ("Give a number", "Give a whole number", "Give JSON", "a lot", "cy@example.com"):
        assert told in text
    assert text.count('aria-invalid="true"') == 3
    assert desk.status(task) == "pending"


def test_looking_never_decides(office: Office) -> None:
    desk = office.desk
    task = desk.asked("clerk", "look")
    with desk.site.client() as client:
        hidden = desk.hidden(client.get(f"/review/{task}").text)
        for way in ("decide", "preview", "claim", "comment"):
            assert client.get(f"/review/{task}/{way}", params={**hidden, "say": "approve"}).status_code == 405
        assert client.get(f"/review/{task}", params={**hidden, "say": "approve"}).status_code == 200
        assert client.head(f"/review/{task}").status_code in {200, 405}
    assert desk.status(task) == "pending"
