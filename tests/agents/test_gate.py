"""The whole way of a call through the gate: mode x flag x inherit x predicate x what a person says, over a database."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from sayso import Agent, SqliteDb, Toolkit, tool
from sayso.app.portal import portal
from sayso.model.errors import InvalidDecision
from sayso.model.ids import RunId
from sayso.testing import ScriptedModel, call


def raises(arguments: dict[str, Any]) -> bool:
    raise RuntimeError("no")


SETTINGS: dict[str, Any] = {
    "none": None,
    "on": True,
    "off": False,
    "predicate says yes": lambda arguments: True,
    "predicate says no": lambda arguments: False,
    "predicate raises": raises,
    "predicate says neither": lambda arguments: "yes",
    "above ten": lambda arguments: arguments["amount"] > 10,
    "with context": lambda ctx, arguments: ctx.run_id == "run" and arguments["amount"] > 10,
}
ASKS = {"on", "predicate says yes", "predicate raises", "predicate says neither"}
"""Settings under which a call of 5 needs a person; `none` where the toolkit says so."""

SAYS: dict[str, tuple[Any, float | None]] = {
    "confirm": (lambda item: item.confirm(), 5),
    "reject": (lambda item: item.reject("no"), None),
    "edit down": (lambda item: item.edit({"amount": 3}), 3),
    "edit up": (lambda item: item.edit({"amount": 5000}), 5000),
    "edit to the same": (lambda item: item.edit({"amount": 5}), 5),
    "edit wrong type": (lambda item: item.edit({"amount": "lots"}), None),
    "edit incomplete": (lambda item: item.edit({}), None),
    "edit too much": (lambda item: item.edit({"amount": 5, "to": "me"}), None),
}
"""What a person says, and what the tool is then executed with."""


@pytest.fixture(scope="module")
def db() -> Iterator[SqliteDb]:
    found = SqliteDb()
    yield found
    found.close()


class Gate:
    """An agent whose model asks for one payment of 5."""

    def __init__(self, db: SqliteDb, mode: Any, setting: Any, *, kit: bool) -> None:
        self.ran: list[float] = []

        def pay(amount: float) -> str:
            self.ran.append(amount)
            return f"paid {amount}"

        tools = [Toolkit("kit", [tool(requires_confirmation=setting)(pay)], requires_approval=kit)]
        model = ScriptedModel([call("pay", amount=5), lambda request: request.messages[-1].text])
        self.agent = Agent("payer", model=model, tools=tools, mode=mode, description="Pays.", db=db)

    def state(self, run_id: str) -> str:
        store = self.agent.db.runtime.store
        (row,) = portal.call(store.read(lambda tx: tx.calls.of_run(RunId(run_id))))
        return str(row.state)


@pytest.mark.parametrize(
    ("mode", "setting", "kit"), list(itertools.product(("hitl", "request", "sub_agent"), SETTINGS, (True, False)))
)
def test_the_truth_table_of_the_gate_with_edits(db: SqliteDb, mode: str, setting: str, kit: bool) -> None:
    needed = setting in ASKS or (setting == "none" and kit)
    for said, (say, paid) in SAYS.items():
        gate = Gate(db, mode, SETTINGS[setting], kit=kit)
        output = gate.agent.run("x")
        if not needed:
            assert (output.status, output.requirements, gate.ran) == ("COMPLETED", [], [5.0])
            break
        if mode != "hitl":
            assert output.content.startswith("Error (approval_required)")
            assert (output.requirements, gate.ran, gate.state(output.run_id)) == ([], [], "blocked")
            break
        assert (output.status, gate.ran, gate.state(output.run_id)) == ("PAUSED", [], "awaiting_approval")
        requirement = output.active_requirements[0]
        if paid is None and said != "reject":
            with pytest.raises(InvalidDecision):
                _answered(gate, output, say, requirement)
            found = gate.agent.get_run_output(output.run_id)
            assert (found.status, gate.ran, found.active_requirements[0].status) == ("PAUSED", [], "pending")
            continue
        output = _answered(gate, output, say, requirement)
        assert gate.ran == ([] if paid is None else [float(paid)])
        assert gate.state(output.run_id) == ("rejected" if paid is None else "succeeded")
        assert ("A person changed the arguments" in output.content) == said.startswith("edit")


def _answered(gate: Gate, output: Any, say: Any, requirement: Any) -> Any:
    say(requirement)
    return gate.agent.continue_run(output)


@pytest.mark.parametrize("name", ["requires_confirmation", "requires_approval", "needs_approval"])
@pytest.mark.parametrize("setting", ["on", "off", "predicate says yes", "predicate says no", "with context"])
def test_every_name_of_the_flag_means_the_same(db: SqliteDb, name: str, setting: str) -> None:
    @tool(**{name: SETTINGS[setting]})
    def pay(amount: float) -> str:
        return "paid"

    amount = 20 if setting == "with context" else 5
    agent = Agent("payer", model=ScriptedModel([call("pay", amount=amount), "ok"]), tools=[pay], db=db)
    output = agent.run("x", run_id="run" if setting == "with context" and name == "needs_approval" else None)
    asks = setting in ASKS or (setting == "with context" and name == "needs_approval")
    assert output.is_paused == asks


@pytest.mark.parametrize(
    "two", list(itertools.combinations(["requires_confirmation", "requires_approval", "needs_approval"], 2))
)
def test_two_names_of_the_flag_are_refused(two: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="got several"):
        tool(**dict.fromkeys(two, True))


def test_a_predicate_is_asked_about_what_the_model_proposed_and_not_about_an_edit(db: SqliteDb) -> None:
    """The person who edits has decided; what they made of it is held against the schema, and executed."""
    asked: list[float] = []

    def above(arguments: dict[str, Any]) -> bool:
        asked.append(arguments["amount"])
        return arguments["amount"] > 3

    gate = Gate(db, "hitl", above, kit=False)
    output = gate.agent.run("x")
    output.active_requirements[0].edit({"amount": 5000})
    gate.agent.continue_run(output)
    assert (asked, gate.ran) == ([5.0], [5000.0])
