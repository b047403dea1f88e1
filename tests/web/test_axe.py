"""Every page, by axe (WCAG 2.2 AA) in both themes and at both widths; none is wider than the window, or asks elsewhere.

The pages are those of tests/web/routes.py, which a new page cannot stay out of (tests/web/test_routes.py).
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.service.served import desk, flow
from tests.web.conftest import PLACES, Opening
from tests.web.routes import OPEN_PAGES, OWN_DOCUMENTS, PAGES, Ids, known
from tests.web.site import COOKIE, Site, site

RULES = {
    "light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
"""A theme changes colours and nothing else, so in the second one the rules about colours are enough."""
EVERY = {**PAGES, **OPEN_PAGES, "/nothing": "/nothing"}
FIRST = 100_000
"""How many bytes the first page may be over the wire, with everything that it loads."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    paid: list[float] = []
    with site(tmp_path_factory.mktemp("axe"), lambda db: [desk(db, paid), flow(db)]) as found:
        yield found


@pytest.fixture(scope="module")
def ids(place: Site) -> Ids:
    return known(place)


Window = tuple[Page, str, list[str]]
"""A window that stays open for all pages, its theme, and what it has asked of anybody else."""


@pytest.fixture(scope="module", params=[(size, theme) for size in PLACES for theme in ("light", "dark")], ids="-".join)
def window(request: pytest.FixtureRequest, browser: Browser, place: Site) -> Iterator[Window]:
    size, theme = request.param
    context = browser.new_context(
        viewport=PLACES[size], base_url=place.url, color_scheme=theme, reduced_motion="reduce"
    )
    context.add_cookies([{"name": COOKIE, "value": place.session("owner"), "url": place.url}])
    asked: list[str] = []
    own = urlsplit(place.url).netloc
    context.on("request", lambda sent: asked.append(sent.url) if urlsplit(sent.url).netloc != own else None)
    yield context.new_page(), theme, asked
    context.close()


@pytest.mark.parametrize("path", sorted(EVERY))
def test_a_page_can_be_used_by_everybody_fits_and_asks_nobody_else(window: Window, ids: Ids, path: str) -> None:
    page, theme, asked = window
    page.goto(EVERY[path].format_map(ids))
    assert asked == []
    if path in OWN_DOCUMENTS:  # its sandbox lets no script run, axe's neither
        return
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")  # what is folded, too
    found = Axe().run(page, options={"runOnly": RULES[theme], "resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_first_page_is_light(place: Site, ids: Ids, browser: Browser) -> None:
    del ids
    context = browser.new_context(base_url=place.url)
    context.add_cookies([{"name": COOKIE, "value": place.session("owner"), "url": place.url}])
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    sizes: list[float] = []
    wire.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
    page.goto("/review")
    expect(page.locator("#live")).to_have_text("Live")
    context.close()
    print(f"\nthe first page: {sum(sizes):.0f} bytes over the wire in {len(sizes)} answers")
    assert len(sizes) > 4
    assert sum(sizes) < FIRST


def test_the_first_thing_that_tab_reaches_leads_to_the_content(place: Site, opening: Opening) -> None:
    page = opening(place).new_page()
    page.goto("/settings/me")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


@pytest.mark.parametrize("size", sorted(PLACES))
def test_what_has_the_focus_is_never_under_the_header(place: Site, opening: Opening, size: str) -> None:
    """WCAG 2.4.11: forwards to the end of a long page, and backwards to its top."""
    page = opening(place, place=size).new_page()
    page.goto("/settings/people")
    header = page.locator("header.frame").bounding_box()
    assert header is not None
    script = """() => {
        const element = document.activeElement;
        if (!element || element === document.body || element.closest("header.frame")) return null;
        const box = element.getBoundingClientRect();
        const across = box.left + Math.min(box.width, innerWidth) / 2;
        const point = document.elementFromPoint(across, Math.min(box.top + 12, box.bottom - 1));
        return Boolean(point && point.closest("header.frame"));
    }"""
    hidden: list[bool] = []
    for key in ["Tab"] * 30 + ["Shift+Tab"] * 30:
        page.keyboard.press(key)
        hidden.append(bool(page.evaluate(script)))
    assert not any(hidden)


def test_nothing_moves_for_who_wants_no_motion_and_forced_colours_keep_what_is_chosen(
    place: Site, opening: Opening
) -> None:
    page = opening(place, reduced_motion="reduce", forced_colors="active").new_page()
    page.goto("/settings/me")
    moving = """() => [...document.querySelectorAll("*")].filter(element => {
        const style = getComputedStyle(element);
        return style.animationName !== "none" || parseFloat(style.transitionDuration) > 0;
    }).length"""
    assert page.evaluate(moving) == 0
    current = page.locator(".tabs a[aria-current]")
    assert current.evaluate("element => getComputedStyle(element).borderBottomWidth") == "3px"


def test_a_chosen_theme_counts_more_than_the_systems(place: Site, opening: Opening) -> None:
    page = opening(place, color_scheme="light").new_page()
    page.goto("/settings/me")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    assert page.evaluate(ground) != light
