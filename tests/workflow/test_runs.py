"""Runs as a whole: trust, types, context, events, cancelling, changed definitions, sessions."""

import asyncio
import json
from collections import namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from sayso import (
    Condition,
    HumanReview,
    Loop,
    OnError,
    OnTimeout,
    Parallel,
    Router,
    RunContext,
    SqliteDb,
    Step,
    StepInput,
    StepOutput,
    StepRequirement,
    Steps,
    UserInputField,
    Workflow,
    pause,
)
from sayso.model.errors import DefinitionChanged, RunExists, StepFailed
from sayso.model.ids import RunId
from sayso.testing import FakeClock

GATE = HumanReview(requires_confirmation=True)


@dataclass(frozen=True)
class Item:
    name: str
    price: Decimal


class Order(BaseModel):
    items: list[Item]
    at: datetime


class Color(Enum):
    RED = "r"


Point = namedtuple("Point", "x y")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sayso.db"


def echo(step_input: StepInput) -> Any:
    return step_input.previous_step_content if step_input.previous_step_content is not None else step_input.input


def gated(name: str = "gated") -> Step:
    return Step(name, echo, human_review=HumanReview(requires_confirmation=True))


VALUES: list[Any] = [
    1, 1.5, True, None, "täxt", [1, [2]], {"a": {"b": 1}}, (1, (2,)), {1, 2}, frozenset({"a"}), b"\x00\xff",
    Decimal("1.10"), UUID(int=7), datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1), timedelta(seconds=1.5),
    {1: "int", (2, 3): "tuple", None: 0}, {"$": "not a mark"}, Color.RED, Point(1, (2,)), Item("pen", Decimal("0.1")),
    Order(items=[Item("pen", Decimal("0.1"))], at=datetime(2026, 1, 1, tzinfo=UTC)), float("inf"),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_outputs_keep_their_types_across_a_restart(file: Path, value: Any) -> None:
    """W6c: what the next step gets after a restart is what the one before returned."""
    seen: list[Any] = []

    def build(db: SqliteDb) -> Workflow:
        return Workflow("w", db=db, steps=[Step("make", lambda _: value), gated(), Step("see", look)])

    def look(step_input: StepInput) -> None:
        seen.append(step_input.get_step_content("make"))

    with SqliteDb(file) as db:
        output = build(db).run(value)
        assert type(output.step_results[0].content) is type(value)
    with SqliteDb(file) as db:
        again = build(db).get_run_output(output.run_id)
        again.step_requirements[0].confirm()
        assert build(db).continue_run(again).input == value
    assert seen == [value]
    assert type(seen[0]) is type(value)


@pytest.mark.parametrize(
    "value", [object(), {"o": object()}, lambda: 1, "\ud800"], ids=["object", "nested", "fn", "half"]
)
def test_what_cannot_be_stored_fails_at_its_step(file: Path, value: Any) -> None:
    """W6d: never 'paused but not stored'; the error names the step and the type."""
    with SqliteDb(file) as db:
        workflow = Workflow("w", db=db, steps=[Step("make", lambda _: value), gated()])
        with pytest.raises(StepFailed, match="'make'") as caught:
            workflow.run("x", run_id="run")
        assert caught.value.error_type == "UnstorableValue"
        assert workflow.get_run_output("run").status == "ERROR"


def test_a_step_sees_the_same_before_and_after_a_resume(file: Path) -> None:
    """W6e."""
    seen: list[Any] = []

    def look(step_input: StepInput, run_context: RunContext) -> str:
        context, data = run_context, step_input.additional_data
        seen.append((step_input.input, data, context.dependencies, context.metadata,
                     dict(context.session_state), context.user_id, context.session_id))  # fmt: skip
        return "seen"

    def mark(step_input: StepInput, run_context: RunContext) -> str:
        run_context.session_state["count"] += 1
        return "marked"

    def build(db: SqliteDb) -> Workflow:
        steps = [mark, Step("a", look), Step("b", look, human_review=GATE)]
        return Workflow("w", db=db, steps=steps, dependencies={"code": len}, metadata={"m": 1})

    with SqliteDb(file) as db:
        options: dict[str, Any] = {"additional_data": {"k": [1]}, "dependencies": {"run": Item("pen", Decimal(1))}}
        output = build(db).run(Item("x", Decimal(2)), user_id="ana", session_state={"count": 1}, **options)
    with SqliteDb(file) as db:
        again = build(db).get_run_output(output.run_id)
        again.step_requirements[0].confirm()
        done = build(db).continue_run(again)
    assert seen[0] == seen[1]
    assert done.session_state == {"count": 2}


