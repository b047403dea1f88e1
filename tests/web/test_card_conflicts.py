"""Cards on which somebody was faster, or may not decide: who decided what is told, and what was typed is kept."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from typing import Any

import httpx
import pytest

from sayso import tool
from sayso.model.ids import RunId, TaskId
from sayso.testing import call
from tests.web.cardkit import Desk, desk_of
from tests.web.cardprograms import clerk, flows
from tests.web.site import site

SECRET = "a-token-that-nobody-may-see-2931"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    done: list[Any] = []
    told: list[str] = []

    @tool(requires_confirmation=True, effect="read", approval_timeout=2.0)
    def brief(text: str) -> str:
        raise AssertionError("nobody has said yes")

    options: dict[str, Any] = {
        "tools": [brief],
        "extra": {"brief": call("brief", text="soon"), "secret": call("look", at=f"token {SECRET}")},
    }
    with site(
        tmp_path_factory.mktemp("conflicts"), lambda db: [clerk(db, done, told, **options), *flows(db, done)]
    ) as found:
        yield desk_of(found, done)


def press(client: httpx.Client, desk: Desk, task: TaskId, **data: str) -> httpx.Response:
    """Press a button on a card as it is now."""
    hidden = desk.hidden(client.get(f"/review/{task}").text)
    return client.post(f"/review/{task}/decide", data={**hidden, **data})


def test_a_stale_card_tells_who_decided_what_and_keeps_the_draft(desk: Desk) -> None:
    task = desk.asked("clerk", "look")
    with desk.site.client() as mine, desk.site.client("operator") as theirs:
        stale = desk.hidden(mine.get(f"/review/{task}").text)
        assert press(theirs, desk, task, say="reject", note="not today").status_code == 303
        late = mine.post(f"/review/{task}/decide", data={**stale, "say": "approve", "note": "fine with me"})
        part = mine.post(
            f"/review/{task}/decide",
            data={**stale, "say": "reject", "note": "mine too"},
            headers={"HX-Request": "true", "HX-Request-Type": "partial"},
        )
    assert late.status_code == part.status_code == 409
    text = unescape(late.text)
    assert "This is already decided" in text
    assert "Rejected" in text
    assert "operator@example.com" in text
    assert "not today" in text
    assert "fine with me" in text
    assert 'id="decision"' not in text
    assert "mine too" in unescape(part.text)
    assert "<html" not in part.text
    assert "hx-trigger" not in {name.lower() for name in part.headers}


def test_the_same_press_sent_again_is_the_same_decision(desk: Desk) -> None:
    task = desk.asked("clerk", "look")
    with desk.site.client() as client:
        data = {**desk.hidden(client.get(f"/review/{task}").text), "say": "approve", "note": "once"}
        first = client.post(f"/review/{task}/decide", data=data)
        again = client.post(f"/review/{task}/decide", data=data)
        other = client.post(f"/review/{task}/decide", data={**data, "note": "another"})
    assert first.status_code == 303
    assert again.status_code == 303
    assert other.status_code == 409


def race(desk: Desk, task: TaskId) -> list[int]:
    """Have two people press different buttons at once; return what they were answered."""
    statuses: list[int] = []
    barrier = threading.Barrier(2)

    def press_at_once(client: httpx.Client, hidden: dict[str, str], say: str) -> None:
        barrier.wait()
        answer = client.post(f"/review/{task}/decide", data={**hidden, "say": say, "note": "n"})
        statuses.append(answer.status_code)

    with desk.site.client() as one, desk.site.client("operator") as other:
        presses = [(one, "approve"), (other, "reject")]
        forms = [(client, desk.hidden(client.get(f"/review/{task}").text), say) for client, say in presses]
        threads = [threading.Thread(target=press_at_once, args=form) for form in forms]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    return sorted(statuses)


def test_of_two_who_press_at_once_one_decides(desk: Desk) -> None:
    for _ in range(5):
        assert race(desk, desk.asked("clerk", "look")) == [303, 409]


def test_what_was_changed_since_it_was_shown_is_not_decided(desk: Desk) -> None:
    task = desk.asked("clerk", "look")
    with desk.site.client() as client:
        refused = press(client, desk, task, say="approve", digest="0" * 64)
        assert refused.status_code == 412
        assert "not what is asked now" in refused.text
        missing = client.post(f"/review/{task}/decide", data={"say": "approve"})
        assert missing.status_code == 412
    assert desk.status(task) == "pending"


def test_who_is_late_is_told_what_the_deadline_did(desk: Desk) -> None:
    task = desk.asked("clerk", "brief")
    with desk.site.client() as client:
        page = client.get(f"/review/{task}").text
        desk.until(lambda: desk.status(task) == "completed")
        late = client.post(f"/review/{task}/decide", data={**desk.hidden(page), "say": "reject", "note": "no"})
    assert late.status_code == 410
    text = unescape(late.text)
    assert "Timed out" in text
    assert "The time to decide has passed" in text
    assert "rejected, and the run goes on without it" in unescape(page)


def test_a_run_that_ended_takes_no_answer(desk: Desk) -> None:
    run = desk.start("clerk", "look")
    task = desk.task_of(run)
    cancel = desk.site.service.sessions.cancelling(RunId(run), "enough", desk.site.root, desk.reach)
    desk.site.do(desk.site.service.runtime.store.run(cancel))
    with desk.site.client() as client:
        page = client.get(f"/review/{task}").text
        assert "the run ended before anybody decided" in unescape(page)
        assert 'id="decision"' not in page
        late = client.post(f"/review/{task}/decide", data={"digest": desk.stored(task).digest, "say": "approve"})
    assert late.status_code == 409


def test_somebody_else_who_is_on_it_decides(desk: Desk) -> None:
    task = desk.asked("clerk", "look")
    with desk.site.client("operator", "grace@example.com") as grace, desk.site.client("operator") as other:
        before = desk.hidden(other.get(f"/review/{task}").text)
        assert grace.post(f"/review/{task}/claim").status_code == 303
        assert "You are on this" in grace.get(f"/review/{task}").text
        page = unescape(other.get(f"/review/{task}").text)
        assert "grace@example.com is on this" in page
        assert 'id="decision"' not in page
        refused = other.post(f"/review/{task}/decide", data={**before, "say": "reject", "note": "still mine"})
        assert refused.status_code == 409
        assert "grace@example.com is on it until" in refused.text
        assert other.post(f"/review/{task}/claim").status_code == 409
        assert grace.post(f"/review/{task}/release").status_code == 303
        assert other.post(f"/review/{task}/decide", data={**before, "say": "approve"}).status_code == 303


def test_who_started_it_may_be_kept_from_deciding_it(desk: Desk) -> None:
    root, workspaces = desk.site.root, desk.site.service.directory.workspaces
    before = root.workspace.settings
    task = desk.asked("clerk", "look", role="developer")
    with desk.site.client("developer") as client:
        hidden = desk.hidden(client.get(f"/review/{task}").text)
        desk.site.do(workspaces.change_settings(root, replace(before, starters_may_decide=False)))
        try:
            assert "You started this run" in client.get(f"/review/{task}").text
            refused = client.post(f"/review/{task}/decide", data={**hidden, "say": "approve", "note": "mine"})
            assert refused.status_code == 403
            assert "started its run" in refused.text
        finally:
            desk.site.do(workspaces.change_settings(root, before))
    assert desk.status(task) == "pending"


def test_who_only_reads_is_told_so(desk: Desk) -> None:
    task = desk.asked("clerk", "look")
    with desk.site.client("auditor") as client:
        page = client.get(f"/review/{task}").text
        assert "reads tasks" in page
        assert 'id="decision"' not in page
        answer = client.post(f"/review/{task}/decide", data={"digest": desk.stored(task).digest, "say": "approve"})
    assert answer.status_code == 403
    assert desk.status(task) == "pending"


def test_what_is_done_beside_deciding_leaves_the_form_alone(desk: Desk) -> None:
    task = desk.asked("clerk", "look")
    htmx = {"HX-Request": "true", "HX-Request-Type": "partial"}
    with desk.site.client() as client:
        said = client.post(f"/review/{task}/comment", data={"comment": "see <b>4711</b>\u202e"}, headers=htmx)
        assert said.status_code == 200
        assert "see &lt;b&gt;4711&lt;/b&gt;" in said.text
        assert "U+202E" in said.text
        assert 'id="decision"' not in said.text
        empty = client.post(f"/review/{task}/comment", data={"comment": " "}, headers=htmx)
        assert empty.status_code == 422
        later = client.post(f"/review/{task}/snooze", data={"for": "1h"}, headers=htmx)
        assert "You have snoozed it until" in later.text
        assert later.headers["hx-trigger"].startswith('{"snoozed"')
        assert "Nobody is on this" in client.post(f"/review/{task}/unsnooze", headers=htmx).text
        wrong = client.post(f"/review/{task}/snooze", data={"for": "custom", "until": ""}, headers=htmx)
        assert wrong.status_code == 422
        assert "a day and a time" in wrong.text
        assert client.post(f"/review/{task}/snooze", data={"for": "tomorrow"}).status_code == 303
        assert "09:00:00 UTC" in client.get(f"/review/{task}").text


def test_an_open_card_is_told_only_what_is_new(desk: Desk) -> None:
    task = desk.asked("clerk", "look")
    with desk.site.client() as client:
        page = unescape(client.get(f"/review/{task}").text)
        state = page.split('<div id="stale" hx-get="')[1].split('"')[0]
        assert client.get(state).status_code == 204
        client.post(f"/review/{task}/claim")
        news = client.get(state)
        assert "You are on this" in news.text
        assert 'id="decision"' not in news.text
        assert press(client, desk, task, say="reject", note="no").status_code == 303
        assert "What you are writing cannot be sent any more" in client.get(state).text


def test_known_secrets_are_masked(desk: Desk) -> None:
    desk.site.service.runtime.secrets.add(SECRET)  # pyright: ignore[reportAttributeAccessIssue] - the app's own
    task = desk.asked("clerk", "secret")
    with desk.site.client() as client:
        page = client.get(f"/review/{task}").text
        assert SECRET not in page
        kept = press(client, desk, task, say="reject", note=f"not with {SECRET}")
        assert kept.status_code == 303
        assert SECRET not in client.get(f"/review/{task}").text


def test_what_is_not_there_is_told_in_words(desk: Desk) -> None:
    with desk.site.client() as client:
        answer = client.get("/review/task_00000000000000000000000000")
    assert answer.status_code == 404
    assert "there is none" in answer.text
