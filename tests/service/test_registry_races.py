"""Two processes save at once: one wins, the other is told, and nothing is lost or doubled."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sayso import SqliteDb
from sayso.core.audit import verify
from sayso.model import registryerrors
from sayso.runtime.registry import Registry
from sayso.runtime.starting import Begin, Wanted
from sayso.runtime.triggers import TriggerChange
from sayso.runtime.versions import VersionChange
from tests.service.registrykit import ANA, HERE, House

ROUNDS = 25


@pytest.fixture
def house(tmp_path: Path) -> Any:
    made = House(tmp_path)
    yield made
    made.db.close()


@pytest.fixture
def other(house: House, tmp_path: Path) -> Any:
    """Return a registry of another connection to the same file, with ids of its own."""
    with SqliteDb(tmp_path / "sayso.db", clock=house.clock) as db:
        ids = db._ids
        operations = house.operations.names
        yield Registry(db.runtime.store, clock=house.clock, ids=ids, workspace=house._found, operations=operations)


def race(*acts: Any) -> list[Any]:
    async def both() -> list[Any]:
        return await asyncio.gather(*acts, return_exceptions=True)

    return asyncio.run(both())


def losers(results: list[Any]) -> list[type]:
    return [type(item) for item in results if isinstance(item, BaseException)]


def test_of_two_agents_of_one_name_one_is_made(house: House, other: Registry) -> None:
    for number in range(ROUNDS):
        name = f"agent {number}"
        results = race(*(item.create_agent(HERE, name=name, by=ANA) for item in (house.registry, other)))
        assert losers(results) == [registryerrors.DuplicateName]
    assert house.do(house.registry.list_agents(HERE)).total == ROUNDS
    assert verify(house.audit()) is None


def test_of_two_edits_of_what_was_read_one_is_saved(house: House, other: Registry) -> None:
    agent = house.agent()
    version = house.version(agent)
    for number in range(ROUNDS):
        digest = house.do(house.registry.load_version(HERE, agent.id, version.id)).digest
        changes = [VersionChange(changes={"instructions": f"{who} {number}"}, expected=digest) for who in "ab"]
        results = race(
            house.registry.edit_version(HERE, agent.id, version.id, changes[0], by=ANA),
            other.edit_version(HERE, agent.id, version.id, changes[1], by=ANA),
        )
        assert losers(results) == [registryerrors.ChangedMeanwhile]
    edits = [row for row in house.audit() if row.action == "version.edited"]
    assert len(edits) == ROUNDS


def test_of_two_labels_and_two_triggers_one_is_made(house: House, other: Registry) -> None:
    for number in range(ROUNDS):
        agent = house.agent(f"agent {number}")
        given = {"versionLabel": "v1", "llmModel": "stub:refunds"}
        both = (house.registry, other)
        assert losers(race(*(item.create_version(HERE, agent.id, given, by=ANA) for item in both))) == [
            registryerrors.DuplicateLabel
        ]
        triggers = [item.create_trigger(HERE, agent.id, TriggerChange(name=f"t{id(item)}"), by=ANA) for item in both]
        assert losers(race(*triggers)) == [registryerrors.ApiTriggerExists]


def test_a_start_and_a_deletion_leave_no_run_without_its_agent(house: House, other: Registry) -> None:
    """Either the run is there first, and the agent stays; or the agent is gone, and no run begins."""
    begun = 0
    for number in range(ROUNDS):
        agent = house.agent(f"agent {number}")
        version = house.version(agent)
        wanted = Wanted(workspace_id=HERE, agent_id=agent.id, test_version=version.id)
        started, deleted = race(
            house.registry.start(house.runtime, Begin(wanted=wanted)), other.delete_agent(HERE, agent.id, by=ANA)
        )
        runs = house.do(house.runtime.list_runs(program=agent.id))
        if isinstance(started, BaseException):
            assert (deleted, runs) == (None, [])
        else:
            assert isinstance(deleted, registryerrors.AgentHasOpenSessions)
            assert len(runs) == 1
            begun += 1
    left = house.do(house.registry.list_agents(HERE)).total
    assert left == begun