def test_answers_do_not_leak(file: Path) -> None:
    """W6a, W6b: neither to another run nor to another step."""
    form = HumanReview(requires_user_input=True, user_input_schema=[UserInputField("ssn", "str")])
    review = HumanReview(requires_output_review=True)
    with SqliteDb(file) as db:
        steps = [
            Step("ask", echo, human_review=form),
            Step("one", echo, human_review=review),
            Step("two", echo, human_review=review),
        ]
        workflow = Workflow("w", db=db, steps=steps)
        alice = workflow.run("a")
        alice.step_requirements[0].set_user_input(ssn="111")
        alice = workflow.continue_run(alice)
        bob = workflow.run("b")
        assert not bob.step_requirements[0].is_resolved
        assert bob.step_requirements[0].user_input_schema[0].value is None
        alice.step_requirements[-1].edit("ONE")
        alice = workflow.continue_run(alice)
        alice.step_requirements[-1].edit("TWO")
        alice = workflow.continue_run(alice)
        assert [result.content for result in alice.step_results] == ["a", "ONE", "TWO"]


@pytest.mark.parametrize(
    "forge",
    [
        lambda r: [StepRequirement(id="made-up", step_id="zzz", requires_confirmation=True, confirmed=True)],
        lambda r: [],
        lambda r: [{"step_id": "made-up", "confirmed": True}],
        lambda r: [{**r.to_dict(), "confirmed": True, "confirmation_message": "Pay 1 cent?"}],
        lambda r: [{**r.to_dict(), "confirmed": True, "digest": "0" * 64}],
        lambda r: [{**r.to_dict(), "confirmed": True, "on_reject": "retry"}],
        lambda r: [{**r.to_dict(), "edited_output": "x", "requires_output_review": True}],
        lambda r: ["yes"],
    ],
)
def test_a_forged_requirement_moves_nothing(file: Path, forge: Any) -> None:
    """W4a to W4d: only decisions are read, and nothing else in them is believed."""
    ran: list[str] = []
    with SqliteDb(file) as db:
        step = Step("danger", lambda _: ran.append("danger"), human_review=GATE)
        workflow = Workflow("w", db=db, steps=[step])
        output = workflow.run("x")
        with pytest.raises((ValueError, AttributeError, TypeError)):
            workflow.continue_run(output, step_requirements=forge(output.step_requirements[0]))
        assert ran == []
        assert workflow.get_run_output(output.run_id).is_paused


def test_requirements_survive_a_round_trip_as_dicts(file: Path) -> None:
    with SqliteDb(file) as db:
        workflow = Workflow("w", db=db, steps=[gated()])
        output = workflow.run("x")
        plain = {**output.step_requirements[0].to_dict(), "confirmed": True}
        options = {"run_id": output.run_id, "session_id": output.session_id}
        assert workflow.continue_run(**options, step_requirements=[plain]).status == "COMPLETED"


def test_a_stale_copy_runs_nothing(file: Path) -> None:
    """W2b."""
    ran: list[str] = []
    with SqliteDb(file) as db:
        workflow = Workflow("w", db=db, steps=[Step("tool", lambda _: ran.append("tool"), human_review=GATE)])
        output = workflow.run("x")
        output.step_requirements[0].confirm()
        workflow.continue_run(output)
        with pytest.raises(ValueError, match="Current status: COMPLETED"):
            workflow.continue_run(output)
        with pytest.raises(ValueError, match="neither"):
            workflow.continue_run()
        with pytest.raises(ValueError, match="there is none"):
            workflow.continue_run(run_id="nothing", session_id="none")
    assert ran == ["tool"]


def test_nothing_answered_continues_nothing(file: Path) -> None:
    with SqliteDb(file) as db:
        workflow = Workflow("w", db=db, steps=[gated()])
        with pytest.raises(ValueError, match="unresolved step requirements"):
            workflow.continue_run(workflow.run("x"))


def names(events: Any) -> str:
    return " ".join(event.event for event in events)


