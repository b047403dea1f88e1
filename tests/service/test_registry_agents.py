"""Agents as data: names, modes, blocking, deleting, and what other workspaces see of them (platform.md 3)."""

import json
from pathlib import Path
from typing import Any

import pytest

from sayso.core.audit import verify
from sayso.model import errors, registryerrors
from sayso.runtime.agents import AgentChange
from sayso.runtime.starting import Begin, Wanted
from sayso.runtime.triggers import TriggerChange
from sayso.runtime.versions import VersionChange
from tests.service.registrykit import ANA, HERE, THERE, House

PAUSE = {"id": "big", "when": {"arg_gt": {"path": "amount", "value": 10}}, "then": "pause"}


@pytest.fixture
def house(tmp_path: Path) -> Any:
    made = House(tmp_path)
    yield made
    made.db.close()


def edit(house: House, agent: Any, **change: Any) -> Any:
    return house.do(house.registry.edit_agent(HERE, agent.id, AgentChange(**change), by=ANA))


def test_a_name_is_unique_in_its_workspace_item_22(house: House) -> None:
    house.agent("refunds")
    with pytest.raises(registryerrors.DuplicateName) as refused:
        house.agent("refunds")
    assert (refused.value.code, refused.value.status) == ("duplicate_name", 409)
    assert house.agent("refunds", workspace=THERE).workspace_id == THERE
    other = house.agent("other")
    with pytest.raises(registryerrors.DuplicateName):
        edit(house, other, name="refunds")
    assert edit(house, other, name="returns").name == "returns"
    assert house.agent("other").name == "other", "Expected a name that was given up to be free."


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "two\nlines", "nul\x00", "lone\ud800", "\u202efdp.exe"])
def test_a_name_that_nobody_can_read_is_refused(house: House, name: str) -> None:
    with pytest.raises(registryerrors.InvalidAgent) as refused:
        house.agent(name)
    assert [problem.pointer for problem in refused.value.problems] == ["/name"]
    assert house.do(house.registry.list_agents(HERE)).total == 0


def test_a_mode_that_does_not_exist_is_refused(house: House) -> None:
    for mode in ("HITL", "sub-agent", "", None):
        with pytest.raises(registryerrors.InvalidAgent):
            house.agent("a", mode=mode)


def test_a_workspace_has_at_most_as_many_agents_as_it_may(house: House) -> None:
    house.limit(max_agents=1)
    house.agent("one")
    with pytest.raises(registryerrors.WorkspaceLimited):
        house.agent("two")
    assert house.agent("two", workspace=THERE), "Expected the limit of one workspace not to count in another."


def test_agents_are_listed_by_name_with_their_live_version(house: House) -> None:
    house.live("b")
    house.agent("a")
    house.agent("c", workspace=THERE)
    page = house.do(house.registry.list_agents(HERE))
    assert [(item.name, item.deployed_label, item.deployed_model) for item in page.items] == [
        ("a", None, None),
        ("b", "v1", "stub:refunds"),
    ]
    assert page.total == 2
    assert [item.name for item in house.do(house.registry.list_agents(HERE, limit=1, skip=1)).items] == ["b"]


