"""Agents with people in their turns, across fresh objects over one file, as a restart would leave them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, SqliteDb, StepFailed, ToolContext, ToolError, Toolkit, Worker, Workflow, tool
from sayso.app.portal import portal
from sayso.model.errors import AlreadyDecided, Invalid, LeaseLost, RunNotFound, RunNotPaused, TaskExpired
from sayso.stores.driver import sqlite_module
from sayso.testing import CountingIds, FakeClock, ScriptedModel, call


class Desk:
    """An agent that is built anew, over a file that is opened anew, for every command."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sayso.db"
        self.clock = FakeClock()
        self.ids = CountingIds()
        self.ran: list[Any] = []
        self.turns: Any = []
        self.options: dict[str, Any] = {}
        self.tools: Callable[[], list[Any]] = self.usual

    def usual(self) -> list[Any]:
        @tool(effect="read")
        def look_up(customer: str) -> dict[str, Any]:
            """Look a customer up.

            Args:
                customer: The customer's name.
            """
            self.ran.append(("look_up", customer))
            return {"customer": customer, "balance": 120}

        @tool(requires_confirmation=True, summary="Refund {amount} to {customer}")
        def refund(customer: str, amount: float, reason: str = "goodwill") -> str:
            """Pay money back."""
            self.ran.append(("refund", customer, amount, reason))
            return f"refunded {amount} to {customer}"

        return [look_up, refund]

    def agent(self) -> Agent:
        self.model = ScriptedModel(self.turns)
        db = SqliteDb(self.path, clock=self.clock, ids=self.ids, synchronous="NORMAL")
        return Agent("desk", model=self.model, tools=self.tools(), db=db, **self.options)

    def run(self, *turns: Any, **options: Any) -> Any:
        self.turns = list(turns)
        return self.agent().run("please", session_id="ses", run_id="run", **options)

    def go_on(self, decide: Callable[[Any], Any] | None = None, which: int = 0) -> Any:
        agent = self.agent()
        output = agent.get_run_output("run")
        if decide is not None:
            decide(output.active_requirements[which])
        return agent.continue_run(output)

    def calls(self) -> dict[str, str]:
        runtime = self.agent().db.runtime
        return {row.key: str(row.state) for row in portal.call(runtime.store.read(lambda tx: tx.calls.of_run("run")))}

    def told(self) -> list[str]:
        return [message.text for message in self.agent().get_run_output("run").messages if message.role == "tool"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


REFUND = call("refund", customer="ann", amount=20)


def test_a_free_call_runs_and_its_result_goes_back(desk: Desk) -> None:
    output = desk.run(call("look_up", customer="ann"), "Ann has 120.")
    assert (output.status, output.content) == ("COMPLETED", "Ann has 120.")
    assert desk.ran == [("look_up", "ann")]
    assert desk.told() == ['{"customer": "ann", "balance": 120}']
    assert output.usage.total_tokens == 30


def test_a_gated_call_waits_and_runs_once_as_shown(desk: Desk) -> None:
    """Items 65, 66."""
    output = desk.run(REFUND, "Done.")
    assert (output.status, output.waiting_for, desk.ran) == ("PAUSED", "hitl", [])
    requirement = output.active_requirements[0]
    assert (requirement.kind, requirement.message) == ("approval", "Refund 20.0 to ann")
    assert requirement.tool_execution.tool_args == {"customer": "ann", "amount": 20.0, "reason": "goodwill"}
    assert desk.calls() == {"turn#1/call:1": "awaiting_approval"}
    output = desk.go_on(lambda item: item.confirm())
    assert (output.status, output.content) == ("COMPLETED", "Done.")
    assert desk.ran == [("refund", "ann", 20.0, "goodwill")]
    assert desk.calls() == {"turn#1/call:1": "succeeded"}
    with pytest.raises(RunNotPaused):
        desk.go_on()


def test_a_rejection_tells_the_model_why(desk: Desk) -> None:
    """Item 67."""
    desk.run(REFUND, lambda request: f"I understand: {request.messages[-1].text}")
    output = desk.go_on(lambda item: item.reject("not this week"))
    assert output.content == "I understand: Error (rejected_by_human): a person rejected this call: not this week"
    assert desk.ran == []
    assert desk.calls() == {"turn#1/call:1": "rejected"}


def test_an_answer_in_its_place_goes_to_the_model_and_nothing_runs(desk: Desk) -> None:
    """The call ends for good: the ledger has it as rejected, and only another proposal is another question."""
    why = "Which of the two orders is this for?"
    desk.run(REFUND, REFUND, "Done.")
    output = desk.go_on(lambda item: item.respond(why, "odd"))
    assert desk.told() == [f"It was not executed. A person has answered in its place: {why}"]
    assert (output.status, desk.ran) == ("PAUSED", [])
    assert desk.calls() == {"turn#1/call:1": "rejected", "turn#2/call:1": "awaiting_approval"}
    settled = output.requirements[0]
    assert (settled.confirmation, settled.response, settled.note) == (None, why, "odd")
    output = desk.go_on(lambda item: item.confirm())
    assert (output.content, desk.ran) == ("Done.", [("refund", "ann", 20.0, "goodwill")])
    assert desk.calls() == {"turn#1/call:1": "rejected", "turn#2/call:1": "succeeded"}


def test_an_answer_in_its_place_is_no_rejection(desk: Desk) -> None:
    desk.tools = lambda: [tool(requires_approval=True, on_reject="fail_run")(deploy)]
    desk.run(call("deploy"), "Fine.")
    output = desk.go_on(lambda item: item.respond("It was deployed this morning."))
    assert (output.status, output.content) == ("COMPLETED", "Fine.")


def test_a_yes_and_an_answer_at_once_are_refused(desk: Desk) -> None:
    output = desk.run(REFUND, "never")
    requirement = output.active_requirements[0]
    requirement.respond("why?")
    requirement.confirm()
    assert requirement.response is None  # the last word counts, as a whole
    requirement.response = "why?"
    with pytest.raises(ValueError, match="either a yes or an answer"):
        desk.agent().continue_run(output)
    assert desk.ran == []


@pytest.mark.parametrize("beside", [{"edited_args": {"amount": 1}}, {"values": {"value": "x"}}, {"choice": "x"}])
def test_an_answer_in_its_place_comes_alone(desk: Desk, beside: dict[str, Any]) -> None:
    output = desk.run(REFUND, "never")
    given = {**output.active_requirements[0].to_dict(), "response": "why?", **beside}
    with pytest.raises(ValueError, match="either a yes or an answer"):
        desk.agent().continue_run(output, requirements=[given])
    assert desk.ran == []


def test_on_reject_fail_run(desk: Desk) -> None:
    """Item 80."""
    desk.tools = lambda: [tool(requires_approval=True, on_reject="fail_run")(deploy)]
    desk.run(call("deploy"), "never")
    with pytest.raises(StepFailed, match="not on Friday"):
        desk.go_on(lambda item: item.reject("not on Friday"))
    output = desk.agent().get_run_output("run")
    assert (output.status, output.error_code) == ("ERROR", "rejected_by_human")


def deploy() -> str:
    """Deploy."""
    raise AssertionError("must not run")


def test_edited_arguments_are_checked_run_and_told(desk: Desk) -> None:
    """Item 78."""
    desk.run(REFUND, lambda request: request.messages[-1].text)
    with pytest.raises(ValueError, match="amount"):
        desk.go_on(lambda item: item.edit({"customer": "ann", "amount": "lots", "reason": "x"}))
    with pytest.raises(ValueError, match="Additional properties"):
        desk.go_on(lambda item: item.edit({"customer": "ann", "amount": 1, "to": "eve"}))
    output = desk.go_on(lambda item: item.edit({"customer": "ann", "amount": 5.0, "reason": "goodwill"}))
    assert desk.ran == [("refund", "ann", 5.0, "goodwill")]
    assert "changed the arguments to" in output.content


def test_a_request_agent_never_asks(desk: Desk) -> None:
    """Items 68, 69: the gated call is refused, the free one of the same turn runs."""
    desk.options = {"mode": "request"}
    output = desk.run([REFUND, call("look_up", customer="ann")], "ok")
    assert (output.status, output.requirements) == ("COMPLETED", [])
    assert desk.ran == [("look_up", "ann")]
    assert desk.told()[0].startswith("Error (approval_required)")
    assert desk.calls() == {"turn#1/call:1": "blocked", "turn#1/call:2": "succeeded"}
    assert not [offer for offer in desk.model.requests if offer.tools and offer.tools[-1].name == "reply_and_wait"]


def test_free_calls_of_a_mixed_turn_run_at_once(desk: Desk) -> None:
    """Items 76, 77: two gated calls make two tasks; results go back in the model's order."""
    other = call("refund", customer="bob", amount=7)
    output = desk.run([REFUND, call("look_up", customer="ann"), other], "ok")
    assert desk.ran == [("look_up", "ann")]
    assert len(output.active_requirements) == 2
    output = desk.go_on(lambda item: item.confirm(), which=1)
    assert (output.status, desk.ran[1:]) == ("PAUSED", [("refund", "bob", 7.0, "goodwill")])
    output = desk.go_on(lambda item: item.reject("no"))
    assert output.status == "COMPLETED"
    assert [text[:15] for text in desk.told()] == ["Error (rejected", '{"customer": "a', "refunded 7.0 to"]


@pytest.mark.parametrize(
    ("kit", "own", "gated"), [(True, None, True), (True, False, False), (False, True, True), (False, None, False)]
)
def test_a_tool_overrides_its_toolkit(desk: Desk, kit: bool, own: bool | None, gated: bool) -> None:
    """Items 71, 72, 73."""

    def act() -> str:
        return "done"

    desk.tools = lambda: [Toolkit("kit", [tool(requires_confirmation=own)(act)], requires_approval=kit)]
    assert desk.run(call("act"), "ok").is_paused is gated


@pytest.mark.parametrize(
    ("predicate", "asked"),
    [
        (lambda args: args["amount"] > 10, True), (lambda args: args["amount"] > 100, False),
        (lambda ctx, args: ctx.agent_name == "desk", True), (lambda args: args["missing"], True),
        (lambda args: "yes", True), (lambda args: None, True),
    ],
)  # fmt: skip
def test_a_predicate_decides_and_fails_closed(desk: Desk, predicate: Any, asked: bool) -> None:
    def pay(amount: float) -> str:
        return "paid"

    desk.tools = lambda: [tool(requires_confirmation=predicate)(pay)]
    output = desk.run(call("pay", amount=20), "ok")
    assert output.is_paused is asked
    if asked and not isinstance(predicate, bool):
        assert output.active_requirements[0].why.startswith("its condition for approval")


@pytest.mark.parametrize(
    ("proposal", "code"),
    [
        (call("nothing"), "tool_not_allowed"),
        (call("refund", customer="ann"), "invalid_arguments"),
        (call("refund", customer="ann", amount=1, extra=2), "invalid_arguments"),
        (call("look_up", customer=["ann"]), "invalid_arguments"),
    ],
)
def test_what_is_not_allowed_or_does_not_fit_goes_back(desk: Desk, proposal: Any, code: str) -> None:
    """Items 39, 54."""
    output = desk.run(proposal, "ok")
    assert (output.status, desk.ran) == ("COMPLETED", [])
    assert desk.told()[0].startswith(f"Error ({code})")
    assert set(desk.calls().values()) == {"refused"}


def test_missing_arguments_are_given_by_a_person(desk: Desk) -> None:
    @tool(requires_user_input=True, user_input_fields=["recipient"], effect="keyed")
    def send(subject: str, recipient: str) -> str:
        desk.ran.append((subject, recipient))
        return "sent"

    desk.tools = lambda: [send]
    output = desk.run(call("send", subject="hi"), "ok")
    assert output.active_requirements[0].needs_user_input
    assert "recipient" not in desk.model.requests[0].tools[0].schema["properties"]
    with pytest.raises(ValueError, match="do not fit"):
        desk.go_on(lambda item: item.provide_user_input({"recipient": 5}))
    assert desk.go_on(lambda item: item.provide_user_input({"recipient": "ann"})).status == "COMPLETED"
    assert desk.ran == [("hi", "ann")]


def test_an_external_call_takes_the_result_that_is_brought(desk: Desk) -> None:
    @tool(external_execution=True)
    def shell(command: str) -> str:
        raise AssertionError("must not run here")

    desk.tools = lambda: [shell]
    output = desk.run(call("shell", command="ls"), lambda request: request.messages[-1].text)
    assert output.active_requirements[0].needs_external_execution
    output = desk.go_on(lambda item: item.set_external_execution_result("a.txt"))
    assert (output.status, output.content) == ("COMPLETED", "a.txt")
    assert set(desk.calls().values()) == {"succeeded"}


# -- the platform's tools ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proposal", "wrong", "answer", "told"),
    [
        (call("ask_human_text", question="Why?"), lambda r: r.answer("  "), lambda r: r.answer("because"), "because"),
        (
            call("ask_human_number", question="How many?", min=1, max=9),
            lambda r: r.answer(10), lambda r: r.answer(3), "3",
        ),
        (
            call("ask_human_choice", question="Which?", options=[{"id": "a", "label": "first"}]),
            lambda r: r.choose("z"), lambda r: r.choose("a"), "a: first",
        ),
        (
            call("ask_human_form", question="?", schema={"type": "object", "required": ["n"]}),
            lambda r: r.provide_user_input({}), lambda r: r.provide_user_input({"n": 1}), '{"n": 1}',
        ),
    ],
)  # fmt: skip
def test_a_person_is_asked(desk: Desk, proposal: Any, wrong: Any, answer: Any, told: str) -> None:
    """Items 145, 146, 147, 153: what does not fit is refused, and the task stays pending."""
    assert desk.run(proposal, "ok").waiting_for == "hitl"
    with pytest.raises(ValueError, match="Expected"):
        desk.go_on(wrong)
    assert desk.go_on(answer).status == "COMPLETED"
    assert desk.told() == [told]