def test_the_order_of_events(file: Path) -> None:
    with SqliteDb(file) as db:
        workflow = Workflow("w", db=db, steps=[Step("a", echo), gated("b"), Step("c", echo)])
        first = names(workflow.run("x", stream=True, stream_events=True, session_id="s"))
        assert first == "WorkflowStarted StepStarted StepOutput StepCompleted StepPaused"
        output = workflow.get_session("s").runs[-1]
        output.step_requirements[-1].confirm()
        second = names(workflow.continue_run(output, stream=True, stream_events=True))
        one = "StepStarted StepOutput StepCompleted"
        assert second == f"StepContinued {one} {one} WorkflowCompleted"
        coarse = names(workflow.run("x", stream=True))
        assert coarse == "WorkflowStarted StepOutput StepPaused"


@pytest.mark.parametrize(
    ("step", "first", "answer", "second"),
    [
        (lambda: Step("a", echo, human_review=HumanReview(requires_output_review=True)),
         "StepStarted StepOutput StepCompleted StepOutputReview", lambda r: r.confirm(), "WorkflowCompleted"),
        (lambda: Router([Step("x", echo)], name="r", human_review=HumanReview(requires_user_input=True)),
         "RouterPaused", lambda r: r.select("x"),
         "RouterExecutionStarted StepStarted StepCompleted RouterExecutionCompleted WorkflowCompleted"),
        (lambda: Loop([Step("x", echo)], name="l", human_review=HumanReview(requires_iteration_review=True)),
         "LoopExecutionStarted LoopIterationStarted StepStarted StepCompleted LoopIterationCompleted StepOutputReview",
         lambda r: r.confirm(), "WorkflowCompleted"),
        (lambda: Step("a", echo, human_review=HumanReview(requires_confirmation=True, on_reject="cancel")),
         "StepPaused", lambda r: r.reject(), "WorkflowCancelled"),
        (lambda: Steps("s", steps=[Step("a", echo), gated("b")]),
         "StepsExecutionStarted StepStarted StepCompleted StepPaused", lambda r: r.confirm(),
         "StepContinued StepStarted StepCompleted StepsExecutionCompleted WorkflowCompleted"),
        (lambda: Parallel(Step("a", echo), gated("b"), name="p"),
         "ParallelExecutionStarted StepPaused StepStarted StepCompleted", lambda r: r.confirm(),
         "StepContinued StepStarted StepCompleted ParallelExecutionCompleted WorkflowCompleted"),
    ],
)  # fmt: skip
def test_the_order_of_events_of_each_pause(file: Path, step: Any, first: str, answer: Any, second: str) -> None:
    with SqliteDb(file) as db:
        workflow = Workflow("w", db=db, steps=[step()])
        told = names(workflow.run("x", stream=True, stream_events=True))
        assert sorted(told.split()) == sorted(f"WorkflowStarted {first}".split())
        output = workflow.get_last_run_output()
        answer(output.step_requirements[-1])
        assert names(workflow.continue_run(output, stream=True, stream_events=True)) == second


def test_a_failing_step_ends_the_stream_with_its_error(file: Path) -> None:
    def broken(_: StepInput) -> None:
        raise RuntimeError("down")

    with SqliteDb(file) as db:
        assert names(Workflow("w", db=db, steps=[broken]).run("x", stream=True)) == "WorkflowStarted WorkflowError"
        pausing = Step("b", broken, human_review=HumanReview(on_error=OnError.pause))
        workflow = Workflow("v", db=db, steps=[pausing])
        assert names(workflow.run("x", stream=True, stream_events=True)) == "WorkflowStarted StepStarted StepError"


def test_a_consumer_may_leave_at_the_pause(file: Path) -> None:
    """W6f: the pause is durable before it is told, in sync and async."""
    with SqliteDb(file) as db:
        workflow = Workflow("w", db=db, steps=[gated()])
        for event in workflow.run("x", stream=True, session_id="s"):
            if event.event == "StepPaused":
                break
        with SqliteDb(file) as other:
            found = Workflow("w", db=other, steps=[gated()]).get_session("s").runs[-1]
            assert found.step_requirements[0].id == event.requirement_id

        async def listen() -> str:
            async for event in workflow.arun("y", stream=True):
                if event.event == "StepPaused":
                    return event.run_id
            raise AssertionError

        assert workflow.get_run_output(asyncio.run(listen())).step_requirements


