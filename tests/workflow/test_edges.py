"""Edges where something could be lost, done by the wrong code, or silently do nothing."""

import asyncio
import enum
import json
import re
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sayso import (
    Condition,
    HumanReview,
    Loop,
    Parallel,
    Router,
    RunContext,
    SqliteDb,
    Step,
    StepFailed,
    StepInput,
    Worker,
    Workflow,
    pause,
)
from sayso.app.portal import portal
from sayso.model.errors import DefinitionChanged, Invalid, RunNotFound, TaskExpired, UnstorableValue
from sayso.testing import FakeClock
from sayso.workflow import CustomEvent, StepOutputReviewEvent, WorkflowRunEvent

GATE = HumanReview(requires_confirmation=True)


class Flag(enum.Flag):
    A = 1
    B = 2


class Listing(list[int]):
    """Stored as what it is not."""


def one(result: Any = None, name: str = "one", **more: Any) -> Step:
    return Step(name, lambda _: result, **more)


# -- who runs, who decides -----------------------------------------------------------------------------------


def test_of_two_workflows_of_one_name_each_runs_its_own() -> None:
    db = SqliteDb()
    first, second = (Workflow("w", db=db, steps=[one(word, human_review=GATE)]) for word in ("paid", "wiped"))
    run, other = first.run(), second.run()
    for requirement in (run.step_requirements[0], other.step_requirements[0]):
        requirement.confirm()
    assert (first.continue_run(run).content, second.continue_run(other).content) == ("paid", "wiped")


def test_a_run_is_not_continued_or_read_by_another_workflow() -> None:
    db = SqliteDb()
    run = Workflow("a", db=db, steps=[one(human_review=GATE)]).run()
    other = Workflow("b", db=db, steps=[one()])
    with pytest.raises(RunNotFound, match="'a'"):
        other.continue_run(run)
    with pytest.raises(RunNotFound, match="'a'"):
        other.get_run_output(run.run_id)


@pytest.mark.parametrize("said", ["false", "no", "reject", 1, 0, {}, []])
def test_only_true_and_false_answer_a_confirmation(said: Any) -> None:
    workflow = Workflow(db=SqliteDb(), steps=[one("ran", human_review=GATE)])
    run = workflow.run()
    sent = [{"id": run.step_requirements[0].id, "confirmed": said}]
    with pytest.raises(ValueError, match="true or false"):
        workflow.continue_run(run_id=run.run_id, session_id=run.session_id, step_requirements=sent)
    assert workflow.get_run_output(run.run_id).is_paused


@pytest.mark.parametrize("sent", [["x"], [None], {"a": 1}, "x", [{"id": ["x"]}], [{"confirmed": True}]])
def test_what_is_no_requirement_is_refused(sent: Any) -> None:
    workflow = Workflow(db=SqliteDb(), steps=[one(human_review=GATE)])
    run = workflow.run()
    with pytest.raises(Invalid, match="Expected"):
        workflow.continue_run(run_id=run.run_id, session_id=run.session_id, step_requirements=sent)


def test_an_answer_needs_nothing_but_its_id() -> None:
    """What else a client sends back is not read; a rejection follows the stored policy."""
    form = HumanReview(requires_user_input=True, user_input_schema=[{"name": "n", "field_type": "int"}])
    skip = HumanReview(requires_confirmation=True, on_reject="skip")
    workflow = Workflow(
        db=SqliteDb(), steps=[Step("ask", lambda s: s.additional_data, human_review=form), one(human_review=skip)]
    )
    run = workflow.run()
    where = {"run_id": run.run_id, "session_id": run.session_id}
    run = workflow.continue_run(
        **where, step_requirements=[{"id": run.step_requirements[0].id, "user_input": {"n": 3}}]
    )
    run = workflow.continue_run(**where, step_requirements=[{"id": run.step_requirements[-1].id, "confirmed": False}])
    assert (run.status, run.content) == ("COMPLETED", {"user_input": {"n": 3}})


def test_requirements_travel_as_json() -> None:
    review = HumanReview(requires_output_review=True, timeout=60)
    workflow = Workflow(db=SqliteDb(), steps=[one("draft", human_review=review)])
    run = workflow.run()
    run.step_requirements[0].edit(None)
    sent = json.loads(json.dumps(run.step_requirements[0].to_dict(), default=str))
    run = workflow.continue_run(run_id=run.run_id, session_id=run.session_id, step_requirements=[sent])
    assert (run.status, run.content) == ("COMPLETED", None)


