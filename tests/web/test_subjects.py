"""Why one is asked: which question about the same subject it is within a day, exactly, and by an index."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field, SecretStr

from sayso import Agent, SqliteDb, tool
from sayso.app.portal import portal
from sayso.core.reviewing import subject_of
from sayso.model.ids import TaskId
from sayso.model.tasks import ApprovalRequest, CallShown, TaskFilter, TaskSpec
from sayso.stores.driver import sqlite_module
from sayso.testing import FakeClock, ScriptedModel, call
from tests.web.cardkit import Desk, desk_of
from tests.web.site import site

DAY = timedelta(days=1)
ROWS = 100_000


def programs(db: SqliteDb) -> list[Any]:
    @tool(requires_confirmation=True, subject="customer")
    def refund(customer: Any, amount: int) -> str:
        """Refund."""
        return "refunded"

    def turn(request: Any) -> Any:
        said = request.messages[-1].text
        return call("refund", customer=said.split('"')[3] if "{" in said else said, amount=1)

    return [Agent("desk", model=ScriptedModel(turn), tools=[refund], db=db)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with site(tmp_path_factory.mktemp("subjects"), programs) as found:
        yield desk_of(found, [])


def test_the_card_tells_which_question_about_the_same_one_it_is(desk: Desk) -> None:
    tasks = [desk.asked(text=name) for name in ("ada", "bob", "ada", "ada\u202e", "ada")]
    with desk.site.client() as client:
        pages = [client.get(f"/review/{task}").text for task in tasks]
    for page, ordinal in zip(pages, ("first", "first", "second", "first", "third"), strict=True):
        assert f"the {ordinal} refund for customer = " in page
    assert "U+202E" in pages[3]
    assert "within 24 hours" in pages[0]


def spec(value: Any, subject: str | None = "customer") -> TaskSpec:
    shown = CallShown(tool="refund", arguments={"customer": value}, effect="once", subject=subject)
    return TaskSpec(request=ApprovalRequest(message="?", call=shown), step_name="a", step_type="Agent")


def test_subjects_are_compared_by_type_and_value() -> None:
    assert subject_of(spec("1")) == 'customer="1"'
    assert subject_of(spec(1)) == "customer=1"
    assert subject_of(spec(None)) is None
    assert subject_of(spec("x", None)) is None
    schema = {"properties": {"customer": {"properties": {"pin": {"writeOnly": True}}}}}
    shown = CallShown(tool="t", arguments={"customer": {"pin": "77"}}, effect="once", subject="customer", schema=schema)
    within = TaskSpec(request=ApprovalRequest(message="?", call=shown), step_name="a", step_type="Agent")
    assert subject_of(within) == 'customer={"pin":"••••"}'
    long, other = subject_of(spec("x" * 999)), subject_of(spec("x" * 998))
    assert long is not None
    assert other is not None
    assert long.startswith("sha256=")
    assert long != other


def test_it_is_exact_and_quick_among_a_hundred_thousand(tmp_path: Path) -> None:
    clock = FakeClock()
    path = tmp_path / "s.db"
    with SqliteDb(path, clock=clock) as db:
        (agent,) = programs(db)
        agent.run("ada")
        (task,) = portal.call(db.runtime.list_tasks(TaskFilter())).tasks
        connection = sqlite_module().connect(str(path))
        columns = [row[1] for row in connection.execute("PRAGMA table_info(tasks)")]
        row = list(connection.execute("SELECT * FROM tasks").fetchone())
        at = row[columns.index("created_at")]

        def another(number: int) -> list[Any]:
            made = list(row)
            made[columns.index("task_id")] = f"task_{number}"
            made[columns.index("subject")] = f'customer="c{number % 1_000}"'
            made[columns.index("created_at")] = at - number * 1_000_000
            return made

        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO tasks VALUES ({marks})", map(another, range(1, ROWS)))
        connection.commit()

        def count(task_id: str, most: int = 100) -> int:
            return portal.call(
                db.runtime.store.read(lambda tx: tx.reviews.asked_about(TaskId(task_id), within=DAY, most=most))
            )

        assert count(task.id) == 1
        within = [number for number in range(7, ROWS, 1_000) if 7 <= number < 7 + DAY.total_seconds()]
        assert count("task_7") == len(within)
        assert count("task_7", most=10) == 10
        assert count("nobody") == 0
        sql = db.runtime.store._sql["asked_about"]
        plan = [
            step[3]
            for step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", {"task_id": "x", "within": 1, "most": 1})
        ]
        connection.close()
    assert any(
        "ix_tasks_subject (workspace_id=? AND operation=? AND subject=? AND created_at>" in step for step in plan
    ), plan
    assert not any(step.startswith("SCAN tasks") for step in plan), plan


@pytest.mark.parametrize("subject", ["nobody", "password", "given"])
def test_a_subject_that_could_not_be_told_is_refused(subject: str) -> None:
    def pay(customer: str, password: SecretStr, given: Annotated[str, Field(description="by a person")]) -> None:
        """Pay."""

    with pytest.raises(ValueError, match="Expected subject of tool 'pay'"):
        tool(subject=subject, user_input_fields=["given"])(pay)
