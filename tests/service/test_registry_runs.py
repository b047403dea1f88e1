"""Runs of agents made as data: what they start with, what stays frozen in them, and who advances them."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sayso import Worker
from sayso.app.clock import SystemClock
from sayso.core.codec import from_json, plain_of
from sayso.model import errors, registryerrors
from sayso.model.decisions import Approve
from sayso.model.ids import SessionId
from sayso.model.runs import RunState
from sayso.model.sessions import SessionStatus
from sayso.runtime import starting
from sayso.runtime.agents import AgentChange, Ground
from sayso.runtime.door import Runtime
from sayso.runtime.starting import Begin, Wanted
from sayso.runtime.triggers import TriggerChange
from sayso.runtime.versions import VersionChange
from sayso.stores.driver import sqlite_module
from sayso.testing import CountingIds, ScriptedModel, call
from tests.service.registrykit import ANA, HERE, House

TURNS = [call("refund", order="o-1", amount=5), call("refund", order="o-2", amount=6), "done"]


@pytest.fixture
def house(tmp_path: Path) -> Any:
    made = House(tmp_path)
    yield made
    made.db.close()


def start(house: House, agent: Any, *, test_version: Any = None, trigger: Any = None, **more: Any) -> Any:
    wanted = Wanted(workspace_id=HERE, agent_id=agent.id, test_version=test_version, trigger_id=trigger)
    return house.do(house.registry.start(house.runtime, Begin(wanted=wanted, **more))).run


def advance(house: House, run: Any) -> Any:
    return house.do(house.runtime.advance(run.id))


def script(house: House, name: str, turns: Any) -> ScriptedModel:
    model = ScriptedModel(turns, name=name)
    house.clients._clients[name] = model
    return model


def approve(house: House, run: Any) -> None:
    for task in house.do(house.runtime.run_tasks(run.id)):
        if task.status == "pending":
            house.do(house.runtime.decide(task.id, Approve(), digest=task.digest, by=ANA))


def told(model: ScriptedModel) -> list[str]:
    """Return what the model was last told of its calls."""
    return [message.text for message in model.requests[-1].messages if type(message).__name__ == "ToolMessage"]


# -- what may start ----------------------------------------------------------------------------------------------


def test_nothing_starts_while_nothing_is_deployed_item_23(house: House) -> None:
    agent = house.agent()
    house.version(agent)
    trigger = house.do(house.registry.create_trigger(HERE, agent.id, TriggerChange(name="api"), by=ANA))
    for given in (None, trigger.id):
        with pytest.raises(registryerrors.NoDeployedVersion) as refused:
            start(house, agent, trigger=given)
        assert (refused.value.code, refused.value.status) == ("no_deployed_version", 409)
        assert "nothing is deployed" in str(refused.value)
    assert house.do(house.runtime.list_runs()) == []


def test_nothing_starts_in_a_suspended_workspace_item_8(house: House) -> None:
    agent = house.live()
    house.suspend()
    for version in (None, agent.deployed_version_id):
        with pytest.raises(registryerrors.WorkspaceSuspended) as refused:
            start(house, agent, test_version=version)
        assert (refused.value.code, refused.value.status) == ("workspace_suspended", 409)
    assert house.do(house.runtime.list_runs()) == []


def test_a_test_run_follows_the_version_that_was_chosen_item_34(house: House) -> None:
    agent = house.live(instructions="the deployed one")
    other = house.version(agent, "v2", instructions="the tested one")
    run = start(house, agent, test_version=other.id, trigger_type="test_run", started_by="ana@example.com")
    advance(house, run)
    assert house.model.requests[0].instructions == "the tested one"
    assert (run.origin.version, run.origin.version_id, run.origin.trigger_type) == ("v2", other.id, "test_run")
    assert house.load(agent).deployed_label == "v1"


def test_an_input_that_does_not_fit_starts_nothing_item_36(house: House) -> None:
    schema = {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}
    agent = house.live(inputSchema=schema)
    for wrong in (None, {}, {"order": 1}, "o-1", []):
        with pytest.raises(registryerrors.InvalidInput) as refused:
            start(house, agent, input=wrong)
        assert (refused.value.code, refused.value.status) == ("input_schema_violation", 422)
    assert (house.do(house.runtime.list_runs()), house.model.requests) == ([], [])
    run = start(house, agent, input={"order": "o-1", "$": "kept"})
    _, entries = house.do(house.runtime.load_run_with_entries(run.id))
    assert from_json(plain_of(entries[0].data)["input"]) == {"order": "o-1", "$": "kept"}


def test_what_is_stopped_between_looking_and_starting_does_not_start(house: House) -> None:
    """A block, a retraction, a deletion or a suspension that wins the race leaves no run behind."""
    acts: list[Callable[[Any], Any]] = [
        lambda agent: house.do(house.registry.block(HERE, agent.id, reason="now", by=ANA)),
        lambda agent: house.do(house.registry.retract(HERE, agent.id, by=ANA)),
        lambda agent: [
            house.do(house.registry.retract(HERE, agent.id, by=ANA)),
            house.do(house.registry.delete_agent(HERE, agent.id, by=ANA)),
        ],
        lambda agent: house.suspend(),
    ]
    ground = Ground(workspace=house._found, operations=house.operations.names)
    for number, act in enumerate(acts):
        agent = house.live(f"agent {number}")
        wanted = Wanted(workspace_id=HERE, agent_id=agent.id)
        seen = house.do(house.registry.startable(wanted))
        command = house.do(starting.plan(house.runtime, ground, seen, Begin(wanted=wanted), None))
        act(agent)
        with pytest.raises(errors.SaysoError):
            house.do(house.runtime.begin(command))
    assert house.do(house.runtime.list_runs()) == []


def test_what_else_is_looked_at_decides_in_the_same_transaction(house: House) -> None:
    agent = house.live()
    trigger = house.do(house.registry.create_trigger(HERE, agent.id, TriggerChange(name="api"), by=ANA))
    wanted = Wanted(workspace_id=HERE, agent_id=agent.id, trigger_id=trigger.id)

    def refuse(tx: Any) -> None:
        raise errors.Conflict("Expected fewer runs at once.")

    with pytest.raises(errors.Conflict):
        house.do(house.registry.start(house.runtime, Begin(wanted=wanted), also=refuse))
    assert house.do(house.runtime.list_runs()) == []
    assert house.do(house.registry.load_trigger(HERE, agent.id, trigger.id)).last_fired_at is None


# -- what a run follows ------------------------------------------------------------------------------------------


def test_an_agent_made_as_data_pauses_and_goes_on(house: House) -> None:
    agent = house.live(instructions="Be kind.", allowedOperationIds=["refund"], temperature=0.2, topK=9)
    run = start(house, agent, input="please", user_id="bob", session_id=SessionId("ses_mine"))
    assert (run.program, run.session_id, run.state) == (agent.id, "ses_mine", RunState.QUEUED)
    advance(house, run)
    (task,) = house.do(house.runtime.run_tasks(run.id))
    assert (task.spec.request.kind, task.spec.step_name) == ("approval", "refunds")
    request = house.model.requests[0]
    assert (request.instructions, request.temperature, request.top_k) == ("Be kind.", 0.2, 9)
    assert house.do(house.runtime.load_listed_session(run.session_id)).status is SessionStatus.WAITING_FOR_HITL
    approve(house, run)
    rest = advance(house, run)
    assert (rest.state, rest.output) == (RunState.COMPLETED, "done")
    assert told(house.model) == ["refunded 5.0 for o-1"]


def test_only_what_is_allowed_is_offered_and_called_items_39_and_40(house: House) -> None:
    script(house, "stub:free", [call("refund", order="o-1", amount=5), "done"])
    with_one = house.live("one", llmModel="stub:free", allowedOperationIds=["look"])
    with_none = house.live("none", llmModel="stub:free")
    for agent, offered in ((with_one, ["look"]), (with_none, [])):
        model = script(house, "stub:free", [call("refund", order="o-1", amount=5), "done"])
        run = start(house, agent)
        assert advance(house, run).state is RunState.COMPLETED
        assert [offer.name for offer in model.requests[0].tools if offer.name in {"look", "refund"}] == offered
        assert "tool_not_allowed" in told(model)[0]
        assert house.do(house.runtime.run_tasks(run.id)) == []


def test_a_gated_call_without_people_is_refused_and_opens_no_task_t53(house: House) -> None:
    run = start(house, house.live(mode="request", allowedOperationIds=["refund"]))
    assert advance(house, run).state is RunState.COMPLETED
    assert "approval_required" in told(house.model)[0]
    assert house.do(house.runtime.run_tasks(run.id)) == []


def test_a_run_keeps_what_it_was_started_with_item_45(house: House) -> None:
    """While it waits its agent is renamed, switched, redeployed and edited; its second gated call is still asked."""
    first = script(house, "stub:first", TURNS)
    second = script(house, "stub:second", ["from the second model"])
    agent = house.live(llmModel="stub:first", instructions="the first", allowedOperationIds=["refund"])
    old = agent.deployed_version_id
    run = start(house, agent)
    advance(house, run)
    newer = house.version(agent, "v2", llmModel="stub:second", instructions="the second")
    house.deploy(agent, newer)
    change = VersionChange(changes={"instructions": "edited", "llmModel": "stub:second", "allowedOperationIds": []})
    house.do(house.registry.edit_version(HERE, agent.id, old, change, by=ANA))
    house.do(house.registry.edit_agent(HERE, agent.id, AgentChange(name="renamed", mode="request"), by=ANA))
    house.do(house.registry.delete_version(HERE, agent.id, old, by=ANA))
    approve(house, run)
    assert advance(house, run).state is RunState.WAITING, "Expected the second call to be asked about too."
    approve(house, run)
    rest = advance(house, run)
    assert (rest.state, rest.output) == (RunState.COMPLETED, "done")
    assert {request.instructions for request in first.requests} == {"the first"}
    assert second.requests == []
    assert house.do(house.runtime.load_run(run.id)).origin.version == "v1"
    later = start(house, house.load(agent))
    assert advance(house, later).output == "from the second model"


def test_a_retracted_or_blocked_agents_runs_go_on_item_47(house: House) -> None:
    for number, stop in enumerate((house.registry.block, house.registry.retract)):
        agent = house.live(f"agent {number}", allowedOperationIds=["refund"])
        run = start(house, agent)
        advance(house, run)
        more = {"reason": "odd"} if stop == house.registry.block else {}
        house.do(stop(HERE, agent.id, by=ANA, **more))
        approve(house, run)
        assert advance(house, run).state is RunState.COMPLETED


def test_a_call_of_an_operation_that_is_gone_is_void(house: House) -> None:
    agent = house.live(allowedOperationIds=["refund"])
    run = start(house, agent)
    advance(house, run)
    house.operations.remove("refund")
    approve(house, run)
    assert advance(house, run).state is RunState.COMPLETED
    (text,) = told(house.model)
    assert text.startswith("Error (")
    (row,) = house.do(house.runtime.store.read(lambda tx: tx.calls.of_run(run.id)))
    assert (row.state, row.attempt) == ("void", 0)
    fresh = start(house, agent)
    assert advance(house, fresh).state is RunState.COMPLETED
    assert "tool_not_allowed" in told(house.model)[0]


def test_the_ceiling_of_the_workspace_stops_a_run_item_42(house: House) -> None:
    script(house, "stub:first", [call("look", order="o-1"), call("look", order="o-2"), "done"])
    agent = house.live(llmModel="stub:first", allowedOperationIds=["look"], maxToolCalls=32)
    house.limit(max_tool_calls_ceiling=1)
    run = start(house, agent)
    rest = advance(house, run)
    assert rest.state is RunState.FAILED
    assert rest.failure.error_type == "max_tool_calls_exceeded"


@pytest.mark.parametrize(
    ("model", "why"),
    [("stub:nobody", "has none"), ("gpt-5", "provider:name"), ("nobody:gpt-5", "nobody")],
)
def test_a_model_that_cannot_be_had_fails_the_run_and_says_why(house: House, model: str, why: str) -> None:
    run = start(house, house.live(llmModel=model))
    rest = advance(house, run)
    assert rest.state is RunState.FAILED
    assert house.do(house.runtime.load_run(run.id)).problem is None
    assert why in str(rest.failure)


# -- who advances them -------------------------------------------------------------------------------------------


def test_a_process_that_runs_no_agents_of_data_leaves_them_alone(house: House) -> None:
    run = start(house, house.live())
    plain = Runtime(house.runtime.store, clock=house.clock, ids=CountingIds())
    assert house.do(plain.ready_runs(limit=10)) == []
    assert house.do(plain.next_ready_at()) is None
    assert house.do(house.runtime.ready_runs(limit=10)) == [run.id]
    assert house.do(house.runtime.next_ready_at()) == house.do(house.runtime.load_run(run.id)).ready_at
    with pytest.raises(errors.ProgramUnknown):
        house.do(plain.advance(run.id))
    with pytest.raises(errors.ProgramUnknown):
        house.do(house.runtime.start("nobody", {}))


def test_runs_of_code_and_of_data_do_not_keep_each_other_waiting(house: House) -> None:
    from sayso import Agent

    house.runtime.register(Agent("desk", model=ScriptedModel([]), db=house.db))
    agent = house.live()
    (desk,) = house.do(
        house.registry.adopt([Agent("desk", model=ScriptedModel([]), db=house.db)], workspace_id=HERE, by=ANA)
    )
    data = [start(house, agent).id for _ in range(3)]
    code = [start(house, desk).id for _ in range(3)]
    first = house.do(house.runtime.ready_runs(limit=2))
    assert set(first) == {data[0], code[0]}
    assert set(house.do(house.runtime.ready_runs(limit=10))) == {*data, *code}


def test_looking_for_runs_reads_an_index_per_agent(house: House, tmp_path: Path) -> None:
    """However many runs wait for a time, what is ready now is found by the index of runs."""
    connection = sqlite_module().connect(tmp_path / "sayso.db")
    for name, values in (("ready_agent_runs", {"now": 1, "limit": 1}), ("next_agent_ready_at", {})):
        sql = house.runtime.store._sql[name]  # type: ignore[attr-defined]
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()]
        assert any("runs" in step and "ix_runs_ready (program=" in step for step in plan), plan
        assert not any(step.startswith("SCAN runs") for step in plan), plan
    connection.close()


def until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("Expected it to become true in time.")


def test_a_worker_of_another_process_runs_agents_that_are_made_after_it_started(tmp_path: Path) -> None:
    """Made by data, deployed and started here; the other process asks; decided here; the other process goes on."""
    house = House(tmp_path, clock=_Still())
    root = Path(__file__).resolve().parents[2]
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.service.registryworker", str(tmp_path)],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        agent = house.live(allowedOperationIds=["refund"])
        runs = [start(house, agent, input="please") for _ in range(3)]
        for run in runs:
            until(lambda run=run: house.do(house.runtime.run_tasks(run.id)))
        assert all(house.do(house.runtime.load_run(run.id)).state != RunState.COMPLETED for run in runs)
        for run in runs:
            approve(house, run)
        for run in runs:
            until(lambda run=run: house.do(house.runtime.load_run(run.id)).state is RunState.COMPLETED)
            (row,) = house.do(house.runtime.store.read(lambda tx, run=run: tx.calls.of_run(run.id)))
            assert (row.state, row.attempt) == ("succeeded", 1)
        assert house.model.requests == [], "Expected this process to have asked no model."
    finally:
        assert worker.stdin is not None
        worker.stdin.close()
        code = worker.wait(timeout=20)
        worker.stdout.close()
        assert code == 0
        house.db.close()


class _Still(SystemClock):
    """The real time; the kit's `advance` does nothing to it."""

    def advance(self, seconds: float) -> None:
        del seconds


def test_a_worker_of_this_process_does_too(tmp_path: Path) -> None:
    house = House(tmp_path, clock=_Still())
    with Worker(house.db, [], poll_seconds=0.02):
        agent = house.live(allowedOperationIds=["refund"])
        run = start(house, agent)
        until(lambda: house.do(house.runtime.run_tasks(run.id)))
        approve(house, run)
        until(lambda: house.do(house.runtime.load_run(run.id)).state is RunState.COMPLETED)
    house.db.close()
