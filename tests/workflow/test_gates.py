"""Gates at every depth: what each answer does, across a fresh database object and a freshly built workflow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sayso import (
    Condition,
    HumanReview,
    Loop,
    OnError,
    OnReject,
    OnTimeout,
    Parallel,
    Router,
    SqliteDb,
    Step,
    StepInput,
    Steps,
    Workflow,
    WorkflowRunOutput,
)
from sayso.testing import FakeClock


class Case:
    """A workflow that is built anew, over a file that is opened anew, for every command."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sayso.db"
        self.clock = FakeClock()
        self.ran: list[str] = []
        self.steps: Callable[[], list[Any]] = list

    def act(self, name: str, review: HumanReview | None = None) -> Step:
        def run(step_input: StepInput) -> str:
            self.ran.append(name)
            feedback = step_input.additional_data.get("rejection_feedback")
            given = step_input.additional_data.get("user_input")
            return f"{name}" + (f" after {feedback}" if feedback else "") + (f" with {given}" if given else "")

        return Step(name, run, human_review=review)

    def start(self, *steps: Callable[[], Any]) -> WorkflowRunOutput:
        self.steps = lambda: [step() for step in steps]
        with SqliteDb(self.path, clock=self.clock) as db:
            return Workflow("case", db=db, steps=self.steps()).run("x", session_id="ses", run_id="run")

    def go_on(self, decide: Callable[[Any], Any] | None = None, which: int = -1) -> WorkflowRunOutput:
        with SqliteDb(self.path, clock=self.clock) as db:
            workflow = Workflow("case", db=db, steps=self.steps())
            output = workflow.get_run_output("run")
            if decide is not None:
                open_ = [*output.active_step_requirements, *output.active_error_requirements]
                decide(open_[which])
            return workflow.continue_run(output)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def confirm(**more: Any) -> HumanReview:
    return HumanReview(requires_confirmation=True, **more)


def wrapped(where: str, make: Callable[[], Any]) -> Callable[[], Any]:
    """Return a maker of the step inside a container of this kind."""
    containers: dict[str, Callable[[], Any]] = {
        "top": make,
        "steps": lambda: Steps("s", steps=[make()]),
        "condition": lambda: Condition(lambda _: True, name="c", steps=[make()]),
        "else": lambda: Condition(lambda _: False, name="c", steps=[Step("n", str)], else_steps=[make()]),
        "loop": lambda: Loop([make()], name="l", max_iterations=1),
        "router": lambda: Router([make()], lambda _: "gated", name="r"),
        "parallel": lambda: Parallel(make(), name="p"),
        "nested": lambda: Step(workflow=Workflow("inner", steps=[make()])),
        "three deep": lambda: Steps("a", steps=[Parallel(Steps("b", steps=[make()]), name="p")]),
    }
    return containers[where]


DEPTHS = ["top", "steps", "condition", "else", "loop", "router", "parallel", "nested", "three deep"]


@pytest.mark.parametrize("where", DEPTHS)
def test_a_confirmation_is_asked_for_at_every_depth(case: Case, where: str) -> None:
    """W5a, W5b: an inner gate is never ignored, and nothing behind it runs before the answer."""
    output = case.start(wrapped(where, lambda: case.act("gated", confirm())), lambda: case.act("after"))
    assert output.is_paused
    assert case.ran == []
    assert output.steps_requiring_confirmation[-1].step_name == "gated"
    output = case.go_on(lambda requirement: requirement.confirm())
    assert output.status == "COMPLETED"
    assert case.ran == ["gated", "after"]


@pytest.mark.parametrize("where", DEPTHS)
def test_a_rejection_skips_at_every_depth(case: Case, where: str) -> None:
    case.start(wrapped(where, lambda: case.act("gated", confirm())), lambda: case.act("after"))
    output = case.go_on(lambda requirement: requirement.reject("no"))
    assert output.status == "COMPLETED"
    assert case.ran == ["after"]


