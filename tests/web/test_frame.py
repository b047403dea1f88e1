"""The frame of every page: who may come in, what loads, what is refused, and that it lives without a reload."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.service.served import desk, flow
from tests.web.conftest import Opening
from tests.web.site import Site, site


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    paid: list[float] = []
    with site(tmp_path_factory.mktemp("frame"), lambda db: [desk(db, paid), flow(db)]) as found:
        yield found


def test_who_is_not_signed_in_is_led_to_the_sign_in_page_and_back(place: Site) -> None:
    with place.client(None) as client:
        answer = client.get("/review?kind=approval")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Freview%3Fkind%3Dapproval")


def test_a_page_that_is_not_there_is_told_in_words(place: Site) -> None:
    with place.client() as client:
        answer = client.get("/nothing")
    assert answer.status_code == 404
    assert "there is nothing at this one" in answer.text
    assert "request req_" in answer.text


def test_programs_get_problems_all_the_same(place: Site) -> None:
    with place.client() as client:
        assert client.get("/v1/nothing").json()["code"] == "route_unknown"
        assert client.get("/nothing", headers={"Accept": "application/json"}).json()["code"] == "route_unknown"


def test_assets_may_be_kept_for_ever_and_are_sent_packed(place: Site) -> None:
    with place.client() as client:
        text = client.get("/review").text
        address = next(part.split('"')[0] for part in text.split('href="')[1:] if "app.css" in part)
        answer = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"


def test_a_new_task_appears_without_a_reload(place: Site, opening: Opening, tmp_path: Path) -> None:
    page = opening(place).new_page()
    page.goto("/review")
    expect(page.locator("#live")).to_have_text("Live")
    agent = next(iter(place.do(place.service.registry.list_agents(place.root.workspace.id, limit=10)).items))
    assert agent.name == "desk"
    with place.client() as client:
        started = client.post(
            f"/v1/agents/{agent.id}/runs", json={"input": {"message": "pay"}}, headers={"Accept": "application/json"}
        )
    assert started.status_code == 202, started.text
    expect(page.get_by_text("Pay 5")).to_be_visible()
    page.screenshot(path=str(tmp_path / "review.png"))
