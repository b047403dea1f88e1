"""Each answer reaches its own call, and nothing else runs: T42 and T51."""

import itertools
import json
import random
from collections import Counter
from typing import Any

import pytest

from sayso import Agent, SqliteDb, tool
from sayso.app.portal import portal
from sayso.model.errors import StoreUnavailable
from sayso.model.ids import RunId
from sayso.testing import FakeClock, ScriptedModel, call

# -- T42: a model that changes its mind ------------------------------------------------------------------------


class LosesCommits:
    """Fails commits by chance, as a worker that is killed in them would have."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.rate = 0.0
        self.lost = 0

    def __call__(self, phase: str, units: int) -> None:
        if phase == "before_commit" and self._chance.random() < self.rate:
            self.lost += 1
            raise StoreUnavailable("gone")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("runs", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_model_that_changes_a_call_on_replay_asks_anew(runs: int) -> None:
    """T42: the same call id, other arguments each time it is asked, and one commit in five lost."""
    chance, clock = random.Random(20261124), FakeClock()
    loses = LosesCommits(chance)
    figures = Counter[str]()
    ran: list[tuple[str, float]] = []
    db = SqliteDb(clock=clock, observer=loses)

    @tool(requires_confirmation=True, effect="keyed", max_attempts=50)
    def pay(ctx: Any, amount: float) -> str:
        """Pay."""
        ran.append((ctx.run_id, amount))
        return "paid"

    def turn(request: Any) -> Any:
        figures["asked the model"] += 1
        return call("pay", id="c1", amount=chance.randrange(1_000_000)) if request.turn <= 2 else "done"

    def agent() -> Agent:
        return Agent("payer", model=ScriptedModel(turn), tools=[pay], db=db)

    db.runtime  # noqa: B018 - opened while nothing is lost
    for number in range(runs):
        run, approved = f"run{number}", set[float]()
        output = agent().run("x", run_id=run, session_id=run)
        loses.rate = 0.2
        while output.status not in {"COMPLETED", "ERROR", "CANCELLED"}:
            clock.advance(30)
            try:
                output = agent().get_run_output(run)
                for item in output.active_requirements:
                    approved.add(item.tool_execution.tool_args["amount"])
                    item.confirm()
                output = agent().continue_run(output)
            except (StoreUnavailable, ValueError):
                figures["died"] += 1
                loses.rate = 0.0
                output = agent().get_run_output(run)
                loses.rate = 0.2
        loses.rate = 0.0
        mine = {amount for name, amount in ran if name == run}
        figures["executed"] += len(mine)
        figures["unapproved"] += len(mine - approved)
        assert output.status == "COMPLETED"
        assert len(mine) == 2
    print("\nT42:", json.dumps({"runs": runs, "lost commits": loses.lost, **figures}))
    assert figures["unapproved"] == 0
    assert loses.lost >= runs // 2
    assert figures["asked the model"] > runs * 3, "it was never asked again, so it could not change its mind"
    db.close()


# -- T51: several calls at once --------------------------------------------------------------------------------

VERDICTS = ("approve", "edit", "reject")
ORDERS = list(itertools.permutations(range(5)))


def _five(db: SqliteDb, ran: list[float]) -> Agent:
    @tool(requires_confirmation=True)
    def pay(amount: float) -> str:
        """Pay."""
        ran.append(amount)
        return f"paid {amount}"

    turn = [call("pay", id="same", amount=at) for at in range(5)]
    return Agent("payer", model=ScriptedModel([turn, "done"]), tools=[pay], db=db)


def _say(item: Any, verdict: str, at: int) -> None:
    if verdict == "approve":
        item.confirm()
    elif verdict == "edit":
        item.edit({"amount": at + 100})
    else:
        item.reject(f"no {at}")


def _wanted(verdict: str, at: int) -> str:
    if verdict == "reject":
        return f"Error (rejected_by_human): a person rejected this call: no {at}"
    amount = float(at if verdict == "approve" else at + 100)
    changed = "" if verdict == "approve" else f'(A person changed the arguments to {{"amount": {amount}}}.)\n'
    return f"{changed}paid {amount}"


def _mixes(whole: bool) -> list[tuple[tuple[int, ...], tuple[str, ...], bool]]:
    """Return orders with verdicts, and whether the last is left unanswered."""
    every = list(itertools.product(VERDICTS, repeat=5))
    if whole:
        every = list(itertools.product(("approve", "reject"), repeat=5))
        return [(order, mix, False) for order in ORDERS for mix in every]
    return [(order, every[(at * 37) % len(every)], at % 6 == 0) for at, order in enumerate(ORDERS)]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_five_calls_are_answered_in_every_order(whole: bool) -> None:
    """T51: 5! orders with mixed verdicts, one missing in some; all 3,840 by `./dev faults`."""
    figures, wrong = Counter[str](), 0
    with SqliteDb(clock=FakeClock()) as db:
        for number, (order, mix, missing) in enumerate(_mixes(whole)):
            ran: list[float] = []
            run, agent = f"run{number}", _five(db, ran)
            output = agent.run("x", run_id=run, session_id=run)
            answered = order[:4] if missing else order
            for at in answered:
                item = next(
                    item for item in output.active_requirements if item.tool_execution.tool_args == {"amount": at}
                )
                _say(item, mix[at], at)
                figures[mix[at]] += 1
                output = agent.continue_run(run_id=run, session_id=run, requirements=[item])
            amounts = sorted(float(at + 100 * (mix[at] == "edit")) for at in answered if mix[at] != "reject")
            wrong += sorted(ran) != amounts
            if missing:
                left = [item.tool_execution.tool_args for item in output.active_requirements]
                wrong += left != [{"amount": float(order[4])}]
                figures["left open"] += 1
            else:
                told = [message.text for message in output.messages if message.role == "tool"]
                wrong += told != [_wanted(mix[at], at) for at in range(5)]
            rows: Any = portal.call(db.runtime.store.read(lambda tx, run=run: tx.calls.of_run(RunId(run))))
            wrong += Counter(str(row.state) for row in rows)["succeeded"] != len(amounts)
    print("\nT51:", json.dumps({"orders": number + 1, **figures, "lost or misrouted": wrong}))
    assert wrong == 0
    assert number + 1 == (3840 if whole else 120)
    assert all(figures[verdict] for verdict in ("approve", "reject"))


def test_answers_sent_together_reach_their_own_calls() -> None:
    """One command with five answers in any order; the results go back in the order of the calls."""
    with SqliteDb(clock=FakeClock()) as db:
        for number, order in enumerate(ORDERS[::12]):
            ran: list[float] = []
            agent = _five(db, ran)
            output = agent.run("x", run_id=f"run{number}", session_id=f"run{number}")
            items = [output.active_requirements[at] for at in order]
            for item in items:
                at = int(item.tool_execution.tool_args["amount"])
                _say(item, VERDICTS[at % 3], at)
            output = agent.continue_run(run_id=f"run{number}", session_id=f"run{number}", requirements=items)
            told = [message.text for message in output.messages if message.role == "tool"]
            assert told == [_wanted(VERDICTS[at % 3], at) for at in range(5)]
