"""Whose work a task is; the count in the navigation; filters by risk and by person; what came before a question."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from sayso.core.codec import plain_of
from sayso.model.reviews import ReviewFilter
from sayso.model.workspaces import DEFAULT_WORKSPACE, Reach
from tests.web.conftest import Opening
from tests.web.refunds import ask_five_questions, programs
from tests.web.site import Site, site

HERE = Reach(workspace_id=DEFAULT_WORKSPACE)
JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("assigning"), programs) as found:
        ask_five_questions(found)
        for role in ("owner", "operator", "auditor"):
            found.session(role)
        yield found


def ids(place: Site) -> list[Any]:
    return [task.id for task in place.do(place.service.runtime.list_tasks()).tasks]


def sentences(client: Any, address: str) -> list[str]:
    return re.findall(r'<span class="sentence">(.*?)</span>', client.get(address).text)


def count(text: str) -> str | None:
    found = re.search(r'<span id="waiting".*?</span>\s*</a>', text, re.DOTALL)
    shown = re.search(r'class="waits">([^<]*)<', found[0]) if found else None
    return shown[1] if shown else None


def test_the_navigation_counts_what_waits_on_every_page(place: Site) -> None:
    with place.client() as client:
        for address in ("/review", "/dashboard", "/settings/me", f"/review/{ids(place)[0]}"):
            assert count(client.get(address).text) == "5", address
        part = client.get("/waiting", headers={"HX-Request": "true"}).text
    assert '<span class="waits">5</span><span class="visually-hidden"> waiting</span>' in part


def test_nothing_waits_and_nothing_is_counted(tmp_path: Path) -> None:
    with site(tmp_path, programs) as empty, empty.client() as client:
        assert count(client.get("/review").text) is None


def test_the_inbox_is_narrowed_by_risk_exactly(place: Site) -> None:
    with place.client() as client:
        every = {level: sentences(client, f"/review?risk={level}") for level in ("low", "medium", "high")}
        assert sum(map(len, every.values())) == 5
        assert every["high"] == ["Refund 12.5 to ann0", "Refund 12.5 to ann1", "Refund 12.5 to ann2"]
        assert every["low"] == ["Which account?"]
        assert client.get("/review?risk=extreme").status_code == 422
        assert "<option selected>high</option>" in client.get("/review?risk=high").text
    wanted = ReviewFilter(person="owner@example.com", reach=HERE, risk="high")
    first = place.do(place.service.review.page(wanted, limit=2))
    second = place.do(place.service.review.page(wanted, limit=2, cursor=first.next_cursor))
    assert (len(first.tasks), len(second.tasks), first.total, second.next_cursor) == (2, 1, 3, None)


def test_a_task_is_given_to_somebody_and_found_there(place: Site) -> None:
    task = ids(place)[0]
    with place.client() as client, place.client("operator") as other:
        assert client.post(f"/review/{task}/assign", data={"to": " Operator@example.com "}).status_code == 303
        assert "It is assigned to operator@example.com." in client.get(f"/review/{task}").text
        assert "for operator@example.com" in client.get("/review").text
        assert sentences(client, "/review?assignee=operator@example.com") == ["Refund 12.5 to ann0"]
        assert sentences(other, "/review?assignee=me") == ["Refund 12.5 to ann0"]
        assert "It is assigned to you." in other.get(f"/review/{task}").text
        assert "operator@example.com</option>" in client.get("/review").text
        assert "owner@example.com</option>" not in other.get("/review").text  # who may not see who is there
        assert client.post(f"/review/{task}/claim").status_code == 303  # it is no lock
        assert client.post(f"/review/{task}/release").status_code == 303
        assert other.post(f"/review/{task}/assign", data={"to": ""}).status_code == 303
        assert "assigned to" not in client.get("/review").text
    rows = place.do(place.service.runtime.store.read(lambda tx: tx.audit.of(DEFAULT_WORKSPACE, task)))
    told = [row for row in rows if row.action == "task.assigned"]
    assert [(row.by.id, plain_of(row.data)["to"], plain_of(row.data)["before"]) for row in told] == [
        ("owner@example.com", "operator@example.com", None), ("operator@example.com", None, "operator@example.com"),
    ]  # fmt: skip


def test_only_who_may_decide_is_given_a_task(place: Site) -> None:
    task = ids(place)[1]
    with place.client() as client, place.client("auditor") as reader:
        for to in ("auditor@example.com", "nobody@example.com", "not an address"):
            answer = client.post(f"/review/{task}/assign", data={"to": to})
            assert answer.status_code == 422, to
            assert "who may decide" in answer.text
        assert reader.post(f"/review/{task}/assign", data={"to": "owner@example.com"}).status_code == 403
        sent = {"assignee": "owner@example.com"}
        assert (
            client.post(f"/v1/user-tasks/{task}/assign", json=sent, headers=JSON).json()["assignedTo"]
            == sent["assignee"]
        )
        assert client.post(f"/v1/user-tasks/{task}/assign", json={}, headers=JSON).json()["assignedTo"] is None
        wrong = client.post(f"/v1/user-tasks/{task}/assign", json={"assignee": "x@y.z"}, headers=JSON)
        assert (wrong.status_code, wrong.json()["code"]) == (422, "user_task_not_assignable")


def test_a_settled_task_is_given_to_nobody(tmp_path: Path) -> None:
    with site(tmp_path, programs) as fresh:
        desk, _ = programs(fresh.db)
        fresh.do(desk.arun("refund ann"))
        task = ids(fresh)[0]
        with fresh.client() as client:
            client.post(f"/v1/user-tasks/{task}/complete", json={"approved": False, "comment": "no"}, headers=JSON)
            assert client.post(f"/review/{task}/assign", data={"to": "owner@example.com"}).status_code == 409


def test_a_card_on_its_own_page_tells_what_came_before(place: Site) -> None:
    task = ids(place)[0]
    with place.client() as client:
        page, part = (
            client.get(f"/review/{task}").text,
            client.get(f"/review/{task}", headers={"HX-Request": "true"}).text,
        )
    assert "Before this question" in page
    assert "Before this question" not in part
    before = page[page.index("Before this question") :]
    assert "refund ann0" in before
    numbers = [int(number) for number in re.findall(r'<li value="(\d+)"', before)]
    asked = re.search(r"step (\d+) of", page)
    assert asked is not None
    assert numbers == list(range(1, int(asked[1])))


def test_a_page_whose_stream_is_lost_says_how_old_it_is(place: Site, opening: Opening) -> None:
    context = opening(place)
    page = context.new_page()
    page.goto("/settings/me")
    page.clock.install()
    page.goto("/review")
    expect(page.locator("#live")).to_have_text("Live")
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    expect(page.locator("#live")).to_have_text("Reconnecting…")
    page.clock.run_for(8_000)
    expect(page.locator("#live")).to_have_text(re.compile(r"^Offline, refreshed \d+ s ago$"))
    expect(page.locator("#live span")).to_have_attribute("aria-live", "off")
