"""The audit log and the evidence of a session over HTTP (items 293 to 295)."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sayso.core.audit import verify
from sayso.core.auditforms import row_from_json
from sayso.core.evidence import packet_of, problems
from sayso.stores.driver import sqlite_module
from tests.service.served import served
from tests.service.test_api import pending, start
from tests.service.test_management import agent_of, made, refused, signed_in

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_every_act_is_listed_with_who_did_it(tmp_path: Path) -> None:
    async with signed_in(tmp_path, "owner") as (_, client):
        agent = (await agent_of(client)).rpartition("/")[2]
        rows: list[dict[str, Any]] = []
        after: Any = 0
        while after is not None:
            page = (await client.get("/v1/audit", params={"after": after, "take": 2})).json()
            assert len(page["items"]) <= 2
            rows += page["items"]
            after = page["nextAfter"]
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        (one,) = (await client.get("/v1/audit", params={"target": agent})).json()["items"]
        assert (one["action"], one["by"]["id"], one["target"]) == ("agent.created", "owner@example.com", agent)
        assert one == rows[-1]
        assert {"at", "data", "hash", "prevHash"} <= one.keys()
        listed = (await client.get("/v1/audit", params={"action": "agent.*"})).json()
        assert {row["action"] for row in listed["items"]} == {"agent.adopted", "agent.created"} & {
            row["action"] for row in rows
        }
        assert (await client.get("/v1/audit", params={"action": "no.such"})).json()["items"] == []
        assert (await client.get("/v1/audit", params={"take": 101})).status_code == 422


async def test_a_row_that_somebody_changed_is_named(tmp_path: Path) -> None:
    """Item 294."""
    async with signed_in(tmp_path, "auditor") as (_, client):
        sound = (await client.get("/v1/audit/verify")).json()
        assert (sound["ok"], sound["broken"], sound["anchored"]) == (True, None, False)
        anchor = f"{sound['anchor']['seq']}:{sound['anchor']['hash']}"
        assert (await client.get("/v1/audit/verify", params={"anchor": anchor})).json()["ok"] is True
        wrong = f"{sound['anchor']['seq']}:{'0' * 64}"
        assert (await client.get("/v1/audit/verify", params={"anchor": wrong})).json()["ok"] is False
        refused(await client.get("/v1/audit/verify", params={"anchor": "x"}), 400, "bad_request")
        exported = (await client.get("/v1/audit/export")).text.splitlines()
        assert verify(row_from_json(json.loads(line)) for line in exported) is None
        assert len(exported) >= sound["rows"]
        with closing(sqlite_module().connect(tmp_path / "sayso.db")) as database, database:
            database.execute("UPDATE audit SET target = 'other' WHERE seq = 2")
        found = (await client.get("/v1/audit/verify")).json()
        assert (found["ok"], found["broken"]["seq"]) == (False, 2)


async def test_a_sessions_evidence_holds_and_is_for_who_may_export(tmp_path: Path) -> None:
    """Items 293 and 295."""
    async with (
        served(tmp_path) as it,
        it.client(key=await it.key()) as program,
        it.client(token=await it.token("operator")) as person,
        it.client(token=await it.token("auditor")) as auditor,
    ):
        begun = await start(program, it)
        task = await pending(program, begun["runId"])
        await person.post(f"/v1/user-tasks/{task['id']}/complete", json={"approved": True, "comment": "fine"})
        await program.get(f"/v1/runs/{begun['runId']}?wait=30")
        path = f"/v1/sessions/{begun['sessionId']}/evidence"
        packet = packet_of((await auditor.get(path)).content)
        assert problems(packet) == []
        (decision,) = packet["parts"]["decisions"]
        assert (decision["verdict"], decision["note"]) == ("approve", "fine")
        assert decision["by"] == {"type": "user", "id": "operator@example.com", "via": "cli"}
        for other in (program, person):
            refused(await other.get(path), 403, "forbidden")
            refused(await other.get("/v1/audit"), 403, "forbidden")
            refused(await other.get("/v1/audit/export"), 403, "forbidden")
            refused(await other.get("/v1/audit/verify"), 403, "forbidden")
        refused(await auditor.get("/v1/sessions/ses_nothing/evidence"), 404, "session_not_found")


async def test_an_export_can_be_narrowed(tmp_path: Path) -> None:
    async with signed_in(tmp_path, "owner") as (_, client):
        await agent_of(client)
        answer = await client.get("/v1/audit/export", params={"action": "agent.created"})
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        assert "attachment" in answer.headers["content-disposition"]
        assert {json.loads(line)["action"] for line in answer.text.splitlines()} == {"agent.created"}
        later = await client.get("/v1/audit/export", params={"since": "2999-01-01T00:00:00Z"})
        assert (later.status_code, later.text) == (200, "")
        refused(await client.get("/v1/audit/export", params={"since": "2999-01-01T00:00:00"}), 400, "bad_request")


async def test_another_workspaces_log_is_not_seen(tmp_path: Path) -> None:
    """Item 1."""
    async with signed_in(tmp_path, "owner") as (_, client):
        other = (await made(client, "/v1/workspaces", {"name": "Other"}))["id"]
        assert (await client.get("/v1/audit", params={"target": other})).json()["items"] == []
