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


def test_agents_in_a_parallel_in_a_loop_ask_in_every_pass(case: Case) -> None:
    def loop() -> Loop:
        both = Parallel(Step("a", agent=case.agent(name="ann")), Step("b", agent=case.agent(name="bob")), name="p")
        return Loop([both], name="l", max_iterations=2)

    output = case.start(loop, lambda: Step("after", lambda s: s.previous_step_content))
    for number in range(4):
        assert len(case.ran) == number
        waiting = [item.step_id for item in output.steps_requiring_executor_resolution]
        assert len(waiting) == 2 - number % 2
        output = case.confirm_tool()
    assert output.status == "COMPLETED"
    assert sorted(case.ran) == [("ann", 5.0)] * 2 + [("bob", 5.0)] * 2
    assert case.ran[0][0] != case.ran[1][0], "the second pass began after both of the first"


def test_both_agents_of_a_pass_are_decided_at_once(case: Case) -> None:
    def loop() -> Loop:
        both = Parallel(Step("a", agent=case.agent(name="ann")), Step("b", agent=case.agent(name="bob")), name="p")
        return Loop([both], name="l", max_iterations=2)

    case.start(loop)
    for number in (1, 2):
        workflow = case.workflow()
        output = workflow.get_run_output("run")
        for step in output.active_step_requirements:
            step.executor_requirements[0].confirm()
        output = workflow.continue_run(output)
        assert len(case.ran) == 2 * number
    assert output.status == "COMPLETED"


def test_a_loop_in_a_nested_workflow_asks_in_every_pass(case: Case) -> None:
    def nested() -> Step:
        inner = Loop(
            [Step("gated", agent=case.agent()), Step("note", lambda s: s.previous_step_content)],
            name="l",
            max_iterations=3,
        )
        return Step("outer", workflow=Workflow("inner", steps=[inner]))

    output = case.start(nested, lambda: Step("after", lambda s: f"after {s.previous_step_content}"))
    seen = []
    for _ in range(3):
        seen.append(output.steps_requiring_executor_resolution[0].step_id)
        output = case.confirm_tool()
    assert len(set(seen)) == 3
    assert (output.status, output.content, len(case.ran)) == ("COMPLETED", "after payer: paid 5.0", 3)


@pytest.mark.parametrize(("route", "who"), [("first", "ann"), ("second", "bob")])
@pytest.mark.parametrize("yes", [True, False])
def test_an_agent_on_a_route_that_a_person_has_chosen(case: Case, route: str, who: str, yes: bool) -> None:
    """The route is asked first; then the tool of the agent on it, and nobody else's."""

    def router() -> Router:
        choices = [Step("first", agent=case.agent(name="ann")), Step("second", agent=case.agent(name="bob"))]
        return Router(choices, name="r", human_review=HumanReview(requires_user_input=True))

    output = case.start(router)
    assert (output.pause_kind, case.ran) == ("step", [])
    output = case.go_on(lambda item: item.select(route))
    (step,) = output.steps_requiring_executor_resolution
    assert step.executor_name == who
    output = case.go_on(
        lambda item: item.executor_requirements[0].confirm() if yes else item.executor_requirements[0].reject("no")
    )
    assert output.status == "COMPLETED"
    assert output.content.startswith(f"{who}: {'paid 5.0' if yes else 'Error (rejected_by_human)'}")
    assert case.ran == ([(who, 5.0)] if yes else [])


def team(case: Case, *members: str, name: str = "desk") -> Team:
    """A leader that hands one task to every member at once, and tells what they said."""
    asked = [call(f"ask_{member}", task=f"pay for {member}") for member in members]

    def tell(request: Any) -> str:
        return f"{name}: " + " | ".join(item.text for item in request.messages if item.role == "tool")

    paying = [case.agent(name=member, description="Pays.") for member in members]
    return Team(name, members=paying, model=ScriptedModel([asked, tell]))


def test_of_two_members_one_is_confirmed_and_the_other_rejected(case: Case) -> None:
    output = case.start(lambda: Step("work", team=team(case, "ann", "bob")))
    (step,) = output.steps_requiring_executor_resolution
    by_name = {item.step_name: item.id for item in step.executor_requirements}
    assert sorted(by_name) == ["ann", "bob"]

    def find(item: Any, name: str) -> Any:
        return next(one for one in item.executor_requirements if one.id == by_name[name])

    output = case.go_on(lambda item: find(item, "bob").reject("not bob"))
    assert (output.status, case.ran) == ("PAUSED", [])
    output = case.go_on(lambda item: find(item, "ann").confirm())
    assert (output.status, case.ran) == ("COMPLETED", [("ann", 5.0)])
    refused = "bob: Error (rejected_by_human): a person rejected this call: not bob"
    assert output.content == f"desk: ann: paid 5.0 | {refused}"


def test_teams_in_a_parallel_are_decided_member_by_member(case: Case) -> None:
    def block() -> Parallel:
        east, west = team(case, "ann", "bob", name="east"), team(case, "cay", "dan", name="west")
        return Parallel(Step("e", team=east), Step("w", team=west), Step("free", lambda _: "free"), name="p")

    output = case.start(block, lambda: Step("after", lambda s: s.previous_step_content))
    asked = {item.step_name: len(item.executor_requirements) for item in output.steps_requiring_executor_resolution}
    assert asked == {"e": 2, "w": 2}
    for number in range(1, 5):
        output = case.confirm_tool()
        assert len(case.ran) == number
    assert output.status == "COMPLETED"
    assert sorted(name for name, _ in case.ran) == ["ann", "bob", "cay", "dan"]
    assert output.content == {
        "e": "east: ann: paid 5.0 | bob: paid 5.0", "w": "west: cay: paid 5.0 | dan: paid 5.0", "free": "free",
    }  # fmt: skip


def test_a_member_that_is_rejected_in_a_parallel_leaves_the_other_team_alone(case: Case) -> None:
    def block() -> Parallel:
        return Parallel(Step("e", team=team(case, "ann", name="east")), Step("w", team=team(case, "bob", name="west")))

    output = case.start(block)
    workflow = case.workflow()
    output = workflow.get_run_output("run")
    for step in output.active_step_requirements:
        (item,) = step.executor_requirements
        item.confirm() if step.step_name == "w" else item.reject("no")
    output = workflow.continue_run(output)
    assert (output.status, case.ran) == ("COMPLETED", [("bob", 5.0)])
