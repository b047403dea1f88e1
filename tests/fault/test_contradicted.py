"""A worker reports late what a person has already answered for: what was said counts, and a contradiction is told."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, SqliteDb, tool
from sayso.model.audit import AuditRow
from sayso.model.calls import CallState
from sayso.model.ids import RunId
from sayso.model.workspaces import DEFAULT_WORKSPACE
from sayso.runtime.units import late_outcome
from sayso.testing import ScriptedModel, call

_EVIDENCE = b'{"state":"succeeded","value":"paid"}'


@tool
def pay(amount: float) -> str:
    """Pay, and lose the connection."""
    raise TimeoutError("no answer")


def asked(path: Path) -> tuple[Agent, Any]:
    """Return an agent whose call of `pay` has an outcome that nobody knows, and its run's output."""
    agent = Agent("payer", model=ScriptedModel([call("pay", amount=5), "done"]), tools=[pay], db=SqliteDb(path))
    output = agent.run("x", run_id="run_1", session_id="ses_1")
    assert output.active_requirements[0].kind == "uncertain"
    return agent, output


def answered(agent: Agent, output: Any, said: str, *, taken: bool) -> None:
    item = output.active_requirements[0]
    {"happened": item.it_happened, "not_happened": item.it_did_not_happen, "stop": item.stop_run}[said]("I have looked")
    (agent.continue_run if taken else agent.decide)(output, decided_by="ana")


def reported(agent: Agent, state: CallState) -> list[AuditRow]:
    """Report an outcome late, and return what the audit log says of the call."""

    def unit(tx: Any) -> list[AuditRow]:
        (found,) = tx.calls.of_run(RunId("run_1"))
        late_outcome(tx, found.id, 1, _EVIDENCE, state, agent.db.runtime.clock.now())
        return tx.audit.of(DEFAULT_WORKSPACE, found.id)

    return asyncio.run(agent.db.runtime.store.run(unit))


_CONTRADICTIONS = {("not_happened", CallState.SUCCEEDED), ("happened", CallState.FAILED)}


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("said", ["happened", "not_happened", "stop"])
@pytest.mark.parametrize("seen", [CallState.SUCCEEDED, CallState.FAILED])
def test_what_a_person_said_stays_and_a_contradiction_is_told_once(
    tmp_path: Path, said: str, seen: CallState, taken: bool
) -> None:
    agent, output = asked(tmp_path / "run.db")
    answered(agent, output, said, taken=taken)
    rows = reported(agent, seen)
    assert len(rows) == ((said, seen) in _CONTRADICTIONS)
    for row in rows:
        assert (row.action, str(row.by)) == ("call.outcome_contradicted", "system:late-outcome")
        data = json.loads(row.data)
        assert data | {"said": said, "by": "ana", "seen": str(seen), "attempt": 1, "run": "run_1"} == data
    assert reported(agent, seen) == rows
    found = agent.get_run_output("run_1").requirements[0]
    assert (found.decided_by, found.choice) == ("ana", said)
    agent.db.close()


def test_a_late_word_that_answers_the_question_contradicts_nobody(tmp_path: Path) -> None:
    agent, _ = asked(tmp_path / "run.db")
    assert reported(agent, CallState.SUCCEEDED) == []
    assert agent.get_run_output("run_1").requirements[0].decided_by == "system:late-outcome"
    assert reported(agent, CallState.FAILED) == []
    agent.db.close()


def test_one_failure_of_several_attempts_contradicts_nobody(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    keyed = tool(effect="keyed", max_attempts=2)(pay.function)
    agent = Agent("payer", model=ScriptedModel([call("pay", amount=5), "done"]), tools=[keyed], db=SqliteDb(path))
    output = agent.run("x", run_id="run_1", session_id="ses_1")
    answered(agent, output, "happened", taken=True)
    assert reported(agent, CallState.FAILED) == []
    agent.db.close()
