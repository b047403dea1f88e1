"""Agents in steps: their pauses at every depth, beside the gates of the steps, across fresh objects."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sayso import (
    Agent,
    Condition,
    HumanReview,
    Loop,
    Parallel,
    Router,
    SqliteDb,
    Step,
    StepFailed,
    Steps,
    Team,
    Workflow,
    tool,
)
from sayso.testing import CountingIds, FakeClock, ScriptedModel, call
from sayso.workflow import StepExecutorPausedEvent, StepOutputReviewEvent, StepPausedEvent

PAY = call("pay", amount=5)


class Case:
    """A workflow that is built anew, over a file that is opened anew, for every command."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "s.db"
        self.clock, self.ids = FakeClock(), CountingIds()
        self.ran: list[Any] = []
        self.steps: Callable[[], list[Any]] = list

    def agent(self, *turns: Any, name: str = "payer", **options: Any) -> Agent:
        @tool(requires_confirmation=True)
        def pay(amount: float) -> str:
            self.ran.append((name, amount))
            return f"paid {amount}"

        model = ScriptedModel(list(turns) or [PAY, lambda request: f"{name}: {request.messages[-1].text}"])
        return Agent(name, model=model, tools=[pay], **options)

    def workflow(self) -> Workflow:
        db = SqliteDb(self.path, clock=self.clock, ids=self.ids, synchronous="NORMAL")
        return Workflow("flow", db=db, steps=self.steps())

    def start(self, *steps: Callable[[], Any]) -> Any:
        self.steps = lambda: [step() for step in steps]
        return self.workflow().run("x", session_id="ses", run_id="run")

    def go_on(self, decide: Callable[[Any], Any]) -> Any:
        workflow = self.workflow()
        output = workflow.get_run_output("run")
        decide(output.active_step_requirements[-1])
        return workflow.continue_run(output)

    def confirm_tool(self) -> Any:
        return self.go_on(lambda item: next(one for one in item.executor_requirements if one.is_open).confirm())


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def wrapped(where: str, make: Callable[[], Any]) -> Callable[[], Any]:
    containers: dict[str, Callable[[], Any]] = {
        "top": make,
        "steps": lambda: Steps("s", steps=[make()]),
        "condition": lambda: Condition(lambda _: True, name="c", steps=[make()]),
        "loop": lambda: Loop([make()], name="l", max_iterations=1),
        "router": lambda: Router([Step("other", str), make()], lambda _: "gated", name="r"),
        "parallel": lambda: Parallel(make(), Step("b", lambda _: "b"), name="p"),
        "nested": lambda: Step(workflow=Workflow("inner", steps=[make()])),
    }
    return containers[where]


@pytest.mark.parametrize("where", ["top", "steps", "condition", "loop", "router", "parallel", "nested"])
@pytest.mark.parametrize("yes", [True, False])
def test_a_tools_gate_is_honoured_at_every_depth(case: Case, where: str, yes: bool) -> None:
    """W5, W6, dual_level and executor_hitl flows."""
    output = case.start(
        wrapped(where, lambda: Step("gated", agent=case.agent())), lambda: Step("after", lambda s: "after")
    )
    assert (output.status, output.pause_kind, case.ran) == ("PAUSED", "executor", [])
    step = output.steps_requiring_executor_resolution[0]
    assert step.executor_name == "payer"
    assert step.executor_requirements[0].tool_execution.tool_args == {"amount": 5.0}
    output = case.go_on(
        lambda item: item.executor_requirements[0].confirm() if yes else item.executor_requirements[0].reject("no")
    )
    assert (output.status, output.content) == ("COMPLETED", "after")
    assert case.ran == ([("payer", 5.0)] if yes else [])


def test_gate_then_tool_then_review(case: Case) -> None:
    """dual_level 05 and 09: step gate, tool gate, output review, in that order."""
    review = HumanReview(requires_confirmation=True, requires_output_review=True, on_reject="retry", max_retries=2)
    asked: list[str] = []

    def kind(output: Any) -> str:
        item = output.active_step_requirements[-1]
        return "review" if item.requires_output_review else "tool" if item.requires_executor_input else "confirm"

    def note(output: Any) -> None:
        asked.append(kind(output))

    turns = [PAY, lambda request: f"{len(request.messages)}: {request.messages[0].text}"]
    note(case.start(lambda: Step("gated", agent=case.agent(*turns), human_review=review)))
    note(case.go_on(lambda item: item.confirm()))
    output = case.confirm_tool()
    note(output)
    assert output.active_step_requirements[-1].step_output.content == "3: x"
    note(case.go_on(lambda item: item.reject("kinder")))
    output = case.confirm_tool()
    note(output)
    assert "Feedback from reviewer:\nkinder" in output.active_step_requirements[-1].step_output.content
    assert case.go_on(lambda item: item.confirm()).status == "COMPLETED"
    assert asked == ["confirm", "tool", "review", "tool", "review"]
    assert len(case.ran) == 2


def test_a_persons_values_reach_the_agent(case: Case) -> None:
    """dual_level 02: user input on the step, then the tool's gate."""
    review = HumanReview(requires_user_input=True, user_input_schema=[{"name": "city"}])
    turns = [lambda request: request.messages[0].text]
    case.start(lambda: Step("ask", agent=case.agent(*turns), human_review=review))
    output = case.go_on(lambda item: item.set_user_input(city="Rome"))
    assert output.content == "x\n\nUser preferences:\n- city: Rome"


