"""The audit log as people read it: filtered, paged, checked in steps, taken elsewhere; and a session's evidence."""

import csv
import io
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from sayso.core.audit import verify
from sayso.core.auditforms import row_from_json
from sayso.core.evidence import packet_of, problems
from sayso.model.actors import Actor
from sayso.model.audit import AuditFilter
from sayso.model.workspaces import WorkspaceId
from sayso.runtime.auditing import write_down
from sayso.runtime.auditlog import PartChecked, check_chain, check_part, newest_first
from sayso.stores.driver import sqlite_module
from sayso.web.audit import verifying
from sayso.web.audit.filtering import asked_for
from sayso.web.audit.listing import facts_of
from tests.service.served import desk, flow
from tests.web.conftest import Opening
from tests.web.site import Site, site

HOSTILE = "<script>alert(1)</script>\u202egnp.\u200b"
DAY = datetime(2026, 3, 29, 23, 30, tzinfo=UTC)
"""In Berlin it is the 30th already."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit")


@pytest.fixture(scope="module")
def place(folder: Path) -> Iterator[Site]:
    paid: list[float] = []
    with site(folder, lambda db: [desk(db, paid), flow(db)]) as found:
        found.session("owner")
        found.session("auditor")
        found.do(found.service.runtime.store.run(lambda tx: fill(tx, found.root.workspace.id, 120)))
        yield found


def fill(tx: Any, workspace: WorkspaceId, count: int) -> None:
    for number in range(count):
        by = Actor(type="user", id="ana@example.com" if number % 2 else HOSTILE, via="cli")
        action = "task.decided" if number % 3 else "version.deployed"
        data = {"n": number, "note": HOSTILE}
        write_down(tx, workspace, DAY + timedelta(minutes=number), by, action, f"task_{number}", data)


@contextmanager
def by_hand(folder: Path) -> Iterator[Any]:
    """Open the database beside the service; with its own library, since two of them in one process share no locks."""
    with closing(sqlite_module().connect(str(folder / "sayso.db"), timeout=20)) as db, db:
        yield db


def numbers(page: str) -> list[int]:
    return [int(text) for text in re.findall(r'<td class="number">(\d+)</td>', page)]


def walked(browser: httpx.Client, address: str) -> list[int]:
    """Return the numbers of all pages from one on."""
    found: list[int] = []
    while True:
        page = browser.get(address)
        assert page.status_code == 200
        found += numbers(page.text)
        on = re.search(r'href="([^"]+)">Older<', page.text)
        if on is None:
            return found
        address = on[1].replace("&amp;", "&")


# -- the list -------------------------------------------------------------------------------------------------------


def test_the_newest_row_comes_first_and_every_row_once(place: Site) -> None:
    with place.client("auditor") as browser:
        found = walked(browser, "/audit")
    assert found == list(range(len(found), 0, -1))
    assert len(found) > 120


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"actor": "ana@example.com"}, 60),
        ({"actor": HOSTILE}, 60),
        ({"action": "version.deployed", "actor": "ana@example.com"}, 20),
        ({"action": "task.*"}, 80),
        ({"action": "task"}, 0),
        ({"target": "task_7"}, 1),
        ({"from": "2026-03-29", "to": "2026-03-29"}, 30),
        ({"from": "2026-03-30", "to": "2026-03-30"}, 90),
        ({"action": "' OR 1=1 --"}, 0),
    ],
)
def test_the_filters_are_the_address(place: Site, query: dict[str, str], count: int) -> None:
    with place.client("auditor") as browser:
        address = f"/audit?{httpx.QueryParams(query)}"
        assert len(walked(browser, address)) == count


def test_a_day_is_a_day_of_the_viewers_zone(place: Site) -> None:
    with place.client("auditor") as browser:
        browser.post("/settings/me", data={"theme": "system", "zone": "Europe/Berlin"})
        assert len(walked(browser, "/audit?from=2026-03-30&to=2026-03-30")) == 120


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "0001-01-01", "9999-12-31", "2026-1-1"])
def test_what_is_no_day_is_refused_in_words(place: Site, day: str) -> None:
    with place.client("auditor") as browser:
        page = browser.get("/audit", params={"from": day})
        assert page.status_code == 422
        assert "Choose a day" in page.text
        assert browser.get("/audit/export", params={"to": day}).status_code == 422


def test_what_somebody_wrote_is_shown_and_does_nothing(place: Site) -> None:
    with place.client("auditor") as browser:
        page = browser.get("/audit", params={"target": "task_8"}).text
    assert "<script>alert" not in page
    assert "U+202E" in page
    assert "U+200B" in page
    assert "hash" in page


def test_the_log_is_for_those_who_may(place: Site) -> None:
    for role in ("developer", "operator"):
        with place.client(role) as browser:
            for path in ("/audit", "/audit/verify", "/audit/export", "/audit/evidence?session=x"):
                assert browser.get(path).status_code == 403


def test_facts_that_cannot_be_read_are_shown_as_they_are() -> None:
    assert facts_of(b'{"a":"b","n":[1]}') == [("a", "b"), ("n", "[\n  1\n]")]
    assert facts_of(b"\xff{") == [("data", "\\xff{")]
    assert facts_of(b"[1]") == [("data", "[\n  1\n]")]
    assert asked_for({"actor": " ana ", "action": "", "other": "x"}).values == {"actor": "ana"}


def test_a_look_for_what_is_rare_is_bounded_and_says_where_it_ended(place: Site) -> None:
    store = place.service.runtime.store
    rare, before, seen = AuditFilter(target="task_0"), None, 0
    for _ in range(20):
        page = place.do(
            store.read(lambda tx, b=before: newest_first(tx, place.root.workspace.id, rare, before=b, limit=5, span=25))
        )
        seen += len(page.rows)
        assert (page.next_before is None) == (page.looked_down_to is None)
        before = page.next_before
        if before is None:
            break
    assert (seen, before) == (1, None)


# -- whether it holds ------------------------------------------------------------------------------------------------


def in_parts(tx: Any, workspace: WorkspaceId, most: int, anchor: tuple[int, str] | None = None) -> PartChecked:
    begin = None
    while True:
        found = check_part(tx, workspace, begin=begin, anchor=anchor, most=most)
        if not found.more:
            return found
        begin = found.checked.last


@pytest.mark.parametrize("most", [1, 2, 7, 12, 13, 100])
@pytest.mark.parametrize(
    "attack",
    [
        "SELECT 1",
        "UPDATE audit SET data = '{}' WHERE seq = 5",
        "UPDATE audit SET by_id = 'eve' WHERE seq = 1",
        "DELETE FROM audit WHERE seq = 7",
        "DELETE FROM audit WHERE seq = 1",
        "DELETE FROM audit WHERE seq > 9",
        "UPDATE audit SET seq = 100 WHERE seq = 12",
        "UPDATE audit SET seq = -4 WHERE seq = 3",
        "UPDATE audit SET prev_hash = hash WHERE seq = 6",
    ],
)
def test_in_parts_a_chain_is_found_to_be_what_it_is_found_to_be_at_once(
    folder: Path, place: Site, most: int, attack: str
) -> None:
    workspace = WorkspaceId(f"wsp_{zlib.crc32(attack.encode())}_{most}")
    store = place.service.runtime.store
    place.do(store.run(lambda tx: fill(tx, workspace, 12)))
    noted = place.do(store.read(lambda tx: tx.audit.last(workspace)))
    with by_hand(folder) as db:
        db.execute(attack + f" AND workspace_id = '{workspace}'" if "WHERE" in attack else attack)
    for anchor in (None, noted):
        whole = place.do(store.read(lambda tx, a=anchor: check_chain(tx, workspace, a)))
        part = place.do(store.read(lambda tx, a=anchor: in_parts(tx, workspace, most, a)))
        assert part.checked.broken == whole.broken
        assert whole.broken is not None or part.checked.last == whole.last


def test_the_page_says_that_every_row_holds_and_what_to_note_down(place: Site) -> None:
    with place.client("auditor") as browser:
        page = browser.get("/audit/verify").text
        note = re.search(r'<pre class="mono">(\d+:[0-9a-f]{64})</pre>', page)
        assert note is not None
        assert re.search(r"Yes: all \d+ rows hold", page)
        assert "It agrees with what was noted down" in browser.get("/audit/verify", params={"anchor": note[1]}).text
        number = note[1].partition(":")[0]
        other = browser.get("/audit/verify", params={"anchor": f"{number}:{'0' * 64}"}).text
        assert f"No: row {number} does not hold" in other
        assert browser.get("/audit/verify", params={"anchor": "x"}).status_code == 422


def test_a_long_chain_is_checked_a_part_at_a_time_and_goes_on_by_itself(
    place: Site, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Any] = []

    def few(tx: Any, workspace: WorkspaceId, **options: Any) -> PartChecked:
        looked.append(options["begin"])
        return check_part(tx, workspace, **options, most=50)

    monkeypatch.setattr(verifying, "check_part", few)
    with place.client("auditor") as browser:
        first = browser.get("/audit/verify").text
        assert "So far yes: rows 1 to 50 of" in first
        begin = re.search(r'name="from" value="([^"]+)"', first)
        assert begin is not None
        assert "So far yes: rows 51 to 100 of" in browser.get("/audit/verify", params={"from": begin[1]}).text
        moved = f"50:{'0' * 64}"
        assert "No: row 50 does not hold" in browser.get("/audit/verify", params={"from": moved}).text
    page = opening(place, "auditor").new_page()
    page.goto("/audit")
    page.get_by_role("link", name="Check that it holds").click()
    expect(page.locator("#verdict")).to_contain_text("hold, too")
    assert len(looked) >= 6


def test_the_page_names_the_first_row_that_does_not_hold(folder: Path, place: Site) -> None:
    store, directory = place.service.runtime.store, place.service.directory
    there = place.do(directory.workspaces.create(place.root, name="Tampered"))
    other = place.do(directory.local("root", there.id))
    place.do(store.run(lambda tx: fill(tx, there.id, 9)))
    place.do(directory.people.add(other, email="eve@example.com", role="owner"))
    with by_hand(folder) as db:
        db.execute("UPDATE audit SET action = 'task.expired' WHERE workspace_id = ? AND seq = 4", (there.id,))

    async def entered() -> str:
        member = await directory.people.find(other, "eve@example.com")
        assert member is not None
        return (await directory.sign_in.by_link((await directory.sign_in.make_link(other, member.person.id)).text)).text

    with place.client(None) as browser:
        browser.cookies.set("sayso_session", place.do(entered()))
        page = browser.get("/audit/verify", follow_redirects=True).text
    assert "No: row 4 does not hold. Its content is not what was hashed." in page
    assert "Note down elsewhere" not in page


# -- taking it elsewhere -----------------------------------------------------------------------------------------------


def test_what_is_exported_can_be_checked_elsewhere(place: Site) -> None:
    with place.client("auditor") as browser:
        lines = browser.get("/audit/export?format=ndjson")
        assert lines.headers["content-disposition"] == 'attachment; filename="audit.ndjson"'
        rows = [row_from_json(json.loads(line)) for line in lines.text.splitlines()]
        assert verify(rows) is None
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        few = browser.get("/audit/export", params={"action": "task.*", "actor": "ana@example.com"})
        assert len(few.text.splitlines()) == 40


def test_a_table_of_it_runs_no_formula(place: Site) -> None:
    place.do(
        place.service.runtime.store.run(
            lambda tx: write_down(
                tx, place.root.workspace.id, DAY, Actor(type="user", id="=1+1", via="cli"), "run.cancelled", "@x", {}
            )
        )
    )
    with place.client("auditor") as browser:
        answer = browser.get("/audit/export", params={"format": "csv", "actor": "=1+1"})
        head, row = csv.reader(io.StringIO(answer.text))
        assert browser.get("/audit/export?format=xls").status_code == 422
    assert answer.headers["content-type"].startswith("text/csv")
    assert dict(zip(head, row, strict=True))["by_id"] == "'=1+1"


@pytest.fixture(scope="module")
def session_id(place: Site) -> str:
    agents = place.do(place.service.registry.list_agents(place.root.workspace.id, limit=10)).items
    with place.client() as client:
        json_ = {"Accept": "application/json"}
        started = client.post(f"/v1/agents/{agents[0].id}/runs", json={"input": {"message": "pay"}}, headers=json_)
    assert started.status_code == 202, started.text
    return started.json()["sessionId"]


def test_the_evidence_of_a_session_is_a_page_and_a_file(place: Site, session_id: str) -> None:
    with place.client("auditor") as browser:
        page = browser.get("/audit/evidence", params={"session": session_id})
        assert page.status_code == 200
        policy = page.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "sandbox" in policy
        assert "<script" not in page.text
        packet = packet_of(browser.get("/audit/evidence.json", params={"session": session_id}).content)
        assert problems(packet) == []
        assert browser.get("/audit/evidence", params={"session": "ses_nothing"}).status_code == 404


def test_the_evidence_looks_like_a_page_under_its_policy(place: Site, session_id: str, opening: Opening) -> None:
    page = opening(place, "auditor").new_page()
    page.goto("/audit")
    page.get_by_label("Id of the session").fill(session_id)
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(session_id)
    width = page.locator("table").first.evaluate("element => getComputedStyle(element).borderCollapse")
    assert width == "collapse"  # its own style sheet counts