def test_cancelling_a_paused_run(file: Path) -> None:
    """W11e."""
    with SqliteDb(file) as db:
        workflow = Workflow("w", db=db, steps=[gated()])
        output = workflow.run("x")
        assert workflow.cancel_run(output.run_id) is True
        assert workflow.cancel_run(output.run_id) is False
        found = workflow.get_run_output(output.run_id)
        assert (found.status, found.cancellation_stage) == ("CANCELLED", "PAUSED")
        output.step_requirements[0].confirm()
        with pytest.raises(ValueError, match="CANCELLED"):
            workflow.continue_run(output)


def test_cancelling_a_running_run_starts_nothing_more(file: Path) -> None:
    ran: list[str] = []

    async def scenario(workflow: Workflow, begun: asyncio.Event, gone_on: asyncio.Event) -> Any:
        task = asyncio.ensure_future(workflow.arun("x", run_id="run"))
        await begun.wait()
        assert await workflow.acancel_run("run")
        gone_on.set()
        return await task

    async def main(db: SqliteDb) -> Any:
        begun, gone_on = asyncio.Event(), asyncio.Event()

        async def slow(_: StepInput) -> str:
            begun.set()
            await gone_on.wait()
            ran.append("slow")
            return "kept"

        return await scenario(
            Workflow("w", db=db, steps=[slow, Step("next", lambda _: ran.append("next"))]), begun, gone_on
        )

    with SqliteDb(file) as db:
        output = asyncio.run(main(db))
    assert (output.status, output.cancellation_stage) == ("CANCELLED", "EXECUTING")
    assert ran == ["slow"]
    assert output.step_results[0].content == "kept"


@pytest.mark.parametrize(
    ("later", "error"),
    [
        (lambda: [Step("fetch", echo), gated("send")], "'mail' \\(Step\\) is gone"),
        (lambda: [Step("fetch", echo), Steps("mail", steps=[Step("x", echo)])], "'mail\\?confirm'"),
        (lambda: [Steps("fetch", steps=[Step("x", echo)]), gated("mail")], "'fetch' was Step and is Steps now"),
        (lambda: [Step("fetch", echo), Step("mail", echo)], "'mail\\?confirm' \\(approval\\) is gone"),
        (lambda: [Step("fetch", echo), gated("mail"), gated("mail")], "namesakes"),
    ],
)
def test_a_definition_that_lost_the_place_is_refused(file: Path, later: Any, error: str) -> None:
    """W6g: resume is by identity; where that is lost, the error says what changed and the run stays as it is."""
    with SqliteDb(file) as db:
        output = Workflow("w", db=db, steps=[Step("fetch", echo), gated("mail")]).run("x")
    with SqliteDb(file) as db:
        changed = Workflow("w", db=db, steps=later())
        seen = changed.get_run_output(output.run_id)
        assert seen.problem is not None
        seen.step_requirements[0].confirm()
        with pytest.raises(DefinitionChanged, match=error):
            changed.continue_run(seen)
    with SqliteDb(file) as db:
        back = Workflow("w", db=db, steps=[Step("fetch", echo), gated("mail")])
        assert back.continue_run(run_id=output.run_id, session_id=output.session_id).status == "COMPLETED"


def test_an_inserted_gate_is_asked_for_itself(file: Path) -> None:
    """W6g: approving the mail approves nothing that was put in front of it."""
    ran: list[str] = []
    wipe = Step("wipe", lambda _: ran.append("wipe"), human_review=GATE)
    with SqliteDb(file) as db:
        output = Workflow("w", db=db, steps=[gated("mail")]).run("x")
        output.step_requirements[0].confirm()
        after = Workflow("w", db=db, steps=[wipe, gated("mail")]).continue_run(output)
    assert after.is_paused
    assert [item.step_name for item in after.active_step_requirements] == ["wipe"]
    assert ran == []


def test_sessions_merge_their_runs_states(file: Path) -> None:
    """W14: three runs of one session resumed at once lose nothing."""

    def note(step_input: StepInput, run_context: RunContext) -> None:
        run_context.session_state[step_input.input] = True

    async def scenario(workflow: Workflow) -> None:
        outputs = [await workflow.arun(name, session_id="s") for name in "abc"]
        for output in outputs:
            output.step_requirements[0].confirm()
        await asyncio.gather(*[workflow.acontinue_run(output) for output in outputs])

    with SqliteDb(file) as db:
        workflow = Workflow("w", db=db, steps=[Step("note", note, human_review=GATE)])
        asyncio.run(scenario(workflow))
        session = workflow.get_session("s")
    assert session.session_state == {"a": True, "b": True, "c": True}
    assert len(session.runs) == 3