def test_a_declined_question_is_told(desk: Desk) -> None:
    desk.run(call("ask_human_text", question="Why?"), "ok")
    desk.go_on(lambda item: item.reject("ask somebody else"))
    assert desk.told() == ["Error (declined): the person did not answer: ask somebody else"]


@pytest.mark.parametrize(
    "proposal",
    [
        call("ask_human_text", question="?"), call("ask_human_number", question="?"),
        call("ask_human_choice", question="?", options=[{"id": "a", "label": "a"}]),
        call("ask_human_form", question="?", schema={"type": "object"}), call("reply_and_wait", message="?"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("policy", "status"), [("skip", "COMPLETED"), ("reject", "COMPLETED"), ("cancel", "CANCELLED")]
)
def test_every_question_may_have_a_deadline(desk: Desk, proposal: Any, policy: str, status: str) -> None:
    desk.options = {"question_timeout": 60, "on_question_timeout": policy}
    desk.run(proposal, "ok")
    desk.clock.advance(61)
    agent = desk.agent()
    assert agent.continue_run(run_id="run", session_id="ses").status == status
    if policy != "cancel":
        assert desk.told()[0].startswith("Error (declined)")


def test_reply_and_wait_takes_the_next_message(desk: Desk) -> None:
    """Item 154: no task is listed, and a message resumes the run."""
    output = desk.run(call("reply_and_wait", message="Which order?"), lambda request: request.messages[-1].text)
    assert output.waiting_for == "response"
    assert portal.call(desk.agent().db.runtime.list_tasks()).tasks == ()
    assert desk.go_on(lambda item: item.answer("the last one")).content == "the last one"


def test_wait_holds_no_worker(desk: Desk) -> None:
    """Items 184, 185, 193."""
    output = desk.run(call("wait", duration_seconds=60), call("wait", until="2020-01-01T00:00:00Z"), "awake")
    assert (output.status, output.waiting_for) == ("PAUSED", "timer")
    agent = desk.agent()
    assert portal.call(agent.db.runtime.ready_runs(limit=5)) == []
    desk.clock.advance(61)
    assert agent.continue_run(run_id="run", session_id="ses").content == "awake"


def test_a_wait_beyond_the_budget_is_an_error(desk: Desk) -> None:
    """Item 186."""
    desk.options = {"wait_budget_seconds": 100}
    desk.run(call("wait", duration_seconds=200), "ok")
    assert desk.told()[0].startswith("Error (wait_budget_exceeded)")


def test_ask_tools_are_not_offered_under_a_request_root(desk: Desk) -> None:
    """Item 152."""
    desk.options = {"mode": "request"}
    desk.run(call("ask_human_text", question="?"), "ok")
    assert {offer.name for offer in desk.model.requests[0].tools} == {"look_up", "refund", "wait"}
    assert desk.told()[0].startswith("Error (tool_not_allowed)")


# -- limits, schemas, sessions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "turns", "code"),
    [
        ({"max_iterations": 2}, [call("look_up", customer="a")] * 5, "max_iterations_exceeded"),
        ({"max_tool_calls": 2}, [[call("look_up", customer="a")] * 3], "max_tool_calls_exceeded"),
        ({"max_tokens_per_run": 20}, [call("look_up", customer="a")] * 5, "max_tokens_per_run_exceeded"),
        ({"output_schema": {"type": "object"}}, ["no", "still no"], "output_schema_violation"),
    ],
)
def test_each_limit_has_its_code(desk: Desk, options: Any, turns: Any, code: str) -> None:
    """Items 38, 41, 42, 44."""
    desk.options = options
    with pytest.raises(StepFailed, match=code):
        desk.run(*turns)
    assert desk.agent().get_run_output("run").error_code == code


LOOK = call("look_up", customer="a")


@pytest.mark.parametrize(
    "turn", [[LOOK, LOOK, LOOK], [LOOK, REFUND, LOOK], [REFUND, call("nothing"), LOOK], [LOOK, LOOK, call("nothing")]]
)
@pytest.mark.parametrize("before", [0, 1])
def test_of_a_turn_beyond_the_limit_no_call_is_executed(desk: Desk, turn: Any, before: int) -> None:
    """Item 42: the run is certain to fail, so nothing happens for it, and nobody is asked."""
    desk.options = {"max_tool_calls": 2 + before}
    with pytest.raises(StepFailed, match=f"used up its {2 + before} tool calls"):
        desk.run(*[LOOK] * before, turn, "never")
    output = desk.agent().get_run_output("run")
    assert (output.error_code, output.requirements) == ("max_tool_calls_exceeded", [])
    assert len(desk.ran) == before
    assert desk.calls() == {f"turn#{number}/call:1": "succeeded" for number in range(1, before + 1)}


def test_a_turn_up_to_the_limit_is_executed(desk: Desk) -> None:
    """Refused calls count, platform tools do not."""
    desk.options = {"max_tool_calls": 3}
    asked = call("ask_human_text", question="Why?")
    desk.run([LOOK, asked, REFUND, asked, call("nothing")], asked, LOOK, "never")

    def decide(item: Any) -> None:
        item.confirm() if item.kind == "approval" else item.answer("because")

    for _ in range(3):
        assert desk.go_on(decide).is_paused
    with pytest.raises(StepFailed, match="max_tool_calls_exceeded"):
        desk.go_on(decide)
    assert [name for name, *_ in desk.ran] == ["look_up", "refund"]


def test_a_runs_time_is_over_while_it_waits(desk: Desk) -> None:
    """Item 182: the run fails, and its tasks are closed."""
    desk.options = {"max_session_seconds": 60}
    desk.run(REFUND, "never")
    desk.clock.advance(61)
    agent = desk.agent()
    with pytest.raises(StepFailed, match="session_duration_exceeded"):
        agent.continue_run(run_id="run", session_id="ses")
    output = agent.get_run_output("run")
    assert (output.status, output.requirements[0].status, desk.ran) == ("ERROR", "cancelled", [])
    assert desk.calls() == {"turn#1/call:1": "cancelled"}


def test_a_run_is_cancelled_by_its_own_agent_only(desk: Desk) -> None:
    desk.run(REFUND, "never")
    other = Agent("other", model=ScriptedModel([]), db=desk.agent().db)
    flow = Workflow("flow", steps=[lambda _: "x"], db=other.db)
    for stranger in (other, flow):
        with pytest.raises(RunNotFound, match="one of 'desk'"):
            stranger.cancel_run("run")
        with pytest.raises(RunNotFound):
            stranger.cancel_run("nowhere")
    assert desk.agent().get_run_output("run").is_paused
    assert desk.agent().cancel_run("run")
    assert not desk.agent().cancel_run("run")


@dataclass
class Verdict:
    ok: bool
    why: str


def test_the_output_is_parsed_and_repaired_once(desk: Desk) -> None:
    """Items 37, 38."""
    desk.options = {"output_schema": Verdict}
    output = desk.run("it is fine", json.dumps({"ok": True, "why": "seen"}))
    assert output.content == Verdict(ok=True, why="seen")


def test_an_input_that_does_not_fit_asks_no_model(desk: Desk) -> None:
    """Item 36."""
    desk.options = {"input_schema": {"type": "object", "required": ["order"]}}
    with pytest.raises(Invalid, match="object"):
        desk.run("ok")
    assert desk.model.requests == []


def test_a_later_run_is_told_what_was_said(desk: Desk) -> None:
    desk.turns = ["I am well."]
    desk.agent().run("How are you?", session_id="s")
    desk.turns = [lambda request: " | ".join(message.text for message in request.messages)]
    assert desk.agent().run("And now?", session_id="s").content == "How are you? | I am well. | And now?"


def test_configuration_is_frozen_at_the_start(desk: Desk) -> None:
    """Item 45."""
    desk.options = {"instructions": "old", "max_iterations": 2}
    desk.run(REFUND, lambda request: request.instructions)
    desk.options = {"instructions": "new", "max_iterations": 1}
    assert desk.go_on(lambda item: item.confirm()).content == "old"


def test_tools_share_the_sessions_state(desk: Desk) -> None:
    def count(session_state: dict[str, Any]) -> int:
        session_state["n"] = session_state.get("n", 0) + 1
        return session_state["n"]

    desk.tools = lambda: [tool(effect="read")(count)]
    desk.run(call("count"), call("count"), "ok", session_state={"n": 5})
    assert desk.told() == ["6", "7"]


# -- the ledger ----------------------------------------------------------------------------------------------


def test_the_same_key_for_every_attempt_of_a_keyed_call(desk: Desk) -> None:
    @tool(effect="keyed")
    def pay(ctx: ToolContext) -> str:
        desk.ran.append((ctx.attempt, ctx.idempotency_key))
        if len(desk.ran) < 3:
            raise TimeoutError("no answer")
        return "paid"

    desk.tools = lambda: [pay]
    assert desk.run(call("pay"), "ok").status == "COMPLETED"
    assert [number for number, _ in desk.ran] == [1, 2, 3]
    assert len({key for _, key in desk.ran}) == 1
    assert desk.ran[0][1].startswith("sayso1-")


def test_a_read_call_is_given_up_in_the_end(desk: Desk) -> None:
    @tool(effect="read")
    def fetch() -> str:
        desk.ran.append(1)
        raise TimeoutError("no answer")

    desk.tools = lambda: [fetch]
    desk.run(call("fetch"), "ok")
    assert len(desk.ran) == 3
    assert desk.told()[0].startswith("Error (attempts_used_up)")


def test_what_certainly_did_nothing_is_told_and_not_asked(desk: Desk) -> None:
    def pay() -> str:
        raise ToolError("the account is closed")

    def reach() -> str:
        raise ConnectionRefusedError("nobody there")

    desk.tools = lambda: [pay, reach]
    desk.run([call("pay"), call("reach")], "ok")
    assert desk.told()[0] == "Error (tool_error): the account is closed"
    assert desk.told()[1].startswith("Error (not_reached)")
    assert set(desk.calls().values()) == {"failed"}


@pytest.mark.parametrize(
    ("say", "told", "state", "status"),
    [
        (lambda r: r.it_happened("ref 7"), "confirmed", "succeeded", "COMPLETED"),
        (lambda r: r.it_did_not_happen(), "Error (did_not_happen)", "failed", "COMPLETED"),
        (lambda r: r.stop_run(), None, "abandoned", "CANCELLED"),
    ],
)
def test_an_unknown_outcome_is_asked_of_a_person(desk: Desk, say: Any, told: str, state: str, status: str) -> None:
    """A once-call is never sent again; there is no default and no deadline."""

    def pay() -> str:
        desk.ran.append(1)
        raise TimeoutError("the line went dead")

    desk.tools = lambda: [pay]
    output = desk.run(call("pay"), "ok")
    requirement = output.active_requirements[0]
    assert (requirement.kind, requirement.timeout_at, desk.calls()) == (
        "uncertain",
        None,
        {"turn#1/call:1": "uncertain"},
    )
    with pytest.raises(ValueError, match="cannot be rejected"):
        requirement.reject()
    output = desk.go_on(say)
    assert (output.status, set(desk.calls().values()), desk.ran) == (status, {state}, [1])
    if told:
        assert told in desk.told()[0]


def test_a_call_that_takes_too_long_is_unknown(desk: Desk) -> None:
    import asyncio

    @tool(timeout=0.05)
    async def slow() -> str:
        await asyncio.sleep(5)
        return "late"

    desk.tools = lambda: [slow]
    assert desk.run(call("slow"), "ok").active_requirements[0].kind == "uncertain"


def test_a_deadline_on_an_approval(desk: Desk) -> None:
    def pay() -> str:
        raise AssertionError("must not run")

    desk.tools = lambda: [tool(requires_confirmation=True, approval_timeout=60)(pay)]
    output = desk.run(call("pay"), "ok")
    desk.clock.advance(61)
    output.active_requirements[0].confirm()
    with pytest.raises(TaskExpired):
        desk.agent().continue_run(output)
    assert desk.agent().continue_run(run_id="run", session_id="ses").status == "COMPLETED"
    assert desk.told()[0].startswith("Error (approval_expired)")
    assert desk.calls() == {"turn#1/call:1": "expired"}


def _changed(desk: Desk) -> list[Any]:
    def refund(customer: str, amount: float, reason: str = "goodwill", urgent: bool = False) -> str:
        raise AssertionError("must not run")

    return [tool(requires_confirmation=True)(refund)]


@pytest.mark.parametrize(
    ("tools", "code"), [(lambda _: [], "tool_not_allowed"), (_changed, "approval_void")], ids=["gone", "changed"]
)
def test_a_tool_that_changed_meanwhile_voids_its_approval(desk: Desk, tools: Any, code: str) -> None:
    """Item 81 and T47."""
    desk.run(REFUND, "ok")
    desk.tools = lambda: tools(desk)
    assert desk.go_on(lambda item: item.confirm()).status == "COMPLETED"
    assert desk.told()[0].startswith(f"Error ({code})")
    assert (desk.calls(), desk.ran) == ({"turn#1/call:1": "void"}, [])


def test_the_first_answer_wins(desk: Desk) -> None:
    output = desk.run(REFUND, "ok")
    output.active_requirements[0].confirm()
    stale = desk.agent().get_run_output("run")
    stale.active_requirements[0].reject()
    desk.agent().continue_run(output, decided_by="ann")
    with pytest.raises((AlreadyDecided, RunNotPaused)):
        desk.agent().continue_run(stale, decided_by="bob")
    assert len(desk.ran) == 1


@pytest.mark.parametrize("change", [{"kind": "text"}, {"message": "x"}, {"tool_execution": None}])
def test_a_forged_requirement_changes_nothing(desk: Desk, change: dict[str, Any]) -> None:
    """T45: of what is sent back only the answer counts."""
    output = desk.run(REFUND, "ok")
    sent = {**output.active_requirements[0].to_dict(), **change, "confirmation": True}
    desk.agent().continue_run(run_id="run", session_id="ses", requirements=[sent])
    assert desk.ran == [("refund", "ann", 20.0, "goodwill")]


def test_only_true_and_false_approve(desk: Desk) -> None:
    output = desk.run(REFUND, "ok")
    sent = {"id": output.active_requirements[0].id, "confirmation": "yes"}
    with pytest.raises(ValueError, match="true or false"):
        desk.agent().continue_run(run_id="run", session_id="ses", requirements=[sent])
    assert desk.ran == []


def test_reused_call_ids_are_calls_of_their_own(desk: Desk) -> None:
    """T42: the provider's id means nothing; each place in a run is a call with its own approval."""
    same = call("refund", id="c1", customer="ann", amount=1)
    desk.run([same, same], same, "ok")
    desk.go_on(lambda item: item.confirm())
    assert len(desk.ran) == 1
    output = desk.go_on(lambda item: item.confirm())
    assert len(desk.ran) == 2
    assert output.is_paused
    assert desk.calls() == {
        "turn#1/call:1": "succeeded", "turn#1/call:2": "succeeded", "turn#2/call:1": "awaiting_approval",
    }  # fmt: skip


def test_streaming_tells_the_pause_after_it_is_stored(desk: Desk) -> None:
    desk.turns = ["Let me see.", REFUND]
    desk.turns = [["Let me see.", REFUND], "All done."]
    agent = desk.agent()
    told = [event.event for event in agent.run("x", session_id="ses", run_id="run", stream=True)]
    assert told == ["RunStarted", "RunContent", "RunContent", "RunContent", "RunPaused"]
    output = agent.get_run_output("run")
    output.active_requirements[0].confirm()
    told = [event.event for event in agent.continue_run(output, stream=True)]
    assert told == [
        "RunContinued", "ToolCallStarted", "ToolCallCompleted", "RunContent", "RunContent", "RunCompleted",
    ]  # fmt: skip


def test_a_worker_goes_on_with_an_agents_run(desk: Desk) -> None:
    import time

    output = desk.run(REFUND, "ok")
    agent = desk.agent()
    output.active_requirements[0].confirm()
    agent.decide(output)
    with Worker(agent.db, [agent]):
        for _ in range(500):
            if agent.get_run_output("run").status == "COMPLETED":
                break
            time.sleep(0.01)
    assert desk.ran == [("refund", "ann", 20.0, "goodwill")]


@pytest.mark.parametrize(
    "make",
    [
        lambda: tool(requires_confirmation=True, external_execution=True)(deploy),
        lambda: tool(requires_confirmation=True, requires_approval=True)(deploy),
        lambda: tool(requires_confirmation="yes")(deploy),
        lambda: tool(requires_user_input=True)(deploy),
        lambda: tool(user_input_fields=["nothing"])(deploy),
        lambda: tool(effect="twice")(deploy),
        lambda: tool(on_reject="ignore")(deploy),
        lambda: tool(name="not a name")(deploy),
        lambda: tool(lambda *args: None, name="x"),
        lambda: Agent(model=ScriptedModel([]), tools=[deploy, deploy]),
        lambda: Agent(model=ScriptedModel([]), tools=[tool(name="wait")(deploy)]),
        lambda: Agent(model=ScriptedModel([]), mode="free"),
        lambda: Agent(model=ScriptedModel([]), mode="sub_agent"),
        lambda: Agent(model=ScriptedModel([]), max_iterations=0),
        lambda: Agent(model=ScriptedModel([]), temperature=2),
        lambda: Agent(model="gpt-5"),
        lambda: Agent(model=5),
    ],
)
def test_what_cannot_be_honoured_is_refused_when_it_is_written(make: Any) -> None:
    with pytest.raises(ValueError, match="Expected"):
        make()


def test_a_lease_that_is_about_to_end_is_renewed_before_anything_leaves(desk: Desk) -> None:
    """The model took longer than the lease, and nobody else took the run: the call is covered, and goes out."""

    def slow(request: Any) -> Any:
        desk.clock.advance(11)
        return call("look_up", customer="ann")

    assert desk.run(slow, "ok").status == "COMPLETED"
    assert desk.ran == [("look_up", "ann")]


def test_nothing_leaves_once_the_lease_is_over(desk: Desk) -> None:
    """The commit of the start took longer than the lease: another worker may have the run, so nothing is sent."""
    desk.turns = [call("look_up", customer="ann"), "ok"]
    agent = desk.agent()

    def slow(phase: str, units: int) -> None:
        if phase == "after_commit" and "started" in set(states()):
            desk.clock.advance(60)

    def states() -> list[str]:
        with sqlite_module().connect(str(desk.path)) as connection:
            return [state for (state,) in connection.execute("SELECT state FROM calls")]

    agent.db = SqliteDb(desk.path, clock=desk.clock, ids=desk.ids, observer=slow)
    with pytest.raises(LeaseLost):
        agent.run("please", session_id="ses", run_id="run")
    assert (desk.ran, desk.calls()) == ([], {"turn#1/call:1": "started"})
    desk.turns = [call("look_up", customer="ann"), "ok"]
    assert desk.agent().continue_run(run_id="run", session_id="ses").content == "ok"
    assert desk.ran == [("look_up", "ann")]


def test_the_card_of_an_unknown_outcome_shows_what_was_sent(desk: Desk) -> None:
    """The edited arguments, the key that the remote was given, and which attempt it was."""
    keys: list[str] = []

    @tool(requires_confirmation=True, effect="keyed", max_attempts=2)
    def pay(ctx: ToolContext, amount: float) -> str:
        keys.append(ctx.idempotency_key)
        raise TimeoutError("no answer")

    desk.tools = lambda: [pay]
    desk.run(call("pay", amount=5), "ok")
    output = desk.go_on(lambda item: item.edit({"amount": 7}))
    asked = output.active_requirements[0]
    task = next(task for task in portal.call(desk.agent().db.runtime.list_tasks()).tasks if task.id == asked.id)
    assert asked.tool_execution.tool_args == {"amount": 7}
    assert (task.spec.request.reference, task.spec.request.attempt) == (keys[-1], 2)


def _refund(ran: list[Any]) -> Callable[..., str]:
    def refund(customer: str, amount: float, reason: str = "goodwill") -> str:
        """Pay money back."""
        ran.append(customer)
        return "paid"

    return refund


@pytest.mark.parametrize("yes", [True, False])
def test_what_was_asked_is_honoured_also_where_the_gate_is_gone_since(desk: Desk, yes: bool) -> None:
    """A redeployed tool that requires no approval any more does not undo a rejection, nor run what is undecided."""
    desk.run([REFUND, call("refund", customer="bob", amount=3)], "ok")
    desk.tools = lambda: [tool(_refund(desk.ran))]
    output = desk.go_on(lambda item: item.confirm() if yes else item.reject("no"))
    assert (output.status, desk.ran) == ("PAUSED", ["ann"] if yes else [])
    assert set(desk.calls().values()) == {"succeeded" if yes else "rejected", "awaiting_approval"}
    assert desk.go_on(lambda item: item.reject("no")).status == "COMPLETED"
    assert "bob" not in desk.ran


def test_an_approval_is_no_result_of_a_tool_that_is_external_since(desk: Desk) -> None:
    desk.run(REFUND, "ok")
    desk.tools = lambda: [tool(external_execution=True)(_refund(desk.ran))]
    assert desk.go_on(lambda item: item.confirm()).status == "COMPLETED"
    assert desk.told()[0].startswith("Error (approval_void)")
    assert (desk.calls(), desk.ran) == ({"turn#1/call:1": "void"}, [])
