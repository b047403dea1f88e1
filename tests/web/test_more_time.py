"""More time on a card: offered to whoever may decide, one press, the draft stays, and everybody sees the new time."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from sayso import tool
from sayso.model.ids import TaskId
from sayso.testing import call
from tests.web.cardkit import Desk, desk_of
from tests.web.cardprograms import clerk, flows
from tests.web.conftest import PLACES, Opening
from tests.web.site import site

HOUR = timedelta(hours=1)
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    done: list[Any] = []

    @tool(requires_confirmation=True, effect="keyed", approval_timeout=3600, approval_extensions=0)
    def hard(text: str) -> str:
        raise AssertionError("nobody has said yes")

    @tool(requires_confirmation=True, effect="read", approval_timeout=3600, approval_extensions=1)
    def once(text: str) -> str:
        done.append(("once", text))
        return "done"

    options: dict[str, Any] = {
        "tools": [hard, once],
        "extra": {"hard": call("hard", text="now"), "once": call("once", text="now")},
        "question_timeout": 3600,
    }
    folder = tmp_path_factory.mktemp("more-time")
    with site(folder, lambda db: [clerk(db, done, [], **options), *flows(db, done)]) as found:
        yield desk_of(found, done)


def button(page: str) -> str | None:
    """Return the deadline that the button of a card is bound to."""
    found = re.search(r'id="more-time"[^>]* value="([^"]+)"', page)
    return None if found is None else found[1]


def words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", "", page)).split())


def press(client: httpx.Client, task: TaskId, due: str | None = None, **more: Any) -> httpx.Response:
    """Press the button, as it is on the card now or was when it showed this deadline."""
    due = due or button(client.get(f"/review/{task}").text)
    return client.post(f"/review/{task}/extend", data={"due": due, **more})


def test_one_press_without_scripts(desk: Desk) -> None:
    task = desk.asked("clerk", "text")
    before = desk.stored(task).due_at
    assert before is not None
    with desk.site.client("operator") as client:
        page = client.get(f"/review/{task}").text
        assert button(page) == before.isoformat()
        assert "which is 1 h more; possible 10 times." in words(page)
        done = press(client, task)
        assert (done.status_code, done.headers["location"]) == (303, f"/review/{task}")
        assert desk.stored(task).due_at == before + HOUR
        page = client.get(f"/review/{task}").text
        assert button(page) == (before + HOUR).isoformat()
        assert "extended once, last by operator@example.com" in words(page)
        assert "possible 9 times more." in words(page)


def test_what_was_typed_comes_back_without_scripts(desk: Desk) -> None:
    task = desk.asked("clerk", "text")
    with desk.site.client() as client:
        page = client.get(f"/review/{task}").text
        hidden, due = desk.hidden(page), button(page)
        kept = client.post(f"/review/{task}/extend", data={**hidden, "value": "half a sen", "note": "tbd", "due": due})
        assert kept.status_code == 200
        assert "half a sen" in kept.text
        assert "tbd" in kept.text
        assert desk.hidden(kept.text)["key"] == hidden["key"]
        assert "There is more time now" in kept.text
        late = client.post(f"/review/{task}/extend", data={**hidden, "value": "half a sen", "due": due})
        assert late.status_code == 409
        assert "half a sen" in late.text
        assert "Somebody has extended the deadline" in late.text
        answer = {**desk.hidden(late.text), "value": "whole", "say": "answer"}
        assert client.post(f"/review/{task}/decide", data=answer).status_code == 303


def test_with_scripts_nothing_but_the_deadline_is_replaced(desk: Desk) -> None:
    task = desk.asked("clerk", "text")
    with desk.site.client() as client:
        due = button(client.get(f"/review/{task}").text)
        part = client.post(f"/review/{task}/extend", data={"due": due}, headers=HTMX)
        again = client.post(f"/review/{task}/extend", data={"due": due}, headers=HTMX)
    assert (part.status_code, again.status_code) == (200, 409)
    for answer in (part, again):
        assert set(re.findall(r' id="([^"]+)"', answer.text)) == {
            "card-time", "more-time", "more-time-hint", "card-due",
        }  # fmt: skip
    assert "Somebody has extended" in again.text


def test_an_open_card_elsewhere_is_told(desk: Desk) -> None:
    task = desk.asked("clerk", "text")
    with desk.site.client() as mine, desk.site.client("operator") as theirs:
        page = unescape(mine.get(f"/review/{task}").text)
        state = "/review/" + page.split('hx-get="/review/')[1].split('"')[0]
        assert mine.get(state).status_code == 204
        assert press(theirs, task).status_code == 303
        news = mine.get(state)
        assert "extended once, last by operator@example.com" in words(news.text)
        assert 'id="decision"' not in news.text
        assert button(news.text) != button(page)
        stale = press(mine, task, button(page))
        assert stale.status_code == 409
        assert "Somebody has extended the deadline since it was shown here" in stale.text


def test_a_hard_deadline_says_so_and_one_that_is_used_up_too(desk: Desk) -> None:
    with desk.site.client() as client:
        task = desk.asked("clerk", "hard")
        page = client.get(f"/review/{task}").text
        assert button(page) is None
        assert "This is a hard deadline: it cannot be extended." in words(page)
        refused = press(client, task, str(desk.stored(task).due_at))
        assert refused.status_code == 409
        assert "a hard one" in refused.text
        task = desk.asked("clerk", "once")
        assert "possible once." in words(client.get(f"/review/{task}").text)
        assert press(client, task).status_code == 303
        page = client.get(f"/review/{task}").text
        assert button(page) is None
        assert "It was extended once, as often as it may be." in words(page)


def test_what_has_no_deadline_offers_nothing(desk: Desk) -> None:
    with desk.site.client() as client:
        for asked in ("look", "unsure"):
            page = client.get(f"/review/{desk.asked('clerk', asked)}").text
            assert button(page) is None
            assert "it waits until somebody decides" in words(page)


def test_who_may_not_decide_is_offered_nothing_and_refused(desk: Desk) -> None:
    task = desk.asked("clerk", "text")
    with desk.site.client("auditor") as auditor, desk.site.client("operator", "grace@example.com") as grace:
        due = button(grace.get(f"/review/{task}").text)
        assert button(auditor.get(f"/review/{task}").text) is None
        assert press(auditor, task, due).status_code == 403
        grace.post(f"/review/{task}/claim")
        with desk.site.client("operator") as other:
            assert button(other.get(f"/review/{task}").text) is None
            refused = press(other, task, due)
            assert refused.status_code == 409
            assert "grace@example.com is on it until" in refused.text
        assert press(grace, task, due).status_code == 303


@pytest.mark.parametrize("due", ["", "soon", "2026-01-01T00:00:00"])
def test_a_press_that_names_no_deadline(desk: Desk, due: str) -> None:
    task = desk.asked("clerk", "text")
    before = desk.stored(task).due_at
    with desk.site.client() as client:
        assert client.post(f"/review/{task}/extend", data={"due": due}).status_code == 422
    assert desk.stored(task).due_at == before


def test_what_is_decided_has_no_more_time(desk: Desk) -> None:
    task = desk.asked("clerk", "text")
    with desk.site.client() as client:
        page = client.get(f"/review/{task}").text
        client.post(f"/review/{task}/decide", data={**desk.hidden(page), "say": "answer", "value": "because"})
        late = press(client, task, button(page))
        assert late.status_code == 409
        assert button(late.text) is None


def test_a_session_tells_it_and_its_card_offers_it(desk: Desk) -> None:
    task = desk.asked("clerk", "text")
    with desk.site.client() as client:
        assert press(client, task).status_code == 303
        session = desk.stored(task).session_id
        page = client.get(f"/sessions/{session}?task={task}").text
    assert "Given more time by owner@example.com, until" in words(page)
    due = desk.stored(task).due_at
    assert due is not None
    assert button(page) == due.isoformat()


def test_in_a_browser_the_draft_stays_and_the_countdown_moves(desk: Desk, opening: Opening) -> None:
    task = desk.asked("clerk", "number")
    with desk.site.client("operator") as other:
        page = opening(desk.site).new_page()
        page.goto(f"/review/{task}")
        expect(page.locator("#live")).to_have_text("Live")
        page.get_by_label("Your answer").fill("7")
        expect(page.locator("#card-due time[data-due]")).to_have_text(re.compile("59 min"))
        page.get_by_role("button", name="More time").dblclick()
        expect(page.locator("#card-due time[data-due]")).to_have_text(re.compile("1 h 59 min"))
        expect(page.locator("#card-time")).to_contain_text("possible 9 times more")
        expect(page.locator("#card-time [role=status]")).to_contain_text("More time: until")
        expect(page.locator("[role=status] [data-due]")).to_have_count(0)  # a countdown is never announced
        assert page.get_by_label("Your answer").input_value() == "7"
        assert press(other, task).status_code == 303
        expect(page.locator("#card-due")).to_contain_text("extended 2 times, last by operator@example.com")
        expect(page.locator("#card-time time.due")).to_have_text(re.compile("2 h 59 min"))
        assert page.get_by_label("Your answer").input_value() == "7"
        page.get_by_label("Your answer").press("Enter")  # sends the answer, and is no wish for more time
        expect(page.locator("#settled")).to_contain_text("Answered")
    due, asked = desk.stored(task).due_at, desk.stored(task).created_at
    assert due == asked + 3 * HOUR


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(desk: Desk, opening: Opening, place: str, scheme: str) -> None:
    page = opening(desk.site, place=place, color_scheme=scheme).new_page()
    for asked in ("text", "hard"):
        page.goto(f"/review/{desk.asked('clerk', asked)}")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
