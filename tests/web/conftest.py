"""Chromium for the tests of the pages: Debian's, where it is installed; without it they are skipped, loudly."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, expect, sync_playwright

from tests.web.site import COOKIE, Site

CHROMIUM = os.environ.get("SAYSO_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PLACES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
expect.set_options(timeout=30_000)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here: the pages are NOT tested in a browser (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


Opening = Callable[..., BrowserContext]


@pytest.fixture
def opening(browser: Browser, tmp_path: Path) -> Iterator[Opening]:
    """Return what opens a browser context in which somebody is signed in; what its pages complain of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # Playwright's own screenshots add an empty <style>, which the policy refuses.
        if (
            message.type == "error"
            and "Applying inline style" not in message.text
            and "status of 4" not in message.text
        ):
            complaints.append(message.text)

    def open_(
        site: Site, role: Any = "owner", *, email: str | None = None, place: str = "desktop", **options: Any
    ) -> BrowserContext:
        context = browser.new_context(viewport=PLACES[place], base_url=site.url, **options)
        context.on("console", heard)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        if role is not None:
            context.add_cookies([{"name": COOKIE, "value": site.session(role, email), "url": site.url}])
        contexts.append(context)
        return context

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []
