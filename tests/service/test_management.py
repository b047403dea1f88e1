"""Agents, versions and triggers over HTTP, as people with a token manage them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from sayso.model.workspaces import DEFAULT_WORKSPACE, Role, Scope
from tests.service.served import Served, served

pytestmark = pytest.mark.anyio
FIELDS: dict[str, Any] = {"versionLabel": "v1", "llmModel": "stub:none"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def signed_in(folder: Path, role: Role = "developer", **options: Any) -> AsyncIterator[tuple[Served, Any]]:
    async with served(folder, worker=False, **options) as it, it.client(token=await it.token(role)) as client:
        yield it, client


async def made(client: httpx.AsyncClient, path: str, body: Any) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def agent_of(client: httpx.AsyncClient, name: str = "refunds", **fields: Any) -> str:
    return f"/v1/agents/{(await made(client, '/v1/agents', {'name': name, **fields}))['id']}"


async def version_of(client: httpx.AsyncClient, agent: str, label: str = "v1", **fields: Any) -> dict[str, Any]:
    return await made(client, f"{agent}/versions", {**FIELDS, "versionLabel": label, **fields})


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is the problem that was expected (item 278)."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


async def actions(it: Served) -> list[str]:
    rows = await it.db.runtime.store.read(lambda tx: tx.audit.list(DEFAULT_WORKSPACE, after=0, limit=1000))
    return [row.action for row in rows]


# -- agents ----------------------------------------------------------------------------------------------------


async def test_an_agent_is_made_shown_listed_renamed_and_deleted(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as (it, client):
        agent = await made(client, "/v1/agents", {"name": "refunds", "executionMode": "request"})
        assert agent["tenantId"] == DEFAULT_WORKSPACE
        assert (agent["name"], agent["executionMode"], agent["deployedVersionId"]) == ("refunds", "request", None)
        assert (agent["blockedUntilReviewed"], agent["origin"]) == (False, "data")
        path = f"/v1/agents/{agent['id']}"
        assert (await client.get(path)).json() == agent
        listed = (await client.get("/v1/agents", params={"take": 1, "skip": 1})).json()
        assert (listed["items"], listed["total"]) == ([agent], 2)
        renamed = await client.patch(path, json={"name": "refunds-eu"})
        assert (renamed.status_code, renamed.json()["name"]) == (200, "refunds-eu")
        assert (await client.delete(path)).status_code == 204
        refused(await client.get(path), 404, "agent_not_found")
        assert (await actions(it))[-3:] == ["agent.created", "agent.renamed", "agent.deleted"]


async def test_an_agents_name_is_its_own(tmp_path: Path) -> None:
    """Item 22."""
    async with signed_in(tmp_path) as (_, client):
        await agent_of(client)
        refused(await client.post("/v1/agents", json={"name": "refunds"}), 409, "duplicate_name")
        refused(await client.post("/v1/agents", json={"name": " "}), 422, "invalid_agent")
        refused(await client.post("/v1/agents", json={"name": "x", "executionMode": "auto"}), 422, "invalid_request")
        refused(await client.post("/v1/agents", json={"name": "x", "mode": "hitl"}), 422, "invalid_request")


async def test_a_change_on_top_of_what_somebody_else_saved_is_refused(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as (_, client):
        agent = await agent_of(client)
        read = (await client.get(agent)).headers["etag"]
        assert (await client.patch(agent, json={"name": "first"}, headers={"If-Match": read})).status_code == 200
        late = await client.patch(agent, json={"name": "second"}, headers={"If-Match": read})
        refused(late, 409, "changed_meanwhile")
        refused(await client.patch(agent, json={"name": "x"}, headers={"If-Match": '"x"'}), 409, "changed_meanwhile")
        assert (await client.patch(agent, json={"name": "third"}, headers={"If-Match": "*"})).status_code == 200
        assert (await client.get(agent)).json()["name"] == "third"


async def test_a_blocked_agent_starts_nothing_until_somebody_says_why_it_may(tmp_path: Path) -> None:
    """Items 47 and 48."""
    async with signed_in(tmp_path) as (it, client), it.client(key=await it.key()) as program:
        agent = f"/v1/agents/{await it.agent_id()}"
        version = (await client.get(agent)).json()["deployedVersionId"]
        blocked = await client.post(f"{agent}/block", json={"reason": "It pays too much."})
        assert blocked.status_code == 200
        assert (blocked.json()["blockedUntilReviewed"], blocked.json()["blockedReason"]) == (True, "It pays too much.")
        assert blocked.json()["blockedAt"] is not None
        assert blocked.json()["blockedBy"] == "developer@example.com"
        refused(await program.post(f"{agent}/runs", json={}), 409, "agent_blocked")
        refused(await client.post(f"{agent}/versions/{version}/test-runs", json={}), 409, "agent_blocked")
        refused(await client.post(f"{agent}/unblock", json={"note": ""}), 422, "invalid_request")
        refused(await client.post(f"{agent}/unblock", json={"note": "  "}), 422, "invalid_agent")
        freed = await client.post(f"{agent}/unblock", json={"note": "The limit is 5 now."})
        assert (freed.json()["blockedUntilReviewed"], freed.json()["blockedReason"]) == (False, None)
        assert (await program.post(f"{agent}/runs", json={})).status_code == 202
        assert {"agent.blocked", "agent.unblocked"} <= set(await actions(it))


# -- versions --------------------------------------------------------------------------------------------------


async def test_what_a_version_leaves_out_has_its_default(tmp_path: Path) -> None:
    """Item 33."""
    async with signed_in(tmp_path) as (_, client):
        version = await version_of(client, await agent_of(client))
        assert (version["temperature"], version["maxIterations"], version["maxTokensPerRun"]) == (1, 10, 400_000)
        assert (version["maxToolCalls"], version["anomalyControl"], version["canExecuteSubAgents"]) == (
            32,
            False,
            False,
        )
        assert (version["subAgentExecutionModel"], version["status"], version["warnings"]) == (
            "sequential",
            "testing",
            [],
        )


async def test_a_version_is_edited_while_it_is_testing_and_never_while_it_is_deployed(tmp_path: Path) -> None:
    """Items 24, 25 and 29."""
    async with signed_in(tmp_path) as (_, client):
        agent = await agent_of(client)
        first, second = await version_of(client, agent), await version_of(client, agent, "v2")
        path = f"{agent}/versions/{first['id']}"
        read = (await client.get(path)).headers["etag"]
        edited = await client.patch(path, json={"instructions": "Be kind."}, headers={"If-Match": read})
        assert (edited.status_code, edited.json()["instructions"]) == (200, "Be kind.")
        late = await client.patch(path, json={"instructions": "Be quick."}, headers={"If-Match": read})
        refused(late, 409, "changed_meanwhile")
        refused(await client.post(f"{path}/deploy", json={"digest": first["digest"]}), 409, "changed_meanwhile")
        deployed = await client.post(f"{path}/deploy", json={"digest": edited.json()["digest"]})
        assert (deployed.status_code, deployed.json()["deployedVersionId"]) == (200, first["id"])
        assert (deployed.json()["deployedVersionLabel"], deployed.json()["deployedLlmModel"]) == ("v1", "stub:none")
        refused(await client.patch(path, json={"instructions": "x"}), 409, "version_deployed")
        refused(await client.delete(path), 409, "version_deployed")
        assert (await client.post(f"{agent}/versions/{second['id']}/deploy")).status_code == 200
        listed = (await client.get(f"{agent}/versions")).json()
        assert {item["versionLabel"]: item["status"] for item in listed["items"]} == {"v1": "testing", "v2": "deployed"}
        assert (await client.delete(path)).status_code == 204
        refused(await client.get(path), 404, "version_not_found")


async def test_rollback_retract_and_delete(tmp_path: Path) -> None:
    """Items 26, 27 and 28."""
    async with signed_in(tmp_path) as (it, client):
        agent = await agent_of(client)
        first, second = await version_of(client, agent), await version_of(client, agent, "v2")
        await client.post(f"{agent}/versions/{first['id']}/deploy")
        await client.post(f"{agent}/versions/{second['id']}/deploy")
        back = await client.post(f"{agent}/rollback", json={"versionId": first["id"]})
        assert (back.status_code, back.json()["deployedVersionLabel"]) == (200, "v1")
        refused(await client.delete(agent), 409, "version_deployed")
        assert (await client.post(f"{agent}/retract")).json()["deployedVersionId"] is None
        refused(await client.post(f"{agent}/retract"), 409, "no_deployed_version")
        assert len((await client.get(f"{agent}/versions")).json()["items"]) == 2
        assert (await client.delete(agent)).status_code == 204
        assert {"version.rolled_back", "version.retracted", "agent.deleted"} <= set(await actions(it))


async def test_versions_that_do_not_fit_are_refused_with_every_problem(tmp_path: Path) -> None:
    """Items 30, 31, 32 and 46."""
    async with signed_in(tmp_path) as (_, client):
        agent = await agent_of(client)
        await version_of(client, agent)
        refused(await client.post(f"{agent}/versions", json=FIELDS), 409, "duplicate_label")
        wrong = {"versionLabel": "v2", "llmModel": "m", "description": "x" * 513, "topK": 0, "nonsense": 1}
        problem = refused(await client.post(f"{agent}/versions", json=wrong), 422, "invalid_version")
        pointers = {item["pointer"] for item in problem["details"]["problems"]}
        assert pointers == {"/description", "/topK", "/nonsense"}
        child = await agent_of(client, "child", executionMode="sub_agent")
        nameless = refused(await client.post(f"{child}/versions", json=FIELDS), 422, "invalid_version")
        assert nameless["details"]["problems"][0]["code"] == "description_required"
        for answer in (await client.post(f"{agent}/versions", json=[]), await client.post(f"{agent}/versions")):
            refused(answer, 422, "invalid_request")


async def test_an_agent_whose_rules_pause_is_not_made_one_without_people(tmp_path: Path) -> None:
    """Item 46."""
    async with signed_in(tmp_path) as (_, client):
        agent = await agent_of(client)
        pausing = {"id": "big", "when": {"arg_gt": {"path": "amount", "value": 10}}, "then": "pause"}
        await version_of(client, agent, rules=[pausing])
        refused(await client.patch(agent, json={"executionMode": "request"}), 409, "pause_rules_present")
        assert (await client.get(agent)).json()["executionMode"] == "hitl"


async def test_a_version_is_cloned_under_another_label(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as (_, client):
        agent = await agent_of(client)
        version = await version_of(client, agent, instructions="Be kind.")
        path = f"{agent}/versions/{version['id']}/clone"
        copy = await made(client, path, {"versionLabel": "v2"})
        assert (copy["instructions"], copy["status"], copy["versionLabel"]) == ("Be kind.", "testing", "v2")
        refused(await client.post(path, json={"versionLabel": "v2"}), 409, "duplicate_label")


async def test_a_ceiling_of_the_workspace_is_told_when_a_version_is_saved(tmp_path: Path) -> None:
    """Item 43."""
    async with signed_in(tmp_path, "owner") as (_, client):
        limits = {"settings": {"limits": {"maxToolCallsCeiling": 6}}}
        assert (await client.patch("/v1/workspace", json=limits)).status_code == 200
        version = await version_of(client, await agent_of(client))
        assert (version["maxToolCalls"], version["warnings"][0]["pointer"]) == (6, "/maxToolCalls")


async def test_a_test_run_is_of_the_selected_version(tmp_path: Path) -> None:
    """Items 34 and 23; the same test run twice is one run."""
    async with signed_in(tmp_path) as (it, client):
        agent = await agent_of(client)
        first, second = await version_of(client, agent), await version_of(client, agent, "v2")
        refused(await client.post(f"{agent}/runs", json={}), 409, "no_deployed_version")
        await client.post(f"{agent}/versions/{first['id']}/deploy")
        path, headers = f"{agent}/versions/{second['id']}/test-runs", {"Idempotency-Key": "t1"}
        begun = await client.post(path, json={"input": 1}, headers=headers)
        assert begun.status_code == 202, begun.text
        again = await client.post(path, json={"input": 1}, headers=headers)
        assert again.json() == {**begun.json(), "duplicateDelivery": True}
        session = (await client.get(f"/v1/sessions/{begun.json()['sessionId']}")).json()
        assert (session["agentVersionId"], session["versionLabel"]) == (second["id"], "v2")
        assert (session["triggerType"], session["triggeredBy"]) == ("test_run", "developer@example.com")
        refused(await client.delete(agent), 409, "version_deployed")
        await client.post(f"{agent}/retract")
        refused(await client.delete(agent), 409, "agent_has_open_sessions")
        del it


async def test_an_agent_loaded_from_code_is_written_by_code_alone(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as (it, client):
        agent = f"/v1/agents/{await it.agent_id()}"
        shown = (await client.get(agent)).json()
        assert (shown["origin"], shown["deployedVersionLabel"]) == ("code", "code")
        refused(await client.patch(agent, json={"name": "x"}), 409, "agent_is_code")
        refused(await client.post(f"{agent}/versions", json=FIELDS), 409, "agent_is_code")


async def test_operations_are_listed_with_their_gate(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as (_, client):
        listed = (await client.get("/v1/operations")).json()
        (pay,) = [item for item in listed["items"] if item["name"] == "pay"]
        assert (pay["requiresApproval"], pay["effect"], pay["description"]) == ("always", "once", "Pay.")
        assert pay["inputSchema"]["properties"]["amount"]["type"] == "number"
        agent = await agent_of(client)
        assert (await version_of(client, agent, allowedOperationIds=["pay"]))["allowedOperationIds"] == ["pay"]


# -- triggers --------------------------------------------------------------------------------------------------


async def test_a_trigger_is_made_edited_and_deleted(tmp_path: Path) -> None:
    """Items 35, 198 and 234, and what a start by a trigger records."""
    async with signed_in(tmp_path) as (it, client):
        agent_id = await it.agent_id()
        path = f"/v1/agents/{agent_id}/triggers"
        trigger = await made(client, path, {"name": "shop", "settings": {"rpmLimit": 1}})
        assert (trigger["active"], trigger["settings"]["rpmLimit"], trigger["kind"]) == (True, 1, "api")
        assert trigger["settings"]["exposeStepTimelineToApi"] is True
        refused(await client.post(path, json={"name": "other"}), 409, "api_trigger_exists")
        refused(await client.patch(f"{path}/{trigger['id']}", json={"settings": {"rpm": 1}}), 422, "invalid_trigger")
        assert (await client.get(path)).json() == {"items": [trigger], "total": 1}
        key = await it.key(Scope(agent_id=agent_id, trigger_id=trigger["id"]))
        async with it.client(key=key) as program:
            begun = await program.post(f"/v1/agents/{agent_id}/runs", json={})
            session = (await client.get(f"/v1/sessions/{begun.json()['sessionId']}")).json()
            deployed = (await client.get(f"/v1/agents/{agent_id}")).json()["deployedVersionId"]
            assert (session["agentVersionId"], session["triggerId"]) == (deployed, trigger["id"])
            off = await client.patch(f"{path}/{trigger['id']}", json={"active": False, "settings": {"rpmLimit": 0}})
            assert (off.json()["active"], off.json()["name"]) == (False, "shop")
            refused(await program.post(f"/v1/agents/{agent_id}/runs", json={}), 409, "trigger_inactive")
        shown = (await client.get(f"{path}/{trigger['id']}")).json()
        assert shown["lastFiredAt"] is not None
        assert (await client.delete(f"{path}/{trigger['id']}")).status_code == 204
        refused(await client.get(f"{path}/{trigger['id']}"), 404, "trigger_not_found")
        child = await agent_of(client, "child", executionMode="sub_agent")
        refused(await client.post(f"{child}/triggers", json={"name": "t"}), 409, "sub_agent_not_startable")


# -- who may ---------------------------------------------------------------------------------------------------


async def test_what_belongs_to_another_workspace_is_not_there(tmp_path: Path) -> None:
    """Item 1."""
    async with signed_in(tmp_path, "owner") as (it, client):
        agent = await agent_of(client)
        version = await version_of(client, agent)
        other = (await made(client, "/v1/workspaces", {"name": "Other"}))["id"]
        link = await it.service.directory.sign_in.make_link(await it.root(), (await client.get("/v1/me")).json()["id"])
        async with it.client() as browser:
            await browser.post("/login", data={"once": link.text})
            switched = await browser.post("/v1/me/workspace", json={"workspaceId": other}, headers=SAME)
            assert switched.json()["workspace"]["id"] == other
            assert (await browser.get("/v1/agents")).json() == {"items": [], "total": 0}
            for path in (agent, f"{agent}/versions", f"{agent}/versions/{version['id']}", f"{agent}/triggers"):
                refused(await browser.get(path), 404, "agent_not_found")
            for method, path, body in (
                ("PATCH", agent, {"name": "x"}),
                ("DELETE", agent, None),
                ("POST", f"{agent}/block", {"reason": "x"}),
                ("POST", f"{agent}/retract", None),
                ("POST", f"{agent}/versions", FIELDS),
                ("POST", f"{agent}/versions/{version['id']}/deploy", None),
                ("POST", f"{agent}/versions/{version['id']}/test-runs", {}),
                ("POST", "/v1/keys", {"name": "k", "scopes": [{"agentId": agent.rpartition("/")[2]}]}),
            ):
                refused(await browser.request(method, path, json=body, headers=SAME), 404, "agent_not_found")
            old = "/internal/v1/tenants/default/agents"
            refused(await browser.get(old), 404, "workspace_not_found")


SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(
    ("role", "reads", "writes"), [("operator", 403, 403), ("auditor", 200, 403), ("admin", 200, 201)]
)
async def test_roles_see_and_change_what_the_table_says(tmp_path: Path, role: Role, reads: int, writes: int) -> None:
    """Items 3, 5 and 7."""
    async with signed_in(tmp_path, role) as (it, client):
        agent = f"/v1/agents/{await it.agent_id()}"
        for path in ("/v1/agents", agent, f"{agent}/versions", f"{agent}/triggers", "/v1/operations", "/v1/members"):
            assert (await client.get(path)).status_code == reads, path
        assert (await client.post("/v1/agents", json={"name": "x"})).status_code == writes
        if writes == 403:
            problem = refused(await client.post(f"{agent}/retract"), 403, "forbidden")
            assert problem["details"]["ability"] == "edit_agents"


async def test_a_key_manages_nothing(tmp_path: Path) -> None:
    async with served(tmp_path, worker=False) as it, it.client(key=await it.key()) as program:
        agent = f"/v1/agents/{await it.agent_id()}"
        for path in ("/v1/agents", agent, f"{agent}/versions", "/v1/members", "/v1/keys", "/v1/invitations"):
            refused(await program.get(path), 403, "forbidden")
        refused(await program.post(f"{agent}/block", json={"reason": "x"}), 403, "forbidden")
        refused(await program.post("/v1/me/tokens", json={"name": "t"}), 403, "forbidden")
        async with it.client() as nobody:
            refused(await nobody.get("/v1/agents"), 401, "unauthenticated")


async def test_a_suspended_workspace_starts_nothing(tmp_path: Path) -> None:
    """Item 8."""
    async with signed_in(tmp_path, "owner") as (it, client), it.client(key=await it.key()) as program:
        agent = f"/v1/agents/{await it.agent_id()}"
        assert (await client.post("/v1/workspace/suspend")).json()["status"] == "suspended"
        refused(await program.post(f"{agent}/runs", json={}), 409, "workspace_suspended")
        version = (await client.get(agent)).json()["deployedVersionId"]
        refused(await client.post(f"{agent}/versions/{version}/test-runs", json={}), 409, "workspace_suspended")
        assert (await client.post("/v1/workspace/activate")).json()["status"] == "active"
        assert (await program.post(f"{agent}/runs", json={})).status_code == 202


async def test_the_references_paths_do_what_ours_do(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as (_, client):
        agent = await agent_of(client)
        version = await version_of(client, agent)
        base = f"/internal/v1/tenants/default/agents/{agent.rpartition('/')[2]}"
        assert (await client.get("/internal/v1/tenants/default/agents?take=100")).json()["total"] == 2
        assert (await client.get(base)).json()["name"] == "refunds"
        assert (await client.get(f"{base}/versions")).json()["total"] == 1
        assert (await client.get(f"{base}/versions/{version['id']}")).json()["versionLabel"] == "v1"
        deployed = await client.post(f"{base}/versions/{version['id']}/deploy", json={})
        assert deployed.json()["deployedVersionId"] == version["id"]
        assert (await client.post(f"{base}/retract")).json()["deployedVersionId"] is None
        refused(await client.get("/internal/v1/tenants/other/agents"), 404, "workspace_not_found")
