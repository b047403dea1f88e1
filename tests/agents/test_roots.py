"""Whose mode counts: that of the session's root, for its members and for agents in steps too (items 68-70, 74, 75)."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from sayso import Agent, SqliteDb, Step, Team, Workflow, tool
from sayso.app.portal import portal
from sayso.model.ids import RunId
from sayso.testing import FakeClock, ScriptedModel, call

LAST = lambda request: request.messages[-1].text  # noqa: E731 - a turn
ASKS = [call("pay", amount=5), call("ask_human_text", question="Why?"), call("give", amount=1), call("count")]
"""Everything that a person is needed for, and a call that needs nobody."""


@dataclass
class House:
    """One database, and what was executed."""

    ran: list[str] = field(default_factory=list)
    db: SqliteDb = field(default_factory=lambda: SqliteDb(clock=FakeClock()))

    def member(self, mode: Any, *turns: Any) -> Agent:
        @tool(requires_confirmation=True)
        def pay(amount: int) -> str:
            self.ran.append("pay")
            return "paid"

        @tool(user_input_fields=["to"])
        def give(amount: int, to: str) -> str:
            self.ran.append("give")
            return "given"

        @tool
        def count() -> str:
            self.ran.append("count")
            return "counted"

        model = ScriptedModel(list(turns) or [list(ASKS), told])
        return Agent("member", model=model, tools=[pay, give, count], mode=mode, description="Pays.")

    def tasks(self, run_id: str = "run") -> list[Any]:
        return portal.call(self.db.runtime.run_tasks(RunId(run_id)))


def told(request: Any) -> str:
    """Return what the model was told of its calls."""
    return " | ".join(message.text.partition(":")[0] for message in request.messages if message.role == "tool")


@pytest.fixture
def house() -> House:
    return House()


NOBODY = "Error (approval_required) | Error (tool_not_allowed) | Error (approval_required) | counted"


@pytest.mark.parametrize("mode", ["hitl", "request", "sub_agent"])
def test_under_a_request_root_no_member_asks_anybody(house: House, mode: Any) -> None:
    """Item 75: the member gets errors, no task is made, free calls still run, and nobody is offered to be asked."""
    member = house.member(mode)
    leader = ScriptedModel([call("ask_member", task="go"), LAST])
    team = Team("desk", members=[member], model=leader, mode="request", db=house.db)
    output = team.run("x", run_id="run", session_id="ses")
    assert (output.status, output.content, house.ran, house.tasks()) == ("COMPLETED", NOBODY, ["count"], [])
    assert [offer.name for offer in member.client.requests[0].tools] == ["pay", "give", "count", "wait"]


@pytest.mark.parametrize("mode", ["hitl", "request", "sub_agent"])
def test_under_a_hitl_root_every_member_asks(house: House, mode: Any) -> None:
    """Item 74: the run waits, with a task for each question."""
    leader = ScriptedModel([call("ask_member", task="go"), LAST])
    team = Team("desk", members=[house.member(mode)], model=leader, db=house.db)
    output = team.run("x", run_id="run", session_id="ses")
    assert [item.kind for item in output.active_requirements] == ["approval", "text", "form"]
    assert (house.ran, {task.status for task in house.tasks()}) == (["count"], {"pending"})


@pytest.mark.parametrize("mode", ["hitl", "request", "sub_agent"])
def test_a_workflow_is_a_root_that_can_wait(house: House, mode: Any) -> None:
    """The workflow is the root, and it can pause; the mode of an agent in it says how it runs alone."""
    flow = Workflow("flow", steps=[Step("work", agent=house.member(mode, call("pay", amount=5), LAST))], db=house.db)
    output = flow.run("x", run_id="run", session_id="ses")
    assert (output.status, output.pause_kind, house.ran) == ("PAUSED", "executor", [])


@pytest.mark.parametrize("mode", ["request", "sub_agent"])
def test_an_agent_alone_is_its_own_root(house: House, mode: Any) -> None:
    member = house.member(mode)
    member.db = house.db
    output = member.run("x", run_id="run", session_id="ses")
    assert (output.status, output.content, house.ran, house.tasks()) == ("COMPLETED", NOBODY, ["count"], [])
