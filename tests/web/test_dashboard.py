"""The dashboard: what waits, how runs went, tokens and cost, decisions; for whom it is; and that it lives."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from sayso.core.instants import to_micros
from sayso.core.reviewing import Weighed
from sayso.model.measures import COUNTED, Measures, Spending, Waiting
from sayso.model.messages import Usage
from sayso.model.runs import RunState
from sayso.web.burden import burden_view
from sayso.web.dashboard.viewing import dashboard_view
from sayso.web.periods import period
from tests.web.conftest import Opening
from tests.web.deskkit import Kit, desk, flow
from tests.web.site import Site, site

NOW = datetime(2026, 3, 29, 21, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("empty"), lambda db: [flow(db)]) as found:
        yield found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("dashboard"), lambda db: [desk(db), flow(db)]) as found:
        agent = Kit(found).agent()
        for _ in range(3):
            start(found, agent.id)
        with found.client() as client:
            (first, *_) = waiting(found, 3)
            client.post(f"/v1/user-tasks/{first}/complete", json={"approved": True}, headers=JSON)
        waiting(found, 2)
        yield found


JSON = {"Accept": "application/json"}


def start(site_: Site, agent_id: str) -> None:
    with site_.client() as client:
        done = client.post(f"/v1/agents/{agent_id}/runs?wait=20", json={"input": "pay"}, headers=JSON)
    assert done.json()["status"] == "WaitingForHITL", done.text


def waiting(site_: Site, count: int) -> list[str]:
    with site_.client() as client:
        items = client.get("/v1/user-tasks", headers=JSON).json()["items"]
    assert len(items) == count
    return [item["id"] for item in items]


# -- the page ------------------------------------------------------------------------------------------------------


def test_it_tells_what_waits_and_what_was_done(place: Site) -> None:
    with place.client() as client:
        text = client.get("/dashboard").text
    assert '<a href="/review?kind=approval">approval</a>' in text
    assert '<a class="number-big" href="/review">2</a>' in text
    assert "stub:desk" in text
    assert "owner@example.com" in text
    assert "Runs started per day in the last 7 days, by where they stand now: 3 in all; 1 completed, 2 waiting" in text


@pytest.mark.parametrize("span", ["24h", "7d", "30d"])
def test_a_period_is_a_link(place: Site, span: str) -> None:
    with place.client() as client:
        text = client.get("/dashboard", params={"period": span}).text
        assert f'href="/dashboard?period={span}" aria-current="true"' in text
        assert client.get("/dashboard?period=90d").status_code == 422


def test_who_may_not_see_it_has_no_link_and_gets_403(place: Site) -> None:
    with place.client("operator") as client:
        assert client.get("/dashboard").status_code == 403
        assert 'href="/dashboard"' not in client.get("/review").text
    for role in ("owner", "admin", "developer", "auditor"):
        with place.client(role) as client:  # pyright: ignore[reportArgumentType] - one of the roles
            assert client.get("/dashboard").status_code == 200


def test_nothing_is_told_as_nothing(empty: Site) -> None:
    with empty.client() as client:
        text = client.get("/dashboard").text
    for words in (
        "Nothing waits for people.",
        "No run started in this time.",
        "Nothing was decided in this time.",
        "has used a model.",
        "No session yet.",
    ):
        assert words in text
    assert "<svg class=" not in text.replace('<svg class="patterns"', "")


def test_a_new_run_shows_without_a_reload(place: Site, opening: Opening) -> None:
    page = opening(place).new_page()
    page.goto("/dashboard")
    expect(page.locator("#live")).to_have_text("Live")
    before = int(page.locator(".tiles .number-big").first.inner_text())
    start(place, Kit(place).agent().id)
    expect(page.locator(".tiles .number-big").first).to_have_text(str(before + 1))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("where", ["desktop", "phone"])
def test_no_rule_of_accessibility_is_broken(place: Site, opening: Opening, where: str, scheme: str) -> None:
    page = opening(place, place=where, color_scheme=scheme).new_page()
    page.goto("/dashboard")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1]


def test_it_reads_without_scripts(place: Site, opening: Opening, tmp_path: Path) -> None:
    page = opening(place, java_script_enabled=False).new_page()
    page.goto("/dashboard?period=24h")
    expect(page.get_by_role("img", name="Decisions per hour")).to_be_visible()
    expect(page.get_by_role("table", name="The decisions in figures")).to_be_visible()
    page.get_by_role("link", name="30 days").click()
    expect(page.get_by_role("img", name="Decisions per day in the last 30 days")).to_be_visible()


# -- what it is made of --------------------------------------------------------------------------------------------


def test_a_period_begins_at_a_full_hour_or_at_midnight_where_the_viewer_is() -> None:
    hours = period("24h", NOW, "Asia/Kolkata")
    assert len(hours.parts) == 24
    assert hours.parts[-1].begins == datetime(2026, 3, 29, 20, 30, tzinfo=UTC)
    assert hours.parts[-1].name == "02:00"
    week = period("7d", NOW, "Europe/Berlin")
    assert [part.name for part in week.parts][-2:] == ["28 Mar", "29 Mar"]
    assert week.parts[-1].begins == datetime(2026, 3, 28, 23, tzinfo=UTC)  # the clock went forward in that night
    assert week.parts[0].begins == datetime(2026, 3, 22, 23, tzinfo=UTC)
    assert period("7d", NOW + timedelta(days=1), "Europe/Berlin").parts[-1].begins == datetime(
        2026, 3, 29, 22, tzinfo=UTC
    )
    assert len(period("30d", NOW, "nowhere").parts) == 30


def weighed(minutes_ago: float, verdict: str = "approve", **changed: object) -> Weighed:
    at = to_micros(NOW - timedelta(minutes=minutes_ago))
    one = Weighed("desk", "pay", "approval", verdict, "user", "ana", at, at - 60_000_000)
    return one._replace(**changed)  # pyright: ignore[reportArgumentType] - fields by name


def test_a_weaker_gate_is_suggested_where_all_of_twenty_were_approved_as_they_were() -> None:
    month = period("30d", NOW, "UTC")

    def suggested(*ones: Weighed) -> list[str]:
        return [row.burden.operation for row in burden_view(ones, month).suggested]

    twenty = [weighed(number) for number in range(20)]
    assert suggested(*twenty) == ["pay"]
    assert suggested(*twenty[:19]) == []
    assert suggested(*twenty, weighed(30, "edit")) == []
    assert suggested(*twenty, weighed(30, "reject")) == []
    assert suggested(*twenty, weighed(30, by_type="system")) == []
    assert suggested(*(one._replace(kind="text", verdict="answer") for one in twenty)) == []


def test_decisions_fall_into_their_day_and_only_people_take_time() -> None:
    week = period("7d", NOW, "UTC")
    key = weighed(5, by_type="api_key", by="key_1")._replace(asked=0)
    view = burden_view([weighed(10), weighed(20, "edit"), weighed(24 * 60, "reject"), key], week)
    assert [part.total for part in view.parts] == [0, 0, 0, 0, 0, 1, 3]
    assert view.parts[-1].counts == {"approved": 2, "edited": 1, "rejected": 0, "timed_out": 0}
    assert view.median == view.slow == timedelta(minutes=1)
    assert view.operations[0].said == "50 % approved, 25 % edited, 25 % rejected, 0 % timed out"


def test_models_are_summed_over_versions_and_the_unknown_comes_last() -> None:
    day = period("24h", NOW, "UTC")
    spending = (
        Spending("flow", None, None, 2, Usage(input_tokens=900), 2),
        Spending("a", "v1", "m", 1, Usage(input_tokens=10, output_tokens=5, cost=0.5), 0),
        Spending("a", "v2", "m", 3, Usage(input_tokens=20, output_tokens=5), 3),
    )
    waits = (Waiting("approval", 5, NOW - timedelta(hours=2), 1), Waiting("text", 1, NOW - timedelta(hours=3), 0))
    moved = ({},) * 23 + ({RunState.QUEUED: 1, RunState.RUNNING: 2, RunState.FAILED: 1},)
    view = dashboard_view(
        Measures(waiting=waits, moved=moved, spending=spending, failures=(), names={}), [weighed(1)], day
    )
    known, unknown = view.models
    assert (known.model, known.runs, known.usage.total_tokens, known.usage.cost, known.unpriced) == ("m", 4, 40, 0.5, 3)
    assert (unknown.model, unknown.unpriced) == (None, 2)
    assert (view.total_waiting, view.soon, view.oldest) == (6, 1, NOW - timedelta(hours=3))
    assert (view.started, view.failed, view.run_rows[-1].counts["running"]) == (4, 1, 3)
    assert view.cut == ()
    assert [(row.who, row.decisions) for row in view.people] == [("ana", 1)]


def test_what_is_not_counted_whole_says_so() -> None:
    many = (Waiting("approval", COUNTED, NOW, 0),)
    measures = Measures(waiting=many, moved=({},) * 24, spending=(), failures=(), names={})
    assert dashboard_view(measures, [], period("24h", NOW, "UTC")).cut == ("the oldest 20,000 tasks that wait",)
