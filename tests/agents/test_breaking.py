"""What models, tools and people get wrong, by accident or on purpose: every one of them has an outcome that is told."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, field_validator

import sayso
from sayso import Agent, StepFailed, Team, ToolContext, ToolError, tool
from sayso.model.errors import AlreadyDecided, InvalidDecision, SaysoError, UnstorableValue
from sayso.testing import ScriptedModel, call
from tests.agents.test_agents import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


class _Mute(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class _Own(BaseException):
    pass


_RAISED = [
    _Mute,
    lambda: ValueError("\ud800"),
    lambda: SystemExit(3),
    asyncio.CancelledError,
    _Own,
    StopIteration,
    TimeoutError,
]


@pytest.mark.parametrize("make", _RAISED, ids=["mute", "surrogate", "exit", "cancelled", "own", "stop", "time"])
@pytest.mark.parametrize("is_async", [True, False])
def test_whatever_a_tool_raises_is_an_outcome(desk: Desk, make: Callable[[], BaseException], is_async: bool) -> None:
    """I5: a started call ends as succeeded, failed or uncertain."""

    def sync() -> str:
        raise make()

    async def asynchronous() -> str:
        raise make()

    desk.tools = lambda: [tool(name="bad", timeout=5)(asynchronous if is_async else sync)]
    assert desk.run(call("bad"), "ok").active_requirements[0].kind == "uncertain"
    assert desk.calls() == {"turn#1/call:1": "uncertain"}


def test_a_tool_error_may_say_anything(desk: Desk) -> None:
    def bad() -> str:
        raise ToolError("\ud800")

    desk.tools = lambda: [bad]
    assert desk.run(call("bad"), "ok").status == "COMPLETED"
    assert desk.told() == ["Error (tool_error): \\ud800"]


class _Shy:
    def __repr__(self) -> str:
        raise ValueError("not me")


def test_a_result_that_cannot_be_shown_has_still_happened(desk: Desk) -> None:
    desk.tools = lambda: [tool(name="odd")(lambda: _Shy())]
    assert desk.run(call("odd"), "ok").status == "COMPLETED"
    assert (desk.calls(), desk.told()) == ({"turn#1/call:1": "succeeded"}, ["(a _Shy that cannot be shown)"])


@pytest.mark.parametrize("effect", ["read", "once"])
def test_a_blocking_tool_that_takes_too_long_is_unknown(desk: Desk, effect: str) -> None:
    """Its thread cannot be stopped, but neither the turn nor the run is held up by it."""
    goes_on = threading.Event()

    def slow() -> str:
        desk.ran.append(1)
        goes_on.wait(10)
        return "late"

    desk.tools = lambda: [tool(timeout=0.05, effect=effect)(slow), tool(name="quick")(lambda: "quick")]
    output = desk.run([call("slow"), call("quick")], "ok")
    goes_on.set()
    if effect == "once":
        assert output.active_requirements[0].kind == "uncertain"
        return
    assert (output.status, len(desk.ran)) == ("COMPLETED", 3)
    assert "TimeoutError: it took longer than 0.05 s" in desk.told()[0]


def _with_text(n: int, where: "sayso.ToolContext") -> str:
    return f"{n} in {where.run_id}"


def _with_option(n: Annotated[int, Field(json_schema_extra={"x": 1})], where: ToolContext | None = None) -> str:
    return f"{n} in {'nowhere' if where is None else where.run_id}"


@pytest.mark.parametrize("function", [_with_text, _with_option])
def test_a_tool_gets_its_context_under_any_name_and_annotation(desk: Desk, function: Any) -> None:
    desk.tools = lambda: [tool(name="f")(function)]
    assert desk.run(call("f", n=3), "ok").status == "COMPLETED"
    assert desk.told() == ["3 in run"]
    assert list(desk.tools()[0].schema()["properties"]) == ["n"]


def _yields() -> Any:
    yield 1


async def _yields_async() -> Any:
    yield 1


@pytest.mark.parametrize("function", [_yields, _yields_async])
def test_a_tool_that_yields_is_refused(function: Any) -> None:
    with pytest.raises(ValueError, match="it yields"):
        tool(function)


@pytest.mark.parametrize(
    ("tool_", "arguments"),
    [
        ("refund", {"customer": "ann", "amount": float("nan")}),
        ("refund", {"customer": "ann", "amount": "NaN"}),
        ("refund", {"customer": "\ud800", "amount": 1}),
        ("look_up", {"customer": "\ud800"}),
        ("none", {"customer": float("inf")}),
        ("ask_human_number", {"question": "how many?", "min": float("inf")}),
    ],
)
def test_arguments_that_no_json_can_carry_go_back(desk: Desk, tool_: str, arguments: Any) -> None:
    output = desk.run(call(tool_, **arguments), "I see \ud800")
    assert (output.status, output.content, desk.ran) == ("COMPLETED", "I see \\ud800", [])
    assert desk.told()[0].startswith(("Error (invalid_arguments)", "Error (tool_not_allowed)"))


@pytest.mark.parametrize("arguments", [{"subject": "hi", "n": "x"}, {"n": 1}, {"subject": "hi", "n": 1, "more": 2}])
def test_nobody_is_asked_to_complete_a_call_that_does_not_fit(desk: Desk, arguments: Any) -> None:
    """Item 54: the schema comes before the person."""

    def mail(subject: str, n: int, to: str) -> str:
        raise AssertionError("must not run")

    desk.tools = lambda: [tool(requires_user_input=True, user_input_fields=["to"])(mail)]
    assert desk.run(call("mail", **arguments), "ok").status == "COMPLETED"
    assert desk.told()[0].startswith("Error (invalid_arguments)")
    assert desk.calls() == {"turn#1/call:1": "refused"}


@pytest.mark.parametrize("value", [float("nan"), ("a", 1), b"x", {"$": "evil"}])
def test_edited_arguments_are_json(desk: Desk, value: Any) -> None:
    def send(what: Any) -> str:
        raise AssertionError("must not run")

    desk.tools = lambda: [tool(requires_confirmation=True)(send)]
    output = desk.run(call("send", what=1), "ok")
    with pytest.raises(InvalidDecision):
        output.active_requirements[0].edit({"what": value})
    assert desk.agent().get_run_output("run").is_paused


@pytest.mark.parametrize(
    ("proposal", "one", "other"),
    [
        (call("ask_human_text", question="q"), lambda item: item.answer("a"), lambda item: item.answer("b")),
        (
            call("refund", customer="ann", amount=20),
            lambda item: item.edit({"customer": "ann", "amount": 1}),
            lambda item: item.edit({"customer": "ann", "amount": 99}),
        ),
        (
            call("ask_human_choice", question="q", options=[{"id": "a", "label": "A"}, {"id": "b", "label": "B"}]),
            lambda item: item.choose("a"),
            lambda item: item.choose("b"),
        ),
    ],
)
def test_a_second_answer_of_the_same_kind_is_too_late(desk: Desk, proposal: Any, one: Any, other: Any) -> None:
    """Item 141: it is told who was faster; the same answer once more does no harm."""
    desk.run(proposal, call("ask_human_text", question="and?"), "ok")
    first, second, third = (desk.agent().get_run_output("run") for _ in range(3))
    one(first.active_requirements[0])
    desk.agent().decide(first)
    one(second.active_requirements[0])
    desk.agent().decide(second)
    other(third.active_requirements[0])
    with pytest.raises(AlreadyDecided):
        desk.agent().decide(third)
    with pytest.raises(AlreadyDecided):
        desk.agent().continue_run(third)


_UNANSWERABLE = [
    call("ask_human_number", question="q", min=5, max=1),
    call("ask_human_choice", question="q", options=[{"id": "a", "label": "1"}, {"id": "a", "label": "2"}]),
    call("ask_human_form", question="q", schema={"type": "objekt"}),
    call("ask_human_form", question="q", schema={"type": "object", "required": "a"}),
    call("ask_human_form", question="q", schema={"type": "array"}),
    call("ask_human_form", question="q", schema={"properties": {"a": {"$ref": "http://elsewhere/a"}}}),
    call("ask_human_form", question="q", schema={"allOf": [{"$ref": "#/$defs/none"}]}),
    call("ask_human_text", question="   "),
    call("reply_and_wait", message="\n"),
    call("wait", until="0001-01-01T00:00:00+23:00"),
]


@pytest.mark.parametrize("proposal", _UNANSWERABLE, ids=lambda item: f"{item.tool}")
def test_nobody_is_asked_what_nobody_can_answer(desk: Desk, proposal: Any) -> None:
    assert desk.run(proposal, "ok").status == "COMPLETED"
    assert desk.told()[0].startswith("Error (invalid_arguments)")


def test_a_member_named_like_a_platform_tool_is_refused() -> None:
    member = Agent("human text", model=ScriptedModel(["x"]))
    with pytest.raises(ValueError, match="ask_human_text"):
        Team("t", model=ScriptedModel(["x"]), members=[member])


@pytest.mark.parametrize(("policy", "status"), [("reject", "ERROR"), ("skip", "COMPLETED")])
def test_a_deadline_that_rejects_does_what_a_rejection_does(desk: Desk, policy: Any, status: str) -> None:
    """Part C: `reject` applies `on_reject`."""
    setting: dict[str, Any] = {"on_reject": "fail_run", "approval_timeout": 5, "on_timeout": policy}
    desk.tools = lambda: [tool(requires_confirmation=True, **setting)(_refund_nobody)]
    desk.run(call("_refund_nobody"), "ok")
    desk.clock.advance(6)
    with suppress(StepFailed):
        desk.agent().continue_run(run_id="run", session_id="ses")
    output = desk.agent().get_run_output("run")
    assert (output.status, output.error_code) == (status, "approval_expired" if status == "ERROR" else None)
    assert desk.calls() == {"turn#1/call:1": "expired"}


def _refund_nobody() -> str:
    raise AssertionError("must not run")


class Side:
    """A slow call, beside which a person decides, so that the branches that wait are begun again in the same pass."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.paid = threading.Event()
        self.agent: Any = None

    def pay(self) -> str:
        self.paid.set()
        return "paid"

    def slow(self) -> str:
        output = self.agent.get_run_output("run")
        output.active_requirements[0].confirm()
        self.agent.decide(output)
        assert self.paid.wait(10)
        return "slow"

    def tools(self) -> list[Any]:
        return [tool(requires_confirmation=True)(self.pay), tool(effect="read")(self.slow)]

    def run(self, *turns: Any) -> Any:
        self.desk.turns = list(turns)
        self.agent = self.desk.agent()
        return self.agent.run("x", session_id="ses", run_id="run")


