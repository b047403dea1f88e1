"""Sessions by their pages: the list, a session's timeline, what is done to it, who may, and that it lives."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from sayso.model.ids import SessionId
from sayso.model.sessions import SessionStatus
from sayso.web.wording import hides
from tests.service.hostile import strings
from tests.web.cardkit import Desk
from tests.web.conftest import Opening
from tests.web.sessionkit import LONG, Case, programs
from tests.web.site import site


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with site(tmp_path_factory.mktemp("sessions"), programs) as found:
        made = Case(found)
        made.start("refund desk", "say hello", session_id="said")
        made.start("refund desk", "say again", session_id="said")
        made.start("failing", "x", session_id="failed")
        made.start("big", "an order", session_id="big")
        made.start("long", "x", session_id="long")
        yield made


def text_of(page: str) -> str:
    """Return what a page says, its markup left out."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def sessions_in(page: str) -> list[str]:
    return re.findall(r'class="mono" href="/sessions/([^"]+)"', page)


def asked(case: Case, session: str) -> tuple[str, str]:
    """Start a run that asks for an approval; return it, and the task."""
    run = case.start("refund desk", f"refund {session}@example.com", session_id=session).run_id
    return run, case.task(run)


def decide(case: Case, task: str, say: str, note: str = "", **who: Any) -> None:
    with case.site.client(**who) as client:
        hidden = Desk.hidden(client.get(f"/review/{task}").text)
        first = client.post(f"/review/{task}/decide", data={**hidden, "say": say, "note": note})
        if first.status_code == 200:  # a risky one takes two presses
            client.post(f"/review/{task}/decide", data={**Desk.hidden(first.text), "say": say, "note": note})


# -- the list -------------------------------------------------------------------------------------------------------


def test_the_list_tells_status_agent_time_and_use_and_is_narrowed_by_links(case: Case) -> None:
    """Item 177."""
    with case.site.client() as client:
        page = client.get("/sessions").text
        assert {"long", "big", "failed", "said"} <= set(sessions_in(page))
        words = text_of(page)
        for word in ("refund desk", "Awaiting approval", "Completed", "Failed", "Duration", "2 runs"):
            assert word in words
        assert sessions_in(client.get("/sessions?status=Failed").text) == ["failed"]
        assert sessions_in(client.get("/sessions?agent=big").text) == ["big"]
        assert sessions_in(client.get("/sessions?q=failed").text) == ["failed"]
        assert sessions_in(client.get("/sessions?agent=refund+desk&version=code&q=said").text) == ["said"]
        assert "No session fits" in client.get("/sessions?version=v9").text
        assert "No session fits" in client.get("/sessions?until=2001-01-01").text
        assert set(sessions_in(client.get("/sessions?since=2001-01-01&trigger=&status=nonsense").text)) >= {"said"}
        assert "No session fits" in client.get("/sessions?trigger=scheduled").text


def test_pages_of_the_list_tell_range_and_total(tmp_path: Path) -> None:
    with site(tmp_path, programs, worker=False) as found:
        made = Case(found)
        for number in range(53):
            made.start("refund desk", "say x", session_id=f"s{number:02}")
        with found.client() as client:
            first = client.get("/sessions").text
            assert "1–50 of 53" in first
            following = re.search(r'href="([^"]+)">Older', first)
            assert following is not None
            second = client.get(unescape(following[1])).text
            assert "51–53 of 53" in second
            assert sorted(sessions_in(first) + sessions_in(second)) == [f"s{number:02}" for number in range(53)]
            assert "nothing on this page" in text_of(client.get("/sessions?skip=500").text)


# -- a session ------------------------------------------------------------------------------------------------------