def test_several_agents_side_by_side_are_decided_one_by_one(case: Case) -> None:
    def block() -> Parallel:
        return Parallel(
            Step("a", agent=case.agent(name="ann")), Step("b", agent=case.agent([PAY, PAY], "bob done", name="bob"))
        )

    output = case.start(block, lambda: Step("after", lambda s: s.previous_step_content))
    found = {item.step_name: len(item.executor_requirements) for item in output.steps_requiring_executor_resolution}
    assert found == {"a": 1, "b": 2}
    for count in range(3):
        output = case.confirm_tool()
        assert len(case.ran) == count + 1
    assert output.content == {"a": "ann: paid 5.0", "b": "bob done"}


def test_a_loop_asks_in_every_pass(case: Case) -> None:
    """executor_hitl 05 and W11c: three passes, three confirmations."""
    case.start(lambda: Loop([Step("gated", agent=case.agent())], name="l", max_iterations=3))
    for _ in range(3):
        output = case.confirm_tool()
    assert (output.status, len(case.ran)) == ("COMPLETED", 3)


def test_a_teams_members_pause_like_its_leader(case: Case) -> None:
    """executor_hitl 03: member, team, step, workflow."""

    def team() -> Team:
        leader = ScriptedModel(
            [call("ask_payer", task="pay ann"), lambda request: f"team: {request.messages[-1].text}"]
        )
        return Team("desk", members=[case.agent(description="Pays.")], model=leader)

    output = case.start(lambda: Step("work", team=team()))
    assert output.steps_requiring_executor_resolution[0].step_id == "work"
    output = case.confirm_tool()
    assert (output.status, output.content) == ("COMPLETED", "team: payer: paid 5.0")
    assert case.ran == [("payer", 5.0)]


def test_an_agent_that_fails_follows_the_steps_policy(case: Case) -> None:
    review = HumanReview(on_error="pause")
    case.start(lambda: Step("gated", agent=case.agent(*[PAY] * 3, max_iterations=1), human_review=review))
    output = case.confirm_tool()
    assert output.active_error_requirements[0].error_type == "max_iterations_exceeded"
    workflow = case.workflow()
    output = workflow.get_run_output("run")
    output.active_error_requirements[0].retry()
    output = workflow.continue_run(output)
    assert output.steps_requiring_executor_resolution[0].step_id == "gated@2"
    plain = case.agent(*[PAY] * 3, max_iterations=1)
    run = plain.run("x")
    run.active_requirements[0].reject()
    with pytest.raises(StepFailed, match="max_iterations_exceeded"):
        plain.continue_run(run)


def test_the_order_of_events(case: Case) -> None:
    review = HumanReview(requires_confirmation=True, requires_output_review=True)
    case.steps = lambda: [Step("gated", agent=case.agent(), human_review=review)]
    told: list[type] = []

    def listen(events: Any) -> None:
        told.extend(type(event) for event in events)

    listen(case.workflow().run("x", session_id="ses", run_id="run", stream=True))
    for decide in (
        lambda item: item.confirm(),
        lambda item: item.executor_requirements[0].confirm(),
        lambda item: item.confirm(),
    ):
        workflow = case.workflow()
        output = workflow.get_run_output("run")
        decide(output.active_step_requirements[-1])
        listen(workflow.continue_run(output, stream=True))
    pauses = [kind for kind in told if kind in {StepPausedEvent, StepExecutorPausedEvent, StepOutputReviewEvent}]
    assert pauses == [StepPausedEvent, StepExecutorPausedEvent, StepOutputReviewEvent]


def test_an_agent_in_a_step_is_heard_in_the_workflows_stream(case: Case) -> None:
    """The agent's own events lie inside the step's, and its pause comes before the step's."""
    case.steps = lambda: [Step("gated", agent=case.agent())]
    told = [event.event for event in case.workflow().run("x", run_id="run", stream=True, stream_events=True)]
    assert [name for name in told if name != "RunContent"] == [
        "WorkflowStarted", "StepStarted", "RunStarted", "RunPaused", "StepExecutorPaused",
    ]  # fmt: skip
    workflow = case.workflow()
    output = workflow.get_run_output("run")
    output.active_step_requirements[-1].executor_requirements[0].confirm()
    heard = list(workflow.continue_run(output, stream=True, stream_events=True))
    assert [event.event for event in heard if event.event != "RunContent"] == [
        "StepExecutorContinued", "RunContinued", "ToolCallStarted", "ToolCallCompleted", "RunCompleted", "StepOutput",
        "StepCompleted", "WorkflowCompleted",
    ]  # fmt: skip
    assert {event.run_id for event in heard} == {"run"}
    assert heard[1].agent_name == "payer"


def test_agents_in_steps_can_be_left_out_of_the_stream(case: Case) -> None:
    case.steps = lambda: [Step("gated", agent=case.agent())]
    workflow = case.workflow()
    workflow.stream_executor_events = False
    told = [event.event for event in workflow.run("x", run_id="run", stream=True, stream_events=True)]
    assert told == ["WorkflowStarted", "StepStarted", "StepExecutorPaused"]


def test_executor_answers_travel_as_dicts(case: Case) -> None:
    output = case.start(lambda: Step("gated", agent=case.agent()))
    sent = output.steps_requiring_executor_resolution[0].to_dict()
    sent["executor_requirements"][0] = {"id": sent["executor_requirements"][0]["id"], "confirmation": True}
    output = case.workflow().continue_run(run_id="run", session_id="ses", step_requirements=[sent])
    assert (output.status, case.ran) == ("COMPLETED", [("payer", 5.0)])
