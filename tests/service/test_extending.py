"""More time for a user task over the service: who gets it, how often, once per key, and what everybody is told."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso.model.registry import AgentId
from sayso.model.workspaces import DEFAULT_WORKSPACE, Scope
from sayso.runtime.triggers import TriggerChange
from sayso.testing import call
from tests.service.served import Served, served
from tests.service.test_api import events_of, pending, start

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def asking(folder: Path, **options: Any) -> AsyncIterator[Served]:
    """Serve an agent that asks a question, which may wait for an hour."""
    turns = (call("ask_human_text", question="Which account?"), "Noted.")
    async with served(folder, *turns, **{"question_timeout": 3600, **options}) as it:
        yield it


@asynccontextmanager
async def staffed(folder: Path, **options: Any) -> AsyncIterator[tuple[Served, Any, Any]]:
    """Serve it, with a key that starts runs, and an admin."""
    async with (
        asking(folder, **options) as it,
        it.client(key=await it.key()) as starter,
        it.client(token=await it.token("admin", "ann@example.com")) as ann,
    ):
        yield it, starter, ann


def due(task: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(task["dueAt"])


async def test_a_task_is_given_more_time(tmp_path: Path) -> None:
    async with staffed(tmp_path, question_extensions=2) as (it, starter, ann):
        run = (await start(starter, it))["runId"]
        task = await pending(ann, run)
        path, at = f"/v1/user-tasks/{task['id']}", due(task)
        assert task["extension"] == {"until": _wire(at + HOUR), "made": 0, "left": 2, "most": 2}
        first = await ann.post(f"{path}/extend", json={"dueAt": task["dueAt"]})
        assert (first.status_code, due(first.json())) == (200, at + HOUR)
        assert first.json()["extension"] == {"until": _wire(at + 2 * HOUR), "made": 1, "left": 1, "most": 2}
        stale = await ann.post(f"{path}/extend", json={"dueAt": task["dueAt"]})
        assert (stale.status_code, stale.json()["code"]) == (409, "deadline_moved")
        assert due((await ann.post(f"{path}/extend", json={})).json()) == at + 2 * HOUR
        spent = await ann.post(f"{path}/extend", json={})
        assert (spent.status_code, spent.json()["code"]) == (409, "deadline_fixed")
        shown = (await ann.get(path)).json()
        assert (due(shown), shown["extension"]["until"]) == (at + 2 * HOUR, None)
        listed = (await ann.get("/v1/user-tasks")).json()["items"]
        assert [item["dueAt"] for item in listed] == [shown["dueAt"]]
        ready = (await ann.get(f"/v1/runs/{run}/journal")).json()["run"]["readyAt"]
        assert ready == shown["dueAt"]
        entries = (await ann.get(f"/v1/runs/{run}/journal")).json()["items"]
        assert [entry["data"]["by"] for entry in entries if entry["kind"] == "extended"] == ["ann@example.com"] * 2
        items = (await ann.get(f"/v1/runs/{run}/conversation")).json()["items"]
        more = [item["content"] for item in items if item["type"] == "UserTaskExtended"]
        assert [(item["by"], item["user_task_id"]) for item in more] == [("ann@example.com", task["id"])] * 2
        done = await ann.post(f"{path}/complete", json={"textValue": "4711"})
        assert done.status_code == 200
        subjects = [event["data"]["subject"] for event in await events_of(ann, run)]
        assert subjects.count("engine.user_task.user_task_extended") == 2
        late = await ann.post(f"{path}/extend", json={})
        assert (late.status_code, late.json()["code"]) == (409, "user_task_not_pending")
        evidence = (await ann.get(f"/v1/sessions/{shown['sessionId']}/evidence")).json()
        packet = str(evidence)
        assert packet.count("'action': 'task.extended'") == 2
        assert packet.count("'kind': 'extended'") == 2


def _wire(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


async def test_the_same_request_extends_once(tmp_path: Path) -> None:
    async with staffed(tmp_path) as (it, starter, ann):
        task = await pending(ann, (await start(starter, it))["runId"])
        path, headers = f"/v1/user-tasks/{task['id']}/extend", {"Idempotency-Key": "more"}
        first = await ann.post(path, json={}, headers=headers)
        again = await ann.post(path, json={}, headers=headers)
        assert (first.json()["dueAt"], again.json()["dueAt"]) == (_wire(due(task) + HOUR),) * 2
        assert again.json()["duplicateDelivery"] is True
        other = await ann.post(path, json={"dueAt": task["dueAt"]}, headers=headers)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reuse")


@pytest.mark.parametrize("body", [{"dueAt": "soon"}, {"dueAt": "2026-01-01T00:00:00"}, {"until": 1}])
async def test_what_is_no_deadline_is_refused(tmp_path: Path, body: dict[str, Any]) -> None:
    async with asking(tmp_path) as it, it.client(token=await it.token("operator")) as ann:
        assert (await ann.post("/v1/user-tasks/task_x/extend", json=body)).status_code == 422


async def test_who_may_not_decide_may_not_extend(tmp_path: Path) -> None:
    """The same refusals, of the same people and keys, as for an answer."""
    async with asking(tmp_path) as it, it.client(key=await it.key(name="starter")) as starter:
        run = (await start(starter, it))["runId"]
        clients = {
            "auditor": it.client(token=await it.token("auditor")),
            "operator": it.client(token=await it.token("operator")),
            "developer": it.client(token=await it.token("developer")),
            "key": it.client(key=await it.key(name="other")),
            "beyond": it.client(key=await it.key(Scope(agent_id="agt_other"), name="beyond")),
        }
        task = await pending(clients["operator"], run)
        path = f"/v1/user-tasks/{task['id']}"
        await clients["operator"].post(f"{path}/claim")
        said: dict[str, Any] = {}
        for name, client in {**clients, "starter": starter}.items():
            extended = await client.post(f"{path}/extend", json={})
            answered = await client.post(f"{path}/complete", json={"nonsense": 1})
            said[name] = (extended.status_code, extended.json().get("code"))
            if extended.status_code != 200:
                real = await client.post(f"{path}/complete", json={"textValue": "x"})
                assert (real.status_code, real.json()["code"]) == said[name], name
            assert answered.status_code != 200
        assert said == {
            "auditor": (403, "forbidden"),
            "operator": (200, None),
            "developer": (409, "user_task_claimed"),
            "key": (409, "user_task_claimed"),
            "beyond": (403, "forbidden_scope"),
            "starter": (403, "own_run"),
        }
        await clients["operator"].post(f"{path}/release")
        assert (await clients["key"].post(f"{path}/extend", json={})).status_code == 200
        for client in clients.values():
            await client.aclose()


async def test_a_hidden_timeline_hides_its_deadlines(tmp_path: Path) -> None:
    async with asking(tmp_path) as it:
        root, agent, registry = await it.root(), await it.agent_id(), it.service.registry
        change = TriggerChange(name="api", settings={"exposeStepTimelineToApi": False})
        trigger = await registry.create_trigger(DEFAULT_WORKSPACE, AgentId(agent), change, by=root.actor)
        hidden = await it.key(Scope(agent_id=agent, trigger_id=trigger.id))
        async with it.client(key=hidden) as client, it.client(token=await it.token("operator")) as ann:
            task = await pending(ann, (await start(client, it))["runId"])
            async with it.client(key=await it.key(Scope(agent_id=agent, trigger_id=None), name="whole")) as other:
                refused = await other.post(f"/v1/user-tasks/{task['id']}/extend", json={})
                assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_scope")


async def test_what_has_no_deadline_or_a_hard_one(tmp_path: Path) -> None:
    for options in ({"question_timeout": None}, {"question_extensions": 0}):
        folder = tmp_path / "".join(options)
        folder.mkdir()
        async with staffed(folder, **options) as (it, starter, ann):
            task = await pending(ann, (await start(starter, it))["runId"])
            assert (task["extension"] or {"left": 0})["left"] == 0
            refused = await ann.post(f"/v1/user-tasks/{task['id']}/extend", json={})
            assert (refused.status_code, refused.json()["code"]) == (409, "deadline_fixed")


async def test_more_time_races_an_answer_and_more_time(tmp_path: Path) -> None:
    """Two hundred times at once in one process: extended once for what was shown, and at most one answer."""
    tally: Counter[str] = Counter()
    async with staffed(tmp_path) as (it, starter, ann), it.client(token=await it.token("admin")) as bea:
        for _ in range(200):
            task = await pending(ann, (await start(starter, it))["runId"])
            path, shown = f"/v1/user-tasks/{task['id']}", {"dueAt": task["dueAt"]}
            answers = await asyncio.gather(
                ann.post(f"{path}/extend", json=shown),
                bea.post(f"{path}/extend", json=shown),
                ann.post(f"{path}/complete", json={"textValue": "x"}),
            )
            codes = [answer.json().get("code", "done") for answer in answers]
            assert codes[2] == "done"
            assert sorted(codes[:2]) in (
                ["deadline_moved", "done"], ["done", "user_task_not_pending"], ["user_task_not_pending"] * 2,
            )  # fmt: skip
            tally[" / ".join(sorted(codes[:2]))] += 1
            after = (await ann.get(path)).json()
            assert due(after) == due(task) + HOUR * codes[:2].count("done")
    print("\nextend, extend and answer in one process:", dict(tally))