def test_another_workspace_finds_nothing_item_1(house: House) -> None:
    """Every act and every reading, with the ids of another workspace's objects: not found, and nothing changes."""
    agent = house.live()
    version = house.version(agent, "v2")
    trigger = house.do(house.registry.create_trigger(HERE, agent.id, TriggerChange(name="api"), by=ANA))
    before, rows = house.load(agent), len(house.audit())
    registry, wanted = house.registry, Wanted(workspace_id=THERE, agent_id=agent.id)
    acts = {
        "load_agent": registry.load_agent(THERE, agent.id),
        "edit_agent": registry.edit_agent(THERE, agent.id, AgentChange(name="x"), by=ANA),
        "delete_agent": registry.delete_agent(THERE, agent.id, by=ANA),
        "block": registry.block(THERE, agent.id, reason="x", by=ANA),
        "unblock": registry.unblock(THERE, agent.id, note="x", by=ANA),
        "create_version": registry.create_version(THERE, agent.id, {}, by=ANA),
        "clone_version": registry.clone_version(THERE, agent.id, version.id, label="x", by=ANA),
        "edit_version": registry.edit_version(THERE, agent.id, version.id, VersionChange(changes={}), by=ANA),
        "delete_version": registry.delete_version(THERE, agent.id, version.id, by=ANA),
        "load_version": registry.load_version(THERE, agent.id, version.id),
        "list_versions": registry.list_versions(THERE, agent.id),
        "deploy": registry.deploy(THERE, agent.id, version.id, by=ANA),
        "rollback": registry.rollback(THERE, agent.id, version.id, by=ANA),
        "retract": registry.retract(THERE, agent.id, by=ANA),
        "create_trigger": registry.create_trigger(THERE, agent.id, TriggerChange(name="x"), by=ANA),
        "edit_trigger": registry.edit_trigger(THERE, agent.id, trigger.id, TriggerChange(name="x"), by=ANA),
        "delete_trigger": registry.delete_trigger(THERE, agent.id, trigger.id, by=ANA),
        "load_trigger": registry.load_trigger(THERE, agent.id, trigger.id),
        "list_triggers": registry.list_triggers(THERE, agent.id),
        "startable": registry.startable(wanted),
        "plan": registry.plan(house.runtime, Begin(wanted=wanted)),
        "start": registry.start(house.runtime, Begin(wanted=wanted)),
    }
    workflows = ("names", "list_workflows", "load_workflow", "plan_workflow")  # tests/service/test_workflows.py
    public = {name for name in dir(registry) if not name.startswith("_")}
    assert public - set(acts) == {"create_agent", "find_agent", "list_agents", "adopt", *workflows}, (
        "Expected every act to be tried here."
    )
    assert house.do(registry.find_agent(THERE, agent.id)) is None
    for name, act in acts.items():
        with pytest.raises(registryerrors.AgentNotFound) as refused:
            house.do(act)
        assert refused.value.status == 404, name
    assert (house.load(agent), len(house.audit()), house.audit(THERE)) == (before, rows, [])
    assert house.do(registry.list_agents(THERE)).total == 0


def test_ids_of_another_agent_are_not_found_either(house: House) -> None:
    one, other = house.live("one"), house.live("other")
    foreign = other.deployed_version_id
    assert foreign is not None
    trigger = house.do(house.registry.create_trigger(HERE, other.id, TriggerChange(name="api"), by=ANA))
    for act in (
        house.registry.deploy(HERE, one.id, foreign, by=ANA),
        house.registry.load_version(HERE, one.id, foreign),
        house.registry.delete_version(HERE, one.id, foreign, by=ANA),
        house.registry.clone_version(HERE, one.id, foreign, label="x", by=ANA),
        house.registry.startable(Wanted(workspace_id=HERE, agent_id=one.id, test_version=foreign)),
    ):
        with pytest.raises(registryerrors.VersionNotFound):
            house.do(act)
    for act in (
        house.registry.load_trigger(HERE, one.id, trigger.id),
        house.registry.delete_trigger(HERE, one.id, trigger.id, by=ANA),
        house.registry.startable(Wanted(workspace_id=HERE, agent_id=one.id, trigger_id=trigger.id)),
    ):
        with pytest.raises(registryerrors.TriggerNotFound):
            house.do(act)


# -- modes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deployed", [True, False])
def test_a_mode_without_people_is_refused_while_a_version_pauses_item_46(house: House, deployed: bool) -> None:
    agent = house.agent()
    version = house.version(agent, rules=[PAUSE])
    if deployed:
        house.deploy(agent, version)
    with pytest.raises(registryerrors.PauseRulesPresent) as refused:
        edit(house, agent, mode="request")
    assert (refused.value.code, refused.value.status, refused.value.facts["versions"]) == (
        "pause_rules_present",
        409,
        ["v1"],
    )
    assert house.load(agent).mode == "hitl"
    assert edit(house, agent, mode="sub_agent" if not deployed else "hitl"), "Expected other modes to be allowed."


def test_a_mode_changes_where_nothing_stands_against_it(house: House) -> None:
    agent = house.agent()
    house.version(agent, rules=[{**PAUSE, "then": "block"}])
    assert edit(house, agent, mode="request").mode == "request"
    assert house.actions()[-1] == "agent.mode_changed"
    assert json.loads(house.audit()[-1].data)["from"] == "hitl"


