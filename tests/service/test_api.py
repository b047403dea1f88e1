"""Agents' runs over HTTP, as a client of the reference would drive them."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sayso.api.v1.streams import sent
from sayso.core.timeline import Item
from sayso.model.registry import AgentId, Names
from sayso.model.workspaces import DEFAULT_WORKSPACE, Scope
from sayso.runtime.following import Event
from sayso.runtime.triggers import TriggerChange
from sayso.testing import call
from tests.service.served import served

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def start(client: Any, served_: Any, **body: Any) -> dict[str, Any]:
    response = await client.post(f"/v1/agents/{await served_.agent_id()}/runs?wait=30", json=body)
    assert response.status_code == 202, response.text
    return response.json()


async def pending(client: Any, run: str) -> dict[str, Any]:
    response = await client.get(f"/v1/runs/{run}/user-tasks")
    return response.json()["items"][-1]


async def test_a_run_starts_pauses_is_approved_and_completes(tmp_path: Path) -> None:
    """Items 252, 254, 265, 266, 277, and section 22 scenario 1."""
    async with (
        served(tmp_path) as it,
        it.client(key=await it.key()) as starter,
        it.client(key=await it.key(name="approver")) as approver,
    ):
        begun = await start(starter, it, input={"question": "pay?"})
        assert {"sessionId", "runId", "status", "totalTokensUsed", "output"} <= begun.keys()
        assert (begun["status"], begun["output"]) == ("WaitingForHITL", None)
        run = begun["runId"]
        polled = (await starter.get(f"/v1/runs/{run}")).json()
        assert polled["pendingUserTasks"][0]["kind"] == "approval"
        assert polled["pendingUserTasks"][0]["summary"] == "Pay 5.0"
        items = (await starter.get(f"/v1/runs/{run}/conversation")).json()["items"]
        (asked,) = [item for item in items if item["type"] == "UserTaskReq"]
        body = {"runId": run, "userTaskId": asked["content"]["user_task_id"], "approved": True}
        sent = await approver.post(f"/v1/runs/{run}/messages", json=body)
        assert (sent.status_code, sent.json()["status"]) == (202, "Running")
        done = (await starter.get(f"/v1/runs/{run}?wait=30")).json()
        assert (done["status"], done["output"], it.paid) == ("Completed", "All paid.", [5.0])
        assert "error" not in done
        assert "pendingUserTasks" not in done


async def test_a_key_does_not_decide_what_its_own_run_asks(tmp_path: Path) -> None:
    async with served(tmp_path) as it, it.client(key=await it.key()) as client:
        run = (await start(client, it))["runId"]
        task = await pending(client, run)
        response = await client.post(f"/v1/user-tasks/{task['id']}/complete", json={"approved": True})
        assert (response.status_code, response.json()["code"], it.paid) == (403, "own_run", [])


async def test_approved_is_never_assumed(tmp_path: Path) -> None:
    """Item 82; misspelt fields are refused, and the task stays pending."""
    async with (
        served(tmp_path) as it,
        it.client(key=await it.key()) as client,
        it.client(token=await it.token("operator")) as person,
    ):
        run = (await start(client, it))["runId"]
        task = await pending(client, run)
        for body, code in (
            ({}, "approved_required"),
            ({"comment": "yes"}, "approved_required"),
            ({"textValue": "yes"}, "invalid_completion"),
            ({"aproved": True}, "invalid_request"),
            ({"approved": "true"}, "invalid_request"),
            ({"approved": 1}, "invalid_request"),
        ):
            response = await person.post(f"/v1/user-tasks/{task['id']}/complete", json=body)
            assert (response.status_code, response.json()["code"]) == (422, code), body
        assert (await pending(client, run))["status"] == "Pending"
        assert it.paid == []


async def test_edited_arguments_run_and_are_told(tmp_path: Path) -> None:
    """Item 78."""
    async with (
        served(tmp_path) as it,
        it.client(key=await it.key()) as client,
        it.client(token=await it.token("operator")) as person,
    ):
        run = (await start(client, it))["runId"]
        task = await pending(client, run)
        bad = {"approved": True, "editedArguments": {"amount": "much"}}
        assert (await person.post(f"/v1/user-tasks/{task['id']}/complete", json=bad)).status_code == 422
        good = {"approved": True, "editedArguments": {"amount": 3}, "comment": "less", "metadata": {"ticket": 7}}
        response = await person.post(f"/v1/user-tasks/{task['id']}/complete", json=good)
        assert response.status_code == 200, response.text
        await client.get(f"/v1/runs/{run}?wait=30")
        decided = (await person.get(f"/v1/user-tasks/{task['id']}")).json()["outcome"]
        assert decided["decision"] == "approved"
        by = {"type": "user", "id": "operator@example.com", "email": "operator@example.com"}
        assert decided["decidedBy"] == by
        assert (decided["editedArguments"], decided["comment"], it.paid) == ({"amount": 3}, "less", [3.0])


async def test_a_second_decision_names_the_first(tmp_path: Path) -> None:
    """Item 141."""
    async with (
        served(tmp_path) as it,
        it.client(key=await it.key()) as client,
        it.client(token=await it.token("operator")) as person,
    ):
        task = await pending(client, (await start(client, it))["runId"])
        path = f"/v1/user-tasks/{task['id']}/complete"
        assert (await person.post(path, json={"approved": False, "comment": "no"})).status_code == 200
        second = await person.post(path, json={"approved": True})
        assert second.status_code == 409
        assert second.json()["code"] == "user_task_not_pending"
        assert "operator@example.com" in second.json()["message"]
        assert it.paid == []


async def test_the_same_start_twice_is_one_run(tmp_path: Path) -> None:
    """Item 275."""
    async with served(tmp_path, worker=False) as it, it.client(key=await it.key()) as client:
        path, headers = f"/v1/agents/{await it.agent_id()}/runs", {"Idempotency-Key": "k1"}
        first = await client.post(path, json={"input": 1}, headers=headers)
        second = await client.post(path, json={"input": 1}, headers=headers)
        assert (first.status_code, second.status_code) == (202, 202)
        assert second.json() == {**first.json(), "duplicateDelivery": True}
        other = await client.post(path, json={"input": 2}, headers=headers)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reuse")
        assert (await client.get(f"/v1/agents/{await it.agent_id()}/sessions")).json()["total"] == 1


async def test_keys_reach_what_their_scopes_name(tmp_path: Path) -> None:
    """Items 251, 280: no key 401, no scope 403, another's run 403, a revoked key 401."""
    async with served(tmp_path, worker=False) as it:
        mine, other = await it.key(), await it.key(Scope(agent_id="agt_other"), name="other")
        async with it.client() as nobody, it.client(key=mine) as client, it.client(key=other) as stranger:
            agent = await it.agent_id()
            assert (await nobody.get("/v1/sessions")).status_code == 401
            assert (await nobody.post(f"/v1/agents/{agent}/runs", json={})).status_code == 401
            denied = await stranger.post(f"/v1/agents/{agent}/runs", json={})
            assert (denied.status_code, denied.json()["code"]) == (403, "forbidden_scope")
            run = (await client.post(f"/v1/agents/{agent}/runs", json={})).json()["runId"]
            assert (await stranger.get(f"/v1/runs/{run}")).status_code == 403
            assert (await stranger.get("/v1/user-tasks")).json()["items"] == []
            root = await it.root()
            for key in await it.service.directory.keys.list(root):
                await it.service.directory.keys.revoke(root, key.id)
            assert (await client.get(f"/v1/runs/{run}")).status_code == 401


