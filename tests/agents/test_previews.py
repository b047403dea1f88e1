"""Previews: what a tool says of a call is asked for once, bound to the question, and never in its way."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, Parallel, SqliteDb, Step, Team, ToolContext, Workflow, tool
from sayso.app.portal import portal
from sayso.core.previews import MOST_BYTES
from sayso.core.taskforms import digest_of, spec_bytes
from sayso.model.ids import TaskId
from sayso.model.tasks import TaskFilter
from sayso.testing import FakeClock, ScriptedModel, call

ROOT = Path(__file__).parents[2]
PAY = call("pay", customer="ada", amount=5)
Fn = Callable[..., Any]


def agent_of(db: SqliteDb, preview: Any, *, ran: list[Any] | None = None, name: str = "payer", **options: Any) -> Agent:
    @tool(requires_confirmation=True, preview=preview, **options)
    def pay(ctx: ToolContext, customer: str, amount: float, note: str = "none") -> str:
        """Pay."""
        (ran if ran is not None else []).append((customer, amount))
        return f"paid {amount}"

    model = ScriptedModel([PAY, lambda request: request.messages[-1].text])
    return Agent(name, model=model, tools=[pay], db=db, description="Pays.")


def shown(preview: Any, **options: Any) -> Any:
    """Return what the question about a call of 5 shows, and confirm it."""
    ran: list[Any] = []
    with SqliteDb() as db:
        agent = agent_of(db, preview, ran=ran, **options)
        output = agent.run("x")
        (requirement,) = output.active_requirements
        assert not ran
        requirement.confirm()
        assert agent.continue_run(output).content == "paid 5.0"
    assert ran == [("ada", 5.0)]
    return requirement.preview


async def slow(customer: str) -> str:
    await asyncio.Event().wait()
    return customer


async def pair(ctx: ToolContext, customer: str, amount: float, note: str) -> dict[str, Any]:
    assert (ctx.idempotency_key, ctx.attempt, ctx.call_key) == ("", 0, "turn#1/call:1")
    return {"before": {"paid": 0.0, "note": note}, "after": {"paid": amount, "note": note}}


def boom(customer: str) -> str:
    raise RuntimeError(f"no {customer} at https://ada:hunter22@example.com")


def leaves(customer: str) -> str:
    raise SystemExit(3)


async def gives_up(customer: str) -> str:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("preview", "stored"),
    [
        (lambda customer, amount: f"{customer}: 0 -> {amount:g}", {"value": "ada: 0 -> 5"}),
        (lambda: ["a", 1, None], {"value": ["a", 1, None]}),
        (lambda **all_: sorted(all_), {"value": ["amount", "customer", "note"]}),
        (lambda customer, more=1: (customer, more), {"value": ["ada", 1]}),
        (lambda: {"before": 1, "after": 2, "more": 3}, {"value": {"before": 1, "after": 2, "more": 3}}),
        (lambda: {"before": None, "after": None}, {"before": None, "after": None}),
        (lambda: None, {"value": None}),
        (lambda: {"$": "secret", "v": 1}, {"value": "••••"}),
        (pair, {"before": {"paid": 0.0, "note": "none"}, "after": {"paid": 5.0, "note": "none"}}),
        (boom, {"error": "RuntimeError: no ada at https://[concealed]@example.com"}),
        (leaves, {"error": "RuntimeError: the tool raised SystemExit: 3"}),
        (gives_up, {"error": "it was cancelled"}),
        (lambda: float("nan"), {"value": "nan"}),
        (lambda: "x" * MOST_BYTES, {"error": "it is 65,538 bytes long, and may take 65,536"}),
    ],
)
def test_what_a_preview_says_is_shown_and_whatever_it_does_the_question_is_asked(preview: Fn, stored: Any) -> None:
    assert shown(preview) == stored


def test_a_preview_that_cannot_be_stored_is_none() -> None:
    assert "error" in shown(object)
    assert "lone surrogate" in shown(lambda: "\ud800")["error"] or "utf-8" in shown(lambda: "\ud800")["error"]


def test_a_slow_preview_is_left_behind() -> None:
    assert shown(slow, preview_timeout=0.01) == {"error": "TimeoutError: it took longer than 0.01 s"}
    held = threading.Event()
    try:
        assert shown(lambda: held.wait(), preview_timeout=0.01) == {"error": "TimeoutError: it took longer than 0.01 s"}
    finally:
        held.set()


def test_it_is_asked_once_and_bound_by_the_digest_of_what_was_shown(tmp_path: Path) -> None:
    asked: list[str] = []

    def preview(customer: str) -> str:
        asked.append(customer)
        return f"number {len(asked)}"

    with SqliteDb(tmp_path / "s.db") as db:
        output = agent_of(db, preview).run("x", run_id="run")
        (requirement,) = output.active_requirements
        task = portal.call(db.runtime.store.read(lambda tx: tx.find_task(TaskId(requirement.id))))
        assert task is not None
        assert task.spec.request.call.preview == {"value": "number 1"}
        assert b"number 1" in spec_bytes(task.spec)
        assert task.digest == digest_of(spec_bytes(task.spec), run_id="run", key=task.key)
    for _ in range(2):
        with SqliteDb(tmp_path / "s.db") as db:  # another process replays
            agent = agent_of(db, preview)
            output = agent.get_run_output("run")
            assert output.active_requirements[0].preview == {"value": "number 1"}
    with SqliteDb(tmp_path / "s.db") as db:
        agent = agent_of(db, preview)
        output = agent.get_run_output("run")
        output.active_requirements[0].edit({"customer": "ada", "amount": 3})
        assert agent.continue_run(output).content.endswith("paid 3.0")
    assert asked == ["ada"]


_DIES = """
import os, signal, sys
from pathlib import Path
from sayso import SqliteDb
from tests.agents.test_previews import agent_of