def test_a_gated_call_tells_that_it_was_approved_or_rejected_and_by_whom(case: Case) -> None:
    """Item 180."""
    (run, task), (other, refused) = asked(case, "approved"), asked(case, "rejected")
    with case.site.client() as client:
        waiting = text_of(client.get("/sessions/approved").text)
        assert "Awaiting approval" in waiting
        assert "1 question waits for a person." in waiting
        assert "Exactly what will run" in waiting, "the card stands in place"
        decide(case, task, "approve", role="operator")
        decide(case, refused, "reject", "much too much", role="operator")
        case.until(run, SessionStatus.COMPLETED)
        case.until(other, SessionStatus.COMPLETED)
        done = text_of(client.get("/sessions/approved").text)
        assert re.search(r"Tool called refund Approved by \S*operator@example.com", done)
        assert "paid 420 to approved@example.com" in done
        assert "No input needed right now." in done, "item 166"
        no = text_of(client.get("/sessions/rejected").text)
        assert re.search(r"Tool called refund Rejected by \S*operator@example.com", no)
        assert "much too much" in no


def test_a_workflow_shows_its_loops_branches_and_nested_workflow_as_a_tree(case: Case) -> None:
    with case.site.client() as client:
        page = client.get("/sessions/big").text
        words = text_of(page)
        for part in (
            "both Parallel",
            "refine Loop",
            "Pass 3",
            "nested Workflow",
            "Turn 1",
            "refine#2/draft",
            "nested/pack",
        ):
            assert part in words
        assert "Journal entries" not in words
        assert "Person asked Ship it? Awaiting approval" in words
        before = [int(number) for number in re.findall(r'<span class="count">(\d+)</span>', page)]
        assert before == list(range(1, len(before) + 1)), "item 179: the steps are 1 to n"


def test_what_failed_is_open_and_hides_nothing(case: Case) -> None:
    with case.site.client() as client:
        page = client.get("/sessions/failed").text
    opened = re.findall(r'<details id="open-[^"]+" open>\s*<summary>(.*?)</summary>', page, re.DOTALL)
    assert [text_of(one).split()[1:3] for one in opened] == [["Step", "charge"]]
    assert "the card &lt;b&gt;was&lt;/b&gt; declined" in page
    assert "U+202E" in page
    assert "\u202e" not in page
    assert "ValueError" in page


def test_several_runs_of_a_session_are_one_timeline(case: Case) -> None:
    with case.site.client() as client:
        page = client.get("/sessions/said").text
        assert text_of(page).count("Run completed") == 2
        runs = case.site.do(case.site.service.runtime.list_runs(session_id=SessionId("said")))
        for run in runs:
            led = client.get(f"/runs/{run.id}")
            assert (led.status_code, led.headers["location"]) == (303, f"/sessions/said?run={run.id}#{run.id}")
            assert f'id="{run.id}"' in client.get(led.headers["location"]).text
        older = client.get(f"/sessions/said?run={runs[-1].id}").text
        assert "This is what you came for" in older


def test_a_session_of_a_thousand_items_is_windowed_and_stays_small(case: Case) -> None:
    with case.site.client() as client:
        client.cookies.set("sayso_view", "advanced=1")
        last = client.get("/sessions/long")
        assert len(last.content) < 300_000
        total = 2 * LONG + 2
        assert f"{total - 99:,}–{total:,} of {total:,} steps" in text_of(last.text)
        earlier = re.search(r'href="([^"]+)">↑ Earlier', last.text)
        assert earlier is not None
        page = client.get(unescape(earlier[1]))
        assert len(page.content) < 300_000
        assert f"{total - 199:,}–{total - 100:,} of {total:,} steps" in text_of(page.text)
        assert "Later steps" in page.text
        assert "Show all 2,500 characters" in page.text
        whole = re.search(r'href="([^"]+)">Show all 2,500', page.text)
        assert whole is not None
        assert ("much " * 500).strip() in client.get(unescape(whole[1])).text
        assert last.elapsed.total_seconds() < 3, "under load; alone it takes about a tenth of a second"


def test_layouts_are_a_switch_that_the_browser_remembers(case: Case) -> None:
    """Item 181."""
    with case.site.client() as client:
        assert 'aria-pressed="true">Basic' in client.get("/sessions/big").text
        chosen = client.post("/sessions/big/layout", data={"layout": "advanced", "query": "at=x&evil=//x"})
        assert (chosen.status_code, chosen.headers["location"]) == (303, "/sessions/big?at=x")
        client.cookies.update(chosen.cookies)
        page = client.get("/sessions/big").text
        assert 'aria-pressed="true">Advanced' in page
        assert "Journal entries (1)" in page
        assert "round 1" in page
        assert '<details class="falls" id="waterfall" open>' in page


