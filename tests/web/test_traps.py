"""The traps that pages like these have fallen into, one test each."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from sayso import web
from tests.web.conftest import Opening
from tests.web.refunds import PAID, programs
from tests.web.site import Site, site

TEMPLATES = sorted((Path(web.__file__).parent / "templates").rglob("*.html"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("traps"), programs) as found:
        desk, _ = programs(found.db)
        for name in ("one", "two", "three"):
            found.do(desk.arun(f"refund {name}"))
        yield found


def test_the_stream_opens_on_every_load(place: Site, opening: Opening) -> None:
    """Deferred, the extension could come after htmx had looked at the page, and the stream was never opened."""
    page = opening(place).new_page()
    for _ in range(8):
        page.goto("/review")
        expect(page.locator("#live")).to_have_text("Live")
    assert "script src=\"{{ static('vendor/htmx.min.js') }}\"></script>" in (
        next(path for path in TEMPLATES if path.name == "base.html").read_text("utf-8")
    )


def test_a_page_has_one_stream(place: Site, opening: Opening) -> None:
    """A browser opens six connections to a host; with two streams a page, the fourth tab would hang."""
    page = opening(place).new_page()
    streams: list[str] = []
    page.on("request", lambda request: streams.append(request.url) if "/live" in request.url else None)
    page.goto("/review")
    expect(page.locator("#card")).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator("#card")).to_contain_text("two")
    assert len(streams) == 1


def test_a_key_never_hits_the_card_that_was_there_before(place: Site, opening: Opening) -> None:
    """Pressed right after `j`, a decision key hit the card of the task before, while the next one was loading."""
    page = opening(place).new_page()
    page.goto("/review")
    expect(page.locator("#card")).to_contain_text("Refund 12.5 to one")

    def slow(route: Any) -> None:
        page.wait_for_timeout(500)
        route.continue_()

    page.route("**/review/task_*", slow)
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.keyboard.press("a")
    expect(page.locator("#card")).to_contain_text("Refund 12.5 to two")
    page.wait_for_timeout(600)
    assert ("one", 12.5) not in PAID
    assert page.locator("#sure").count() == 0


def test_keys_do_nothing_where_they_are_switched_off(place: Site, opening: Opening) -> None:
    context = opening(place)
    context.add_cookies([{"name": "sayso_view", "value": "shortcuts=0", "url": place.url}])
    page = context.new_page()
    page.goto("/review")
    expect(page.locator("#card")).to_contain_text("Refund 12.5 to one")
    page.keyboard.press("j")
    page.keyboard.press("?")
    page.wait_for_timeout(200)
    expect(page.locator("#card")).to_contain_text("Refund 12.5 to one")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_no_template_holds_what_the_policy_refuses_or_marks_anything_as_safe() -> None:
    """`style=` attributes, inline scripts, handlers and htmx's own evaluation are all refused by the browser."""
    wrong = re.compile(
        r"""\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|hx-on|javascript:|\|\s*safe\b|hx-trigger="[^"]*\["""
    )
    found = {path.name: match[0] for path in TEMPLATES if (match := wrong.search(path.read_text("utf-8")))}
    assert found == {}


def test_what_agents_wrote_is_out_of_reach_of_htmx(place: Site) -> None:
    with place.client() as client:
        tasks = place.do(place.service.runtime.list_tasks()).tasks
        text = client.get(f"/review/{tasks[0].id}").text
    assert re.search(r'<h2 id="card-title"[^>]*hx-ignore', text)
    assert re.search(r'<table class="values"[^>]*hx-ignore', text)


def test_without_htmx_a_decision_is_answered_with_a_way_to_a_whole_page(place: Site) -> None:
    tasks = place.do(place.service.runtime.list_tasks()).tasks
    with place.client() as client:
        refused = client.post(f"/review/{tasks[0].id}/decide", data={"say": "reject", "digest": tasks[0].digest})
        assert refused.status_code == 422
        assert "<!doctype html>" in refused.text.lower()


def test_no_middleware_stands_around_the_streams_that_would_hold_them_up() -> None:
    """Starlette's BaseHTTPMiddleware runs an answer in a task of its own, which breaks streams and their ends."""
    source = Path(web.__file__).parents[1]
    assert [path.name for path in source.rglob("*.py") if "BaseHTTPMiddleware" in path.read_text("utf-8")] == []


def test_vendored_scripts_are_as_they_were_published() -> None:
    folder = Path(web.__file__).parent / "static" / "vendor"
    listed = dict(re.findall(r"\| `([^`]+\.js)` \|.*?`([0-9a-f]{64})`", (folder / "README.md").read_text("utf-8")))
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.js")}
    assert found == listed