def test_a_late_no_is_refused_however_it_was_read() -> None:
    clock = FakeClock()
    review = HumanReview(requires_confirmation=True, timeout=5, on_timeout="approve")
    workflow = Workflow(db=SqliteDb(clock=clock), steps=[one("ran", human_review=review)])
    run = workflow.run()
    clock.advance(6)
    late = workflow.get_run_output(run.run_id)
    late.step_requirements[0].reject()
    with pytest.raises(TaskExpired):
        workflow.continue_run(late)


def test_an_answer_recorded_in_time_counts_whenever_the_run_goes_on() -> None:
    """W3b: the decision is stored before the deadline, the run goes on after it."""
    clock = FakeClock()
    review = HumanReview(requires_confirmation=True, timeout=5, on_timeout="approve", on_reject="cancel")
    workflow = Workflow(db=SqliteDb(clock=clock), steps=[one("danger", human_review=review)])
    run = workflow.run()
    run.step_requirements[0].reject("NO")
    workflow.decide(run)
    clock.advance(6)
    done = workflow.continue_run(run_id=run.run_id, session_id=run.session_id)
    assert (done.status, done.step_requirements[0].note) == ("CANCELLED", "NO")


def test_decided_requirements_say_what_was_said() -> None:
    form = HumanReview(requires_user_input=True, user_input_schema=[{"name": "n", "field_type": "int"}])
    workflow = Workflow(db=SqliteDb(), steps=[one(human_review=form)])
    run = workflow.run()
    run.step_requirements[0].set_user_input(n=3)
    assert workflow.continue_run(run).step_requirements[0].user_input == {"n": 3}


def test_a_question_that_nothing_waits_for_is_closed() -> None:
    def fails(_: Any) -> None:
        raise RuntimeError("down")

    block = Parallel(one(human_review=GATE, name="g"), fails, human_review=HumanReview(on_error="skip"), name="p")
    workflow = Workflow(db=SqliteDb(), steps=[block, one(human_review=GATE, name="z")])
    run = workflow.run()
    assert [item.step_name for item in run.active_step_requirements] == ["z"]
    with pytest.raises(ValueError, match="dropped"):
        run.step_requirements[0].confirm()


# -- state and values ----------------------------------------------------------------------------------------


def test_parallel_branches_keep_each_others_state(tmp_path: Path) -> None:
    def fast(step_input: StepInput, session_state: dict[str, Any]) -> None:
        session_state["fast"] = 1

    def slow(step_input: StepInput, run_context: RunContext) -> None:
        time.sleep(0.1)

    db = SqliteDb(tmp_path / "s.db")
    workflow = Workflow(steps=[Parallel(fast, slow)], session_state={"fast": 0}, db=db, session_id="s")
    workflow.run()
    assert workflow.get_session().session_state == {"fast": 1}


def test_runs_of_one_session_see_what_the_others_did() -> None:
    """W14: three runs, resumed one after the other, each append to one list."""

    def append(step_input: StepInput, session_state: dict[str, Any]) -> None:
        session_state.setdefault("log", []).append(step_input.input)

    workflow = Workflow(db=SqliteDb(), session_id="s", steps=[Step("append", append, human_review=GATE)])
    runs = [workflow.run(name) for name in "abc"]
    for run in runs:
        run.step_requirements[0].confirm()
        workflow.continue_run(run)
    assert workflow.get_session().session_state == {"log": ["a", "b", "c"]}


def test_the_sessions_state_has_its_types() -> None:
    def put(step_input: StepInput, session_state: dict[str, Any]) -> None:
        session_state["n"] = Decimal("1.5")

    workflow = Workflow(db=SqliteDb(), steps=[put])
    workflow.run()
    assert workflow.get_session().session_state == {"n": Decimal("1.5")}


@pytest.mark.parametrize("gated", [False, True])
def test_a_step_changes_nothing_but_its_output(gated: bool) -> None:
    seen: list[Any] = []

    def spoils(step_input: StepInput) -> None:
        step_input.input.append("x")
        step_input.previous_step_content.append(2)
        step_input.previous_step_outputs["one"].content = None
        step_input.additional_data["k"].append(3)

    def looks(step_input: StepInput) -> None:
        data = step_input.additional_data["k"]
        seen.extend([step_input.input, step_input.get_step_content("one"), data])

    workflow = Workflow(
        db=SqliteDb(), steps=[one([1]), spoils, Step("looks", looks, human_review=GATE if gated else None)]
    )
    run = workflow.run(["a"], additional_data={"k": []})
    if gated:
        run.step_requirements[0].confirm()
        workflow.continue_run(run)
    assert seen == [["a"], [1], []]