def test_an_agent_with_triggers_does_not_become_a_sub_agent(house: House) -> None:
    agent = house.agent()
    trigger = house.do(house.registry.create_trigger(HERE, agent.id, TriggerChange(name="api"), by=ANA))
    with pytest.raises(registryerrors.TriggersPresent) as refused:
        edit(house, agent, mode="sub_agent")
    assert (refused.value.code, refused.value.status) == ("triggers_present", 409)
    house.do(house.registry.delete_trigger(HERE, agent.id, trigger.id, by=ANA))
    assert edit(house, agent, mode="sub_agent").mode == "sub_agent"


def test_a_deployed_version_without_description_does_not_become_a_sub_agents(house: House) -> None:
    agent = house.live()
    with pytest.raises(registryerrors.InvalidVersion) as refused:
        edit(house, agent, mode="sub_agent")
    assert [problem.code for problem in refused.value.problems] == ["description_required"]


def test_an_agent_that_has_changed_is_not_overwritten(house: House) -> None:
    agent = house.agent()
    edit(house, agent, name="mine", expected=agent.updated_at)
    with pytest.raises(registryerrors.ChangedMeanwhile) as refused:
        edit(house, agent, name="yours", expected=agent.updated_at)
    assert (refused.value.code, refused.value.status) == ("changed_meanwhile", 409)
    assert house.load(agent).name == "mine"


def test_changing_nothing_writes_nothing(house: House) -> None:
    agent = house.agent()
    rows = len(house.audit())
    assert edit(house, agent, name=agent.name, mode=agent.mode) == agent
    assert len(house.audit()) == rows


# -- blocking --------------------------------------------------------------------------------------------------


def test_a_blocked_agent_starts_in_no_way_item_47(house: House) -> None:
    agent = house.live()
    version = house.version(agent, "v2")
    trigger = house.do(house.registry.create_trigger(HERE, agent.id, TriggerChange(name="api"), by=ANA))
    house.do(house.registry.block(HERE, agent.id, reason="odd transfers", by=ANA))
    shown = house.load(agent).block
    assert shown is not None
    assert (shown.reason, shown.by) == ("odd transfers", "ana@example.com")
    plain = Wanted(workspace_id=HERE, agent_id=agent.id)
    ways = (
        plain,
        Wanted(workspace_id=HERE, agent_id=agent.id, test_version=version.id),
        Wanted(workspace_id=HERE, agent_id=agent.id, trigger_id=trigger.id),
    )
    for wanted in ways:
        with pytest.raises(registryerrors.AgentBlocked) as refused:
            house.do(house.registry.start(house.runtime, Begin(wanted=wanted)))
        assert (refused.value.code, refused.value.status) == ("agent_blocked", 409)
        assert "odd transfers" in str(refused.value)
    assert house.do(house.runtime.list_runs()) == []


def test_clearing_a_block_needs_a_note_and_both_acts_are_written_down_item_48(house: House) -> None:
    agent = house.live()
    house.do(house.registry.block(HERE, agent.id, reason="odd", note="seen at noon", by=ANA))
    for nothing in ("", "   "):
        with pytest.raises(registryerrors.InvalidAgent):
            house.do(house.registry.unblock(HERE, agent.id, note=nothing, by=ANA))
    with pytest.raises(registryerrors.InvalidAgent):
        house.do(house.registry.block(HERE, agent.id, reason=" ", by=ANA))
    assert house.load(agent).block is not None
    house.do(house.registry.unblock(HERE, agent.id, note="was a test", by=ANA))
    assert house.do(house.registry.startable(Wanted(workspace_id=HERE, agent_id=agent.id))).label == "v1"
    blocked, unblocked = house.audit()[-2:]
    assert (blocked.action, json.loads(blocked.data)) == ("agent.blocked", {"reason": "odd", "note": "seen at noon"})
    assert (unblocked.action, json.loads(unblocked.data)) == (
        "agent.unblocked",
        {"reason": "odd", "note": "was a test"},
    )
    assert {row.by for row in (blocked, unblocked)} == {ANA}


# -- deleting --------------------------------------------------------------------------------------------------