@pytest.mark.parametrize("where", DEPTHS)
def test_a_rejection_cancels_at_every_depth(case: Case, where: str) -> None:
    case.start(wrapped(where, lambda: case.act("gated", confirm(on_reject="cancel"))), lambda: case.act("after"))
    output = case.go_on(lambda requirement: requirement.reject("no"))
    assert output.status == "CANCELLED"
    assert output.content == "Workflow cancelled: Step 'gated' was rejected"
    assert output.cancellation_stage == "PAUSED"
    assert case.ran == []


@pytest.mark.parametrize("where", DEPTHS)
def test_an_output_is_reviewed_at_every_depth(case: Case, where: str) -> None:
    review = HumanReview(requires_output_review=True, on_reject=OnReject.retry)
    case.start(wrapped(where, lambda: case.act("gated", review)), lambda: case.act("after"))
    output = case.go_on(lambda requirement: requirement.reject("shorter"))
    assert output.steps_requiring_output_review[0].step_output.content == "gated after shorter"
    output = case.go_on(lambda requirement: requirement.edit("by hand"))
    assert output.status == "COMPLETED"
    assert case.ran == ["gated", "gated", "after"]
    assert any(result.find("gated").content == "by hand" for result in output.step_results if result.find("gated"))


@pytest.mark.parametrize("where", DEPTHS)
def test_an_input_is_asked_for_at_every_depth(case: Case, where: str) -> None:
    form = HumanReview(requires_user_input=True, user_input_schema=[{"name": "n", "field_type": "int"}])
    output = case.start(wrapped(where, lambda: case.act("gated", form)), lambda: case.act("after"))
    requirement = output.steps_requiring_user_input[0]
    with pytest.raises(ValueError, match="expected int"):
        requirement.set_user_input(n="many")
    assert not requirement.is_resolved
    output = case.go_on(lambda requirement: requirement.set_user_input(n=3))
    assert output.status == "COMPLETED"
    assert output.step_results[0].find("gated").content == "gated with {'n': 3}"


@pytest.mark.parametrize("where", DEPTHS)
def test_an_error_pauses_at_every_depth(case: Case, where: str) -> None:
    """W11a, W11b: at every depth, counted, and with a limit."""

    def broken() -> Step:
        def run(_: StepInput) -> str:
            case.ran.append("broken")
            raise RuntimeError("down")

        return Step("gated", run, human_review=HumanReview(on_error=OnError.pause, max_retries=2))

    output = case.start(wrapped(where, broken), lambda: case.act("after"))
    assert output.pause_kind == "error"
    for count in (1, 2):
        output = case.go_on(lambda requirement: requirement.retry())
        assert output.active_error_requirements[0].retry_count == count
    with pytest.raises(ValueError, match="limit"):
        output.active_error_requirements[0].retry()
    output = case.go_on(lambda requirement: requirement.skip())
    assert output.status == "COMPLETED"
    assert case.ran == ["broken"] * 3 + ["after"]


@pytest.mark.parametrize(
    ("on_timeout", "status", "ran"),
    [
        (OnTimeout.approve, "COMPLETED", ["gated", "after"]),
        (OnTimeout.skip, "COMPLETED", ["after"]),
        (OnTimeout.reject, "COMPLETED", ["after"]),
        (OnTimeout.cancel, "CANCELLED", []),
    ],
)
@pytest.mark.parametrize("where", DEPTHS)
def test_a_deadline_is_carried_out_at_every_depth(
    case: Case, where: str, on_timeout: OnTimeout, status: str, ran: list[str]
) -> None:
    """W3a to W3d: the stored row expires, whoever looks, and the late answer is refused."""
    review = confirm(timeout=60, on_timeout=on_timeout)
    output = case.start(wrapped(where, lambda: case.act("gated", review)), lambda: case.act("after"))
    late = output.step_requirements[0]
    case.clock.advance(61)
    with SqliteDb(case.path, clock=case.clock) as db:
        workflow = Workflow("case", db=db, steps=case.steps())
        assert workflow.get_run_output("run").step_requirements[0].is_timed_out
        late.confirm()
        with pytest.raises(ValueError, match="time has passed"):
            workflow.continue_run(run_id="run", session_id="ses", step_requirements=[late])
    output = case.go_on()
    assert (output.status, case.ran) == (status, ran)
    assert output.step_requirements[0].decided_by == "system:timeout"


