"""Workflows over HTTP: registered as deployed versions of their workspace, and started by people and keys."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from sayso import SqliteDb, Workflow
from sayso.app.service import Parts, compose
from sayso.model.workspaces import DEFAULT_WORKSPACE, Scope
from sayso.workflow import HumanReview, Step
from tests.service.served import flow, served

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_key_whose_scope_is_a_workflow_starts_and_follows_it(tmp_path: Path) -> None:
    async with served(tmp_path) as it, it.client(token=await it.token("developer")) as person:
        (listed,) = (await person.get("/v1/workflows")).json()["items"]
        assert (listed["name"], listed["versionLabel"], listed["steps"]["second?confirm"]) == (
            "flow",
            "code",
            "approval",
        )
        scope = Scope(agent_id=listed["id"])
        async with it.client(key=await it.key(scope)) as mine, it.client(key=await it.key()) as other:
            refused = await other.post("/v1/workflows/flow/runs", json={})
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_scope")
            begun = (await mine.post(f"/v1/workflows/{listed['id']}/runs", json={"input": "it"})).json()
            assert begun["agentId"] == listed["id"]
            run = (await mine.get(f"/v1/runs/{begun['runId']}?wait=30")).json()
            assert run["status"] == "WaitingForHITL"
            assert (await other.get(f"/v1/runs/{begun['runId']}")).status_code == 403
            session = (await person.get(f"/v1/sessions/{begun['sessionId']}")).json()
            assert (session["agentVersionId"], session["versionLabel"]) == (listed["versionId"], "code")
            assert session["triggerType"] == "api"
        made = (await person.post("/v1/workflows/flow/runs", json={})).json()
        assert (await person.get(f"/v1/sessions/{made['sessionId']}")).json()["triggerType"] == "manual"


async def test_keys_are_made_for_workflows_over_http(tmp_path: Path) -> None:
    async with served(tmp_path, worker=False) as it, it.client(token=await it.token("owner")) as owner:
        (listed,) = (await owner.get("/v1/workflows")).json()["items"]
        made = await owner.post("/v1/keys", json={"name": "k", "scopes": [{"agentId": listed["id"]}]})
        assert made.status_code == 201, made.text
        async with it.client(key=made.json()["key"]) as client:
            assert (await client.post("/v1/workflows/flow/runs", json={})).status_code == 202


async def test_a_suspended_workspace_starts_no_workflow(tmp_path: Path) -> None:
    """Item 8."""
    async with served(tmp_path, worker=False) as it, it.client(token=await it.token("owner")) as owner:
        await owner.post("/v1/workspace/suspend")
        with capture_logs() as logged:
            refused = await owner.post("/v1/workflows/flow/runs", json={})
        assert (refused.status_code, refused.json()["code"]) == (409, "workspace_suspended")
        (line,) = [line for line in logged if line["event"] == "request"]
        assert (line["code"], line["route"]) == ("workspace_suspended", "/v1/workflows/{workflow}/runs")
        await owner.post("/v1/workspace/activate")
        assert (await owner.post("/v1/workflows/flow/runs", json={})).status_code == 202


async def test_a_workflow_is_of_its_workspace_and_no_agent(tmp_path: Path) -> None:
    """Items 1 and 2: code is loaded into the default workspace."""
    async with served(tmp_path, worker=False) as it, it.client(token=await it.token("owner")) as owner:
        (listed,) = (await owner.get("/v1/workflows")).json()["items"]
        assert [agent["name"] for agent in (await owner.get("/v1/agents")).json()["items"]] == ["desk"]
        assert (await owner.get("/v1/agents")).json()["total"] == 1
        for path in ("", "/versions", "/triggers", "/sessions"):
            assert (await owner.get(f"/v1/agents/{listed['id']}{path}")).status_code == 404, path
        assert (await owner.post(f"/v1/agents/{listed['id']}/runs", json={})).status_code == 404
        assert (await owner.post("/v1/workflows/desk/runs", json={})).status_code == 404
        root = await it.root()
        other = await it.service.directory.workspaces.create(root, name="other")
        there = await it.service.directory.local("root", workspace_id=other.id)
        member = await it.service.directory.people.add(there, email="eve@example.com", role="owner")
        link = await it.service.directory.sign_in.make_link(there, member.person.id)
        signed = await it.service.directory.sign_in.by_link(link.text)
        token = (await it.service.directory.tokens.create(signed.principal, name="t")).text
        async with it.client(token=token) as eve:
            assert (await eve.get("/v1/workflows")).json() == {"items": [], "total": 0}
            assert (await eve.post("/v1/workflows/flow/runs", json={})).status_code == 404
            assert (await eve.get("/v1/workflows/flow/sessions")).status_code == 404


async def test_changed_steps_make_a_new_version_and_unchanged_ones_none(tmp_path: Path) -> None:
    with SqliteDb(tmp_path / "flows.db", synchronous="NORMAL") as db:
        changed = Workflow("flow", steps=[Step("only", lambda given: given.input, human_review=HumanReview())], db=db)
        labels = [await _label(db, item) for item in (flow(db), flow(db), changed, flow(db))]
        assert labels == ["code", "code", "code-2", "code"]
        rows = await db.runtime.store.read(lambda tx: tx.audit.list(DEFAULT_WORKSPACE, after=0, limit=100))
        assert [row.action for row in rows].count("workflow.created") == 1


async def _label(db: SqliteDb, workflow: Any) -> str | None:
    service = await compose(Parts(db=db, programs=[workflow]))
    (record,) = await service.registry.list_workflows(DEFAULT_WORKSPACE)
    service.news.close()
    return record.deployed_label
