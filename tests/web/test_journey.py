"""A reviewer's whole way: by mouse, by keyboard alone, on a phone, without scripts, and two at once."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.cardkit import Desk
from tests.web.conftest import Opening
from tests.web.refunds import PAID, programs
from tests.web.site import Site, site

RESTED = "#sure[data-rested]"
"""The button of the second press, once it has rested: half a second after the first."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("journey"), programs) as found:
        yield found


def ask(place: Site, *texts: str) -> None:
    """Have the desk ask, and wait until it does."""
    desk, _ = programs(place.db)
    for text in texts:
        place.do(desk.arun(text))


def paid(name: str, amount: float = 12.5) -> bool:
    return (name, amount) in PAID


def until_paid(page: Page, name: str, amount: float = 12.5) -> None:
    """Wait until a refund has left."""
    for _ in range(100):
        if paid(name, amount):
            return
        page.wait_for_timeout(50)
    raise AssertionError(PAID)


def row(page: Page, text: str) -> Locator:
    return page.locator(".task", has_text=text)


def test_by_mouse(place: Site, opening: Opening) -> None:
    ask(place, "refund mia", "refund max")
    page = opening(place).new_page()
    page.goto("/review")
    row(page, "mia").locator("a").click()
    card = page.locator("#card")
    expect(card).to_contain_text("Refund 12.5 to mia")
    card.get_by_role("button", name="Approve").click()
    expect(card).to_contain_text("Nothing is decided yet")
    assert not paid("mia")
    card.locator("#sure").click()
    expect(row(page, "mia")).to_have_count(0)
    until_paid(page, "mia")
    # the next one is opened by itself; it is rejected, with a reason
    expect(card).to_contain_text("Refund 12.5 to max")
    card.get_by_role("button", name="Reject").click()
    expect(card).to_contain_text("Say why")
    card.get_by_label("Reason").fill("twice already")
    card.get_by_role("button", name="Reject").click()
    expect(row(page, "max")).to_have_count(0)
    page.get_by_role("link", name="Completed").click()
    expect(row(page, "max")).to_contain_text("rejected by")
    assert not paid("max")


def test_by_keyboard_alone(place: Site, opening: Opening) -> None:
    ask(place, "refund kim", "refund kai", "ask Which account?")
    page = opening(place).new_page()
    page.goto("/review")
    card = page.locator("#card")
    expect(card).to_contain_text("kim")
    page.keyboard.press("a")
    expect(card.locator(RESTED)).to_be_enabled()
    page.keyboard.press("a")
    until_paid(page, "kim")
    expect(card).to_contain_text("kai")
    page.keyboard.press("r")
    page.keyboard.type("not this time")
    page.keyboard.press("Control+Enter")
    expect(row(page, "kai")).to_have_count(0)
    expect(card).to_contain_text("Which account?")
    page.keyboard.press("w")
    page.keyboard.type("DE02 1203")
    page.keyboard.press("Control+Enter")
    expect(row(page, "Which account?")).to_have_count(0)
    assert not paid("kai")


def test_everything_is_reached_by_tab(place: Site, opening: Opening) -> None:
    ask(place, "refund tab")
    page = opening(place).new_page()
    page.goto("/review")
    expect(page.locator("#card")).to_contain_text("tab")
    page.locator("body").press("Home")
    reached: set[str] = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):  # once around
            break
        told = page.evaluate("document.activeElement.textContent.trim().slice(0, 40) || document.activeElement.name")
        reached.add(told)
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        if ring == "none":  # a row of the list shows the ring on itself
            ring = page.evaluate(
                "getComputedStyle(document.activeElement.closest('.task') ?? document.body).outlineStyle"
            )
        assert ring != "none", told
    assert any(text.startswith("Approve") for text in reached), reached
    assert {"Reject", "note", "Comment"} <= reached, reached
    row(page, "tab").locator("a").click()
    page.locator("#card").get_by_label("Reason").fill("no")
    page.locator("#card").get_by_role("button", name="Reject").click()
    expect(row(page, "tab")).to_have_count(0)


def test_on_a_phone(place: Site, opening: Opening) -> None:
    ask(place, "refund pia")
    page = opening(place, place="phone", has_touch=True, is_mobile=True).new_page()
    page.goto("/review")
    row(page, "pia").locator("a").tap()
    page.wait_for_url("**/review/task_*")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    card = page.locator("#card")
    card.get_by_role("button", name="Approve").tap()
    expect(card.locator(RESTED)).to_be_enabled()
    card.locator("#sure").tap()
    until_paid(page, "pia")
    expect(card).to_contain_text("pproved")


def test_without_scripts(place: Site, opening: Opening) -> None:
    ask(place, "refund noa")
    page = opening(place, java_script_enabled=False).new_page()
    page.goto("/review")
    row(page, "noa").locator("a").click()
    page.wait_for_url("**/review/task_*")
    page.get_by_role("button", name="Approve").click()
    assert not paid("noa")
    page.locator("#sure").click()
    page.wait_for_url("**/review/task_*")
    expect(page.locator("#card")).to_contain_text("pproved")
    until_paid(page, "noa")


def test_two_browsers_race_and_the_later_one_keeps_its_draft(place: Site, opening: Opening) -> None:
    ask(place, "refund duo")
    first, second = opening(place, "owner").new_page(), opening(place, "operator").new_page()
    for page in (first, second):
        page.goto("/review")
        row(page, "duo").locator("a").click()
        expect(page.locator("#card")).to_contain_text("duo")
    second.locator("#card").get_by_label("Reason").fill("my long thought about duo")
    first.locator("#card").get_by_role("button", name="Approve").click()
    first.locator("#sure").click()
    until_paid(first, "duo")
    stale = second.locator("#stale")
    expect(stale).to_contain_text("owner@example.com")
    expect(second.locator("#card").get_by_label("Reason")).to_have_value("my long thought about duo")
    assert PAID.count(("duo", 12.5)) == 1


def test_the_later_of_two_presses_is_told_who_won(place: Site) -> None:
    """Both had armed the same card; neither page was refreshed in between."""
    ask(place, "refund eva")
    page = place.do(place.service.runtime.list_tasks())
    task = next(item for item in page.tasks if "eva" in item.spec.request.message)
    with place.client("owner") as one, place.client("operator") as other:
        shown = {client: client.get(f"/review/{task.id}").text for client in (one, other)}
        hidden = {client: Desk.hidden(text) for client, text in shown.items()}
        wins = one.post(f"/review/{task.id}/decide", data={**hidden[one], "say": "reject", "note": "no"})
        late = other.post(f"/review/{task.id}/decide", data={**hidden[other], "say": "reject", "note": "mine"})
    assert (wins.status_code, late.status_code) == (303, 409)
    assert "owner@example.com" in late.text
    assert "mine" in late.text