def test_a_member_that_goes_on_beside_another_is_counted_once(desk: Desk) -> None:
    side = Side(desk)
    payer, waiter = side.tools()
    members = [
        Agent("a", model=ScriptedModel([call("pay"), "done"], tokens=(100, 0)), tools=[payer]),
        Agent("b", model=ScriptedModel([call("slow"), "done"], tokens=(100, 0)), tools=[waiter]),
    ]
    desk.tools, desk.options = list, {"members": members, "max_tokens_per_run": 450}
    output = side.run([call("ask_a", task="x"), call("ask_b", task="x")], "end")
    assert (output.status, output.usage.total_tokens) == ("COMPLETED", 430)
    assert desk.agent().get_run_output("run").usage.total_tokens == 430


def test_a_wait_is_counted_once_against_its_budget(desk: Desk) -> None:
    side = Side(desk)
    desk.tools, desk.options = side.tools, {"wait_budget_seconds": 100}
    output = side.run([call("wait", duration_seconds=60), call("slow"), call("pay")], "end")
    assert (output.status, output.waiting_for) == ("PAUSED", "timer")
    desk.clock.advance(61)
    assert desk.agent().continue_run(run_id="run", session_id="ses").status == "COMPLETED"
    assert desk.told() == ["the time has come", "slow", "paid"]