async def test_messages_to_a_run_that_waits_for_one(tmp_path: Path) -> None:
    """Items 262 to 264, 268, 269."""
    turns = (call("reply_and_wait", message="Which one?"), "Thanks.")
    async with served(tmp_path, *turns) as it, it.client(key=await it.key()) as client:
        begun = await start(client, it)
        run = begun["runId"]
        assert begun["status"] == "WaitingForResponse"
        assert (await client.get("/v1/user-tasks")).json()["items"] == [], "item 154: no task is listed"
        for body in ({"runId": "run_other", "text": "x"}, {"runId": run}):
            assert (await client.post(f"/v1/runs/{run}/messages", json=body)).status_code == 400
        response = await client.post(f"/v1/runs/{run}/input", json={"runId": run, "text": "the second"})
        assert response.status_code == 202, response.text
        assert (await client.get(f"/v1/runs/{run}?wait=30")).json()["output"] == "Thanks."
        late = await client.post(f"/v1/runs/{run}/messages", json={"text": "more"})
        assert (late.status_code, late.json()["code"]) == (409, "run_not_waiting")


async def test_text_for_a_run_that_waits_for_a_task_is_refused(tmp_path: Path) -> None:
    """Item 269."""
    async with served(tmp_path) as it, it.client(key=await it.key()) as client:
        run = (await start(client, it))["runId"]
        response = await client.post(f"/v1/runs/{run}/messages", json={"text": "go on"})
        assert (response.status_code, response.json()["code"]) == (409, "run_waiting_for_user_task")