def test_values_that_could_not_be_read_again_fail_their_step() -> None:
    calls: list[int] = []

    def odd(_: Any) -> Any:
        calls.append(1)
        return Listing([1])

    assert Workflow(db=SqliteDb(), steps=[one(Flag.A | Flag.B)]).run().content == Flag.A | Flag.B
    workflow = Workflow(db=SqliteDb(), steps=[odd])
    with pytest.raises(StepFailed, match="odd"):
        workflow.run(run_id="r")
    assert workflow.get_run_output("r").status == "ERROR"
    assert calls == [1]


def test_a_value_that_cannot_be_stored_starts_nothing() -> None:
    with pytest.raises(UnstorableValue, match="dependencies"):
        Workflow(db=SqliteDb(), steps=[one()]).run(dependencies={"c": object()})


def test_of_namesakes_the_latest_output_counts() -> None:
    steps = [one(1, "a"), one(2, "b"), one(3, "a"), Step("last", lambda s: s.get_last_step_content())]
    assert Workflow(db=SqliteDb(), steps=steps).run().content == 3
    both = Parallel(one(1, "a"), one(2, "a"), name="p")
    assert Workflow(db=SqliteDb(), steps=[both]).run().content == {"a": 1, "a(2)": 2}


def test_a_nested_workflow_brings_its_dependencies() -> None:
    def look(step_input: StepInput, run_context: RunContext) -> Any:
        return run_context.dependencies, run_context.metadata

    inner = Workflow("inner", steps=[look], dependencies={"a": 1}, metadata={"m": 1})
    outer = Workflow("outer", db=SqliteDb(), steps=[inner], dependencies={"b": 2})
    assert outer.run(dependencies={"b": 3}).content == ({"a": 1, "b": 3}, {"m": 1})


def test_deciding_code_may_return_anything_with_a_truth() -> None:
    condition = Condition(lambda s: re.match("x", s.input), [one("matched")])
    assert Workflow(db=SqliteDb(), steps=[condition]).run("x").content == "matched"
    loop = Loop([one("pass")], end_condition=lambda outputs: re.match("p", outputs[-1].content))
    assert len(Workflow(db=SqliteDb(), steps=[loop]).run().step_results[0].steps) == 1


# -- user code -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raises", [StopIteration, KeyboardInterrupt, GeneratorExit])
def test_no_exception_of_a_step_hangs_or_kills(raises: type[BaseException]) -> None:
    def bad(_: Any) -> None:
        raise raises

    with pytest.raises(StepFailed, match=raises.__name__):
        Workflow(db=SqliteDb(), steps=[bad]).run()
    assert Workflow(db=SqliteDb(), steps=[one("fine")]).run().content == "fine"


def test_an_async_step_that_would_wait_for_itself_is_told() -> None:
    inner = Workflow("inner", db=SqliteDb(), steps=[one()])

    async def waits(_: Any) -> Any:
        return inner.run()

    with pytest.raises(StepFailed, match="for itself for ever"):
        Workflow(db=SqliteDb(), steps=[waits]).run()


def test_a_callable_object_need_not_be_hashable() -> None:
    @dataclass
    class Adds:
        much: int

        def __call__(self, step_input: StepInput) -> int:
            return step_input.input + self.much

    assert Workflow(db=SqliteDb(), steps=[Step("adds", Adds(2))]).run(1).content == 3


def test_one_function_may_name_its_arguments_as_it_likes() -> None:
    def whole(wf: Any, given: Any, session_state: dict[str, Any]) -> Any:
        session_state["seen"] = True
        return wf.name, given.input

    workflow = Workflow("w", db=SqliteDb(), steps=whole)
    assert workflow.run("x").content == ("w", "x")
    assert workflow.get_session().session_state == {"seen": True}


def test_a_persons_retry_is_the_same_effect() -> None:
    keys: list[str] = []

    def flaky(step_input: StepInput, run_context: RunContext) -> None:
        keys.append(run_context.idempotency_key)
        if len(keys) == 1:
            raise TimeoutError("it may have gone through")

    workflow = Workflow(db=SqliteDb(), steps=[Step("pay", flaky, human_review=HumanReview(on_error="pause"))])
    run = workflow.run()
    run.error_requirements[0].retry()
    workflow.continue_run(run)
    assert len(keys) == 2
    assert keys[0] == keys[1]


def test_a_new_round_of_a_review_is_another_effect() -> None:
    keys: list[str] = []

    def drafts(step_input: StepInput, run_context: RunContext) -> None:
        keys.append(run_context.idempotency_key)

    review = HumanReview(requires_output_review=True, on_reject="retry")
    workflow = Workflow(db=SqliteDb(), steps=[Step("draft", drafts, human_review=review)])
    run = workflow.run()
    run.step_requirements[0].reject()
    workflow.continue_run(run)
    assert len(set(keys)) == 2


