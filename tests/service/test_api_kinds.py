"""Which kinds of tasks a key may complete: those of every key, and those that its trigger names."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sayso.core.completions import BY_KEYS
from sayso.core.triggers import RESERVED, trigger_settings
from sayso.model.ids import TaskId
from sayso.model.registry import AgentId, TriggerId
from sayso.model.workspaces import DEFAULT_WORKSPACE, Scope
from sayso.runtime.triggers import TriggerChange
from tests.web.cardkit import Desk, desk_of
from tests.web.cardprograms import clerk
from tests.web.site import site

ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    "approval": ("look", {"approved": True}),
    "text": ("text", {"textValue": "so"}),
    "number": ("number", {"numberValue": 3}),
    "multi_option": ("choice", {"selectedOptionId": "a"}),
    "form": ("form", {"values": {"name": "Ann", "age": 4}}),
    "external": ("outside", {"result": "done"}),
    "uncertain": ("unsure", {"selectedOptionId": "not_happened"}),
}
JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    done: list[Any] = []
    told: list[str] = []
    with site(tmp_path_factory.mktemp("kinds"), lambda db: [clerk(db, done, told)]) as found:
        yield desk_of(found, done)


@pytest.fixture(scope="module")
def trigger(desk: Desk) -> TriggerId:
    agent, root = AgentId(desk.agents["clerk"]), desk.site.root
    made = TriggerChange(name="shop")
    return desk.site.do(desk.site.service.registry.create_trigger(DEFAULT_WORKSPACE, agent, made, by=root.actor)).id


@pytest.fixture(scope="module")
def clients(desk: Desk, trigger: TriggerId) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Two keys of the trigger: one starts, the other decides."""
    scope = Scope(agent_id=desk.agents["clerk"], trigger_id=trigger)
    made = [desk.site.service.directory.keys.create(desk.site.root, name=name, scopes=(scope,)) for name in ("a", "b")]
    texts = [desk.site.do(one).text for one in made]
    first, second = (httpx.Client(base_url=desk.site.url, headers={"X-API-Key": text, **JSON}) for text in texts)
    with first, second:
        yield first, second


def settings(desk: Desk, trigger: TriggerId, *kinds: str) -> None:
    change = TriggerChange(settings={"apiCompletableKinds": list(kinds)})
    agent, root = AgentId(desk.agents["clerk"]), desk.site.root
    desk.site.do(desk.site.service.registry.edit_trigger(DEFAULT_WORKSPACE, agent, trigger, change, by=root.actor))


def asked(desk: Desk, client: httpx.Client, kind: str) -> str:
    begun = client.post(f"/v1/agents/{desk.agents['clerk']}/runs", json={"input": {"message": ANSWERS[kind][0]}})
    assert begun.status_code == 202, begun.text
    return desk.task_of(begun.json()["runId"])


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("named", [False, True])
def test_a_key_completes_what_every_key_may_and_what_its_trigger_names(
    desk: Desk, trigger: TriggerId, clients: tuple[httpx.Client, httpx.Client], kind: str, named: bool
) -> None:
    starter, decider = clients
    settings(desk, trigger, *([kind] if named else []))
    task = asked(desk, starter, kind)
    allowed = named or kind in BY_KEYS
    told = decider.get(f"/v1/user-tasks/{task}").json()
    assert (told["kind"], told["apiCompletable"]) == (kind, allowed)
    listed = decider.get("/v1/user-tasks?take=100").json()["items"]
    assert [item["apiCompletable"] for item in listed if item["id"] == task] == [allowed]
    run = decider.get(f"/v1/runs/{told['runId']}").json()
    assert [item["apiCompletable"] for item in run["pendingUserTasks"]] == [allowed]
    done = decider.post(f"/v1/user-tasks/{task}/complete", json=ANSWERS[kind][1])
    if allowed:
        assert done.status_code == 200, done.text
        assert done.json()["apiCompletable"] is True
    else:
        assert (done.status_code, done.json()["code"]) == (403, "user_task_dashboard_only")
        assert desk.status(TaskId(task)) == "pending"


def test_what_a_trigger_no_longer_names_is_for_people_again(
    desk: Desk, trigger: TriggerId, clients: tuple[httpx.Client, httpx.Client]
) -> None:
    settings(desk, trigger, "uncertain")
    task = asked(desk, clients[0], "uncertain")
    settings(desk, trigger)
    refused = clients[1].post(f"/v1/user-tasks/{task}/complete", json=ANSWERS["uncertain"][1])
    assert refused.json()["code"] == "user_task_dashboard_only"
    with desk.site.client() as person:
        done = person.post(f"/v1/user-tasks/{task}/complete", json=ANSWERS["uncertain"][1])
        assert done.status_code == 200, done.text


def test_the_setting_takes_every_kind_and_no_other() -> None:
    for kind in (*BY_KEYS, *RESERVED, "hitl"):
        assert not trigger_settings({"apiCompletableKinds": [kind]})[1]
    for kind in ("message", "unknown", "", "UNCERTAIN"):
        assert trigger_settings({"apiCompletableKinds": [kind]})[1]
    assert set(ANSWERS) <= BY_KEYS | set(RESERVED)


def test_a_second_api_trigger_is_refused_by_name(desk: Desk, trigger: TriggerId) -> None:
    path = f"/v1/agents/{desk.agents['clerk']}/triggers"
    with desk.site.client() as person:
        for body in ({"name": "b", "type": "api"}, {"name": "b"}):
            refused = person.post(path, json=body)
            assert (refused.status_code, refused.json()["code"]) == (409, "api_trigger_exists")
            assert "'shop'" in refused.json()["message"]
            assert refused.json()["details"]["trigger_id"] == trigger
            assert "at most" in refused.json()["hint"]
        for kind in ("scheduled", "event"):
            refused = person.post(path, json={"name": "b", "type": kind})
            assert (refused.status_code, refused.json()["code"]) == (409, "trigger_type_unsupported")
        assert person.post(path, json={"name": "b", "type": "smoke"}).status_code == 422
        person.delete(f"{path}/{trigger}")
        made = person.post(path, json={"name": "b", "type": "api"})
        assert (made.status_code, made.json()["type"]) == (201, "api"), made.text