def test_a_deployed_agent_is_deleted_only_after_retracting_item_28(house: House) -> None:
    agent = house.live()
    house.version(agent, "v2")
    house.do(house.registry.create_trigger(HERE, agent.id, TriggerChange(name="api"), by=ANA))
    with pytest.raises(registryerrors.VersionDeployed) as refused:
        house.do(house.registry.delete_agent(HERE, agent.id, by=ANA))
    assert (refused.value.code, refused.value.status) == ("version_deployed", 409)
    house.do(house.registry.retract(HERE, agent.id, by=ANA))
    house.do(house.registry.delete_agent(HERE, agent.id, by=ANA))
    with pytest.raises(registryerrors.AgentNotFound):
        house.load(agent)

    def left(tx: Any) -> Any:
        return tx.registry.list_versions(agent.id), tx.registry.list_triggers(agent.id)

    assert house.do(house.runtime.store.read(left)) == ([], [])
    assert house.live("refunds"), "Expected its name to be free again."


def test_an_agent_with_open_sessions_is_not_deleted(house: House) -> None:
    agent = house.live(allowedOperationIds=["refund"])
    begun = house.do(house.registry.start(house.runtime, Begin(wanted=Wanted(workspace_id=HERE, agent_id=agent.id))))
    house.do(house.registry.retract(HERE, agent.id, by=ANA))
    for moved in (False, True):  # queued, then waiting for a person
        if moved:
            house.do(house.runtime.advance(begun.run.id))
        with pytest.raises(registryerrors.AgentHasOpenSessions) as refused:
            house.do(house.registry.delete_agent(HERE, agent.id, by=ANA))
        assert (refused.value.code, refused.value.status) == ("agent_has_open_sessions", 409)
    house.do(house.runtime.cancel(begun.run.id, by=ANA))
    house.do(house.registry.delete_agent(HERE, agent.id, by=ANA))


# -- the audit log ---------------------------------------------------------------------------------------------


def test_every_act_is_written_down_with_what_was_and_what_is(house: House) -> None:
    agent = house.agent()
    version = house.version(agent)
    house.do(house.registry.edit_version(HERE, agent.id, version.id, VersionChange(changes={"topK": 5}), by=ANA))
    other = house.do(house.registry.clone_version(HERE, agent.id, version.id, label="v2", by=ANA)).version
    house.deploy(agent, version)
    house.deploy(agent, other)
    house.do(house.registry.rollback(HERE, agent.id, version.id, by=ANA))
    house.do(house.registry.retract(HERE, agent.id, by=ANA))
    house.do(house.registry.delete_version(HERE, agent.id, other.id, by=ANA))
    trigger = house.do(house.registry.create_trigger(HERE, agent.id, TriggerChange(name="api"), by=ANA))
    house.do(house.registry.edit_trigger(HERE, agent.id, trigger.id, TriggerChange(active=False), by=ANA))
    house.do(house.registry.delete_trigger(HERE, agent.id, trigger.id, by=ANA))
    edit(house, agent, name="renamed")
    edit(house, agent, mode="request")
    house.do(house.registry.block(HERE, agent.id, reason="x", by=ANA))
    house.do(house.registry.unblock(HERE, agent.id, note="y", by=ANA))
    house.do(house.registry.delete_agent(HERE, agent.id, by=ANA))
    assert house.actions() == [
        "agent.created",
        "version.created",
        "version.edited",
        "version.created",
        "version.deployed",
        "version.deployed",
        "version.rolled_back",
        "version.retracted",
        "version.deleted",
        "trigger.created",
        "trigger.edited",
        "trigger.deleted",
        "agent.renamed",
        "agent.mode_changed",
        "agent.blocked",
        "agent.unblocked",
        "agent.deleted",
    ]
    rows = house.audit()
    assert verify(rows) is None
    told = [(row.action, json.loads(row.data)) for row in rows]
    for action, data in told:
        if "block" not in action:
            assert {"before", "after"} <= data.keys(), action
            assert data["before"] != data["after"], action
    assert {row.by for row in rows} == {ANA}
    edited, first = told[2][1], told[1][1]
    assert edited["before"] == first["after"] == version.digest


def test_a_refused_act_leaves_no_trace(house: House) -> None:
    agent = house.live()
    before = [(row.seq, row.hash) for row in house.audit()]
    for act in (
        house.registry.delete_agent(HERE, agent.id, by=ANA),
        house.registry.create_agent(HERE, name="refunds", by=ANA),
        house.registry.create_version(HERE, agent.id, {"versionLabel": "v1", "llmModel": "m"}, by=ANA),
    ):
        with pytest.raises(errors.SaysoError):
            house.do(act)
    assert [(row.seq, row.hash) for row in house.audit()] == before