def test_a_deep_link_shows_the_step_of_its_task(case: Case) -> None:
    """Item 161."""
    task = case.task(case.site.do(case.site.service.runtime.list_runs(program="big"))[0].id)
    with case.site.client() as client:
        assert f'href="/sessions/big?task={task}#{task}"' in client.get(f"/review/{task}").text
        page = client.get(f"/sessions/big?task={task}").text
        assert re.search(rf'class="step k-ask here[^>]*>.*?id="{task}".*?<summary autofocus>', page, re.DOTALL)
        assert text_of(page).count("This is what you came for") == 1


def test_another_workspace_sees_none_of_it(case: Case) -> None:
    directory = case.site.service.directory
    run = case.site.do(case.site.service.runtime.list_runs(program="big"))[0].id
    elsewhere = case.site.do(directory.workspaces.create(case.site.root, name="Elsewhere"))
    there = case.site.do(directory.local("root", elsewhere.id))
    member = case.site.do(directory.people.add(there, email="eve@example.com", role="owner"))
    link = case.site.do(directory.sign_in.make_link(there, member.person.id))
    case.site.sessions["eve@example.com"] = case.site.do(directory.sign_in.by_link(link.text)).text
    with case.site.client(email="eve@example.com") as eve:
        assert sessions_in(eve.get("/sessions").text) == []
        for address in ("/sessions/big", f"/runs/{run}", "/sessions/big/terminate", "/sessions/big/steps/x"):
            assert eve.get(address).status_code == 404
        assert eve.post("/sessions/big/terminate", data={"said": ""}).status_code == 404
        assert eve.post(f"/runs/{run}/cancel", data={"said": ""}).status_code == 404


def test_500_payloads_are_shown_character_by_character(case: Case) -> None:
    """T82: nothing hides, and nothing is markup; as what was said, as a tool's name, and as its arguments."""
    payloads = [text for text in strings() if text.isprintable() or "\ud800" not in text]
    together = "name " + " ".join(payloads) + "<script>document.title = 'taken'</script>"
    case.start("refund desk", together, session_id="hostile", user_id="\u202eeve")
    with case.site.client() as client:
        client.cookies.set("sayso_view", "advanced=1")
        page = client.get("/sessions/hostile").text
        steps = sorted(set(re.findall(r'"/sessions/hostile/steps/([^"]+)"', page)))
        assert len(steps) >= 3
        for address in ("/sessions", "/sessions/hostile", *(f"/sessions/hostile/steps/{step}" for step in steps)):
            found = client.get(address)
            assert found.status_code == 200
            assert [f"U+{ord(char):04X}" for char in found.text if hides(char)] == [], address
            assert "<script>document" not in found.text
        assert len(page) < 300_000


def test_nothing_that_was_written_acts_or_calls_out(case: Case, opening: Opening) -> None:
    """T81 and T84: no script runs, no request leaves, and htmx does nothing that a model wrote."""
    attack = (
        'name <img src="http://evil.example/a.png" onerror="document.title=1"><script>document.title=2</script> '
        "![x](http://evil.example/b) [y](http://evil.example/c) </pre></details>"
        '<div hx-get="http://evil.example/d" hx-trigger="load"></div><form action="/logout" method="post"></form>'
    )
    case.start("refund desk", attack, session_id="attack")
    page = opening(case.site).new_page()
    asked_for: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url))
    page.goto("/sessions/attack")
    for summary in page.locator(".step summary").all():
        summary.click()
    expect(page.locator("#live")).to_have_text("Live")
    assert page.title().startswith("refund desk")
    assert [url for url in asked_for if not url.startswith(case.site.url)] == []
    assert page.locator('.step [hx-get], .step img, .step a[href*="evil"], .step form').count() == 0


# -- what is done to it ---------------------------------------------------------------------------------------------


