"""The workflows that the fault tests kill: one per kind of gate, each with effects before, inside and after it.

An effect is a line in a file that belongs to nobody's database: the step's key and its idempotency key, synced.
"""

import contextlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sayso import (
    Condition,
    HumanReview,
    Loop,
    OnError,
    OnReject,
    Parallel,
    Router,
    RunContext,
    SqliteDb,
    Step,
    StepInput,
    Steps,
    Worker,
    Workflow,
    WorkflowRunOutput,
)
from sayso.app.portal import portal
from sayso.core.deadlines import extensible
from sayso.model.actors import Actor
from sayso.model.errors import AlreadyDecided, TaskExpired
from sayso.model.ids import RunId


class Effects:
    """An outside system: an append-only file of what reached it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def apply(self, run_context: RunContext) -> None:
        line = json.dumps({"step": run_context.step_key, "key": run_context.idempotency_key}) + "\n"
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, line.encode())
            os.fsync(handle)
        finally:
            os.close(handle)

    def arrived(self) -> list[dict[str, str]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def attempts(self) -> Counter[str]:
        """How often each step's effect arrived; a remote that honours keys makes one of it."""
        return Counter(item["step"] for item in self.arrived())

    def effects(self) -> Counter[str]:
        """What a remote that honours idempotency keys has done, by step."""
        return Counter({item["key"]: item["step"] for item in self.arrived()}.values())


def act(step_input: StepInput, run_context: RunContext) -> str:
    run_context.dependencies["effects"].apply(run_context)
    return run_context.step_key


def broken_once(step_input: StepInput, run_context: RunContext) -> str:
    if run_context.step_key.endswith("broken"):
        raise RuntimeError("the first time fails")
    return act(step_input, run_context)


def _confirm(**more: Any) -> HumanReview:
    return HumanReview(requires_confirmation=True, **more)


def _review(**more: Any) -> HumanReview:
    return HumanReview(requires_output_review=True, on_reject=OnReject.retry, **more)


def _form() -> HumanReview:
    return HumanReview(requires_user_input=True, user_input_schema=[{"name": "amount", "field_type": "int"}])


def a(name: str, review: HumanReview | None = None) -> Step:
    return Step(name, act, human_review=review)


def inner(name: str) -> Workflow:
    return Workflow(name, steps=[a("in"), a("gated", _confirm())])


FLOWS: dict[str, Callable[[], list[Any]]] = {
    "confirm": lambda: [a("one"), a("two", _confirm()), a("three")],
    "form": lambda: [a("one"), a("two", _form()), a("three")],
    "review": lambda: [a("one"), a("two", _review()), a("three")],
    "edit": lambda: [a("one"), a("two", _review()), a("three")],
    "route": lambda: [Router([a("x"), a("y")], name="r", human_review=HumanReview(requires_user_input=True)), a("z")],
    "loop": lambda: [Loop([a("pass")], name="l", human_review=_iteration()), a("after")],
    "error": lambda: [a("one"), Step("broken", broken_once, human_review=HumanReview(on_error=OnError.pause)), a("z")],
    "parallel": lambda: [Parallel(a("p", _confirm()), Steps("q", steps=[a("q1"), a("q2", _form())])), a("after")],
    "nested": lambda: [a("one"), Step(workflow=inner("inside")), a("after")],
    "deadline": lambda: [a("one"), a("two", _confirm(timeout=0.05, on_timeout="approve")), a("three")],
    "refused": lambda: [
        a("one", _confirm(on_reject="skip")),
        a("two"),
        a("three", _confirm(on_reject="cancel")),
        a("z"),
    ],
    "lapsed": lambda: [a("one"), a("two", _confirm(timeout=0.05, on_timeout="skip")), a("three")],
    "reroute": lambda: [Router([a("x"), a("y")], lambda _: "x", name="r", human_review=_review()), a("z")],
    "extended": lambda: [a("one"), a("two", _confirm(timeout=3600, on_timeout="skip")), a("three")],
    "outlasted": lambda: [a("one"), a("two", _confirm(timeout=0.3, on_timeout="approve", extensions=1)), a("three")],
    "condition": lambda: [Condition(steps=[a("yes")], else_steps=[a("no")], name="c", human_review=_confirm()), a("z")],
}


DEADLINES = ("deadline", "lapsed")
"""Flows that nobody answers."""
EXTENDED = ("extended", "outlasted")
"""Flows whose deadline somebody extends once, and who then answers, or does not."""


def _iteration() -> HumanReview:
    return HumanReview(requires_iteration_review=True, on_reject=OnReject.retry)


def build(name: str, db: SqliteDb, effects: Effects) -> Workflow:
    return Workflow(name, db=db, steps=FLOWS[name](), dependencies={"effects": effects})


def answer(name: str, output: WorkflowRunOutput) -> None:
    """Answer the questions that are open, the same way however often it is asked."""
    for item in output.active_error_requirements:
        item.retry()
    for item in output.active_step_requirements:
        if name == "refused":
            item.reject("no")
        elif item.requires_user_input:
            item.set_user_input(amount=3)
        elif item.requires_route_selection:
            item.select("y")
        elif item.requires_output_review and name == "edit":
            item.edit("by hand")
        elif item.requires_output_review and "@" not in item.step_id and "#2" not in item.step_id:
            item.reject("again")
        else:
            item.confirm()


def extend_once(db: SqliteDb) -> None:
    """Extend the deadline of what is asked, unless that was done before, or its time has passed."""
    runtime = db.runtime
    for task in portal.call(runtime.run_tasks(RunId("run_1"))):
        room = extensible(task)
        if room is not None and not room.made:
            with contextlib.suppress(TaskExpired, AlreadyDecided):
                portal.call(runtime.extend(task.id, by=Actor(type="user", id="ana"), shown=task.due_at))


def _passed(workflow: Workflow, db: SqliteDb) -> WorkflowRunOutput:
    """Let a worker carry the deadline out."""
    with Worker(db, [workflow]):
        for _ in range(3000):
            if (output := workflow.get_run_output("run_1")).status == "COMPLETED":
                return output
            time.sleep(0.01)
    raise TimeoutError(f"Expected run_1 to be completed within 30 s, but it is {output.status}.")


def drive(name: str, path: Path, effects: Effects, observer: Any = None, lease: float = 0.25) -> WorkflowRunOutput:
    """Take the run `run_1` from wherever it stands to its end, answering on the way."""
    with SqliteDb(path, lease_seconds=lease, observer=observer) as db:
        workflow = build(name, db, effects)
        try:
            output = workflow.get_run_output("run_1")
        except ValueError:
            output = workflow.run("x", run_id="run_1", session_id="ses_1")
        while output.status not in {"COMPLETED", "CANCELLED", "ERROR"}:
            if name in EXTENDED:
                extend_once(db)
            if name in DEADLINES or name == "outlasted":
                output = _passed(workflow, db)
                continue
            answer(name, output)
            output = workflow.continue_run(output)
        return output
