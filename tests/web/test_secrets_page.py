"""Secret arguments on the card in a real browser: dots, shown one at a time, edited without a trace."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.service.test_secret_arguments import CANARY, programs
from tests.web.cardkit import Desk, desk_of
from tests.web.conftest import PLACES, Opening
from tests.web.site import site


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    done: list[Any] = []
    with site(tmp_path_factory.mktemp("secrets"), lambda db: programs(db, done)) as found:
        yield desk_of(found, done)


def test_a_secret_is_shown_in_place_and_a_draft_of_it_is_not_kept(desk: Desk, opening: Opening) -> None:
    task = desk.asked()
    for place in PLACES:
        for scheme in ("light", "dark"):
            page = opening(desk.site, place=place, color_scheme=scheme).new_page()
            page.goto(f"/review/{task}")
            expect(page.locator("#card")).not_to_contain_text(CANARY)
            page.get_by_text("Edit the arguments", exact=True).click()
            page.locator("[name='arg:user']").fill("bob")
            page.locator("[name='arg:password']").fill("typed-canary-1")
            drawn = "getComputedStyle(document.querySelector(`[name='arg:password']`)).webkitTextSecurity"
            assert page.evaluate(drawn) == "disc", "what is typed is drawn as dots"
            page.get_by_role("button", name="Show /password").click()
            expect(page.locator("#secrets")).to_contain_text(CANARY)
            assert page.locator("[name='arg:user']").input_value() == "bob", "what was typed is still there"
            assert page.url.endswith(task)
            kept = page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
            assert "bob" in kept
            assert "canary" not in kept
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert Axe().run(page).violations_count == 0
    page.reload()
    expect(page.locator("#card")).not_to_contain_text(CANARY)