def test_a_failing_step_fails_the_run_and_ships_nothing(file: Path) -> None:
    """W10: executed once, not four times, and never COMPLETED."""
    ran: list[str] = []

    def broken(_: StepInput) -> None:
        ran.append("broken")
        raise RuntimeError("down")

    with SqliteDb(file) as db:
        workflow = Workflow("w", db=db, steps=[broken, Step("ship", lambda _: ran.append("ship"))])
        with pytest.raises(StepFailed, match="RuntimeError: down"):
            workflow.run("x", run_id="run")
        assert workflow.get_run_output("run").status == "ERROR"
    assert ran == ["broken"]


def test_skipping_and_retrying_by_itself(file: Path) -> None:
    ran: list[int] = []

    def flaky(_: StepInput) -> str:
        ran.append(1)
        if len(ran) < 3:
            raise RuntimeError("down")
        return "up"

    with SqliteDb(file) as db:
        assert Workflow("w", db=db, steps=[Step("f", flaky, max_retries=2)]).run("x").content == "up"
        ran.clear()
        output = Workflow("v", db=db, steps=[Step("f", flaky, skip_on_failure=True), Step("z", echo)]).run("x")
        assert output.status == "COMPLETED"
        assert output.step_results[0].error == "down"


def test_without_a_database_it_continues_in_this_process() -> None:
    """W6h."""
    workflow = Workflow("w", steps=[gated()])
    output = workflow.run("x")
    output.step_requirements[0].confirm()
    assert workflow.continue_run(output).content == "x"


def test_background_runs_keep_the_given_id(file: Path) -> None:
    """W11f."""

    async def until(workflow: Workflow, status: str) -> Any:
        while True:
            found = await workflow.aget_run_output("mine")
            if found.status == status:
                return found
            await asyncio.sleep(0.005)

    async def scenario(workflow: Workflow) -> Any:
        output = await workflow.arun("x", run_id="mine", background=True)
        assert (output.run_id, output.status) == ("mine", "PENDING")
        found = await until(workflow, "PAUSED")
        found.step_requirements[0].confirm()
        assert (await workflow.acontinue_run(found, background=True)).run_id == "mine"
        return await until(workflow, "COMPLETED")

    with SqliteDb(file) as db:
        workflow = Workflow("w", db=db, steps=[gated()])
        assert asyncio.run(scenario(workflow)).content == "x"
        with pytest.raises(RunExists):
            workflow.run("x", run_id="mine")


def test_a_paused_run_returned_by_a_function_is_not_a_result(file: Path) -> None:
    """W15."""
    with SqliteDb(file) as db:
        inner = Workflow("inner", db=db, steps=[gated()])
        with pytest.raises(StepFailed, match=r"paused run.*Step\(agent="):
            Workflow("w", db=db, steps=[Step("call", lambda _: inner.run("x"))]).run("x")


def test_stop_generators_functions_and_schemas(file: Path) -> None:
    def items(_: StepInput) -> Any:
        yield "on the way"
        yield StepOutput(content="last")

    async def aitems(_: StepInput) -> Any:
        yield 1
        yield 2

    def whole(workflow: Any, execution_input: Any) -> str:
        return f"{workflow.name} got {execution_input.input}"

    with SqliteDb(file) as db:
        events = list(Workflow("g", db=db, steps=[items, aitems]).run("x", stream=True))
        assert [event.data for event in events if event.event == "CustomEvent"] == ["on the way", 1]
        assert events[-1].content == 2
        stop = Step("stop", lambda _: StepOutput(content="enough", stop=True))
        assert Workflow("s", db=db, steps=[Steps("in", steps=[stop]), gated()]).run("x").content == "enough"
        assert Workflow("f", db=db, steps=whole).run("x").content == "f got x"
        typed = Workflow("t", db=db, steps=[echo], input_schema=Order)
        with pytest.raises(ValueError, match="fits Order"):
            typed.run({"items": 1})
        assert typed.run({"items": [], "at": "2026-01-01T00:00:00Z"}).content.items == []


