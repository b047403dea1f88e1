"""The gate's whole truth table, with real tools: mode x flag x toolkit x predicate x what is answered."""

import itertools
import json
from collections import Counter
from typing import Any

from sayso import Agent, SqliteDb, Toolkit, tool
from sayso.app.portal import portal
from sayso.model.errors import Invalid
from sayso.model.ids import RunId
from sayso.testing import FakeClock, ScriptedModel, call

MODES = ("hitl", "request", "sub_agent")
SETTINGS: dict[str, Any] = {
    "inherits": None,
    "on": True,
    "off": False,
    "holds": lambda args: True,
    "does not hold": lambda args: False,
    "holds from 6": lambda args: args["amount"] >= 6,
    "fails": lambda args: args["nothing"],
    "says neither": lambda args: "yes",
}
KITS = (True, False)
ANSWERS = ("approve", "edit", "edit that does not fit", "edit past the condition", "reject")


def _expected(mode: str, setting: str, kit: bool) -> str:
    """Return what the documentation says of a call with amount=5."""
    asks = {"inherits": kit, "off": False, "does not hold": False, "holds from 6": False}.get(setting, True)
    if not asks:
        return "free"
    return "asked" if mode == "hitl" else "blocked"


def _answered(output: Any, answer: str) -> float | None:
    """Answer, and return the amount that may run now."""
    card = output.active_requirements[0]
    match answer:
        case "approve":
            card.confirm()
            return 5.0
        case "edit":
            card.edit({"amount": 4})
            return 4.0
        case "edit past the condition":
            card.edit({"amount": 7})
            return 7.0
        case "reject":
            card.reject("no")
            return None
        case _:
            try:
                card.edit({"amount": "five"})
            except Invalid:
                return None
            raise AssertionError("it was taken")


def test_the_gate_with_real_tools() -> None:
    """Every row: what runs is what may run, with the arguments that were approved, and blocked calls open no task."""
    rows, figures, wrong = list(itertools.product(MODES, SETTINGS, KITS, ANSWERS)), Counter[str](), 0
    with SqliteDb(clock=FakeClock()) as db:
        for number, (mode, setting, kit, answer) in enumerate(rows):
            wrong += _row(db, f"run{number}", mode, setting, kit, answer, figures)
    print("\ngate:", json.dumps({"rows": len(rows), **figures, "wrong": wrong}))
    assert wrong == 0
    assert all(figures[name] for name in ("free", "asked", "blocked"))
    assert sum(figures[name] for name in ("free", "asked", "blocked")) == len(rows) == 240


def _row(db: SqliteDb, run: str, mode: Any, setting: str, kit: bool, answer: str, figures: Counter[str]) -> bool:
    ran: list[float] = []

    @tool(requires_confirmation=SETTINGS[setting])
    def pay(amount: float) -> str:
        """Pay."""
        ran.append(amount)
        return "paid"

    model = ScriptedModel([call("pay", amount=5), lambda request: request.messages[-1].text])
    tools: Any = [Toolkit("kit", [pay], requires_approval=kit)]
    agent = Agent("payer", model=model, tools=tools, db=db, mode=mode, description="pays")
    output = agent.run("x", run_id=run, session_id=run)
    seen = "asked" if output.is_paused else "free" if output.content == "paid" else "blocked"
    figures[seen] += 1
    if seen != _expected(mode, setting, kit):
        return True
    if seen == "free":
        return ran != [5.0]
    if seen == "blocked":
        return bool(ran or output.requirements) or not output.content.startswith("Error (approval_required)")
    may = _answered(output, answer)
    if answer != "edit that does not fit":
        output = agent.continue_run(output)
        states = [str(row.state) for row in portal.call(db.runtime.store.read(lambda tx: tx.calls.of_run(RunId(run))))]
        if states != ["rejected" if may is None else "succeeded"]:
            return True
    return ran != ([] if may is None else [may]) or output.is_paused != (answer == "edit that does not fit")
