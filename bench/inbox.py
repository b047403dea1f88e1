"""The first page of an inbox in which many tasks are pending."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import flows
from bench.bare import SYNCHRONOUS, Bare, new_id
from bench.measure import Aim, Figure, Size, by_turns, folder
from sayso import SqliteDb
from sayso.model.tasks import TaskFilter
from sayso.stores.driver import connect, sqlite_module

_PAGE = 50
_KINDS = ("approval", "approval", "approval", "approval", "approval", "approval", "form", "form", "form", "review")
_ORDER = (
    "FROM tasks WHERE status = 'pending' AND (due_at IS NULL OR due_at > 0) {} ORDER BY created_at, task_id LIMIT 51"
)
_ALL = "SELECT * " + _ORDER.format("")
_KIND = "SELECT * " + _ORDER.format("AND kind = 'form'")


def first_page(size: Size) -> Iterator[Figure]:
    """Fill the tables with copies of a real task, then read the first page of one kind, and of all."""
    for pending, limit in ((size.of(10_000, 100), 1.0), (size.of(100_000, 200), 5.0)):
        with folder() as place:
            path = place / "ours.db"
            asyncio.run(_one(path))
            _fill(path, pending)
            yield from _read(size, path, pending, limit)


async def _one(path: Path) -> None:
    flow = flows.gated(path)
    await flow.arun("in")
    flow.db.close()


def _fill(path: Path, pending: int) -> None:
    """Copy the one parked run; `kind` alone differs, which is what the index sees."""
    connection: Any = connect(sqlite_module(), str(path), synchronous=SYNCHRONOUS)
    run = connection.execute("SELECT * FROM runs").fetchone()
    task = connection.execute("SELECT * FROM tasks").fetchone()
    ids = [(new_id("run"), new_id("task"), number) for number in range(1, pending)]
    connection.execute("BEGIN")
    connection.executemany(
        f"INSERT INTO runs VALUES ({', '.join('?' * len(run))})", [(run_id, *run[1:]) for run_id, _, _ in ids]
    )
    connection.executemany(
        f"INSERT INTO tasks VALUES ({', '.join('?' * len(task))})",
        [
            (task_id, run_id, *task[2:5], _KINDS[number % 10], *task[6:10], task[10] + number, *task[11:])
            for run_id, task_id, number in ids
        ],
    )
    connection.execute("COMMIT")
    connection.close()


def _read(size: Size, path: Path, pending: int, limit: float) -> Iterator[Figure]:
    each = size.of(20, 2)
    with SqliteDb(path) as db, asyncio.Runner() as loop:
        bare = Bare(path)
        for what, wanted, sql, aim in (
            ("one kind", TaskFilter(kind="form"), _KIND, Aim(of="ours", limit=limit)),
            ("all kinds", TaskFilter(), _ALL, None),
        ):

            async def ours(wanted: TaskFilter = wanted) -> None:
                for _ in range(each):
                    page = await db.runtime.list_tasks(wanted, limit=_PAGE)
                    assert len(page.tasks) >= min(_PAGE, pending // 10)

            def theirs(sql: str = sql) -> None:
                for _ in range(each):
                    bare.connection.execute(sql).fetchall()

            mine, its = by_turns(size.of(21, 1), lambda: loop.run(ours()), theirs)
            yield Figure(
                what=f"first page ({_PAGE}) of {what}, {pending:,} pending",
                unit="ms",
                ours=mine.wall / each * 1000,
                bare=its.wall / each * 1000,
                aim=aim,
            )
        bare.close()