# -- definitions ---------------------------------------------------------------------------------------------


def test_a_deploy_without_the_chosen_route_is_refused() -> None:
    db = SqliteDb()

    def router(*names: str) -> Workflow:
        choices = [one(name, name) for name in names]
        return Workflow("w", db=db, steps=[Router(choices, human_review=HumanReview(requires_user_input=True))])

    run = router("a", "b").run()
    run.step_requirements[0].select("a")
    with pytest.raises(DefinitionChanged, match="a is gone"):
        router("b", "c").continue_run(run)
    assert router("a", "b").continue_run(run_id=run.run_id, session_id=run.session_id).content == "a"


def test_a_deploy_that_turns_a_constant_is_refused() -> None:
    db = SqliteDb()

    def workflow(value: bool) -> Workflow:
        return Workflow(
            "w", db=db, steps=[Condition(value, [one("yes", "y")], [one("no", "n")]), one(human_review=GATE)]
        )

    run = workflow(True).run()
    run.step_requirements[0].confirm()
    with pytest.raises(DefinitionChanged, match="always"):
        workflow(False).continue_run(run)


@pytest.mark.parametrize(
    "make",
    [
        lambda: pause(lambda step_input: None),
        lambda: HumanReview(user_input_schema=[{"name": "n"}]),
        lambda: HumanReview(requires_confirmation=True, timeout=float("inf")),
        lambda: HumanReview(requires_confirmation=True, timeout=10**12),
        lambda: Loop([one()], max_iterations=1, human_review=HumanReview(requires_iteration_review=True)),
        lambda: Step(workflow=Workflow(steps=[one()]), max_retries=2),
        lambda: Router(
            [one()],
            lambda _: "one",
            human_review=HumanReview(requires_output_review=True, on_reject="retry", timeout=5, on_timeout="approve"),
        ),
    ],
)
def test_gates_that_could_not_act_are_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="Expected"):
        make()


def test_a_selector_that_returns_a_step_twice_is_refused() -> None:
    with pytest.raises(StepFailed, match="once"):
        Workflow(db=SqliteDb(), steps=[Router([one()], lambda _: ["one", "one"])]).run()


# -- events --------------------------------------------------------------------------------------------------


def _yields(_: Any) -> Any:
    yield "one"
    yield "two"
    time.sleep(0.3)
    yield "result"


async def _yields_async(_: Any) -> Any:
    yield "one"
    yield "two"
    await asyncio.sleep(0.3)
    yield "result"


@pytest.mark.parametrize("generator", [_yields, _yields_async])
def test_what_a_generator_yields_is_told_as_it_comes(generator: Any) -> None:
    """The latest value is held back, since it may be the result."""
    told: dict[Any, float] = {}
    for event in Workflow(db=SqliteDb(), steps=[generator]).run(stream=True):
        told[event.data if isinstance(event, CustomEvent) else event.event] = time.monotonic()
    assert told["StepOutput"] - told["one"] > 0.2
    assert list(told) == ["WorkflowStarted", "one", "two", "StepOutput", "WorkflowCompleted"]


def test_a_review_event_shows_the_output() -> None:
    review = HumanReview(requires_output_review=True)
    shown = [
        event.step_output.content
        for event in Workflow(db=SqliteDb(), steps=[one("draft", human_review=review)]).run(stream=True)
        if isinstance(event, StepOutputReviewEvent)
    ]
    assert shown == ["draft"]
    assert WorkflowRunEvent.step_output_review == "StepOutputReview"


def test_the_latest_session_is_that_of_the_latest_run() -> None:
    workflow = Workflow(db=SqliteDb(), steps=[one("x")])
    list(workflow.run(stream=True))
    assert workflow.get_session().runs[-1].content == "x"


def test_reading_carries_passed_deadlines_out(tmp_path: Path) -> None:
    """The next process that opens the file does it, also if it only looks."""
    clock = FakeClock()
    review = HumanReview(requires_confirmation=True, timeout=5, on_timeout="skip")

    def opened() -> Workflow:
        return Workflow("w", db=SqliteDb(tmp_path / "s.db", clock=clock), steps=[one("ran", human_review=review)])

    run = opened().run()
    clock.advance(6)
    second = opened()
    assert second.get_run_output(run.run_id).step_requirements[0].decided_by == "system:timeout"
    with Worker(second.db, [second]):
        for _ in range(200):
            if portal.call(second.aget_run_output(run.run_id)).status == "COMPLETED":
                return
            time.sleep(0.01)
    raise AssertionError("a worker should have gone on with it")
