"""The Python client against a real server: every call, in both forms, over lines that break."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sayso.client import (
    ApiConflict,
    ApiError,
    ApiNotAllowed,
    ApiNotFound,
    ApiRefused,
    ApiTooMany,
    ApiUnauthenticated,
    AsyncSayso,
    Retries,
    Sayso,
    ServerFailed,
    Unreachable,
    outside,
)
from sayso.client.events import Parser
from sayso.model.errors import Conflict, Invalid, NotFound
from sayso.model.workspaces import Role
from sayso.testing import call
from tests.service.online import Cutting, Deaf, Online, online
from tests.service.served import served

AT_ONCE = Retries(first=0.0)
TALK = (call("pay", amount=5), "Paid. Anything else?")


def person(on: Online, role: Role = "developer", **options: Any) -> Sayso:
    return Sayso(on.url, token=on.ask(on.it.token(role)), **options)


def test_what_the_reference_does_is_done(tmp_path: Path) -> None:
    """Item 279: startRun, getRun, getConversation, sendRunMessage, streamRunEvents, listSessions, and the rest."""
    with online(tmp_path) as on, Sayso(on.url, on.ask(on.it.key())) as key, person(on) as ann:
        agent = on.ask(on.it.agent_id())
        begun = key.start_run(agent, {"question": "pay?"}, user_id="u1", wait=30)
        assert (begun.status, begun.rests, begun.ended) == ("WaitingForHITL", True, False)
        assert begun.pending_user_tasks[0].summary == "Pay 5.0"
        (task,) = key.list_run_tasks(begun.run_id)
        with pytest.raises(ApiNotAllowed):  # whose run it is must not decide it alone
            key.send_run_message(begun.run_id, user_task_id=task.id, approved=True)
        sent = ann.send_run_message(begun.run_id, user_task_id=task.id, approved=True, digest=task.digest)
        assert sent.status == "Running"
        done = key.wait_run(begun.run_id, timeout=30)
        assert (done.status, done.output, done.ended, on.it.paid) == ("Completed", "All paid.", True, [5.0])
        talk, slim = key.get_conversation(begun.run_id), key.get_conversation(begun.run_id, slim=True)
        assert (talk.session.id, talk.session.user_id, talk.runs[0].status) == (begun.session_id, "u1", "Completed")
        assert [item.type for item in talk.items] == [item.type for item in slim.items]
        assert len(str(slim.items)) < len(str(talk.items))
        assert talk.items[0].started_at is not None
        events = list(key.stream_run_events(begun.run_id))
        assert events[-1].subject == "engine.session.completed"
        assert (key.list_sessions(agent).total, ann.list_sessions(status="Completed").items[0].id) == (
            1,
            begun.session_id,
        )
        assert key.get_session(begun.session_id).finished_at is not None
        with pytest.raises(ApiRefused) as refused:
            ann.skip_agent_wait_timer(begun.run_id)
        assert (refused.value.status, refused.value.code) == (400, "run_not_waiting_for_timer")


def test_the_inbox(tmp_path: Path) -> None:
    with online(tmp_path) as on, Sayso(on.url, on.ask(on.it.key())) as key, person(on) as ann:
        agent = on.ask(on.it.agent_id())
        runs = [key.start_run(agent, wait=30) for _ in range(3)]
        tasks = list(ann.list_user_tasks())
        assert [task.run_id for task in tasks] == [run.run_id for run in runs]
        assert ann.claim_user_task(tasks[0].id).claimed_by == "developer@example.com"
        assert ann.release_user_task(tasks[0].id).claimed_by is None
        done = ann.complete_user_task(
            tasks[0].id, approved=True, edited_arguments={"amount": 3}, digest=tasks[0].digest
        )
        assert (done.status, ann.wait_run(runs[0].run_id).output, on.it.paid) == ("Completed", "All paid.", [3.0])
        with pytest.raises(ApiConflict) as late:
            ann.complete_user_task(tasks[0].id, approved=False)
        assert late.value.code == "user_task_not_pending"
        assert late.value.details["decided_by"] == "developer@example.com"
        assert late.value.request_id
        with pytest.raises(ApiConflict) as changed:
            ann.complete_user_task(tasks[1].id, approved=True, digest="0" * 64)
        assert (changed.value.code, ann.get_user_task(tasks[1].id).status) == ("task_changed", "Pending")
        assert ann.cancel_run(runs[1].run_id, reason="enough").cancelled is True
        assert ann.cancel_run(runs[1].run_id).cancelled is False
        assert ann.terminate_session(runs[2].session_id, reason="over").ended_run_ids == (runs[2].run_id,)
        assert list(ann.list_user_tasks(agent_id=agent)) == []
        assert len(list(ann.list_user_tasks(status="any"))) == 3


def test_more_time(tmp_path: Path) -> None:
    turns = (call("ask_human_text", question="Which account?"), "Noted.")
    with (
        online(tmp_path, *turns, question_timeout=3600) as on,
        Sayso(on.url, on.ask(on.it.key())) as key,
        person(on) as ann,
    ):
        begun = key.start_run(on.ask(on.it.agent_id()), wait=30)
        (task,) = ann.list_user_tasks()
        due = task.due_at
        assert due is not None
        more = ann.extend_user_task(task.id, due_at=due, idempotency_key="more")
        assert more.due_at == due + timedelta(hours=1)
        assert more.extension is not None
        assert (more.extension["made"], more.extension["left"]) == (1, 9)
        assert ann.extend_user_task(task.id, due_at=due, idempotency_key="more").duplicate_delivery
        with pytest.raises(ApiConflict) as moved:
            ann.extend_user_task(task.id, due_at=due)
        assert moved.value.code == "deadline_moved"

        async def again() -> Any:
            async with AsyncSayso(on.url, token=on.ask(on.it.token("operator"))) as ben:
                return await ben.extend_user_task(task.id)

        assert asyncio.run(again()).due_at == due + timedelta(hours=2)
        assert ann.get_run(begun.run_id).pending_user_tasks[0].due_at == due + timedelta(hours=2)


def test_the_inbox_is_paged_through(tmp_path: Path) -> None:
    with online(tmp_path) as on, person(on) as ann:
        key = Sayso(on.url, on.ask(on.it.key()))
        agent = on.ask(on.it.agent_id())
        runs = [key.start_run(agent, wait=30).run_id for _ in range(5)]
        page = ann.page_user_tasks(take=2)
        assert (len(page.items), page.next_cursor is None) == (2, False)
        rest = ann.page_user_tasks(take=3, cursor=page.next_cursor)
        assert [task.run_id for task in page.items + rest.items] == runs
        assert rest.next_cursor is None
        key.close()


def test_workflows(tmp_path: Path) -> None:
    with online(tmp_path) as on, person(on) as ann:
        assert [flow.name for flow in ann.list_workflows()] == ["flow"]
        run = ann.start_workflow("flow", "it", session_id="ses_mine")
        paused = ann.wait_run(run.run_id, timeout=30)
        (asked,) = paused.pending_user_tasks
        ann.decide(run.run_id, [{"user_task_id": asked.id, "approved": True}])
        assert ann.wait_run(run.run_id, timeout=30).output == "did it"
        second = ann.start_workflow("flow", "it")
        ann.wait_run(second.run_id)
        assert ann.complete_session(second.session_id, note="by hand").status == "Completed"
        assert ann.list_sessions(workflow="flow").total == 2


def test_refusals_are_told_apart(tmp_path: Path) -> None:
    """Items 278, 280."""
    with online(tmp_path) as on, person(on, "operator") as ann:
        agent = on.ask(on.it.agent_id())
        with pytest.raises(ApiNotFound) as missing:
            ann.get_run("run_none?x#y")
        assert isinstance(missing.value, NotFound)
        assert missing.value.code == "run_not_found"
        assert "Hint:" in str(missing.value)
        with Sayso(on.url, on.ask(on.it.key())) as key, pytest.raises(ApiNotAllowed):
            key.terminate_session("ses_none")
        with Sayso(on.url, "sk_wrong") as wrong, pytest.raises(ApiUnauthenticated):
            wrong.start_run(agent)
        with Sayso(on.url, on.ask(on.it.key())) as key:
            run = key.start_run(agent, wait=30)
        with pytest.raises(ApiConflict) as unfit:
            ann.send_run_message(run.run_id, "hello")
        assert isinstance(unfit.value, Conflict)


def test_an_answer_that_is_lost_is_not_acted_upon_twice(tmp_path: Path) -> None:
    with online(tmp_path) as on:
        line = Deaf()
        agent, text = on.ask(on.it.agent_id()), on.ask(on.it.key())
        with Sayso(on.url, text, transport=line, retries=AT_ONCE) as key, person(on, transport=Deaf()) as ann:
            run = key.start_run(agent, "once", wait=30)
            assert run.duplicate_delivery
            assert len({request.headers["idempotency-key"] for request in line.sent}) == 1 < len(line.sent)
            assert key.list_sessions(agent).total == 1
            task = ann.get_user_task(run.pending_user_tasks[0].id)
            assert ann.complete_user_task(task.id, approved=True).duplicate_delivery
            assert (key.wait_run(run.run_id).output, on.it.paid) == ("All paid.", [5.0])
            other = key.start_run(agent, "once")
            assert other.run_id != run.run_id


def paid(on: Online, key: Sayso, ann: Sayso) -> str:
    """Have a run go from start to end, and return its id."""
    run = key.start_run(on.ask(on.it.agent_id()), wait=30)
    ann.complete_user_task(run.pending_user_tasks[0].id, approved=True)
    return key.wait_run(run.run_id, timeout=30).run_id


def test_a_stream_that_is_cut_goes_on_without_loss_or_doubles(tmp_path: Path) -> None:
    """Cut once after any event, and again and again after a few."""
    with online(tmp_path) as on, Sayso(on.url, text := on.ask(on.it.key())) as key, person(on) as ann:
        run = paid(on, key, ann)
        whole = list(key.stream_run_events(run))
        assert len({(event.data.id, event.subject) for event in whole}) == len(whole) > 8
        for after, times in [*[(number, 1) for number in range(len(whole))], (3, 99), (4, 99), (5, 99)]:
            line = Cutting(after, times)
            with Sayso(on.url, text, transport=line, retries=AT_ONCE) as cut:
                assert list(cut.stream_run_events(run)) == whole
            assert line.cuts >= min(times, 2)
        for number, event in enumerate(whole):
            if event.id is not None:
                assert list(key.stream_run_events(run, event.id)) == whole[number + 1 :]


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_stream_that_gets_nowhere_is_given_up(tmp_path: Path, after: int) -> None:
    with online(tmp_path) as on, Sayso(on.url, text := on.ask(on.it.key())) as key, person(on) as ann:
        run = paid(on, key, ann)
        with Sayso(on.url, text, transport=Cutting(after, 99), retries=AT_ONCE) as cut, pytest.raises(Unreachable):
            list(cut.stream_run_events(run))


def test_a_stream_tells_what_happens_while_it_is_open(tmp_path: Path) -> None:
    with online(tmp_path) as on, Sayso(on.url, on.ask(on.it.key())) as key, person(on) as ann:
        run = key.start_run(on.ask(on.it.agent_id()))
        seen = []
        for event in key.stream_run_events(run.run_id):
            seen.append(event.subject)
            if event.kind == "user_task" and event.data.type == "UserTaskReq":
                ann.send_run_message(run.run_id, user_task_id=event.data.content["user_task_id"], approved=True)
        assert seen[-2:] == ["engine.run.completed", "engine.session.completed"]


def test_a_stream_of_nothing_is_refused(tmp_path: Path) -> None:
    with online(tmp_path) as on, person(on) as ann, pytest.raises(ApiNotFound):
        next(ann.stream_run_events("run_none"))


async def everything(url: str, key: str, token: str, agent: str) -> list[str]:
    """Do with the async client what the first test does with the other."""
    async with AsyncSayso(url, key) as starter, AsyncSayso(url, token=token) as ann:
        begun = await starter.start_run(agent, "pay?", wait=30)
        tasks = [task async for task in ann.list_user_tasks(run_id=begun.run_id)]

        async def follow() -> list[str]:
            return [event.subject async for event in starter.stream_run_events(begun.run_id)]

        following = asyncio.create_task(follow())
        await ann.complete_user_task(tasks[0].id, approved=True, digest=tasks[0].digest)
        done = await starter.wait_run(begun.run_id, timeout=30)
        assert (done.status, done.output) == ("Completed", "All paid.")
        assert (await starter.get_conversation(begun.run_id)).runs[0].output == "All paid."
        with pytest.raises(ApiNotFound):
            await ann.get_session("ses_none")
        return await asyncio.wait_for(following, 30)


def test_the_async_client_does_the_same(tmp_path: Path) -> None:
    with online(tmp_path) as on:
        asked = on.ask(on.it.key()), on.ask(on.it.token("operator")), on.ask(on.it.agent_id())
        subjects = asyncio.run(everything(on.url, *asked))
        assert subjects[-1] == "engine.session.completed"


def test_both_clients_have_the_same_calls() -> None:
    assert {name for name in dir(Sayso) if name[0] != "_"} == {name for name in dir(AsyncSayso) if name[0] != "_"}


@pytest.mark.anyio
async def test_it_works_over_an_application_in_this_process(tmp_path: Path) -> None:
    async with served(tmp_path) as it:
        transport = httpx.ASGITransport(it.app)
        async with AsyncSayso("http://localhost", await it.key(), transport=transport) as client:
            run = await client.start_run(await it.agent_id(), wait=30)
            assert run.status == "WaitingForHITL"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def answering(*answers: httpx.Response | Exception) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    """Return a line with prepared answers, and what is sent over it."""
    left, sent = list(answers), list[httpx.Request]()

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.MockTransport(handle), sent


def test_a_busy_service_is_tried_again_when_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(outside, "pause", pauses.append)
    line, sent = answering(
        httpx.Response(429, headers={"Retry-After": "7"}),
        httpx.Response(503),
        httpx.ConnectError("refused"),
        httpx.Response(202, json={"runId": "run_1", "newField": {"a": 1}}),
    )
    run = Sayso("http://it", "k", transport=line).start_run("a", wait=3)
    assert (run.run_id, run.extra) == ("run_1", {"newField": {"a": 1}})
    assert len({request.headers["idempotency-key"] for request in sent}) == 1
    assert pauses[0] == 7
    assert 0 < pauses[1] <= 0.4
    assert pauses[1] <= pauses[2] * 4
    assert sent[0].headers["x-api-key"] == "k"
    assert sent[0].url == "http://it/v1/agents/a/runs?wait=3"


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([httpx.Response(429)] * 5, ApiTooMany),
        ([httpx.Response(429, headers={"Retry-After": "3600"})], ApiTooMany),
        ([httpx.Response(502)] * 5, ServerFailed),
        ([httpx.ConnectError("refused")] * 5, Unreachable),
        ([httpx.Response(500, text="<html>")], ServerFailed),
        ([httpx.Response(422, json={"code": "invalid_input", "hint": "Look."})], ApiRefused),
        ([httpx.Response(200, text="<html>")], ServerFailed),
    ],
)
def test_what_does_not_help_is_not_tried_for_ever(answers: list[Any], kind: type[ApiError]) -> None:
    line, sent = answering(*answers)
    with pytest.raises(kind) as raised:
        Sayso("http://it", "k", transport=line, retries=AT_ONCE).get_run("run_1")
    assert len(sent) == len(answers)
    assert type(raised.value) is kind


def test_a_key_of_ones_own_is_kept_and_reads_carry_none() -> None:
    line, sent = answering(httpx.Response(202, json={}), httpx.Response(200, json={}))
    client = Sayso("http://it/", transport=line)
    client.start_run("a b/c", idempotency_key="mine")
    client.get_run("r")
    assert sent[0].headers["idempotency-key"] == "mine"
    assert sent[0].url.raw_path == b"/v1/agents/a%20b%2Fc/runs"
    assert "idempotency-key" not in sent[1].headers


def test_the_environment_says_where_and_who(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SAYSO_URL", "http://there"), ("SAYSO_API_KEY", "sayso_live_k")):
        monkeypatch.setenv(name, value)
    line, sent = answering(*[httpx.Response(200, json={}) for _ in range(5)])
    Sayso(transport=line).get_run("r")
    Sayso(token="mine", transport=line).get_run("r")
    Sayso(api_key="sayso_cli_a", transport=line).get_run("r")
    monkeypatch.setenv("SAYSO_API_KEY", "sayso_cli_t")  # the variable holds either
    Sayso(transport=line).get_run("r")
    monkeypatch.delenv("SAYSO_API_KEY")
    Sayso(transport=line).get_run("r")
    assert (sent[0].url.host, sent[0].headers["x-api-key"]) == ("there", "sayso_live_k")
    assert [request.headers.get("x-api-key") for request in sent[1:]] == [None] * 4
    shown = [request.headers.get("authorization") for request in sent]
    assert shown == [None, "Bearer mine", "Bearer sayso_cli_a", "Bearer sayso_cli_t", None]
    with pytest.raises(Invalid, match="plain characters"):
        Sayso(api_key="sayso_cli_a\nX: y")
    monkeypatch.delenv("SAYSO_URL")
    with pytest.raises(Invalid, match="SAYSO_URL"):
        Sayso()
    with pytest.raises(Invalid, match="http"):
        Sayso("ftp://there")


def test_what_the_service_does_not_remember_is_not_sent_again_once_it_may_have_been_taken() -> None:
    taken = httpx.ReadError("reset")
    line, sent = answering(httpx.ConnectError("refused"), httpx.Response(503), taken)
    with pytest.raises(Unreachable, match="whether it was done is not known") as raised:
        Sayso("http://it", "k", transport=line, retries=AT_ONCE).create_key("shop", [{"agentId": "a"}])
    assert "Look before" in raised.value.hint
    assert len(sent) == 3
    assert all("idempotency-key" not in request.headers for request in sent)
    line, sent = answering(httpx.Response(502), httpx.Response(204))
    with pytest.raises(ServerFailed):
        Sayso("http://it", "k", transport=line, retries=AT_ONCE).revoke_key("key_1")
    Sayso("http://it", "k", transport=line, retries=AT_ONCE).revoke_key("key_1")
    assert [request.method for request in sent] == ["DELETE", "DELETE"]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_events_are_read_as_the_standard_says(size: int) -> None:
    text = 'data: {"a": "\u2028é"}\nid: 3\n\n: alive\n\nevent: x\r\ndata: one\r\ndata: two\r\n\r\n'
    text += "data:\n\nid: 9\n\ndata: cut"
    raw, parser = text.encode(), Parser()
    chunks = [raw[at : at + size] for at in range(0, len(raw), size)]
    found = [event for chunk in chunks for event in parser.feed(chunk)]
    assert found == [("3", '{"a": "\u2028é"}'), (None, "one\ntwo"), (None, "")]


def test_what_is_kept_is_read(tmp_path: Path) -> None:
    with online(tmp_path) as on, person(on, "owner") as ann:
        agent = on.ask(on.it.agent_id())
        assert [found.id for found in ann.list_agents().items] == [agent]
        begun = ann.start_run(agent, wait=30)
        (row,) = ann.list_runs(of="desk", state="waiting").items
        journal = ann.get_journal(begun.run_id)
        assert journal.run == row
        assert (row.id, row.session_id, row.seq) == (begun.run_id, begun.session_id, len(journal.items))
        (called,) = ann.list_calls(begun.run_id)
        assert (called.tool, called.state) == ("pay", "awaiting_approval")
        (task,) = ann.list_run_tasks(begun.run_id, include="spec")
        assert task.spec is not None
        assert task.spec["request"] == ann.get_user_task(task.id, include="spec").spec["request"]
        rows = list(ann.export_audit(action="run.*"))
        assert [(item["action"], item["target"]) for item in rows] == [("run.started", begun.run_id)]
        assert ann.list_audit(last=1).items[0]["seq"] == ann.verify_audit().rows
        assert ann.get_evidence(begun.session_id)["manifest"]


def test_people_keys_and_tokens_are_managed(tmp_path: Path) -> None:
    with online(tmp_path) as on, person(on, "owner") as ann:
        assert ann.get_me().email == "owner@example.com"
        bo = ann.add_member("bo@example.com", "operator", name="Bo")
        assert ann.change_member(bo.id, "developer").role == "developer"
        assert ann.disable_person(bo.id).disabled_at is not None
        assert ann.enable_person(bo.id).disabled_at is None
        ann.remove_member(bo.id)
        assert [member.email for member in ann.list_members()] == ["owner@example.com"]
        invited = ann.invite("cy@example.com", "auditor", expires_in_hours=2)
        assert (invited.secret or "").startswith("sayso_inv_")
        ann.revoke_invitation(invited.id)
        assert ann.list_invitations() == ()
        made = ann.create_key("shop", [{"agentId": on.ask(on.it.agent_id())}])
        with Sayso(on.url, made.key) as shop:
            assert shop.get_me().type == "api_key"
            ann.revoke_key(made.id)
            with pytest.raises(ApiUnauthenticated):
                shop.get_me()
        (token,) = ann.list_tokens()
        assert ann.list_tokens(ann.get_me().id) == (token,) or token.last_used_at is not None
        ann.revoke_token(token.id)
        with pytest.raises(ApiUnauthenticated):
            ann.get_me()


def test_coroutines_export_the_log_too(tmp_path: Path) -> None:
    with online(tmp_path) as on:
        token = on.ask(on.it.token("auditor"))

        async def seen() -> list[Any]:
            async with AsyncSayso(on.url, token) as client:
                return [item async for item in client.export_audit()]

        rows = asyncio.run(seen())
        assert [item["seq"] for item in rows] == list(range(1, len(rows) + 1))
        with pytest.raises(ApiNotAllowed), person(on, "developer") as dev:
            list(dev.export_audit())
