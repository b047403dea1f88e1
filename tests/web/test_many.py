"""10,000 pending tasks: the inbox answers at once, shows a page of them, and counts no further than it says."""

import statistics
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from sayso.core.taskforms import digest_of, spec_bytes
from sayso.model.ids import RunId, SessionId, TaskId
from sayso.model.runs import NewRun, NewTask
from sayso.model.tasks import ApprovalRequest, CallShown, TaskSpec
from sayso.model.workspaces import DEFAULT_WORKSPACE
from sayso.runtime.ports import Transaction
from tests.web.conftest import Opening
from tests.web.refunds import programs
from tests.web.site import Site, site

MANY = 10_000


def fill(place: Site) -> None:
    """Open tasks of runs that wait, as the runtime would have left them."""
    now = place.service.clock.now() - timedelta(hours=3)

    def unit(tx: Transaction) -> None:
        for number in range(MANY):
            run_id, at = RunId(f"run_{number:026}"), now + timedelta(seconds=number)
            new = NewRun(
                id=run_id,
                session_id=SessionId(f"ses_{number:026}"),
                program="refund desk",
                fingerprint="f",
                started=b"{}",
            )
            tx.sessions.touch(new.session_id, user_id=None, now=at, workspace_id=DEFAULT_WORKSPACE)
            tx.insert_run(new, now=at, owner=None, ready_at=at + timedelta(days=900))
            call = CallShown(
                tool="refund", arguments={"customer": f"customer {number}", "amount": 12.5}, effect="once", schema={}
            )
            spec = TaskSpec(
                request=ApprovalRequest(message=f"Refund 12.5 to customer {number}", call=call),
                step_name="refund desk",
                step_type="Agent",
            )
            body, key = spec_bytes(spec), "turn#1/call:1?approval"
            task = NewTask(
                id=TaskId(f"task_{number:026}"),
                key=key,
                spec=spec,
                body=body,
                digest=digest_of(body, run_id=run_id, key=key),
                created_at=at,
                due_at=None,
            )
            run = tx.find_run(run_id)
            assert run is not None
            tx.insert_tasks(run, [task])

    place.do(place.service.runtime.store.run(unit))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("many"), programs, worker=False) as found:
        fill(found)
        yield found


@pytest.mark.parametrize(
    "query",
    ["", "?kind=approvals", "?sort=due", "?q=customer+9999", "?tab=completed", "?operation=refund", "?assignee=me"],
)
def test_every_view_answers_at_once(place: Site, query: str) -> None:
    """The limit is far above what is measured, so that only a scan that should not be there breaks it."""
    with place.client() as client:
        spent = []
        for _ in range(5):
            begun = time.perf_counter()
            answer = client.get(f"/review{query}")
            spent.append(time.perf_counter() - begun)
            assert answer.status_code == 200
    print(f"\n/review{query}: median {statistics.median(spent) * 1000:.0f} ms, {len(answer.content) / 1000:.0f} kB")
    assert statistics.median(spent) < 1.5
    assert len(answer.content) < 100_000


def test_a_page_of_ten_thousand_is_read_paged_and_decided(place: Site, opening: Opening) -> None:
    page = opening(place).new_page()
    page.goto("/review")
    expect(page.get_by_text("1–50 of 999+")).to_be_visible()
    expect(page.get_by_role("link", name="Pending (999+)")).to_be_visible()
    expect(page.locator(".task")).to_have_count(50)
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_text("51–100 of 999+")).to_be_visible()
    page.get_by_role("searchbox").fill("customer 9999")
    page.keyboard.press("Enter")
    expect(page.locator(".task")).to_have_count(1)
    expect(page.locator("#card")).to_contain_text("Refund 12.5 to customer 9999")
    assert page.evaluate("performance.getEntriesByType('resource').every(one => one.name.startsWith(location.origin))")