async def test_skipping_a_wait(tmp_path: Path) -> None:
    """Items 188, 189: 202 while it waits for a time, 400 otherwise; the actor, a key too, is in the audit."""
    turns = (call("wait", duration_seconds=3600), call("wait", duration_seconds=3600), "Awake.")
    async with (
        served(tmp_path, *turns) as it,
        it.client(key=await it.key()) as client,
        it.client(token=await it.token("developer")) as person,
        it.client(token=await it.token("operator")) as operator,
    ):
        run = (await start(client, it))["runId"]
        assert (await client.get(f"/v1/runs/{run}")).json()["status"] == "WaitingForTimer"
        assert (await operator.post(f"/v1/runs/{run}/skip-agent-wait")).status_code == 403
        response = await client.post(f"/v1/runs/{run}/skip-agent-wait")
        assert response.status_code == 202, response.text
        assert (await client.get(f"/v1/runs/{run}?wait=30")).json()["status"] == "WaitingForTimer"
        assert (await person.post(f"/v1/runs/{run}/skip-agent-wait")).status_code == 202
        assert (await client.get(f"/v1/runs/{run}?wait=30")).json()["output"] == "Awake."
        for either in (person, client):
            again = await either.post(f"/v1/runs/{run}/skip-agent-wait")
            assert (again.status_code, again.json()["code"]) == (400, "run_not_waiting_for_timer")
        rows = await it.db.runtime.store.read(lambda tx: tx.audit.of("default", run))  # type: ignore[arg-type]
        skipped = [(row.by.type, row.by.id) for row in rows if row.action == "run.wait_skipped"]
        assert skipped[1] == ("user", "developer@example.com")
        assert skipped[0][0] == "api_key"


async def test_a_wait_is_skipped_by_the_body_of_a_message_too(tmp_path: Path) -> None:
    """`skipAgentWait` is a field of the reference's message; false is as if it had not been sent."""
    async with (
        served(tmp_path, call("wait", duration_seconds=3600), "Awake.") as it,
        it.client(key=await it.key()) as client,
    ):
        run = (await start(client, it))["runId"]
        path = f"/v1/runs/{run}/messages"
        assert (await client.post(path, json={"skipAgentWait": False})).status_code == 400
        both = await client.post(path, json={"skipAgentWait": True, "text": "go on"})
        assert (both.status_code, both.json()["code"]) == (400, "bad_request")
        sent = await client.post(path, json={"skipAgentWait": True})
        assert (sent.status_code, sent.json()["status"]) == (202, "Running")
        assert (await client.get(f"/v1/runs/{run}?wait=30")).json()["output"] == "Awake."
        over = await client.post(path, json={"skipAgentWait": True})
        assert (over.status_code, over.json()["code"]) == (400, "run_not_waiting_for_timer")


async def test_a_message_names_a_task_or_says_something(tmp_path: Path) -> None:
    """A text beside a task's completion would go nowhere, so it is refused, and the task stays pending."""
    async with (
        served(tmp_path) as it,
        it.client(key=await it.key()) as client,
        it.client(token=await it.token("operator")) as person,
    ):
        run = (await start(client, it))["runId"]
        task = await pending(client, run)
        body = {"userTaskId": task["id"], "approved": True, "text": "but not more than 3"}
        response = await person.post(f"/v1/runs/{run}/messages", json=body)
        assert (response.status_code, response.json()["code"]) == (400, "bad_request")
        assert (await pending(client, run))["status"] == "Pending"