def test_terminating_is_asked_about_and_tells_why_afterwards(case: Case) -> None:
    run, _ = asked(case, "ended")
    with case.site.client() as client:
        question = text_of(client.get("/sessions/ended/terminate").text)
        assert "This cannot be undone" in question
        assert "1 question that waits for a person is dropped" in question
        assert case.parts(run).run.state == "waiting", "looking at the question ends nothing"
        done = client.post("/sessions/ended/terminate", data={"said": "the customer <i>left</i>"})
        assert (done.status_code, done.headers["location"]) == (303, "/sessions/ended")
        page = client.get("/sessions/ended").text
        assert "the customer &lt;i&gt;left&lt;/i&gt;" in page
        assert "session_terminated" in page
        assert "Dropped" in page
        again = client.get("/sessions/ended/terminate")
        assert again.status_code == 409
        assert "over already" in again.text


def test_a_waiting_session_is_marked_complete_with_a_note_and_no_other(case: Case) -> None:
    """Items 175 and 176."""
    run, _ = asked(case, "closed")
    with case.site.client(role="developer") as client:
        assert "Mark complete" in client.get("/sessions/closed/complete").text
        assert client.post("/sessions/closed/complete", data={"said": "settled by phone"}).status_code == 303
        page = text_of(client.get("/sessions/closed").text)
        assert "settled by phone" in page
        assert re.search(r"Marked complete by \S*developer@example.com", page)
        late = client.post("/sessions/closed/complete", data={"said": "again"})
        assert late.status_code == 409
        assert "over already" in late.text
    assert case.parts(run).run.state == "completed"


def test_a_wait_for_a_time_is_skipped_and_no_other(case: Case) -> None:
    run = case.start("refund desk", "wait", session_id="waits").run_id
    with case.site.client() as client:
        assert "Skip the wait" in client.get("/sessions/waits").text
        assert "Waiting for a time" in client.get("/sessions").text
        done = client.post(f"/runs/{run}/skip-wait")
        assert done.status_code == 303
        case.until(run, SessionStatus.COMPLETED)
        assert "owner@example.com" in text_of(client.get("/sessions/waits").text)
        late = client.post(f"/runs/{run}/skip-wait")
        assert late.status_code == 409
        assert "does not wait for a time any more" in late.text


def test_a_reply_goes_to_the_run_and_one_that_is_late_is_kept(case: Case) -> None:
    """Item 154."""
    run = case.start("refund desk", "talk", session_id="talks").run_id
    with case.site.client(role="operator") as client:
        assert "Which order do you mean?" in client.get("/sessions/talks").text
        assert client.post(f"/runs/{run}/reply", data={"text": "  "}).status_code == 422
        assert client.post(f"/runs/{run}/reply", data={"text": "the second"}).status_code == 303
        case.until(run, SessionStatus.COMPLETED)
        assert "Replied" in client.get("/sessions/talks").text
        late = client.post(f"/runs/{run}/reply", data={"text": "no, the <third>"})
        assert late.status_code == 409
        assert "no, the &lt;third&gt;" in late.text


def test_a_run_of_a_workflow_is_cancelled(case: Case) -> None:
    run = case.start("big", "another", session_id="dropped").run_id
    with case.site.client() as client:
        assert f"/runs/{run}/cancel" in client.get("/sessions/dropped").text
        assert "ends as cancelled" in client.get(f"/runs/{run}/cancel").text
        assert client.post(f"/runs/{run}/cancel", data={"said": "not wanted"}).status_code == 303
        assert "not wanted" in client.get("/sessions/dropped").text
        assert client.post(f"/runs/{run}/cancel", data={"said": ""}).status_code == 409
        assert client.get(f"/runs/{run}/cancel").status_code == 409


def test_abilities_show_and_are_required(case: Case) -> None:
    run, _ = asked(case, "roles")
    with case.site.client(role="operator") as operator:
        assert operator.get("/sessions").status_code == 403
        page = operator.get("/sessions/roles")
        assert page.status_code == 200
        assert "/terminate" not in page.text
        assert "← All sessions" not in page.text
    for role in ("operator", "auditor"):
        with case.site.client(role=role) as client:
            for address in ("/sessions/roles/terminate", "/sessions/roles/complete", f"/runs/{run}/cancel"):
                assert client.get(address).status_code == 403
                assert client.post(address, data={"said": ""}).status_code == 403
            assert client.post(f"/runs/{run}/skip-wait").status_code == 403
    with case.site.client(role="auditor") as auditor:
        assert auditor.get("/sessions").status_code == 200
        assert auditor.post(f"/runs/{run}/reply", data={"text": "x"}).status_code == 403
    assert case.parts(run).run.state == "waiting"