def test_the_decorator_gives_a_function_its_gate(file: Path) -> None:
    @pause("named", requires_confirmation=True, confirmation_message="Sure?")
    async def act(step_input: StepInput) -> str:
        return "acted"

    with SqliteDb(file) as db:
        bare = Workflow("a", db=db, steps=[act]).run("x").step_requirements[0]
        assert (bare.step_name, bare.confirmation_message) == ("act", "Sure?")
        assert Workflow("b", db=db, steps=[Step(executor=act)]).run("x").step_requirements[0].step_name == "named"
        assert Workflow("c", db=db, steps=[Step(executor=act, human_review=HumanReview())]).run("x").content == "acted"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: HumanReview(on_reject="skp"),
        lambda: HumanReview(on_timeout="aprove"),
        lambda: HumanReview(on_error="ignore"),
        lambda: HumanReview(requires_confirmation="yes"),
        lambda: HumanReview(requires_output_review=True, requires_iteration_review=True),
        lambda: HumanReview(requires_confirmation=True, on_reject="retry"),
        lambda: HumanReview(timeout=0),
        lambda: Step("s", echo, human_review=HumanReview(timeout=5)),
        lambda: Step("s", echo, human_review=HumanReview(requires_iteration_review=True)),
        lambda: Step("s", echo, human_review=HumanReview(requires_confirmation=True, on_reject="else")),
        lambda: Step("s", echo, human_review=HumanReview(requires_user_input=True)),
        lambda: Steps("s", steps=[echo], human_review=HumanReview(requires_user_input=True)),
        lambda: Steps("s", steps=[echo], human_review=HumanReview(requires_output_review=True)),
        lambda: Loop([echo], human_review=HumanReview(requires_output_review=True)),
        lambda: Condition(steps=[echo], human_review=HumanReview(requires_iteration_review=True)),
        lambda: Parallel(echo, human_review=HumanReview(requires_output_review=True)),
        lambda: Router([echo], name="r"),
        lambda: Router([echo, echo], lambda _: "echo"),
        lambda: Router(
            [echo], human_review=HumanReview(requires_user_input=True, timeout=5, on_timeout=OnTimeout.approve)
        ),
        lambda: UserInputField("n", "number"),
        lambda: UserInputField("n", "int", value="x"),
        lambda: HumanReview(user_input_schema=[{"nme": "n"}]),
        lambda: Step("s"),
        lambda: Step("s", echo, workflow=Workflow(steps=[echo])),
        lambda: Step("s", echo, max_retries=-1),
        lambda: Steps("s", steps=[]),
        lambda: Workflow("w", steps=[1]),
        lambda: Workflow("w"),
        lambda: Loop([echo], max_iterations=0),
        lambda: Condition("yes", steps=[echo]),
    ],
)
def test_what_cannot_be_honoured_is_refused_when_it_is_written(wrong: Any) -> None:
    """W3e, and every cell of the matrix that says no."""
    with pytest.raises(ValueError, match="Expected"):
        wrong()


def test_storage_grows_linearly(file: Path) -> None:
    """W7a: twice the gated steps take about twice the bytes."""

    def stored(count: int) -> int:
        path = file.with_name(f"{count}.db")
        with SqliteDb(path, synchronous="NORMAL") as db:
            steps = [Step(f"s{n}", lambda _: "x" * 1024, human_review=GATE) for n in range(count)]
            workflow = Workflow("w", db=db, steps=steps)
            output = workflow.run("x")
            while output.is_paused:
                output.step_requirements[-1].confirm()
                output = workflow.continue_run(output)
        return path.stat().st_size

    assert stored(40) < 2.6 * stored(20)


def test_the_last_entry_names_only_what_holds_the_result(file: Path) -> None:
    """A result that stands in the journal is not stored twice; an edited or a gathered one is stored."""
    edited = Router([echo], lambda _: "echo", name="r", human_review=HumanReview(requires_output_review=True))
    side_by_side = Parallel(echo, Step("second", lambda _: "b"), name="p")

    def last_entry(last: Any) -> Any:
        with SqliteDb(file, clock=FakeClock()) as db:
            workflow = Workflow("w", db=db, steps=[last])
            output = workflow.run("a")
            while output.is_paused:
                output.step_requirements[-1].edit("changed")
                output = workflow.continue_run(output)
            entries = asyncio.run(db.runtime.load_run_with_entries(RunId(output.run_id)))[1]
            return json.loads(entries[-1].data)

    assert last_entry(Step("s", lambda _: "a")) == {"of": "s"}
    assert last_entry(Steps("t", steps=[echo])) == {"of": "t/echo"}
    assert last_entry(edited) == {"v": "changed"}
    assert last_entry(side_by_side) == {"v": {"echo": "a", "second": "b"}}