def test_a_decision_in_time_wins_though_it_is_processed_later(case: Case) -> None:
    """W3b: a timeout never overrides an answer."""
    from sayso.model.actors import Actor
    from sayso.model.decisions import Reject

    output = case.start(lambda: case.act("gated", confirm(timeout=60, on_timeout="approve")))
    requirement = output.step_requirements[0]
    with SqliteDb(case.path, clock=case.clock) as db:
        from sayso.app.portal import portal

        ana = Actor(type="user", id="ana")
        portal.call(db.runtime.decide(requirement.id, Reject(note="NO"), digest=requirement.digest, by=ana))
    case.clock.advance(hours=1)
    output = case.go_on()
    assert case.ran == []
    assert output.step_requirements[0].decided_by == "ana"


@pytest.mark.parametrize("order", [(0, 0, 0), (2, 1, 0), (1, 1, 0)])
def test_several_pauses_of_one_run_are_decided_one_by_one(case: Case, order: tuple[int, ...]) -> None:
    def block() -> Parallel:
        branches = [Steps(f"b{n}", steps=[case.act(f"g{n}", confirm()), case.act(f"t{n}")]) for n in range(3)]
        return Parallel(*branches, name="p")

    output = case.start(block, lambda: case.act("after"))
    assert len(output.active_step_requirements) == 3
    for left, which in zip((2, 1), order, strict=False):
        output = case.go_on(lambda requirement: requirement.confirm(), which)
        assert output.is_paused
        assert len(output.active_step_requirements) == left
        assert len(case.ran) == 2 * (3 - left)
    output = case.go_on(lambda requirement: requirement.confirm(), 0)
    assert output.status == "COMPLETED"
    assert sorted(case.ran[:-1]) == ["g0", "g1", "g2", "t0", "t1", "t2"]
    assert output.step_results[0].content == {"b0": "t0", "b1": "t1", "b2": "t2"}


def test_a_condition_asks_the_person_instead_of_the_evaluator(case: Case) -> None:
    """W11g: confirmed runs the steps though the evaluator says no; rejected runs the else steps by default."""

    def never(_: StepInput) -> bool:
        raise AssertionError("the evaluator must not be asked")

    def gate() -> Condition:
        yes, no = [case.act("yes")], [case.act("no")]
        return Condition(never, name="c", steps=yes, else_steps=no, human_review=confirm())

    output = case.start(gate)
    assert output.step_requirements[0].confirmation_message == "Execute condition 'c'? (yes=if branch, no=else branch)"
    case.go_on(lambda requirement: requirement.reject())
    assert case.ran == ["no"]


@pytest.mark.parametrize("make", [Steps, Loop, Parallel, Router])
def test_a_composite_is_confirmed_as_a_whole(case: Case, make: Any) -> None:
    def build() -> Any:
        inner = [case.act("in")]
        if make is Parallel:
            return Parallel(*inner, name="whole", human_review=confirm())
        if make is Router:
            return Router(inner, lambda _: "in", name="whole", human_review=confirm())
        options = {"max_iterations": 1} if make is Loop else {}
        return make(steps=inner, name="whole", human_review=confirm(), **options)

    case.start(build, lambda: case.act("after"))
    assert case.ran == []
    case.go_on(lambda requirement: requirement.confirm())
    assert case.ran == ["in", "after"]


@pytest.mark.parametrize(("answer", "passes", "content"), [("accept", 1, "x"), ("again", 3, "x after more")])
def test_a_loop_is_reviewed_pass_by_pass(case: Case, answer: str, passes: int, content: str) -> None:
    """W11c: with two steps in a pass and three passes, every pass happens once, and none after the last is reviewed."""
    review = HumanReview(requires_iteration_review=True, on_reject="retry")

    def loop() -> Loop:
        return Loop([case.act("w"), case.act("x")], name="l", max_iterations=3, human_review=review)

    output = case.start(loop, lambda: case.act("after"))
    assert output.step_requirements[0].output_review_message == "Loop 'l' completed iteration 1/3. Continue?"
    while output.is_paused:
        output = case.go_on(lambda item: item.confirm() if answer == "accept" else item.reject("more"))
    assert case.ran == ["w", "x"] * passes + ["after"]
    assert output.step_results[0].content == content


