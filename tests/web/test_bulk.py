"""Several approvals with one press: only what is alike, all of it shown, each decided by itself."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from sayso import Agent, SqliteDb, tool
from sayso.core.codec import plain_of
from sayso.model.workspaces import DEFAULT_WORKSPACE
from sayso.testing import ScriptedModel, call
from tests.web.conftest import Opening
from tests.web.site import Site, site

JSON = {"Accept": "application/json"}
DONE: list[str] = []


def programs(db: SqliteDb) -> list[Any]:
    @tool(requires_confirmation=True, effect="keyed", summary="Tag {what}")
    def tag(what: str) -> str:
        DONE.append(what)
        return "tagged"

    @tool(requires_confirmation=True, effect="read", summary="Look at {what}")
    def look(what: str) -> str:
        return "seen"

    @tool(requires_confirmation=True, summary="Pay {what}")
    def pay(what: str) -> str:
        return "paid"

    def turn(request: Any) -> Any:
        name, _, what = request.messages[-1].text.partition(" ")
        return call(name, what=what) if name in {"tag", "look", "pay"} else "Done."

    return [Agent("tagger", model=ScriptedModel(turn), tools=[tag, look, pay], db=db)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("bulk"), programs) as found:
        yield found


@pytest.fixture
def asked(place: Site) -> Any:
    """Return what asks something, and returns the id of the task."""
    (agent,) = programs(place.db)

    def ask(text: str) -> str:
        place.do(agent.arun(text))
        return place.do(place.service.runtime.list_tasks(limit=100)).tasks[-1].id

    return ask


def chosen(client: Any, *tasks: str) -> str:
    return client.get("/review/bulk", params={"task": list(tasks)}).text


def form_of(page: str) -> dict[str, Any]:
    names = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    others = {name: unescape(value) for name, value in names if name != "task"}
    return {"task": [value for name, value in names if name == "task"], **others}


def status(place: Site, task: Any) -> str:
    return str(place.do(place.service.runtime.load_task(task)).status)


def test_alike_ones_are_shown_in_full_and_approved_one_by_one(place: Site, asked: Any) -> None:
    long = "x" * 3000
    first, second = asked("tag a"), asked(f"tag {long}")
    with place.client() as client:
        page = chosen(client, first, second)
        assert page.count("<article") == 2
        assert long in page.split("<h2")[2].split("</h2>")[1]  # whole, in its arguments
        told = client.post("/review/bulk", data=form_of(page) | {"note": "both fine"}).text
        assert told.count("Approved</p>") == 2
        again = client.post("/review/bulk", data=form_of(page)).text
        assert again.count("no longer pending: approved by owner@example.com") == 2
    rows = place.do(place.service.runtime.store.read(lambda tx: tx.audit.of(DEFAULT_WORKSPACE, second)))
    (row,) = [row for row in rows if row.action == "task.decided"]
    assert plain_of(row.data)["note"] == "both fine"
    assert (status(place, first), status(place, second)) == ("completed", "completed")


def test_what_is_not_alike_or_of_high_risk_is_left_out_and_says_why(place: Site, asked: Any) -> None:
    tag, look, pay = asked("tag b"), asked("look b"), asked("pay b")
    with place.client() as client:
        page = chosen(client, tag, look, pay, "task_none")
        assert form_of(page)["task"] == [tag]
        for why in ("something else than the first", "of low or medium risk go together", "no such task"):
            assert why in page
        forged = form_of(page) | {"task": [tag, look, pay]}
        for one in (look, pay):
            forged[f"digest:{one}"] = place.do(place.service.runtime.load_task(one)).digest
        told = client.post("/review/bulk", data=forged).text
        assert told.count("Approved</p>") == 1
        assert [status(place, one) for one in (tag, look, pay)] == ["completed", "pending", "pending"]
        rows = client.get("/review").text
        assert f'name="task" value="{pay}"' not in rows
        assert f'name="task" value="{look}"' in rows


def test_what_changed_or_was_decided_first_stops_none_of_the_others(place: Site, asked: Any) -> None:
    tasks = [asked(f"tag {name}") for name in ("c", "d", "e")]
    with place.client() as client, place.client("operator") as other:
        form = form_of(chosen(client, *tasks))
        form[f"digest:{tasks[0]}"] = "0" * 64
        body = {"approved": False, "comment": "mine"}
        assert other.post(f"/v1/user-tasks/{tasks[1]}/complete", json=body, headers=JSON).status_code == 200
        told = client.post("/review/bulk", data=form).text
    assert "changed after you saw it" in told
    assert "rejected by operator@example.com" in told
    assert told.count("Approved</p>") == 1
    assert [status(place, one) for one in tasks] == ["pending", "completed", "completed"]


def test_readers_select_nothing(place: Site, asked: Any) -> None:
    task = asked("tag f")
    with place.client("auditor") as reader:
        assert 'class="select"' not in reader.get("/review").text
        assert reader.get(f"/review/bulk?task={task}").status_code == 403
        assert reader.post("/review/bulk", data={"task": task}).status_code == 403


def test_by_keys_and_accessible(place: Site, opening: Opening, asked: Any) -> None:
    tasks = [asked(f"look {name}") for name in ("g", "h")]
    page = opening(place, place="desktop").new_page()
    page.goto("/review?operation=look&q=look")
    page.locator(f'.task[data-id="{tasks[0]}"] > a').click()
    expect(page.locator("#bulk")).to_be_hidden()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_role("button", name="Approve the 2 selected …")).to_be_visible()
    with page.expect_response(lambda answer: "/review?operation=look" in answer.url):
        page.evaluate("document.body.dispatchEvent(new CustomEvent('news', { bubbles: true }))")
    expect(page.locator(".select:checked")).to_have_count(2)
    page.keyboard.press("Shift+A")
    expect(page.get_by_role("heading", name="Approve together")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Approve all 2").click()
    expect(page.get_by_text("Approved", exact=True)).to_have_count(2)
