"""The registry of kinds: a made-up kind is one module and one template; what no kind knows cannot be decided."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import ChoiceLoader, DictLoader

from sayso.core.taskforms import _KINDS as STORED  # pyright: ignore[reportPrivateUsage] - what can be stored at all
from sayso.model.tasks import UserTask
from sayso.testing import call
from sayso.web import rendering
from sayso.web.fields import Fields
from sayso.web.review import cards
from sayso.web.review.kinds import KINDS
from sayso.web.review.kinds.kind import Kind, Kinds, Sent, Unfit, nothing
from tests.web.cardkit import Desk, desk_of
from tests.web.cardprograms import clerk
from tests.web.site import site

CHANGE = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    statement = "UPDATE tasks SET body = CAST(replace(CAST(body AS TEXT), ?, ?) AS BLOB) WHERE task_id = ?"
    assert db.execute(statement, sys.argv[2:]).rowcount == 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
def desk(folder: Path) -> Iterator[Desk]:
    told: list[str] = []
    extra = {"talk": call("reply_and_wait", message="What next?")}
    with site(folder, lambda db: [clerk(db, [], told, extra=extra)]) as found:
        yield desk_of(found, told)


def test_every_kind_that_asks_for_a_decision_has_a_card() -> None:
    assert {name for name in STORED if KINDS.find(name) is None} == {
        "message",
        "unknown",
    }  # answered elsewhere, and nowhere


def test_what_no_kind_knows_is_shown_and_cannot_be_decided(desk: Desk) -> None:
    task = desk.asked("clerk", "talk")
    with desk.site.client() as client:
        page = client.get(f"/review/{task}").text
        assert "cannot show a task of kind “message”" in page
        assert 'id="decision"' not in page
        answer = client.post(f"/review/{task}/decide", data={"digest": desk.stored(task).digest, "say": "approve"})
    assert answer.status_code == 409
    assert desk.status(task) == "pending"


def test_a_made_up_kind_is_one_module_and_one_template(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(task: UserTask, fields: Fields) -> Sent:
        assert task.spec.request.kind == "message"
        if fields.text("word") is None:
            raise Unfit({"word": "Say a word."})
        return Sent(completion={"textValue": fields.one("word")}, will="It is said.")

    made_up = Kind(name="message", label="A made-up kind", template="made_up.html", given=nothing, read=read)
    template = """{% from "review/parts.html" import wrong with context %}
        <input name="word">{{ wrong(card.tried, "word", "w") }}"""
    environment: Any = rendering._environment  # pyright: ignore[reportPrivateUsage] - it has no other door
    monkeypatch.setattr(
        environment, "loader", ChoiceLoader([environment.loader, DictLoader({"made_up.html": template})])
    )
    monkeypatch.setattr(cards, "KINDS", Kinds(made_up))
    task = desk.asked("clerk", "talk")
    with desk.site.client() as client:
        page = client.get(f"/review/{task}").text
        assert "A made-up kind" in page
        hidden = desk.hidden(page)
        refused = client.post(f"/review/{task}/decide", data={**hidden, "word": " "})
        assert (refused.status_code, "Say a word." in refused.text) == (422, True)
        assert client.post(f"/review/{task}/decide", data={**hidden, "word": "onwards"}).status_code == 303
    desk.until(lambda: any("onwards" in text for text in desk.done))


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ("the shelf", "the safe!", "it was changed in the database"),
        ("approval", "aproval!", "cannot be read by this version"),
    ],
)
def test_what_was_changed_by_hand_cannot_be_decided(desk: Desk, folder: Path, was: str, now: str, told: str) -> None:
    task = desk.asked("clerk", "look")
    with desk.site.client() as client:
        hidden = desk.hidden(client.get(f"/review/{task}").text)
        # in another process: one that opens a file twice loses its locks when it closes one of them
        subprocess.run([sys.executable, "-c", CHANGE, folder / "sayso.db", f'"{was}"', f'"{now}"', task], check=True)
        page = client.get(f"/review/{task}").text
        assert told in page
        assert 'id="decision"' not in page
        assert client.post(f"/review/{task}/decide", data={**hidden, "say": "approve"}).status_code in {409, 412}
