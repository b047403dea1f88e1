"""Agents loaded from code, as agents of the registry."""

from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, Team, Toolkit, tool
from sayso.model import registryerrors
from sayso.programs.agent.operations import Operations
from sayso.runtime.agents import AgentChange
from sayso.runtime.starting import Begin, Wanted
from sayso.runtime.triggers import TriggerChange
from sayso.runtime.versions import VersionChange
from sayso.testing import ScriptedModel
from tests.service.registrykit import ANA, HERE, THERE, House, look, refund


@pytest.fixture
def house(tmp_path: Path) -> Any:
    made = House(tmp_path)
    yield made
    made.db.close()


def desk(house: House, **options: Any) -> Agent:
    options = {"tools": [refund], "instructions": "Be kind.", **options}
    return Agent("desk", model=ScriptedModel(["hello"]), db=house.db, **options)


def adopt(house: House, *agents: Agent, workspace: Any = HERE) -> Any:
    return house.do(house.registry.adopt(list(agents), workspace_id=workspace, by=ANA))


def labels(house: House, agent: Any) -> dict[str, str]:
    return {item.label: item.status for item in house.do(house.registry.list_versions(HERE, agent.id))}


def test_code_is_deployed_as_it_is_loaded(house: House) -> None:
    (agent,) = adopt(house, desk(house))
    assert (agent.origin, agent.name, agent.program, agent.mode) == ("code", "desk", "desk", "hitl")
    assert (agent.deployed_label, agent.deployed_model) == ("code", "scripted")
    (version,) = house.do(house.registry.list_versions(HERE, agent.id))
    assert (version.body["instructions"], version.body["allowedOperationIds"]) == ("Be kind.", ["refund"])
    assert version.body["temperature"] is None
    assert house.actions() == ["agent.created", "version.created", "version.deployed"]


def test_code_that_is_what_it_was_makes_no_version(house: House) -> None:
    (first,) = adopt(house, desk(house))
    rows = len(house.audit())
    (again,) = adopt(house, desk(house))
    assert again == first
    assert len(house.audit()) == rows


def _other_refund() -> Any:
    @tool(requires_confirmation=True)
    def refund(order: str, amount: int) -> str:
        """Pay money back, in whole units."""
        return f"{order} {amount}"

    return refund