_ODD: list[dict[str, Any]] = [
    {"confirmation": "yes"},
    {"confirmation": 1},
    {"values": "abc"},
    {"values": ["a"]},
    {"values": {1: 2}},
    {"edited_args": "x"},
    {"edited_args": {"$": "evil"}},
    {"choice": 5},
    {"choice": ["a"]},
    {"confirmation": True, "note": 5},
    {"confirmation": True, "note": "\ud800"},
    {"confirmation": True, "timeout_at": "soon"},
]


@pytest.mark.parametrize("answer", _ODD, ids=str)
def test_an_odd_answer_is_refused_and_the_question_stays(desk: Desk, answer: dict[str, Any]) -> None:
    output = desk.run(call("refund", customer="ann", amount=20), "ok")
    sent = {"id": output.active_requirements[0].id, **answer}
    with pytest.raises(SaysoError):
        desk.agent().continue_run(run_id="run", session_id="ses", requirements=[sent])
    assert len(desk.agent().get_run_output("run").active_requirements) == 1
    assert desk.ran == []


def test_a_result_that_cannot_be_stored_is_not_kept(desk: Desk) -> None:
    desk.tools = lambda: [tool(external_execution=True)(_refund_nobody)]
    requirement = desk.run(call("_refund_nobody"), "ok").active_requirements[0]
    with pytest.raises(UnstorableValue):
        requirement.set_external_execution_result(object())
    assert (requirement.is_resolved(), requirement.values) == (False, None)


