"""Cards in a real browser: decided by mouse, drafts that survive, long values, hostile text, and axe on every kind."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from sayso import tool
from sayso.testing import call
from tests.web.cardkit import Desk, desk_of
from tests.web.cardprograms import clerk, flows
from tests.web.conftest import PLACES, Opening
from tests.web.site import COOKIE, site

HOSTILE = "<script>fetch('//evil.example/')</script><img src=//evil.example/a onerror=alert(1)>[x](javascript:alert(1))"
TAIL = "and then everything to the other account"
STRANGE = "\u202eabc\u2066x\u200b\ufe0f\U000e0041\x00\x1b[31m p\u0430ypal.com e\u0301"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    done: list[Any] = []

    @tool(requires_confirmation=True, summary="Wire {amount}")
    def wire(amount: int, text: str) -> str:
        done.append(("wire", amount))
        return "wired"

    extra = {
        "wire": call("wire", amount=5, text="short"),
        "long": call("wire", amount=5, text="all is well\n" * 300 + TAIL),
        "hostile": [HOSTILE, call("wire", amount=5, text=HOSTILE + STRANGE)],
        "wide": call("wire", amount=5, text="w" * 3000),
    }
    folder = tmp_path_factory.mktemp("browser")
    with site(folder, lambda db: [clerk(db, done, [], tools=[wire], extra=extra), *flows(db, done)]) as found:
        yield desk_of(found, done)


def shown(opening: Opening, desk: Desk, task: str, **options: Any) -> Page:
    page = opening(desk.site, **options).new_page()
    page.goto(f"/review/{task}")
    if options.get("java_script_enabled", True):
        expect(page.locator("#live")).to_have_text("Live")
    return page


def fits(page: Page) -> bool:
    """Tell whether nothing is to be scrolled to sidewards."""
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_risky_call_is_approved_by_two_presses(desk: Desk, opening: Opening) -> None:
    task = desk.asked("clerk", "wire")
    page = shown(opening, desk, task)
    expect(page.get_by_text("● high risk")).to_be_visible()
    assert page.evaluate("document.activeElement === document.body")
    page.get_by_role("button", name="Approve").dblclick()
    expect(page.get_by_role("alert").get_by_text("This runs wire as shown.")).to_be_visible()
    assert desk.status(task) == "pending"  # a double click is one press
    page.get_by_role("button", name="Yes, approve").click()
    expect(page.locator("#settled")).to_contain_text("Approved by owner@example.com")
    expect(page.locator("#decision")).to_have_count(0)
    desk.until(lambda: ("wire", 5) in desk.done)


def test_every_kind_is_decided_by_mouse(desk: Desk, opening: Opening) -> None:
    page = opening(desk.site).new_page()

    def at(program: str, text: str) -> None:
        page.goto(f"/review/{desk.asked(program, text)}")

    def settled(words: str) -> None:
        expect(page.locator("#settled")).to_contain_text(words)

    at("clerk", "text")
    page.get_by_label("Your answer").fill("because")
    page.get_by_role("button", name="Answer").click()
    settled("Answered")
    at("clerk", "number")
    page.get_by_label("Your answer").fill("77")
    page.get_by_role("button", name="Answer").click()
    expect(page.locator("#value-wrong")).to_contain_text("at most 9")
    expect(page.get_by_label("Your answer")).to_be_focused()
    page.get_by_label("Your answer").fill("7")
    page.keyboard.press("Enter")
    settled("Answered")
    at("clerk", "choice")
    page.get_by_label("the second").check()
    page.get_by_role("button", name="Answer").click()
    settled("Chosen")
    at("routes", "mouse")
    page.get_by_label("odd", exact=True).fill("1")
    page.get_by_role("button", name="Take it").click()
    settled("Chosen")
    at("error", "mouse")
    page.get_by_role("button", name="Go on without it").click()
    settled("Skipped")
    at("fields", "mouse")
    page.locator("[name='field:n']").fill("3")
    page.get_by_role("button", name="Send").click()
    settled("Answered")
    at("clerk", "outside")
    page.get_by_label("The result").fill("done")
    page.get_by_role("button", name="Give the result").click()
    settled("Answered")
    at("clerk", "unsure")
    page.get_by_role("button", name="It did not").click()
    page.get_by_role("button", name="Yes, I have looked").click()
    settled("Chosen")
    at("output", "mouse")
    page.locator("details.edit summary").click()
    page.get_by_label("The output", exact=True).fill("another")
    page.get_by_role("button", name="Show what I change").click()
    page.get_by_role("button", name="Yes, keep my version").click()
    settled("Approved with changes")
    at("clerk", "move")
    page.locator("details.edit summary").click()
    page.locator("[name='arg:count']").fill("9")
    page.get_by_role("button", name="Show what I change").click()
    expect(page.locator(".arming")).to_contain_text("+ 9")
    page.get_by_role("button", name="Yes, approve with these changes").click()
    settled("Approved with changes")
    desk.until(lambda: any(item[0] == "move" and item[2] == 9 for item in desk.done))


def test_a_draft_outlives_the_decision_of_somebody_else(desk: Desk, opening: Opening) -> None:
    task = desk.asked("clerk", "look")
    mine, idle = shown(opening, desk, task), shown(opening, desk, task)
    mine.get_by_label("Reason, or a note").fill("half a thought")
    with desk.site.client("operator") as other:
        hidden = desk.hidden(other.get(f"/review/{task}").text)
        assert other.post(f"/review/{task}/claim").status_code == 303
        expect(mine.locator("#card-line")).to_contain_text("operator@example.com is on this")
        assert other.post(f"/review/{task}/decide", data={**hidden, "say": "approve"}).status_code == 303
    expect(mine.locator("#stale")).to_contain_text("Approved by operator@example.com")
    expect(mine.locator("#stale")).to_be_in_viewport()
    expect(mine.get_by_label("Reason, or a note")).to_have_value("half a thought")
    expect(mine.get_by_role("button", name="Reject")).to_be_hidden()
    expect(idle.locator("#settled")).to_contain_text("Approved by operator@example.com")
    mine.get_by_role("link", name="Show how it came out").click()
    expect(mine.locator("#settled")).to_contain_text("Approved by operator@example.com")


def test_a_press_that_does_not_arrive_says_so_and_is_sent_again(desk: Desk, browser: Any) -> None:
    task = desk.asked("clerk", "look")
    context = browser.new_context(base_url=desk.site.url)  # one whose console may complain of the broken connection
    try:
        context.add_cookies([{"name": COOKIE, "value": desk.site.session(), "url": desk.site.url}])
        page = context.new_page()
        page.goto(f"/review/{task}")
        page.get_by_label("Reason, or a note").fill("no, thank you")
        page.route("**/decide", lambda route: route.abort())
        page.get_by_role("button", name="Reject").click()
        expect(page.locator("#unsent")).to_contain_text("Not sent: the service cannot be reached")
        key = page.locator("[name=key]").input_value()
        page.unroute("**/decide")
        page.route("**/decide", lambda route: route.fulfill(status=503, body='{"code": "not_ready"}'))
        page.get_by_role("button", name="Reject").click()
        expect(page.locator("#unsent")).to_contain_text("Not sent. The service did not answer")
        assert page.locator("[name=key]").input_value() == key
        expect(page.get_by_label("Reason, or a note")).to_have_value("no, thank you")
        page.unroute("**/decide")
        page.get_by_role("button", name="Reject").click()
        expect(page.locator("#settled")).to_contain_text("Rejected by owner@example.com")
    finally:
        context.close()


@pytest.mark.parametrize("place", ["desktop", "phone"])
def test_a_long_value_is_opened_before_it_is_approved(desk: Desk, opening: Opening, place: str) -> None:
    page = shown(opening, desk, desk.asked("clerk", "long"), place=place)
    approve = page.get_by_role("button", name="Approve")
    expect(approve).to_be_disabled()
    expect(page.locator("#unread")).to_contain_text("text (3,640 characters)")
    page.get_by_role("button", name="Show all 3,640 characters").click()
    expect(approve).to_be_enabled()
    expect(page.locator("#unread")).to_be_hidden()
    page.locator(".values").get_by_text(TAIL).scroll_into_view_if_needed()
    expect(page.locator(".values").get_by_text(TAIL)).to_be_in_viewport()
    assert fits(page)


def test_without_scripts_everything_is_shown_and_decided(desk: Desk, opening: Opening) -> None:
    task = desk.asked("clerk", "long")
    page = shown(opening, desk, task, java_script_enabled=False, place="phone")
    assert TAIL in page.locator(".values").inner_text()
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Yes, approve").click()
    assert page.url.endswith(f"/review/{task}")
    expect(page.locator("#settled")).to_contain_text("Approved")


@pytest.mark.parametrize("text", ["hostile", "wide"])
@pytest.mark.parametrize("place", ["desktop", "phone"])
def test_hostile_text_is_shown_as_it_is_and_does_nothing(desk: Desk, opening: Opening, place: str, text: str) -> None:
    task = desk.asked("clerk", text)
    context = opening(desk.site, place=place)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto(f"/review/{task}")
    expect(page.locator("#live")).to_have_text("Live")
    for button in page.locator(".unfold").all():
        button.click()
    seen = page.locator(".values").inner_text()
    if text == "hostile":
        assert HOSTILE in seen
        assert HOSTILE in page.locator(".untrusted").inner_text()
        for code in ("202E", "2066", "200B", "FE0F", "E0041", "0000", "001B"):
            assert f"U+{code}" in seen
        assert "mixed scripts in one word: Cyrillic, Latin" in seen
        assert "(NFD)" in seen
    else:
        assert "w" * 3000 in seen
    assert fits(page)
    assert all(url.startswith(desk.site.url) for url in asked)


def test_ctrl_enter_sends_what_is_being_written(desk: Desk, opening: Opening) -> None:
    page = shown(opening, desk, desk.asked("clerk", "look"))
    page.get_by_label("Reason, or a note").fill("not like this")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#settled")).to_contain_text("Rejected")


def test_in_the_inbox_the_card_is_beside_the_list(desk: Desk, opening: Opening) -> None:
    task = desk.asked("clerk", "wire")
    page = opening(desk.site).new_page()
    page.goto("/review")
    page.locator(f".rows [data-id='{task}'] > a").click()
    expect(page.locator("#card")).to_have_attribute("data-id", task)
    page.get_by_label("Reason, or a note").fill("no")
    page.get_by_role("button", name="Reject").click()
    expect(page.locator("#settled")).to_contain_text("Rejected")
    assert fits(page)


LOOKS = [(place, scheme) for place in ("desktop", "phone") for scheme in ("light", "dark")]
KINDS = {
    ("clerk", "hostile"): LOOKS, ("clerk", "move"): LOOKS[::3], ("clerk", "form"): LOOKS[1:3],
    ("clerk", "choice"): LOOKS[1:2], ("clerk", "unsure"): LOOKS[::3], ("output", "axe"): LOOKS[1:3],
    ("error", "axe"): LOOKS[3:], ("routes", "axe"): LOOKS[:1],
}  # fmt: skip


def test_axe_finds_nothing(desk: Desk, opening: Opening) -> None:
    page = opening(desk.site).new_page()
    for (program, text), looks in KINDS.items():
        page.goto(f"/review/{desk.asked(program, text)}")
        for summary in page.locator("main summary").all():
            summary.click()
        for place, scheme in looks:
            page.set_viewport_size(PLACES[place])
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page)
            assert found.violations_count == 0, (text, place, scheme, found.generate_report())
            assert fits(page), text


def test_a_draft_is_there_again_after_something_else_was_looked_at(desk: Desk, opening: Opening) -> None:
    task, other = desk.asked("clerk", "move"), desk.asked("clerk", "look")
    page = shown(opening, desk, task)
    page.locator("details.edit summary").click()
    page.locator("[name='arg:to']").fill("bo@example.com")
    page.get_by_label("When rejecting").check()
    page.get_by_label("Reason, or a note").fill("half a thought")
    page.goto(f"/review/{other}")
    expect(page.get_by_label("Reason, or a note")).to_have_value("")
    page.goto(f"/review/{task}")
    expect(page.get_by_label("Reason, or a note")).to_have_value("half a thought")
    expect(page.locator("[name='arg:to']")).to_have_value("bo@example.com")
    expect(page.get_by_label("When rejecting")).to_be_checked()
    page.get_by_role("button", name="Reject").click()
    expect(page.locator("#settled")).to_contain_text("Rejected")
    assert page.evaluate("sessionStorage.length") == 0