@pytest.mark.parametrize(
    "change",
    [
        {"instructions": "Be brief."},
        {"tools": [refund, look]},
        {"tools": [_other_refund()]},
        {"mode": "request"},
        {"max_tool_calls": 3},
        {"input_schema": dict[str, int]},
        {"members": [Agent("helper", model=ScriptedModel([]), description="Helps.")]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_code_makes_a_new_deployed_version(house: House, change: dict[str, Any]) -> None:
    (first,) = adopt(house, desk(house))
    (second,) = adopt(house, desk(house, **change))
    assert second.id == first.id
    assert labels(house, second) == {"code": "testing", "code-2": "deployed"}
    assert second.mode == change.get("mode", "hitl")
    adopt(house, desk(house, **change, temperature=0.5))
    assert list(labels(house, second)) == ["code-3", "code-2", "code"]


def test_a_changed_tool_of_a_member_is_changed_code(house: House) -> None:
    def team(item: Any) -> Team:
        member = Agent("payer", model=ScriptedModel([]), tools=[item], description="Pays.")
        return Team("team", members=[member], model=ScriptedModel([]), db=house.db)

    (agent,) = adopt(house, team(refund))
    adopt(house, team(refund))
    assert list(labels(house, agent)) == ["code"]
    adopt(house, team(_other_refund()))
    assert list(labels(house, agent)) == ["code-2", "code"]


def test_a_process_with_older_code_deploys_that_again_without_a_new_version(house: House) -> None:
    (agent,) = adopt(house, desk(house))
    adopt(house, desk(house, instructions="new"))
    (back,) = adopt(house, desk(house))
    assert back.deployed_label == "code"
    assert labels(house, agent) == {"code-2": "testing", "code": "deployed"}


def test_code_is_not_edited_as_data(house: House) -> None:
    (agent,) = adopt(house, desk(house))
    (version,) = house.do(house.registry.list_versions(HERE, agent.id))
    registry = house.registry
    for act in (
        registry.edit_agent(HERE, agent.id, AgentChange(name="mine"), by=ANA),
        registry.edit_agent(HERE, agent.id, AgentChange(mode="request"), by=ANA),
        registry.create_version(HERE, agent.id, {"versionLabel": "x", "llmModel": "m"}, by=ANA),
        registry.clone_version(HERE, agent.id, version.id, label="x", by=ANA),
        registry.edit_version(HERE, agent.id, version.id, VersionChange(changes={"topK": 1}), by=ANA),
        registry.delete_version(HERE, agent.id, version.id, by=ANA),
    ):
        with pytest.raises(registryerrors.AgentIsCode) as refused:
            house.do(act)
        assert (refused.value.code, refused.value.status) == ("agent_is_code", 409)
    assert house.load(agent) == agent


def test_only_what_the_code_says_now_is_deployed(house: House) -> None:
    (agent,) = adopt(house, desk(house))
    (old,) = house.do(house.registry.list_versions(HERE, agent.id))
    adopt(house, desk(house, instructions="new"))
    with pytest.raises(registryerrors.AgentIsCode):
        house.do(house.registry.rollback(HERE, agent.id, old.id, by=ANA))
    assert house.load(agent).deployed_label == "code-2"


def test_what_was_retracted_stays_so_until_the_code_changes(house: House) -> None:
    (agent,) = adopt(house, desk(house))
    house.do(house.registry.retract(HERE, agent.id, by=ANA))
    (still,) = adopt(house, desk(house))
    assert still.deployed_version_id is None
    (version,) = house.do(house.registry.list_versions(HERE, agent.id))
    assert house.deploy(agent, version).deployed_label == "code"
    house.do(house.registry.retract(HERE, agent.id, by=ANA))
    assert adopt(house, desk(house, instructions="new"))[0].deployed_label == "code-2"


def test_a_block_survives_loading_the_code_again(house: House) -> None:
    (agent,) = adopt(house, desk(house))
    house.do(house.registry.block(HERE, agent.id, reason="look at it", by=ANA))
    adopt(house, desk(house, instructions="new"))
    with pytest.raises(registryerrors.AgentBlocked):
        house.do(house.registry.startable(Wanted(workspace_id=HERE, agent_id=agent.id)))


def test_a_name_that_data_has_is_not_taken_over(house: House) -> None:
    mine = house.agent("desk")
    other = Agent("other", model=ScriptedModel([]), db=house.db)
    with pytest.raises(registryerrors.DuplicateName):
        adopt(house, other, desk(house))
    page = house.do(house.registry.list_agents(HERE))
    assert [item.id for item in page.items] == [mine.id], "Expected all or none to be adopted."


def test_code_with_triggers_does_not_become_a_sub_agent(house: House) -> None:
    (agent,) = adopt(house, desk(house))
    house.do(house.registry.create_trigger(HERE, agent.id, TriggerChange(name="api"), by=ANA))
    with pytest.raises(registryerrors.TriggersPresent):
        adopt(house, desk(house, mode="sub_agent", description="Pays."))
    assert house.load(agent) == agent


def test_each_workspace_has_its_own_agent_of_the_same_code(house: House) -> None:
    (here,), (there,) = adopt(house, desk(house)), adopt(house, desk(house), workspace=THERE)
    assert here.id != there.id
    house.do(house.registry.block(HERE, here.id, reason="x", by=ANA))
    assert house.do(house.registry.startable(Wanted(workspace_id=THERE, agent_id=there.id))).program == "desk"


def test_open_sessions_of_another_workspace_do_not_hold_an_agent(house: House) -> None:
    made = desk(house)
    house.runtime.register(made)
    (here,), (there,) = adopt(house, made), adopt(house, made, workspace=THERE)
    house.do(house.registry.start(house.runtime, Begin(wanted=Wanted(workspace_id=THERE, agent_id=there.id))))
    for agent in (here, there):
        house.do(house.registry.retract(agent.workspace_id, agent.id, by=ANA))
    house.do(house.registry.delete_agent(HERE, here.id, by=ANA))
    with pytest.raises(registryerrors.AgentHasOpenSessions):
        house.do(house.registry.delete_agent(THERE, there.id, by=ANA))


def test_a_run_of_code_starts_like_any_other(house: House) -> None:
    made = desk(house)
    house.runtime.register(made)
    (agent,) = adopt(house, made)
    begun = house.do(
        house.registry.start(house.runtime, Begin(wanted=Wanted(workspace_id=HERE, agent_id=agent.id), input="hi"))
    ).run
    assert (begun.program, begun.origin.version) == ("desk", "code")
    house.do(house.runtime.advance(begun.id))
    assert made.get_run_output(begun.id).content == "hello"


# -- operations ------------------------------------------------------------------------------------------------


def test_the_tools_of_code_are_operations_that_data_may_allow(house: House) -> None:
    operations = Operations()
    inner = Agent("inner", model=ScriptedModel([]), tools=[look])
    operations.add_from([desk(house), Team("team", members=[inner], model=ScriptedModel([]))])
    assert set(operations.names()) == {"refund", "look"}
    operations.add_from([desk(house)])
    assert operations.ambiguous == set(), "Expected the same tool of two agents to be one operation."


def test_a_name_that_means_two_things_is_no_operation(house: House) -> None:
    operations = Operations()
    operations.add_from([desk(house), desk(house, tools=[_other_refund()]), desk(house)])
    assert (set(operations.names()), operations.ambiguous) == (set(), {"refund"})
    gated = Toolkit("gated", [look], requires_approval=True)
    operations.add_from([desk(house, tools=[look]), desk(house, tools=[gated])])
    assert "look" in operations.ambiguous, "Expected another gate to be another operation."


def test_what_was_chosen_by_name_comes_before_what_agents_bring(house: House) -> None:
    operations = Operations([refund])
    operations.add_from([desk(house, tools=[_other_refund()])])
    assert operations.tools["refund"] is refund
    with pytest.raises(ValueError, match="two are called 'refund'"):
        operations.add(_other_refund())
    with pytest.raises(ValueError, match="platform tool"):
        operations.add(tool(lambda: "x", name="wait"))
