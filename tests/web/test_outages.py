"""What a page does when the service goes away under it: killed with a card open, and a stream that is lost."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

PROGRAMS = '''
from pathlib import Path

from sayso import Agent, SqliteDb, tool
from sayso.testing import ScriptedModel, call


@tool(requires_confirmation=True, summary="Refund {amount} to {customer}")
def refund(customer: str, amount: float) -> str:
    """Pay money back."""
    with Path(__file__).with_name("paid.txt").open("a") as paid:
        paid.write(f"{customer} {amount}\\\\n")
    return "paid"


def turn(request):
    said = request.messages[-1].text
    who = said[said.index("@") :].partition('"')[0] if "@" in said and "paid" not in said else None
    return "Done." if who is None else call("refund", customer=who, amount=9)


desk = Agent("desk", model=ScriptedModel(turn), tools=[refund], db=SqliteDb(Path(__file__).with_name("sayso.db")))
'''.replace("\\\\n", "\\n")


class Served:
    """A service that can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "desk.py").write_text(PROGRAMS, "utf-8")
        self.port = 0
        self.url = ""
        self.sign_in = ""
        self.running: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "sayso", "serve", str(self.folder / "desk.py:desk"), "--json"]
        self.running = subprocess.Popen(
            [*command, "-d", str(self.folder / "sayso.db"), "--port", str(self.port)],
            cwd=self.folder,
            env={**os.environ, "SAYSO_LEASE_SECONDS": "0.5"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.running.stdout is not None
        told: dict[str, Any] = json.loads(self.running.stdout.readline())
        self.port, self.url, self.sign_in = told["port"], told["url"], told["sign_in"]

    def kill(self, number: int = signal.SIGKILL) -> None:
        assert self.running is not None
        assert self.running.stdout is not None
        self.running.send_signal(number)
        self.running.wait(20)
        self.running.stdout.close()

    def paid(self) -> list[str]:
        file = self.folder / "paid.txt"
        return file.read_text("utf-8").splitlines() if file.exists() else []


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path)
    yield found
    found.kill()


@contextmanager
def signed_in(browser: Browser, served: Served) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=served.url)
    page = context.new_page()
    page.goto(served.sign_in)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/review")
    expect(page.locator("#live")).to_have_text("Live")
    yield page
    context.close()


def ask(page: Page, text: str) -> None:
    """Start a run with the browser's own session."""
    agent = page.request.get("/v1/agents").json()["items"][0]["id"]
    headers = {"Sec-Fetch-Site": "same-origin"}
    started = page.request.post(f"/v1/agents/{agent}/runs", data={"input": {"message": text}}, headers=headers)
    assert started.status == 202, started.text()


def test_a_server_that_is_killed_under_an_open_card_costs_neither_the_draft_nor_a_payment(
    browser: Browser, served: Served
) -> None:
    with signed_in(browser, served) as page:
        ask(page, "@ada")
        card = page.locator("#card")
        page.locator(".task", has_text="@ada").locator("a").click()
        expect(card).to_contain_text("Refund 9")
        card.get_by_label("Reason").fill("as agreed on the phone")
        served.kill()
        expect(page.locator("#live")).to_have_attribute("data-state", "lost")
        card.get_by_role("button", name="Approve").click()
        expect(page.locator("#unsent")).to_contain_text("Not sent")
        expect(card.get_by_label("Reason")).to_have_value("as agreed on the phone")
        served.start()
        card.get_by_role("button", name="Approve").click()
        expect(card).to_contain_text("Nothing is decided yet")
        card.locator("#sure").click()
        expect(page.locator(".task", has_text="@ada")).to_have_count(0)
        for _ in range(100):
            if served.paid():
                break
            page.wait_for_timeout(50)
        assert served.paid() == ["@ada 9.0"]


def test_a_stream_that_was_lost_comes_back_and_shows_what_was_missed(browser: Browser, served: Served) -> None:
    with signed_in(browser, served) as page:
        served.kill()
        expect(page.locator("#live")).to_have_attribute("data-state", "lost")
        served.start()
        ask(page, "@bea")
        expect(page.locator(".task", has_text="@bea")).to_be_visible(timeout=40_000)
        expect(page.locator("#live")).to_have_text("Live", timeout=40_000)


def test_a_service_stops_within_two_seconds_although_pages_are_open(browser: Browser, served: Served) -> None:
    with signed_in(browser, served) as page, signed_in_again(browser, page, served):
        assert served.running is not None
        served.running.terminate()
        assert served.running.wait(2) == 0


@contextmanager
def signed_in_again(browser: Browser, page: Page, served: Served) -> Iterator[Page]:
    """Open a second page in a browser of the same person."""
    context = browser.new_context(base_url=served.url, storage_state=page.context.storage_state())
    other = context.new_page()
    other.goto("/review")
    expect(other.locator("#live")).to_have_text("Live")
    yield other
    context.close()