async def test_a_key_of_a_trigger_that_is_gone_starts_nothing(tmp_path: Path) -> None:
    """Without the trigger there would be no limits and no redaction either; what it has started stays in reach."""
    async with served(tmp_path, worker=False) as it:
        root, agent, registry = await it.root(), await it.agent_id(), it.service.registry
        made = TriggerChange(name="api", settings={"exposeStepTimelineToApi": False, "rpmLimit": 1})
        trigger = await registry.create_trigger(DEFAULT_WORKSPACE, AgentId(agent), made, by=root.actor)
        async with it.client(key=await it.key(Scope(agent_id=agent, trigger_id=trigger.id))) as client:
            begun = await client.post(f"/v1/agents/{agent}/runs", json={})
            await registry.delete_trigger(DEFAULT_WORKSPACE, AgentId(agent), trigger.id, by=root.actor)
            refused = await client.post(f"/v1/agents/{agent}/runs", json={})
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_scope")
            seen = (await client.get(f"/v1/runs/{begun.json()['runId']}/conversation")).json()
            assert seen["items"] == []


async def test_slim_conversations_leave_out_the_six_ids(tmp_path: Path) -> None:
    """Item 256; 179: ordinals without gaps, sequences that rise."""
    async with served(tmp_path) as it, it.client(key=await it.key()) as client:
        run = (await start(client, it))["runId"]
        full = (await client.get(f"/v1/runs/{run}/conversation")).json()
        slim = (await client.get(f"/v1/runs/{run}/conversation?stepContent=slim")).json()
        ids = {"event_id", "run_id", "session_id", "tenant_id", "agent_id", "agent_version_id"}
        for one, other in zip(full["items"], slim["items"], strict=True):
            assert ids <= one["content"].keys()
            assert other["content"] == {name: value for name, value in one["content"].items() if name not in ids}
            assert {**one, "content": 0} == {**other, "content": 0}
        assert [item["ordinal"] for item in full["items"]] == list(range(1, len(full["items"]) + 1))
        sequences = [item["sequence"] for item in full["items"]]
        assert sequences == sorted(sequences)
        context = full["session"]["startContext"]
        assert (context["maxIterations"], context["maxToolCalls"], context["agentExecutionMode"]) == (10, 32, "hitl")


async def test_sessions_are_paged_filtered_completed_and_terminated(tmp_path: Path) -> None:
    """Items 174 to 177, 270."""
    async with (
        served(tmp_path) as it,
        it.client(key=await it.key()) as client,
        it.client(token=await it.token("developer")) as person,
    ):
        agent = await it.agent_id()
        first, second = [await start(client, it) for _ in range(2)]
        page = (await client.get(f"/v1/agents/{agent}/sessions?take=1")).json()
        assert (page["total"], [item["id"] for item in page["items"]]) == (2, [second["sessionId"]])
        waiting = (await client.get(f"/v1/agents/{agent}/sessions?status=WaitingForHITL")).json()
        assert waiting["total"] == 2
        assert (await client.get(f"/v1/agents/{agent}/sessions?status=Completed")).json()["total"] == 0
        assert (await client.get(f"/v1/agents/{agent}/sessions?versionId=ver_none")).json()["total"] == 0
        done = await person.post(f"/v1/sessions/{first['sessionId']}/complete", json={"note": "by hand"})
        assert done.status_code == 202, done.text
        assert (await client.get(f"/v1/runs/{first['runId']}")).json()["status"] == "Completed"
        ended = await person.post(f"/v1/sessions/{second['sessionId']}/terminate", json={})
        assert ended.json()["endedRunIds"] == [second["runId"]]
        polled = (await client.get(f"/v1/runs/{second['runId']}")).json()
        assert (polled["status"], polled["error"]["code"]) == ("Failed", "session_terminated")
        assert (await pending(client, second["runId"]))["status"] == "Cancelled"
        assert (await person.post(f"/v1/sessions/{first['sessionId']}/complete", json={})).status_code == 409


