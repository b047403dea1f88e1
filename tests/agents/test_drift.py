"""T47: what a tool, or its agent, became between the question about a call and its execution."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from sayso import Agent, SqliteDb, Toolkit, tool
from sayso.app.portal import portal
from sayso.model.errors import StoreUnavailable
from sayso.model.ids import RunId
from sayso.testing import FakeClock, ScriptedModel, call

ASKED = {"amount": 5.0, "to": "ann"}


@dataclass
class Shop:
    """One database; tools and agent are given anew for every command, as deploys would."""

    clock: FakeClock = field(default_factory=FakeClock)
    ran: list[Any] = field(default_factory=list)
    db: SqliteDb = field(default_factory=SqliteDb)
    then: Callable[[], Any] = lambda: None
    """What happens at the end of the tool."""

    def __post_init__(self) -> None:
        self.db = SqliteDb(clock=self.clock)

    def pay(self, **options: Any) -> Any:
        def pay(amount: float, to: str = "ann") -> str:
            """Pay somebody."""
            self.ran.append((amount, to))
            self.then()
            return "paid"

        return tool(**{"requires_confirmation": True, **options})(pay)

    def agent(self, *tools: Any, **options: Any) -> Agent:
        turns = [call("pay", amount=5), lambda request: request.messages[-1].text]
        return Agent("payer", model=ScriptedModel(turns), tools=tools, db=self.db, **options)

    def asked(self, *tools: Any, **options: Any) -> Any:
        return self.agent(*tools, **options).run("x", run_id="run", session_id="ses")

    def state(self) -> str:
        rows: Any = portal.call(self.db.runtime.store.read(lambda tx: tx.calls.of_run(RunId("run"))))
        return str(rows[0].state)


class Dies:
    """Fails one commit, as a worker that died in it would have."""

    left = 0

    def at(self, commits: int) -> None:
        self.left = commits

    def __call__(self, phase: str, units: int) -> None:
        if phase == "before_commit" and self.left:
            self.left -= 1
            if not self.left:
                raise StoreUnavailable("gone")


@pytest.fixture
def shop() -> Shop:
    return Shop()


def _other_schema(shop: Shop) -> Any:
    def pay(amount: float, to: str = "ann", urgent: bool = False) -> str:
        """Pay somebody."""
        shop.ran.append((amount, to))
        return "paid"

    return [tool(requires_confirmation=True)(pay)]


def _other_default(shop: Shop) -> Any:
    def pay(amount: float, to: str = "mallory") -> str:
        """Pay somebody."""
        shop.ran.append((amount, to))
        return "paid"

    return [tool(requires_confirmation=True)(pay)]


def _narrower(shop: Shop) -> Any:
    def pay(amount: str, to: int) -> str:
        """Pay somebody."""
        shop.ran.append((amount, to))
        return "paid"

    return [tool(requires_confirmation=True)(pay)]


DRIFT: dict[str, tuple[Callable[[Shop], Any], str, str]] = {
    "removed": (lambda _: [], "tool_not_allowed", "tool 'pay' is gone"),
    "renamed": (lambda shop: [shop.pay(name="pay_out")], "tool_not_allowed", "tool 'pay' is gone"),
    "description": (lambda shop: [shop.pay(description="Take money.")], "approval_void", "the description of"),
    "schema": (_other_schema, "approval_void", "the schema of"),
    "a default": (_other_default, "approval_void", "the schema of"),
    "a schema that the call does not fit": (_narrower, "invalid_arguments", "the schema of"),
    "effect": (lambda shop: [shop.pay(effect="read")], "approval_void", "effect (once, now read)"),
    "outside": (
        lambda shop: [shop.pay(requires_confirmation=None, external_execution=True)], "approval_void", "person's part",
    ),
    "a person's argument": (
        lambda shop: [shop.pay(requires_confirmation=None, user_input_fields=["to"])], "approval_void", "person's part",
    ),
}  # fmt: skip
LOOSER: dict[str, Callable[[Shop], Any]] = {
    "off": lambda shop: [shop.pay(requires_confirmation=False)],
    "by toolkit, off": lambda shop: [Toolkit("kit", [shop.pay(requires_confirmation=None)])],
    "by a condition that does not hold": lambda shop: [shop.pay(requires_confirmation=lambda args: False)],
}


@pytest.mark.parametrize("name", DRIFT)
def test_a_yes_to_what_a_tool_was_is_no_yes_to_what_it_is(shop: Shop, name: str) -> None:
    """Nothing runs, the row is void, and the model is told what changed."""
    later, code, what = DRIFT[name]
    output = shop.asked(shop.pay())
    output.active_requirements[0].confirm()
    shop.agent(shop.pay()).decide(output)
    output = shop.agent(*later(shop)).continue_run(run_id="run", session_id="ses")
    assert (output.status, shop.state(), shop.ran) == ("COMPLETED", "void", [])
    assert output.content.startswith(f"Error ({code})")
    assert what in output.content


@pytest.mark.parametrize("name", ["description", "effect", "outside", *LOOSER])
def test_a_no_stays_a_no_whatever_became_of_the_tool(shop: Shop, name: str) -> None:
    output = shop.asked(shop.pay())
    output.active_requirements[0].reject("never")
    shop.agent(shop.pay()).decide(output)
    later = LOOSER.get(name) or DRIFT[name][0]
    output = shop.agent(*later(shop)).continue_run(run_id="run", session_id="ses")
    assert (output.status, shop.state(), shop.ran) == ("COMPLETED", "rejected", [])
    assert output.content == "Error (rejected_by_human): a person rejected this call: never"


@pytest.mark.parametrize("name", LOOSER)
def test_a_yes_that_is_needed_no_more_counts_all_the_same(shop: Shop, name: str) -> None:
    output = shop.asked(shop.pay())
    output.active_requirements[0].confirm()
    shop.agent(shop.pay()).decide(output)
    output = shop.agent(*LOOSER[name](shop)).continue_run(run_id="run", session_id="ses")
    assert (output.content, shop.state(), shop.ran) == ("paid", "succeeded", [(5.0, "ann")])


def test_a_gate_that_is_turned_off_does_not_answer_its_questions(shop: Shop) -> None:
    """A sibling's answer takes the run on; the call that nobody has decided still waits."""
    two = [[call("pay", amount=1), call("pay", amount=2)], "done"]
    agent = Agent("payer", model=ScriptedModel(two), tools=[shop.pay()], db=shop.db)
    output = agent.run("x", run_id="run", session_id="ses")
    output.active_requirements[0].reject("no")
    later = Agent("payer", model=ScriptedModel(two), tools=[shop.pay(requires_confirmation=False)], db=shop.db)
    output = later.continue_run(output)
    assert (output.status, shop.ran, len(output.active_requirements)) == ("PAUSED", [], 1)


