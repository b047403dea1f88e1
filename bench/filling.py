"""A workspace with much in it: copies of real runs, made with plain SQL, spread over the last thirty days."""

import json
import time
from pathlib import Path
from typing import Any

from bench.bare import SYNCHRONOUS, new_id
from sayso.stores.driver import connect, sqlite_module

_DAY = 86_400_000_000
_PEOPLE = tuple(f"reviewer{number}@example.com" for number in range(7))
_VERDICTS = ("approve",) * 16 + ("edit", "edit", "reject", "approve")
_STATES = ("waiting",) * 14 + ("completed",) * 5 + ("failed",)


class Filler:
    """Copies the rows of a paused run and of a finished one.

    Args:
        path: The database, which holds such runs with a task each.
    """

    def __init__(self, path: Path) -> None:
        self._connection: Any = connect(sqlite_module(), str(path), synchronous=SYNCHRONOUS)
        self._now = time.time_ns() // 1000

    def fill(self, *, sessions: int, pending: int, decided: int) -> None:
        """Add sessions of one run each, and spread tasks over them: pending ones over those that wait."""
        self._connection.execute("BEGIN")
        waiting: list[tuple[str, str, int]] = []
        every: list[tuple[str, str, int]] = []
        for number in range(sessions):
            state = _STATES[number % len(_STATES)]
            copied = self._session(state, self._now - 30 * _DAY * (sessions - number) // (sessions + 1))
            every.append(copied)
            waiting += [copied] if state == "waiting" else []
        for number in range(pending):
            run, session, at = waiting[number % len(waiting)]
            self._task("pending", run, session, at + number)
        for number in range(decided):
            run, session, at = every[number % len(every)]
            self._decided(run, session, at + number, number)
        self._connection.execute("COMMIT")

    def lengthen(self, steps: int) -> str:
        """Add a session of one finished run of so many steps, each with an output of 200 characters; return its id."""
        self._connection.execute("BEGIN")
        run, session, at = self._session("completed", self._now - _DAY)
        self._connection.execute("DELETE FROM journal WHERE run_id = ? AND seq > 1", (run,))
        output = json.dumps({"v": {"content": "x" * 200}, "us": 500}).encode()
        entries = [
            (run, number + 2, f"loop#{number}/step", "step", at + number * 1_000, output) for number in range(steps)
        ]
        entries.append((run, steps + 2, "", "finished", at + steps * 1_000, b'{"v":"done"}'))
        self._connection.executemany(
            "INSERT INTO journal (run_id, seq, key, kind, at, data) VALUES (?, ?, ?, ?, ?, ?)", entries
        )
        self._connection.execute("UPDATE runs SET seq = ? WHERE run_id = ?", (steps + 2, run))
        self._connection.execute("COMMIT")
        return session

    def close(self) -> None:
        """Finish."""
        self._connection.execute("ANALYZE")
        self._connection.close()

    def _session(self, state: str, at: int) -> tuple[str, str, int]:
        run, session = new_id("run"), new_id("ses")
        like = state if state == "waiting" else "completed"
        source = self._one("SELECT * FROM runs WHERE state = ? ORDER BY created_at LIMIT 1", like)
        self._copy("sessions", source["session_id"], "session_id", session_id=session, created_at=at, updated_at=at)
        values = {"session_id": session, "created_at": at, "updated_at": at + 60_000_000, "ready_at": None}
        self._copy("runs", source["run_id"], "run_id", **{**values, "run_id": run, "state": state})
        self._copy("journal", source["run_id"], "run_id", run_id=run)
        return run, session, at

    def _task(self, status: str, run: str, session: str, at: int, **more: Any) -> str:
        task = new_id("task")
        values = {"task_id": task, "run_id": run, "session_id": session, "created_at": at, **more}
        found = self._one("SELECT * FROM tasks WHERE status = ? LIMIT 1", status)
        self._insert("tasks", {**found, **values})
        return task

    def _decided(self, run: str, session: str, at: int, number: int) -> None:
        closed = min(at + 5_000_000 * (1 + number % 40), self._now)
        operation = ("pay", "refund", "close")[number % 3]
        task = self._task("completed", run, session, at, closed_at=closed, operation=operation)
        found = self._one("SELECT * FROM decisions LIMIT 1")
        who = _PEOPLE[number % len(_PEOPLE)]
        said = {"verdict": _VERDICTS[number % len(_VERDICTS)], "by_type": "user", "by_id": who, "at": closed}
        self._insert("decisions", {**found, "task_id": task, "run_id": run, **said})

    # -- rows ------------------------------------------------------------------------------------------------

    def _one(self, sql: str, *given: Any) -> dict[str, Any]:
        cursor = self._connection.execute(sql, given)
        return dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))

    def _copy(self, table: str, value: str, key: str, **changed: Any) -> None:
        cursor = self._connection.execute(f"SELECT * FROM {table} WHERE {key} = ?", (value,))
        names = [column[0] for column in cursor.description]
        for row in cursor.fetchall():
            self._insert(table, {**dict(zip(names, row, strict=True)), **changed})

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        marks = ", ".join("?" * len(row))
        self._connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