async def test_claiming_keeps_others_off(tmp_path: Path) -> None:
    """Item 155."""
    async with served(tmp_path) as it, it.client(key=await it.key()) as client:
        ann, ben = await it.token("operator", "ann@example.com"), await it.token("operator", "ben@example.com")
        async with it.client(token=ann) as first, it.client(token=ben) as second:
            task = await pending(client, (await start(client, it))["runId"])
            path = f"/v1/user-tasks/{task['id']}"
            assert (await first.post(f"{path}/claim")).json()["claimedBy"] == "ann@example.com"
            assert (await second.post(f"{path}/claim")).json()["code"] == "user_task_claimed"
            assert (await second.post(f"{path}/complete", json={"approved": True})).status_code == 409
            assert (await second.post(f"{path}/release")).status_code == 409
            assert (await first.post(f"{path}/release")).json()["claimedBy"] is None
            assert (await second.post(f"{path}/complete", json={"approved": False})).status_code == 200


async def events_of(client: Any, run: str, after: str | None = None) -> list[dict[str, Any]]:
    """Read a stream to its end."""
    found: list[dict[str, Any]] = []
    headers = {} if after is None else {"Last-Event-ID": after}
    async with client.stream("GET", f"/v1/runs/{run}/stream", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        event: dict[str, Any] = {}
        async for line in response.aiter_lines():
            if line.startswith("data:"):
                event["data"] = json.loads(line[5:])
            elif line.startswith("id:"):
                event["id"] = line[3:].strip()
            elif not line and event:
                found.append(event)
                event = {}
    return found


async def test_a_stream_tells_everything_and_ends(tmp_path: Path) -> None:
    """Items 260, 261."""
    async with (
        served(tmp_path) as it,
        it.client(key=await it.key()) as client,
        it.client(token=await it.token("operator")) as person,
    ):
        run = (await start(client, it))["runId"]
        task = await pending(client, run)
        reading = asyncio.create_task(events_of(client, run))
        await person.post(f"/v1/user-tasks/{task['id']}/complete", json={"approved": True})
        events = await asyncio.wait_for(reading, 30)
        subjects = [event["data"]["subject"] for event in events]
        assert subjects[0] == "engine.session.started"
        assert subjects[-2:] == ["engine.run.completed", "engine.session.completed"]
        assert {"ts", "kind", "subject", "data"} == events[0]["data"].keys()
        marked = [number for number, event in enumerate(events) if "id" in event]
        for number in marked[:-1]:
            rest = await events_of(client, run, events[number]["id"])
            assert [event["data"]["subject"] for event in rest] == subjects[number + 1 :]


async def test_a_hidden_timeline_is_hidden_from_keys_alone(tmp_path: Path) -> None:
    """Items 257 to 259."""
    async with served(tmp_path) as it:
        root, agent, registry = await it.root(), await it.agent_id(), it.service.registry
        hidden = TriggerChange(name="api", settings={"exposeStepTimelineToApi": False})
        trigger = await registry.create_trigger(DEFAULT_WORKSPACE, AgentId(agent), hidden, by=root.actor)
        key = await it.key(Scope(agent_id=agent, trigger_id=trigger.id))
        async with it.client(key=key) as client, it.client(token=await it.token("developer")) as person:
            run = (await start(client, it, input={"secret": 1}))["runId"]
            shown = (await client.get(f"/v1/runs/{run}/conversation")).json()
            assert shown["items"] == []
            assert (shown["session"]["input"], shown["session"]["startContext"]) == (None, None)
            assert shown["runs"][0]["input"] is None
            assert "pendingUserTasks" not in (await client.get(f"/v1/runs/{run}")).json()
            assert (await client.get(f"/v1/runs/{run}/user-tasks")).json()["items"] == []
            assert (await client.get("/v1/user-tasks")).json()["items"] == []
            whole = (await person.get(f"/v1/runs/{run}/conversation")).json()
            assert whole["session"]["input"] == {"secret": 1}
            assert len(whole["items"]) > 3
            task = await pending(person, run)
            assert [item["id"] for item in (await person.get("/v1/user-tasks")).json()["items"]] == [task["id"]]
            async with it.client(key=await it.key(Scope(agent_id=agent, trigger_id=None), name="whole agent")) as other:
                assert (await other.get("/v1/user-tasks")).json()["items"] == []
                for ask, path, body in (
                    (other.get, "", {}),
                    (other.post, "/claim", {}),
                    (other.post, "/complete", {"json": {"approved": True}}),
                ):
                    refused = await ask(f"/v1/user-tasks/{task['id']}{path}", **body)
                    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_scope"), path
            await person.post(f"/v1/user-tasks/{task['id']}/complete", json={"approved": True})
            kinds = {event["data"]["kind"] for event in await events_of(client, run)}
            assert kinds == {"session", "run"}
            ended = (await client.get(f"/v1/runs/{run}/conversation")).json()["items"]
            assert [item["type"] for item in ended] == ["RunCompleted", "SessionCompleted"]
            assert (await client.get(f"/v1/runs/{run}")).json()["output"] == "All paid."


async def test_workflows_over_http(tmp_path: Path) -> None:
    async with served(tmp_path) as it, it.client(token=await it.token("developer")) as client:
        listed = (await client.get("/v1/workflows")).json()
        assert [item["name"] for item in listed["items"]] == ["flow"]
        begun = (await client.post("/v1/workflows/flow/runs", json={"input": "it"})).json()
        run = begun["runId"]
        assert (await client.get(f"/v1/runs/{run}?wait=30")).json()["status"] == "WaitingForHITL"
        task = await pending(client, run)
        body = {"decisions": [{"userTaskId": task["id"], "approved": True}]}
        assert (await client.post(f"/v1/runs/{run}/decisions", json=body)).status_code == 202
        assert (await client.get(f"/v1/runs/{run}?wait=30")).json()["output"] == "did it"
        assert (await client.post("/v1/workflows/none/runs", json={})).status_code == 404
        assert (await client.get("/v1/workflows/flow/sessions")).json()["total"] == 1


async def test_ids_and_names_are_those_of_the_registry(tmp_path: Path) -> None:
    """Section 9: an agent loaded from code has the id that starts it, wherever it is named."""
    async with served(tmp_path) as it:
        root, agent, registry = await it.root(), await it.agent_id(), it.service.registry
        trigger = await registry.create_trigger(
            DEFAULT_WORKSPACE, AgentId(agent), TriggerChange(name="shop"), by=root.actor
        )
        key = await it.key(Scope(agent_id=agent, trigger_id=trigger.id))
        async with it.client(key=key) as client, it.client(token=await it.token("operator")) as person:
            run = (await start(client, it))["runId"]
            task = await pending(client, run)
            assert task["agentId"] == agent
            listed = (await client.get(f"/v1/user-tasks?agentId={agent}")).json()["items"]
            assert [item["agentId"] for item in listed] == [agent]
            (going,) = (await client.get(f"/v1/agents/{agent}/sessions")).json()["items"]
            assert (going["output"], going["error"], going["finishedAt"]) == (None, None, None)
            await person.post(f"/v1/user-tasks/{task['id']}/complete", json={"approved": True})
            await client.get(f"/v1/runs/{run}?wait=30")
            whole = (await client.get(f"/v1/runs/{run}/conversation")).json()
            (session,) = (await client.get(f"/v1/agents/{agent}/sessions")).json()["items"]
            for told in (whole["session"], whole["runs"][0], session):
                assert (told["agentId"], told["triggerName"], told["llmModel"]) == (agent, "shop", "scripted")
            assert {item["content"]["agent_id"] for item in whole["items"]} == {agent}
            assert session["output"] == whole["session"]["output"] == "All paid."
            assert session["finishedAt"] == whole["session"]["finishedAt"]
            events = await events_of(client, run)
            named = {(event["data"]["data"]["content"] or {}).get("agent_id", agent) for event in events}
            assert named == {agent}


@pytest.mark.parametrize("child", [True, False])
async def test_what_child_runs_said_is_hidden_with_the_steps(child: bool) -> None:
    """Items 257, 258: of a child run a hidden stream tells that it ended, and not what it has answered."""
    item = Item(
        run_id="run", id="run:1.0", sequence=1, type="RunCompleted", content={"output": "an answer"}, error="a mistake",
        started_at=AT, finished_at=AT, last_of_entry=True,
    )  # fmt: skip
    event = Event(kind="run", subject="engine.run.completed", item=item, child=child, position="1")
    names = Names(agents={}, triggers={}, models={})
    hidden, open_ = (sent(event, names, exposed=exposed).raw_data or "" for exposed in (False, True))
    assert ("an answer" in hidden, "a mistake" in hidden) == (not child, not child)
    assert ("an answer" in open_, "a mistake" in open_) == (True, True)


async def test_who_started_a_run_decides_it_unless_the_workspace_says_otherwise(tmp_path: Path) -> None:
    """Self-approval is a switch of the workspace; by whichever door the answer comes in."""
    async with (
        served(tmp_path) as it,
        it.client(token=await it.token("owner")) as owner,
        it.client(token=await it.token("operator")) as operator,
    ):
        await owner.patch("/v1/workspace", json={"settings": {"startersMayDecide": False}})
        run = (await start(owner, it))["runId"]
        task = (await pending(owner, run))["id"]
        answers = {
            f"/v1/user-tasks/{task}/complete": {"approved": True},
            f"/v1/runs/{run}/messages": {"userTaskId": task, "approved": True},
            f"/v1/runs/{run}/decisions": {"decisions": [{"userTaskId": task, "approved": True}]},
        }
        for path, body in answers.items():
            refused = await owner.post(path, json=body)
            assert (refused.status_code, refused.json()["code"]) == (403, "own_run"), path
        done = await operator.post(f"/v1/user-tasks/{task}/complete", json={"approved": True})
        assert done.status_code == 200, done.text
        await owner.patch("/v1/workspace", json={"settings": {"startersMayDecide": True}})
        run = (await start(owner, it))["runId"]
        task = (await pending(owner, run))["id"]
        assert (await owner.post(f"/v1/user-tasks/{task}/complete", json={"approved": True})).status_code == 200


async def test_a_limit_is_told_before_and_when_it_is_reached(tmp_path: Path) -> None:
    """Item 238."""
    async with served(tmp_path, worker=False) as it:
        root, agent, registry = await it.root(), await it.agent_id(), it.service.registry
        made = TriggerChange(name="api", settings={"rpmLimit": 2})
        trigger = await registry.create_trigger(DEFAULT_WORKSPACE, AgentId(agent), made, by=root.actor)
        async with it.client(key=await it.key(Scope(agent_id=agent, trigger_id=trigger.id))) as client:
            answers = [await client.post(f"/v1/agents/{agent}/runs", json={}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
        assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"2"}
        assert answers[-1].headers["Retry-After"] == answers[-1].headers["RateLimit-Reset"] == "60"


async def test_a_key_joins_only_sessions_that_it_reaches(tmp_path: Path) -> None:
    """Whoever has a run in a session may read all of it: a name must not open somebody else's."""
    async with served(tmp_path, worker=False) as it:
        agent = await it.agent_id()
        async with it.client(token=await it.token("developer")) as person:
            flow = (await person.get("/v1/workflows")).json()["items"][0]["id"]
        desks, flows = await it.key(), await it.key(Scope(agent_id=flow), name="flows")
        async with it.client(key=desks) as desk, it.client(key=flows) as other:
            body = {"input": "x", "sessionId": "theirs"}
            first = await other.post("/v1/workflows/flow/runs", json=body)
            assert (first.status_code, first.json()["sessionId"]) == (202, "theirs")
            refused = await desk.post(f"/v1/agents/{agent}/runs", json=body)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_scope")
            again = await other.post("/v1/workflows/flow/runs", json=body)
            assert again.json()["sessionId"] == "theirs"
            mine = [await desk.post(f"/v1/agents/{agent}/runs", json={**body, "sessionId": "own"}) for _ in range(2)]
            assert [answer.json()["sessionId"] for answer in mine] == ["own", "own"]
            refused = await other.post("/v1/workflows/flow/runs", json={**body, "sessionId": "own"})
            assert refused.status_code == 403
            assert (await desk.get("/v1/sessions")).json()["items"][0]["runCount"] == 2