def preview(customer):
    Path(sys.argv[1], "asked").write_text("once")
    os.kill(os.getpid(), signal.SIGKILL)

with SqliteDb(Path(sys.argv[1], "s.db"), lease_seconds=0.25) as db:
    agent_of(db, preview).run("x", run_id="run")
"""


def test_a_kill_between_preview_and_question_asks_again_and_harms_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _DIES, str(tmp_path)], cwd=ROOT, timeout=60, check=False)
    assert (done.returncode, (tmp_path / "asked").read_text()) == (-9, "once")
    ran: list[Any] = []
    with SqliteDb(tmp_path / "s.db", lease_seconds=0.25, clock=FakeClock(datetime(2100, 1, 1, tzinfo=UTC))) as db:
        agent = agent_of(db, lambda customer: "again", ran=ran)
        output = agent.continue_run(agent.get_run_output("run"))
        (requirement,) = output.active_requirements
        assert requirement.preview == {"value": "again"}
        requirement.confirm()
        assert agent.continue_run(output).content == "paid 5.0"
    assert ran == [("ada", 5.0)]


def test_secrets_that_the_process_knows_are_masked_in_it() -> None:
    with SqliteDb(secrets=["a-very-secret-value"]) as db:
        output = agent_of(db, lambda: {"before": "", "after": "token a-very-secret-value"}).run("x")
        assert output.active_requirements[0].preview == {"before": "", "after": "token [secret]"}


def test_in_steps_in_teams_and_side_by_side() -> None:
    def say(customer: str) -> str:
        return f"of {customer}"

    with SqliteDb() as db:
        one, two = agent_of(db, say, name="one"), agent_of(db, say, name="two")
        steps = [Parallel(Step("a", agent=one), Step("b", agent=two), name="p")]
        output = Workflow("flow", db=db, steps=steps).run("x")
        assert output.is_paused
        tasks = portal.call(db.runtime.list_tasks(TaskFilter())).tasks
        assert [task.spec.request.call.preview for task in tasks] == [{"value": "of ada"}] * 2
        member = agent_of(db, say, name="member")
        lead = ScriptedModel([call("ask_member", task="pay"), lambda request: request.messages[-1].text])
        team = Team("team", model=lead, members=[member], db=db).run("x")
        assert [item.preview for item in team.active_requirements] == [{"value": "of ada"}]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"preview": lambda other: other}, "takes 'other'"),
        ({"preview": lambda *all_: all_}, r"takes '\*all_'"),
        ({"preview": "text"}, "to be a function"),
        ({"preview": lambda amount: amount, "preview_timeout": 0}, "timeout"),
        ({"preview": lambda: 1, "user_input_fields": ["amount"]}, "user_input_fields"),
    ],
)
def test_a_preview_that_could_not_be_asked_is_refused_where_the_tool_is_made(
    options: dict[str, Any], problem: str
) -> None:
    def pay(amount: float) -> None:
        """Pay."""

    with pytest.raises(ValueError, match=problem):
        tool(**options)(pay)