def test_a_gate_that_is_turned_on_holds_for_what_was_not_started(shop: Shop) -> None:
    """The worker died between the model's answer and the start; the code that comes back asks."""
    dies = Dies()
    shop.db = SqliteDb(clock=shop.clock, observer=dies)
    agent = shop.agent(shop.pay(requires_confirmation=False))
    agent.client = ScriptedModel(lambda _: dies.at(2) or call("pay", amount=5))
    with pytest.raises(StoreUnavailable, match="gone"):
        agent.run("x", run_id="run", session_id="ses")
    assert shop.ran == []
    assert [message.role for message in agent.get_run_output("run").messages] == ["user", "assistant"]
    shop.clock.advance(60)
    output = shop.agent(shop.pay()).continue_run(run_id="run", session_id="ses")
    assert (output.status, shop.ran) == ("PAUSED", [])


@pytest.mark.parametrize("options", [{"requires_confirmation": None}, {"on_timeout": "approve"}, {"summary": "Pay!"}])
def test_what_changes_nothing_of_a_call_voids_nothing(shop: Shop, options: dict[str, Any]) -> None:
    """Inherited instead of its own, another sentence, another policy for the next question: the yes stands."""
    output = shop.asked(shop.pay())
    output.active_requirements[0].confirm()
    kit = Toolkit("kit", [shop.pay(**options)], requires_approval=True)
    assert shop.agent(kit).continue_run(output).content == "paid"
    assert shop.ran == [(5.0, "ann")]


def test_a_run_keeps_the_version_it_began_with(shop: Shop) -> None:
    """Instructions, mode and limits are frozen in the run: what was approved is carried out by what was shown."""
    output = shop.asked(shop.pay(), instructions="Be careful.")
    output.active_requirements[0].confirm()
    later = shop.agent(shop.pay(), instructions="Be reckless.", mode="request", max_iterations=1)
    output = later.continue_run(output)
    assert (output.content, shop.ran) == ("paid", [(5.0, "ann")])
    assert later.client.requests[0].instructions == "Be careful."


def test_a_tool_that_came_later_is_not_on_the_list_of_a_run_that_began_before(shop: Shop) -> None:
    """Items 39, 45: the list is frozen with the version; what a deploy adds is neither offered nor executed."""

    def wipe() -> str:
        shop.ran.append("wiped")
        return "wiped"

    output = shop.asked(shop.pay())
    output.active_requirements[0].confirm()
    later = shop.agent(shop.pay(), wipe)
    later.client = ScriptedModel(["", call("wipe"), lambda request: request.messages[-1].text])
    output = later.continue_run(output)
    assert output.content == "Error (tool_not_allowed): there is no tool 'wipe' that may be called here"
    assert shop.ran == [(5.0, "ann")]
    assert "wipe" not in [offer.name for request in later.client.requests for offer in request.tools]


@pytest.mark.parametrize("changed", [{"description": "Pay twice."}, {}])
def test_only_the_very_bytes_that_were_sent_are_sent_again(shop: Shop, changed: dict[str, Any]) -> None:
    """A keyed call whose tool was redefined since it was started has another key by now: a person is asked."""
    dies = Dies()
    shop.db = SqliteDb(clock=shop.clock, observer=dies)
    agent = shop.agent(shop.pay(requires_confirmation=None, effect="keyed"))
    shop.then = lambda: dies.at(1)
    with pytest.raises(StoreUnavailable, match="gone"):
        agent.run("x", run_id="run", session_id="ses")
    shop.then = lambda: None
    shop.clock.advance(60)
    later = shop.pay(requires_confirmation=None, effect="keyed", **changed)
    output = shop.agent(later).continue_run(run_id="run", session_id="ses")
    assert [item.kind for item in output.active_requirements] == (["uncertain"] if changed else [])
    assert len(shop.ran) == (1 if changed else 2)


def test_a_started_call_is_settled_by_the_effect_it_was_started_with(shop: Shop) -> None:
    """A `once` call that a deploy calls `read` by now: nobody knows what came of it, so a person is asked."""
    dies = Dies()
    shop.db = SqliteDb(clock=shop.clock, observer=dies)
    agent = shop.agent(shop.pay(requires_confirmation=None))
    shop.then = lambda: dies.at(1)
    with pytest.raises(StoreUnavailable, match="gone"):
        agent.run("x", run_id="run", session_id="ses")
    assert shop.ran == [(5.0, "ann")]
    shop.clock.advance(60)
    later = shop.pay(requires_confirmation=None, effect="read")
    output = shop.agent(later).continue_run(run_id="run", session_id="ses")
    assert [item.kind for item in output.active_requirements] == ["uncertain"]
    assert shop.ran == [(5.0, "ann")]