def test_a_route_is_chosen_and_re_chosen(case: Case) -> None:
    """W11d: a router's review sends back to the choice, as often as its limit says."""
    review = HumanReview(requires_user_input=True, requires_output_review=True, on_reject="retry", max_retries=1)

    def router() -> Router:
        return Router([case.act("a"), case.act("b"), [case.act("c"), case.act("d")]], name="r", human_review=review)

    output = case.start(router)
    assert output.steps_requiring_route[0].available_choices == ["a", "b", "steps_group_2"]
    with pytest.raises(ValueError, match="'z'"):
        output.step_requirements[0].select("z")
    with pytest.raises(ValueError, match="one route"):
        output.step_requirements[0].select("a", "b")
    case.go_on(lambda requirement: requirement.select("steps_group_2"))
    output = case.go_on(lambda requirement: requirement.reject("other"))
    assert output.steps_requiring_route
    case.go_on(lambda requirement: requirement.select("b"))
    output = case.go_on(lambda requirement: requirement.reject("no"))
    assert output.status == "CANCELLED"
    assert output.content == "Max retries (1) reached for step 'r'"
    assert case.ran == ["c", "d", "b"]


def test_several_routes_run_in_the_chosen_order(case: Case) -> None:
    review = HumanReview(requires_user_input=True, allow_multiple_selections=True)
    case.start(lambda: Router([case.act("a"), case.act("b"), case.act("c")], name="r", human_review=review))
    case.go_on(lambda requirement: requirement.select("c", "a"))
    assert case.ran == ["c", "a"]


def test_an_output_review_ends_the_run_after_its_rejections(case: Case) -> None:
    review = HumanReview(requires_output_review=True, on_reject="retry", max_retries=2)
    case.start(lambda: case.act("draft", review))
    case.go_on(lambda requirement: requirement.reject("1"))
    case.go_on(lambda requirement: requirement.reject("2"))
    output = case.go_on(lambda requirement: requirement.reject("3"))
    assert output.content == "Max retries (2) reached for step 'draft'"
    assert case.ran == ["draft", "draft", "draft"]


@pytest.mark.parametrize(("predicate", "asked"), [(lambda o: len(o.content) > 3, True), (lambda o: False, False)])
def test_a_predicate_decides_about_the_review(case: Case, predicate: Any, asked: bool) -> None:
    output = case.start(lambda: case.act("draft", HumanReview(requires_output_review=predicate)))
    assert output.is_paused is asked


def test_a_failing_predicate_asks(case: Case) -> None:
    """W11b: a review whose condition cannot be evaluated is asked for, and says why."""

    def broken(_: Any) -> bool:
        raise KeyError("score")

    output = case.start(lambda: case.act("draft", HumanReview(requires_output_review=broken)), lambda: case.act("z"))
    assert "KeyError" in str(output.step_requirements[0].review_problem)
    assert case.ran == ["draft"]


def test_confirm_and_input_on_one_step_are_one_pause(case: Case) -> None:
    review = HumanReview(
        requires_confirmation=True, requires_user_input=True, user_input_schema=[{"name": "n", "field_type": "int"}]
    )
    output = case.start(lambda: case.act("gated", review))
    assert len(output.step_requirements) == 1
    requirement = output.step_requirements[0]
    requirement.set_user_input(n=1)
    assert not requirement.is_resolved
    requirement.confirm()
    assert requirement.is_resolved
    output = case.go_on(lambda item: (item.set_user_input(n=1), item.confirm()))
    assert output.content == "gated with {'n': 1}"


def test_rejecting_an_input_needs_none(case: Case) -> None:
    form = HumanReview(requires_user_input=True, user_input_schema=[{"name": "n", "field_type": "int"}])
    case.start(lambda: case.act("gated", form), lambda: case.act("after"))
    case.go_on(lambda requirement: requirement.reject("unknown"))
    assert case.ran == ["after"]
