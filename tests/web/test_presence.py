"""Who else looks at a task: told to those who may decide it, for half a minute, and kept nowhere."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from sayso.server.looking import LASTS, Looking
from tests.web.conftest import Opening
from tests.web.refunds import programs
from tests.web.site import Site, site

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PART = {"HX-Request": "true"}
_LOOKS = "looking at this"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("presence"), programs) as found:
        desk, _ = programs(found.db)
        for number in range(3):
            found.do(desk.arun(f"refund ann{number}"))
        yield found


def ids(place: Site) -> list[Any]:
    return [task.id for task in place.do(place.service.runtime.list_tasks()).tasks]


def test_who_was_not_heard_of_again_is_gone_after_half_a_minute() -> None:
    looking = Looking()
    looking.saw("task", "ada", NOW)
    looking.saw("task", "grace", NOW + timedelta(seconds=20))
    assert looking.others("task", "me", NOW + timedelta(seconds=29)) == ("ada", "grace")
    assert looking.others("task", "grace", NOW + timedelta(seconds=29)) == ("ada",)
    assert looking.others("task", "me", NOW + LASTS) == ("grace",)
    assert looking.others("other", "me", NOW) == ()


def test_what_nobody_looks_at_any_more_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sayso.server.looking._MOST", 2)
    looking = Looking()
    for thing in ("a", "b", "c"):
        looking.saw(thing, "ada", NOW)
    assert looking.others("c", "me", NOW) == ()  # full, and everything in it is looked at
    looking.saw("c", "ada", NOW + LASTS)
    assert looking.others("c", "me", NOW + LASTS) == ("ada",)


def test_a_card_tells_who_else_has_it_open(place: Site) -> None:
    task = ids(place)[0]
    with place.client() as client, place.client("operator") as other:
        assert _LOOKS not in client.get(f"/review/{task}").text
        page = other.get(f"/review/{task}").text
        assert "owner@example.com is looking at this." in page
        assert "operator@example.com is" not in page  # oneself is no news
        part = client.get(f"/review/{task}/presence", headers=PART)
        assert "operator@example.com is looking at this." in part.text
        told = client.get(f"/review/{task}/presence?told=operator%40example.com", headers=PART)
        assert (told.status_code, told.text) == (204, "")


def test_readers_are_neither_named_nor_told(place: Site) -> None:
    task = ids(place)[1]
    with place.client() as client, place.client("auditor") as reader:
        client.get(f"/review/{task}")
        assert _LOOKS not in reader.get(f"/review/{task}").text
        assert _LOOKS not in reader.get(f"/review/{task}/presence?told=x", headers=PART).text
        assert _LOOKS not in client.get(f"/review/{task}/presence?told=x", headers=PART).text
        assert client.get("/review/task_none/presence", headers=PART).status_code == 404


def test_two_browsers_see_each_other_come(place: Site, opening: Opening) -> None:
    task = ids(place)[2]
    first = opening(place).new_page()
    first.goto(f"/review/{task}")
    second = opening(place, "operator").new_page()
    second.goto(f"/review/{task}")
    expect(second.get_by_text("owner@example.com is looking at this.")).to_be_visible()
    expect(first.get_by_text("operator@example.com is looking at this.")).to_be_visible()  # within ten seconds