# -- in a browser ---------------------------------------------------------------------------------------------------


def test_a_session_lives_and_keeps_what_is_open_and_what_is_typed(case: Case, opening: Opening) -> None:
    _, task = asked(case, "lives")
    page = opening(case.site).new_page()
    page.goto("/sessions/lives")
    expect(page.locator("#live")).to_have_text("Live")
    first = page.locator(".step").first
    first.locator("summary").first.click()
    expect(first.locator("pre")).to_be_visible()
    page.locator("#note").fill("half a thought")
    decide(case, task, "approve", role="admin")
    expect(page.get_by_text("Run completed")).to_be_visible()
    expect(first.locator("pre")).to_be_visible()
    expect(page.get_by_text("No input needed right now.")).to_be_visible()
    expect(page.locator("h1 .badge")).to_have_text("Completed")
    expect(page.locator("#note")).to_have_value("half a thought")
    expect(page.locator("#stale .notice, #card .notice").first).to_contain_text("Approved")


def test_a_task_is_decided_in_place(case: Case, opening: Opening) -> None:
    """Item 162."""
    run, task = asked(case, "inplace")
    page = opening(case.site, "operator").new_page()
    page.goto(f"/sessions/inplace?task={task}#{task}")
    page.get_by_role("button", name="Approve").click()
    page.locator("#sure").click()
    expect(page.get_by_text("Run completed")).to_be_visible()
    case.until(run, SessionStatus.COMPLETED)


def test_a_task_is_read_and_a_session_ended_without_scripts(case: Case, opening: Opening) -> None:
    _, task = asked(case, "plain")
    page = opening(case.site, java_script_enabled=False, place="phone").new_page()
    page.goto(f"/sessions/plain?task={task}")
    expect(page.locator(".step.here")).to_be_in_viewport()
    expect(page.get_by_role("heading", name="Refund 420.0 to plain@example.com")).to_be_visible()
    page.locator(".step summary").first.click()
    expect(page.locator(".step pre").first).to_be_visible()
    page.get_by_role("link", name="Terminate").click()
    page.get_by_label("Reason").fill("no longer wanted")
    page.get_by_role("button", name="Terminate").click()
    expect(page.locator(".notice.bad").first).to_contain_text("no longer wanted")
    expect(page.get_by_text("No input needed right now.")).to_be_visible()


def test_new_sessions_appear_in_the_list_without_a_reload(case: Case, opening: Opening) -> None:
    page = opening(case.site).new_page()
    page.goto("/sessions")
    expect(page.locator("#live")).to_have_text("Live")
    case.start("refund desk", "say x", session_id="appears")
    expect(page.get_by_role("link", name="appears")).to_be_visible()


ADDRESSES = (
    "/sessions",
    "/sessions?q=failed",
    "/sessions/big",
    "/sessions/failed",
    "/sessions/big/terminate",
)


@pytest.mark.parametrize("place", ["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit(case: Case, opening: Opening, place: str, scheme: Any) -> None:
    context = opening(case.site, place=place, color_scheme=scheme)
    if scheme == "dark":
        context.add_cookies([{"name": "sayso_view", "value": "advanced=1", "url": case.site.url}])
    page = context.new_page()
    with case.site.client() as client:
        steps = re.findall(r'<li id="([^"]+)" class="step k-tool', client.get("/sessions/big").text)
    long = ("/sessions/long",) if (place, scheme) == ("phone", "dark") else ()
    for address in (*ADDRESSES, f"/sessions/big/steps/{steps[0]}", *long):
        page.goto(address)
        _looked_at(page, address)


def _looked_at(page: Page, address: str) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{address}: {found.generate_report()}"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{address} is {wide} px too wide"
