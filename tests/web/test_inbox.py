"""The inbox: tabs, filters that are links, search, pages, live rows, and the keyboard."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from sayso.model.workspaces import DEFAULT_WORKSPACE, Reach
from tests.web.conftest import Opening
from tests.web.refunds import ask_five_questions, programs
from tests.web.site import Site, site

HERE = Reach(workspace_id=DEFAULT_WORKSPACE)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("inbox"), programs) as found:
        ask_five_questions(found)
        yield found


def rows(client: Any, address: str) -> list[str]:
    text = client.get(address).text
    return re.findall(r'<span class="sentence">(.*?)</span>', text)


def test_each_tab_shows_only_its_status(place: Site) -> None:
    with place.client() as client:
        assert rows(client, "/review") == [
            "Refund 12.5 to ann0", "Refund 12.5 to ann1", "Refund 12.5 to ann2",
            "Which account?", "Deploy to production?",
        ]  # fmt: skip
        for tab in ("snoozed", "completed", "cancelled"):
            assert rows(client, f"/review?tab={tab}") == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("kind=approvals", 4), ("kind=prompts", 1), ("kind=anomaly", 0), ("kind=text", 1), ("agent=deploy", 1),
        ("operation=refund", 3), ("q=ANN1", 1), ("q=100%25", 0), ("assignee=me", 0),
        ("kind=approvals&agent=refund+desk", 3),
    ],
)  # fmt: skip
def test_a_view_is_a_link(place: Site, query: str, count: int) -> None:
    with place.client() as client:
        assert len(rows(client, f"/review?{query}")) == count


def test_what_is_due_first_comes_first_when_asked_for(place: Site) -> None:
    with place.client() as client:
        assert rows(client, "/review?sort=due")[0] == "Deploy to production?"


def test_what_was_claimed_or_put_off_is_found_there_by_whoever_did(place: Site) -> None:
    service = place.service
    page = place.do(service.runtime.list_tasks())
    first, second = page.tasks[0].id, page.tasks[1].id
    owner = place.do(service.directory.authenticate_session(place.session("owner")))
    place.do(service.inbox.claim(first, owner, HERE))
    place.do(service.review.snooze(second, service.clock.now() + timedelta(hours=1), owner, HERE))
    with place.client() as client, place.client("operator") as other:
        assert rows(client, "/review?assignee=me") == ["Refund 12.5 to ann0"]
        assert rows(client, "/review?tab=snoozed") == ["Refund 12.5 to ann1"]
        assert len(rows(client, "/review")) == 4
        assert len(rows(other, "/review")) == 5
        assert "owner@example.com is on it" in other.get("/review").text
    place.do(service.inbox.release(first, owner, HERE))
    place.do(service.review.unsnooze(second, owner, HERE))


def test_what_is_decided_or_dropped_is_on_its_own_tab_alone(tmp_path: Path) -> None:
    with site(tmp_path, programs) as fresh:
        desk, _ = programs(fresh.db)
        for name in ("yes", "gone"):
            fresh.do(desk.arun(f"refund {name}"))
        first, second = fresh.do(fresh.service.runtime.list_tasks()).tasks
        with fresh.client() as client:
            body, as_json = {"approved": False, "comment": "no"}, {"Accept": "application/json"}
            assert client.post(f"/v1/user-tasks/{first.id}/complete", json=body, headers=as_json).status_code == 200
            fresh.do(fresh.service.runtime.cancel(second.run_id, by=fresh.root.actor))
            assert rows(client, "/review?tab=completed") == ["Refund 12.5 to yes"]
            assert rows(client, "/review?tab=cancelled") == ["Refund 12.5 to gone"]
            assert rows(client, "/review?tab=completed&agent=refund+desk&operation=refund") == ["Refund 12.5 to yes"]
            text, decided = client.get("/review").text, client.get("/review?tab=completed").text
    assert "Nothing waits for you" in text
    assert "rejected by owner@example.com" in decided
    assert '<span class="visually-hidden">What was answered: </span>“no”' in decided
    assert "Last decided" in text
    assert "rejected by" in text


def test_a_view_that_makes_no_sense_is_refused_in_words(place: Site) -> None:
    with place.client() as client:
        for query in ("tab=all", "sort=newest", "after=x", "shown=-1"):
            answer = client.get(f"/review?{query}")
            assert answer.status_code in {400, 422}, query
            assert 'role="alert"' in answer.text


def test_pages_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    with site(tmp_path, programs) as many:
        desk, _ = programs(many.db)
        for number in range(55):
            many.do(desk.arun(f"refund c{number:02}"))
        with many.client() as client:
            first = client.get("/review")
            assert "1–50 of 55" in first.text
            following = re.search(r'href="([^"]*after=[^"]*)" rel="next"', first.text)
            assert following is not None
            second = client.get(following[1].replace("&amp;", "&"))
            assert "51–55 of 55" in second.text
            seen = re.findall(r"Refund 12.5 to c(\d\d)", first.text + second.text)
            assert sorted(set(seen)) == [f"{number:02}" for number in range(55)]


def test_keys_move_open_and_search(place: Site, opening: Opening) -> None:
    page = opening(place).new_page()
    page.goto("/review")
    expect(page.locator(".task > a[aria-current=true]")).to_have_text("Refund 12.5 to ann0")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".task > a[aria-current=true]")).to_have_text("Refund 12.5 to ann2")
    expect(page.locator("#card")).to_contain_text("Refund 12.5 to ann2")
    page.keyboard.press("k")
    expect(page.locator("#card")).to_contain_text("Refund 12.5 to ann1")
    page.keyboard.press("/")
    page.keyboard.type("jkr")  # in a field, keys are letters
    expect(page.locator("#q")).to_have_value("jkr")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("o")
    page.wait_for_url("**/review/task_*")
    page.keyboard.press("g")
    page.keyboard.press("u")
    page.wait_for_url("**/sessions")


def test_two_quick_moves_end_on_the_last_one(place: Site, opening: Opening) -> None:
    page = opening(place).new_page()
    page.goto("/review")
    expect(page.locator("#card")).to_be_visible()
    first = {"slow": True}

    def slow(route: Any) -> None:
        if first.pop("slow", False):
            page.wait_for_timeout(600)
        route.continue_()

    page.route("**/review/task_*", slow)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#card")).to_contain_text("Which account?")
    page.wait_for_timeout(800)
    current = page.locator(".task:has(> a[aria-current=true])").get_attribute("data-id")
    assert page.locator("#card").get_attribute("data-id") == current
