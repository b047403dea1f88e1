"""A worker takes runs up whose caller has gone: after decisions, deadlines, crashes, and commits of other processes."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sayso import HumanReview, OnTimeout, SqliteDb, Step, StepInput, Worker, Workflow
from sayso.model.actors import Actor
from sayso.model.decisions import Approve

ANA = Actor(type="user", id="ana")


async def draft(step_input: StepInput) -> str:
    return f"draft for {step_input.input}"


def send(step_input: StepInput) -> str:
    return f"sent {step_input.previous_step_content}"


def mail(db: SqliteDb, **review: Any) -> Workflow:
    gate = HumanReview(requires_confirmation=True, **review)
    return Workflow("mail", db=db, steps=[draft, Step("send", send, human_review=gate)])


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Poll a coroutine function until it returns something true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = await condition()
        if found:
            return found
        await asyncio.sleep(0.005)
    raise AssertionError("Expected it to become true in time.")


@pytest.fixture
def db(tmp_path: Path) -> Any:
    with SqliteDb(tmp_path / "sayso.db") as opened:
        yield opened


async def the_task(db: SqliteDb) -> Any:
    page = await db.runtime.list_tasks()
    return page.tasks[0] if page.tasks else None


def test_a_decision_wakes_the_worker(db: SqliteDb) -> None:
    async def scenario() -> str:
        workflow = mail(db)
        async with Worker(db, [workflow]):
            run = await workflow.arun("bob", background=True)
            task = await until(lambda: the_task(db))
            await db.runtime.decide(task.id, Approve(), digest=task.digest, by=ANA)

            async def done() -> Any:
                output = await workflow.aget_run_output(run.run_id)
                return output.content if output.status == "COMPLETED" else None

            return await until(done)

    assert asyncio.run(scenario()) == "sent draft for bob"


def test_a_deadline_is_carried_out_with_no_caller(db: SqliteDb) -> None:
    async def scenario() -> Any:
        workflow = mail(db, timeout=0.05, on_timeout=OnTimeout.approve)
        run = await workflow.arun("bob")
        assert run.is_paused
        async with Worker(db, [workflow]):

            async def done() -> Any:
                output = await workflow.aget_run_output(run.run_id)
                return output if output.status == "COMPLETED" else None

            return await until(done)

    output = asyncio.run(scenario())
    assert output.content == "sent draft for bob"
    assert output.step_requirements[0].decided_by == "system:timeout"


_APPROVE = """
import asyncio, sys
from sayso import SqliteDb
from sayso.model.actors import Actor
from sayso.model.decisions import Approve

async def main(db):
    task = (await db.runtime.list_tasks()).tasks[0]
    await db.runtime.decide(task.id, Approve(), digest=task.digest, by=Actor(type="user", id="eve"))

with SqliteDb(sys.argv[1]) as db:
    asyncio.run(main(db))
"""


def test_a_decision_of_another_process_wakes_the_worker(db: SqliteDb) -> None:
    workflow = mail(db)
    with Worker(db, [workflow]):
        run = workflow.run("bob")
        subprocess.run([sys.executable, "-c", _APPROVE, str(db.db_file)], check=True, timeout=60)

        async def done() -> Any:
            output = await workflow.aget_run_output(run.run_id)
            return output if output.status == "COMPLETED" else None

        output = asyncio.run(until(done))
    assert output.step_requirements[0].decided_by == "eve"


def test_a_worker_leaves_other_programs_alone(db: SqliteDb) -> None:
    async def scenario() -> tuple[str, str]:
        with SqliteDb(db.db_file) as elsewhere:
            elsewhere.runtime.register(Workflow("other", db=elsewhere, steps=[draft]))
            run = (await elsewhere.runtime.start("other", {"input": "x"}, hold=False)).run.id
        async with Worker(db, [mail(db)]):
            mine = await mail(db).arun("bob")
        return (await db.runtime.load_run(run)).state, mine.status

    assert asyncio.run(scenario()) == ("queued", "PAUSED")


async def _handed_back() -> bool:
    """Tell whether an engine of this loop has been told to let go of a run."""
    tasks = {task for task in asyncio.all_tasks() if task.get_coro().__qualname__ == "LocalEngine._one"}
    return any(task.cancelling() for task in tasks)


def test_stopping_a_worker_hands_its_runs_back(db: SqliteDb) -> None:
    gone_on = threading.Event()
    begun = threading.Event()

    def slow(_: StepInput) -> str:
        begun.set()
        assert gone_on.wait(10)
        return "done once"

    workflow = Workflow("slow", db=db, steps=[slow, send])

    async def scenario() -> Any:
        db.runtime.register(workflow)
        claimed = await db.runtime.start("slow", {"input": "x"}, hold=False)
        stop = asyncio.Event()
        serving = asyncio.create_task(Worker(db, [workflow]).serve(stop))
        await asyncio.to_thread(begun.wait, 10)
        stop.set()
        await until(_handed_back)
        gone_on.set()
        await serving
        return await db.runtime.load_run(claimed.run.id)

    run = asyncio.run(scenario())
    assert run.state == "queued"
    begun.clear()
    output = workflow.continue_run(run_id=run.id, session_id=run.session_id)
    assert output.content == "sent done once"
    assert not begun.is_set(), "the step that had ended was executed again"


def test_a_thread_that_outlives_its_caller_keeps_its_outcome(db: SqliteDb) -> None:
    calls: list[str] = []
    begun, gone_on = threading.Event(), threading.Event()

    def slow(_: StepInput) -> str:
        calls.append("slow")
        begun.set()
        assert gone_on.wait(10)
        return "kept"

    workflow = Workflow("slow", db=db, steps=[slow, send])

    async def scenario() -> None:
        task = asyncio.create_task(workflow.arun("x", run_id="run_1", session_id="ses_1"))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        await asyncio.sleep(0)
        gone_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    output = workflow.continue_run(run_id="run_1", session_id="ses_1")
    assert output.content == "sent kept"
    assert calls == ["slow"]
