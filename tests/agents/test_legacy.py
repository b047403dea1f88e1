"""Stored data of older kinds."""

import json
from pathlib import Path

import pytest

from sayso import Agent, SqliteDb, tool
from sayso.app.portal import portal
from sayso.core.taskforms import digest_of
from sayso.model.tasks import TaskFilter
from sayso.stores.driver import sqlite_module
from sayso.testing import ScriptedModel, call


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A run that waits for an approval which is stored as one of kind `hitl`."""
    agent = paying(tmp_path / "s.db")
    agent.run("x", run_id="run", session_id="ses")
    agent.db.close()
    connection = sqlite_module().connect(str(tmp_path / "s.db"))
    key, body = connection.execute("SELECT key, body FROM tasks").fetchone()
    plain = json.loads(body)
    plain["request"]["kind"] = "hitl"
    older = json.dumps(plain).encode()
    digest = digest_of(older, run_id="run", key=key)
    connection.execute("UPDATE tasks SET kind = 'hitl', body = ?, digest = ?", (older, digest))
    (asked,) = connection.execute("SELECT data FROM journal WHERE kind = 'asked'").fetchone()
    connection.execute(
        "UPDATE journal SET data = ? WHERE kind = 'asked'",
        (json.dumps({**json.loads(asked), "shown": digest}).encode(),),
    )
    connection.commit()
    connection.close()
    return tmp_path / "s.db"


def paying(path: Path) -> Agent:
    @tool(requires_confirmation=True)
    def pay(amount: float) -> str:
        return f"paid {amount}"

    turns = [call("pay", amount=5), lambda request: request.messages[-1].text]
    return Agent("payer", model=ScriptedModel(turns), tools=[pay], db=SqliteDb(path))


@pytest.mark.parametrize(("say", "told"), [("confirm", "paid 5.0"), ("reject", "rejected_by_human"), ("edit", "7")])
def test_a_stored_task_of_kind_hitl_is_an_approval(path: Path, say: str, told: str) -> None:
    """Item 148."""
    agent = paying(path)
    output = agent.get_run_output("run")
    requirement = output.active_requirements[0]
    assert (requirement.kind, output.waiting_for, requirement.needs_confirmation) == ("approval", "hitl", True)
    getattr(requirement, say)(*([{"amount": 7}] if say == "edit" else []))
    assert told in agent.continue_run(output).content
    agent.db.close()


@pytest.mark.parametrize(("kind", "found"), [("approval", 1), ("hitl", 1), ("form", 0), (None, 1)])
def test_it_is_listed_under_both_names(path: Path, kind: str | None, found: int) -> None:
    agent = paying(path)
    page = portal.call(agent.db.runtime.list_tasks(TaskFilter(kind=kind), limit=10))
    assert [task.spec.request.kind for task in page.tasks] == ["approval"] * found
    agent.db.close()