class Slot(BaseModel):
    day: date
    people: int

    @field_validator("people")
    @classmethod
    def even(cls, people: int) -> int:
        if people % 2:
            raise ValueError("an even number, please")
        return people


@pytest.mark.parametrize("wrong", ['{"day": "soon", "people": 2}', '{"day": "2026-01-02", "people": 3}'])
def test_an_answer_that_only_its_type_refuses_is_repaired(desk: Desk, wrong: str) -> None:
    """Item 38; a schema says less than a type."""
    desk.tools, desk.options = list, {"output_schema": Slot}
    right = '{"day": "2026-01-02", "people": 4}'
    assert desk.run(wrong, right).content == Slot(day=date(2026, 1, 2), people=4)
    assert desk.agent().get_run_output("run").content.people == 4


def test_an_answer_that_its_type_refuses_twice_fails_and_can_be_read(desk: Desk) -> None:
    desk.tools, desk.options = list, {"output_schema": Slot}
    with pytest.raises(StepFailed):
        desk.run(*['{"day": "2026-01-02", "people": 3}'] * 2)
    assert desk.agent().get_run_output("run").error_code == "output_schema_violation"


@pytest.mark.parametrize("wrong", ["NaN", "1e999", '"\\ud800"'])
def test_an_answer_that_no_json_can_carry_is_repaired(desk: Desk, wrong: str) -> None:
    desk.tools, desk.options = list, {"output_schema": {"type": ["number", "string"]}}
    assert desk.run(wrong, "4").content == 4


_WRONG: list[dict[str, Any]] = [
    {"output_schema": {"type": "objekt"}},
    {"input_schema": {"$ref": "http://elsewhere/x"}},
    {"wait_budget_seconds": -1},
    {"max_session_seconds": float("nan")},
    {"question_timeout": float("nan")},
    {"question_timeout": float("inf")},
    {"max_session_seconds": float("inf")},
    {"max_session_seconds": "60"},
    {"max_active_seconds": True},
    {"wait_budget_seconds": None},
    {"max_iterations": 2.5},
    {"max_iterations": "10"},
    {"max_tool_calls": True},
    {"max_tokens_per_run": None},
    {"max_session_tokens": 10.5},
    {"temperature": "a"},
    {"temperature": True},
    {"top_p": "a"},
    {"top_k": 2.5},
    {"num_history_runs": -1},
    {"num_history_runs": 1.5},
]


@pytest.mark.parametrize("wrong", _WRONG, ids=str)
def test_an_agent_that_could_never_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="within their bounds"):
        Agent("a", model=ScriptedModel([]), **wrong)


_NEVER: list[dict[str, Any]] = [
    {"external_execution": True, "on_timeout": "approve"},
    {"user_input_fields": ["n"], "on_timeout": "approve"},
    {"max_attempts": 0},
    {"approval_timeout": float("inf")},
]


@pytest.mark.parametrize("wrong", _NEVER, ids=str)
def test_a_policy_that_cannot_be_honoured_is_refused(wrong: dict[str, Any]) -> None:
    def bare(n: int) -> int:
        return n

    with pytest.raises(ValueError, match="Expected"):
        tool(**wrong)(bare)


def test_a_typed_input_and_a_typed_result_are_told_as_their_fields(desk: Desk) -> None:
    """Nothing of how we store values reaches a model."""
    slot = Slot(day=date(2026, 1, 2), people=4)
    desk.tools, desk.options = (
        lambda: [tool(name="find")(lambda: [slot, b"\xff", float("nan")])],
        {"input_schema": Slot},
    )
    desk.turns = [call("find"), "ok"]
    output = desk.agent().run(slot, session_id="ses", run_id="run")
    assert output.messages[0].text == '{"day": "2026-01-02", "people": 4}'
    assert desk.told() == ['[{"day": "2026-01-02", "people": 4}, "_w==", NaN]']
