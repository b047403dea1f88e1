"""What is kept of runs, over HTTP: rows by page, journals, tool calls, tasks as they are hashed, the end of the log."""

from pathlib import Path
from typing import Any

import pytest

from sayso.core.codec import json_bytes
from sayso.core.taskforms import digest_of
from sayso.model.workspaces import Scope
from tests.service.served import Served, served

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def begun(it: Served, client: Any, count: int = 1) -> list[dict[str, Any]]:
    path = f"/v1/agents/{await it.agent_id()}/runs?wait=20"
    return [(await client.post(path, json={})).json() for _ in range(count)]


async def test_runs_are_listed_page_by_page_newest_first(tmp_path: Path) -> None:
    async with served(tmp_path) as it:
        client = it.client(token=await it.token("developer"))
        ids = [run["runId"] for run in await begun(it, client, 5)]
        flow = (await client.post("/v1/workflows/flow/runs", json={})).json()["runId"]
        found, cursor = [], None
        while True:
            query = {"take": 2} if cursor is None else {"take": 2, "cursor": cursor}
            page = (await client.get("/v1/runs", params=query)).json()
            found += [row["id"] for row in page["items"]]
            cursor = page["nextCursor"]
            if cursor is None:
                break
        assert found == [flow, *reversed(ids)]
        of_desk = (await client.get("/v1/runs", params={"of": "desk", "state": "waiting"})).json()["items"]
        assert [row["id"] for row in of_desk] == ids[::-1]
        assert of_desk[0]["inputTokens"] + of_desk[0]["outputTokens"] > 0
        one = (await client.get("/v1/runs", params={"sessionId": of_desk[0]["sessionId"]})).json()["items"]
        assert [row["id"] for row in one] == [ids[-1]]
        assert (await client.get("/v1/runs", params={"cursor": "nonsense"})).json()["code"] == "invalid"


async def test_a_key_lists_the_runs_of_its_scopes_alone(tmp_path: Path) -> None:
    async with served(tmp_path) as it:
        await begun(it, it.client(token=await it.token("developer")))
        mine, others = it.client(key=await it.key()), it.client(key=await it.key(Scope(agent_id="agt_other")))
        assert len((await mine.get("/v1/runs")).json()["items"]) == 1
        assert (await others.get("/v1/runs")).json()["items"] == []


async def test_a_journal_is_told_whole_by_page(tmp_path: Path) -> None:
    async with served(tmp_path) as it:
        client = it.client(token=await it.token("operator"))
        (run,) = await begun(it, it.client(token=await it.token("developer")))
        path = f"/v1/runs/{run['runId']}/journal"
        whole = (await client.get(path)).json()
        assert whole["run"]["state"] == "waiting"
        assert whole["nextAfter"] is None
        assert [item["seq"] for item in whole["items"]] == list(range(1, len(whole["items"]) + 1))
        assert whole["items"][0]["kind"] == "started"
        first = (await client.get(path, params={"take": 1})).json()
        rest = (await client.get(path, params={"after": first["nextAfter"]})).json()
        assert first["items"] + rest["items"] == whole["items"]
        (called,) = (await client.get(f"/v1/runs/{run['runId']}/calls")).json()["items"]
        assert (called["tool"], called["arguments"], called["state"]) == ("pay", {"amount": 5}, "awaiting_approval")


async def test_a_key_whose_trigger_hides_the_steps_sees_neither_journal_nor_calls(tmp_path: Path) -> None:
    async with served(tmp_path) as it:
        owner, agent = it.client(token=await it.token("owner")), await it.agent_id()
        settings = {"exposeStepTimelineToApi": False}
        made = await owner.post(f"/v1/agents/{agent}/triggers", json={"name": "shop", "settings": settings})
        trigger = made.json()["id"]
        key = it.client(key=await it.key(Scope(agent_id=agent, trigger_id=trigger)))
        (run,) = await begun(it, key)
        for what in ("journal", "calls"):
            refused = await key.get(f"/v1/runs/{run['runId']}/{what}")
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_scope")
            assert (await owner.get(f"/v1/runs/{run['runId']}/{what}")).status_code == 200


async def test_what_was_asked_can_be_hashed_again(tmp_path: Path) -> None:
    async with served(tmp_path) as it:
        client = it.client(token=await it.token("developer"))
        (run,) = await begun(it, client)
        task = run["pendingUserTasks"][0]["id"]
        for path in ("/v1/user-tasks", f"/v1/runs/{run['runId']}/user-tasks"):
            (listed,) = (await client.get(path, params={"include": "spec"})).json()["items"]
            assert listed["id"] == task
            assert digest_of(json_bytes(listed["spec"]), run_id=run["runId"], key=listed["key"]) == listed["digest"]
            assert "spec" not in (await client.get(path)).json()["items"][0]
        body = {"approved": True, "comment": "fine", "digest": listed["digest"]}
        done = (await client.post(f"/v1/user-tasks/{task}/complete", json=body)).json()
        said = {"decision": "approved", "verdict": "approve", "action": "proceed", "comment": "fine", "via": "cli"}
        assert said.items() <= done["outcome"].items()
        read = (await client.get(f"/v1/user-tasks/{task}", params={"include": "spec"})).json()
        assert said.items() <= read["outcome"].items()
        assert read["spec"]["request"]["kind"] == "approval"


async def test_sessions_are_found_by_what_they_are_of(tmp_path: Path) -> None:
    async with served(tmp_path) as it:
        client = it.client(token=await it.token("developer"))
        (run,) = await begun(it, client)
        await client.post("/v1/workflows/flow/runs", json={"sessionId": "s1", "userId": "u1"})
        both = (await client.get("/v1/sessions")).json()
        assert both["total"] == 2
        assert {item["userId"] for item in both["items"]} == {None, "u1"}
        (of_desk,) = (await client.get("/v1/sessions", params={"of": "desk", "versionLabel": "code"})).json()["items"]
        assert of_desk["id"] == run["sessionId"]
        assert (await client.get("/v1/sessions", params={"versionLabel": "other"})).json()["total"] == 0


async def test_the_end_of_the_log_is_told_without_its_beginning(tmp_path: Path) -> None:
    async with served(tmp_path) as it:
        client = it.client(token=await it.token("owner"))
        await begun(it, client, 2)
        whole = (await client.get("/v1/audit", params={"take": 100})).json()["items"]
        first = (await client.get("/v1/audit", params={"last": 3, "take": 2})).json()
        rest = (await client.get("/v1/audit", params={"after": first["nextAfter"]})).json()
        assert first["items"] + rest["items"] == whole[-3:]
        assert rest["nextAfter"] is None


async def test_the_tokens_of_a_member_are_for_who_manages_them(tmp_path: Path) -> None:
    async with served(tmp_path) as it:
        admin, operator = it.client(token=await it.token("admin")), it.client(token=await it.token("operator"))
        members = (await admin.get("/v1/members")).json()["items"]
        ids = {member["role"]: member["id"] for member in members}
        listed = (await admin.get(f"/v1/members/{ids['operator']}/tokens")).json()
        assert [token["name"] for token in listed["items"]] == ["test"]
        assert "token" not in listed["items"][0]
        own = (await operator.get(f"/v1/members/{ids['operator']}/tokens")).json()
        assert own == listed | {"items": own["items"]}
        assert (await operator.get(f"/v1/members/{ids['admin']}/tokens")).status_code == 403
        assert (await admin.get("/v1/members/per_none/tokens")).status_code == 404
