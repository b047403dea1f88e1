"""The bare driver: the least program that makes the same durable transitions, for one caller, without any runtime.

It writes the same rows into the same tables with the same indexes (an empty file made by Sayso itself), through the
same SQLite library with the same settings, one commit where Sayso makes one. It fences nothing and checks nothing.
"""

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sayso.stores.driver import connect, sqlite_module
from sayso.stores.sqlite import SqliteStore

SYNCHRONOUS = "FULL"
_LEASE = 10_000_000
_BODY = json.dumps(
    {
        "request": {"kind": "approval", "message": "Execute step 'act'?"},
        "step_name": "act",
        "step_type": "Step",
        "on_reject": "skip",
        "on_timeout": "cancel",
    }
).encode()

RUN = (
    "INSERT INTO runs (run_id, session_id, program, fingerprint, state, epoch, seq, owner, ready_at, created_at,"
    " updated_at) VALUES (?, ?, 'bench', 'da95386a5c2c85e01f1ca3b7', 'running', 1, 1, ?, ?, ?, ?)"
)
SESSION = "INSERT INTO sessions (session_id, state, created_at, updated_at) VALUES (?, '{}', ?, ?)"
ENTRY = "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, NULL)"
ADVANCE = "UPDATE runs SET seq = seq + ?, updated_at = ? WHERE run_id = ?"
REST = "UPDATE runs SET seq = seq + ?, updated_at = ?, state = ?, ready_at = NULL WHERE run_id = ?"
WAKE = "UPDATE runs SET seq = seq + 1, updated_at = ?, state = 'running', ready_at = ? WHERE run_id = ?"
TASK = (
    "INSERT INTO tasks (task_id, run_id, session_id, program, key, kind, status, digest, body, created_at)"
    " VALUES (?, ?, ?, 'bench', ?, 'approval', 'pending', ?, ?, ?)"
)
DECIDED = "UPDATE tasks SET status = 'completed' WHERE task_id = ? AND status = 'pending'"
DECISION = (
    "INSERT INTO decisions (task_id, run_id, verdict, action, by_type, by_id, via, at, digest)"
    " VALUES (?, ?, 'approve', 'proceed', 'user', 'local', 'api', ?, ?)"
)
LAST_AUDIT = "SELECT seq, hash FROM audit WHERE workspace_id = 'default' ORDER BY seq DESC LIMIT 1"
AUDIT = "INSERT INTO audit VALUES ('default', ?, ?, 'user', 'local', 'api', 'task.decided', ?, ?, ?, ?)"
CALL = "INSERT INTO calls VALUES (?, ?, ?, 'pay', 'd', 'once', ?, 'd', 'k', 'started', 1, 1, ?, ?, ?)"
ATTEMPT = "INSERT INTO call_attempts VALUES (?, 1, 1, ?, NULL, NULL, NULL)"
SETTLE = "UPDATE calls SET state = 'succeeded', updated_at = ? WHERE call_id = ? AND state = 'started'"
SETTLED = "UPDATE call_attempts SET outcome = 'succeeded' WHERE call_id = ? AND attempt = 1"
JOURNAL = "SELECT seq, key, kind, at, data FROM journal WHERE run_id = ? ORDER BY seq"
TASKS = "SELECT task_id, key, digest, body FROM tasks WHERE run_id = ? AND status = 'pending'"
DIGEST = "8fce2176848704e13ae3fef1c2eae3ab5732a331de5205c94254d238f6916489"


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:26]}"


def micros() -> int:
    return time.time_ns() // 1000


def pages(path: Path) -> int:
    """Return the size of a database in bytes, what still waits in the WAL included."""
    connection = connect(sqlite_module(), str(path), synchronous=SYNCHRONOUS)
    try:
        count, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    finally:
        connection.close()
    return count * size


class Bare:
    """One connection, and a function per transition."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            SqliteStore(str(path)).close()
        self.connection: Any = connect(sqlite_module(), str(path), synchronous=SYNCHRONOUS)
        self._execute = self.connection.execute

    def close(self) -> None:
        self.connection.close()

    def commit(self, *changes: tuple[str, tuple[Any, ...]]) -> None:
        """Make changes durable in one transaction."""
        execute = self._execute
        execute("BEGIN IMMEDIATE")
        for sql, values in changes:
            execute(sql, values)
        execute("COMMIT")

    def started(self, given: str = "in") -> tuple[str, list[tuple[str, tuple[Any, ...]]]]:
        """Return a new run's id and the rows it begins with."""
        now, run, session = micros(), new_id("run"), new_id("ses")
        return run, [
            (SESSION, (session, now, now)),
            (RUN, (run, session, "wrk_01m7y1vj9hy7jgh4znxe7xqbze", now + _LEASE, now, now)),
            (ENTRY, (run, 1, "", "started", now, json.dumps({"input": given}).encode())),
        ]

    def stepped(self, run: str, seq: int, key: str, content: Any) -> list[tuple[str, tuple[Any, ...]]]:
        """Return the rows of one step's outcome."""
        now = micros()
        return [(ADVANCE, (1, now, run)), (ENTRY, _outcome(run, seq, key, content, now))]

    def finished(self, run: str, seq: int, key: str, content: Any) -> list[tuple[str, tuple[Any, ...]]]:
        """Return the rows of the last step's outcome and the end of the run."""
        now = micros()
        return [
            (REST, (2, now, "completed", run)),
            (ENTRY, _outcome(run, seq, key, content, now)),
            (ENTRY, (run, seq + 1, "", "finished", now, json.dumps({"of": key}).encode())),
        ]

    def run(self, steps: int, act: Callable[[], Any]) -> str:
        """Run some steps, each journaled, in `steps + 1` commits."""
        run, rows = self.started()
        self.commit(*rows)
        for number in range(1, steps):
            self.commit(*self.stepped(run, number + 1, f"step {number}", act()))
        self.commit(*self.finished(run, steps + 1, f"step {steps}", act()))
        return run

    def run_all(self, count: int, steps: int, act: Callable[[], Any]) -> None:
        """Run many at once in lockstep: one commit makes the same transition of all of them durable."""
        started = [self.started() for _ in range(count)]
        self.commit(*_flat(rows for _, rows in started))
        ids = [run for run, _ in started]
        for number in range(1, steps):
            self.commit(*_flat(self.stepped(run, number + 1, f"step {number}", act()) for run in ids))
        self.commit(*_flat(self.finished(run, steps + 1, f"step {steps}", act()) for run in ids))

    def park(self) -> str:
        """Start a run and pause it before its first step: two commits."""
        run, rows = self.started()
        self.commit(*rows)
        now, task = micros(), new_id("task")
        self.commit(
            (REST, (1, now, "waiting", run)),
            (ENTRY, (run, 2, "act?confirm", "asked", now, json.dumps({"task": task}).encode())),
            (TASK, (task, run, rows[0][1][0], "act?confirm", DIGEST, _BODY, now)),
        )
        return run

    def look(self, run: str) -> None:
        """Read what is asked, and the journal so far."""
        for row in self._execute(TASKS, (run,)).fetchall():
            json.loads(row[3])
        for row in self._execute(JOURNAL, (run,)).fetchall():
            json.loads(row[4])

    def decide(self, run: str) -> list[Any]:
        """Read what is asked, record the answer, take the run, and read its journal: one commit."""
        task, key, digest, body = self._execute(TASKS, (run,)).fetchone()
        json.loads(body)
        now = micros()
        data = json.dumps({"task": task, "verdict": "approve", "action": "proceed", "by": "user:local"}).encode()
        seq, last = self._execute(LAST_AUDIT).fetchone() or (0, "0" * 64)
        chained = hashlib.sha256(last.encode() + data).hexdigest()
        self.commit(
            (DECIDED, (task,)),
            (DECISION, (task, run, now, digest)),
            (WAKE, (now, now + _LEASE, run)),
            (ENTRY, (run, 3, key, "decided", now, data)),
            (AUDIT, (seq + 1, now, task, data, last, chained)),
        )
        return [json.loads(row[4]) for row in self._execute(JOURNAL, (run,)).fetchall()]

    def go_on(self, run: str, act: Callable[[], Any]) -> None:
        """Answer the pause and take the run to its end: two commits."""
        seq = len(self.decide(run))
        self.commit(*self.finished(run, seq + 1, "act", act()))

    def called(self, run: str, act: Callable[[], Any]) -> None:
        """Answer the pause, start a call, keep its outcome, and end the run: four commits, with a ledger of one row."""
        seq = len(self.decide(run))
        now, call = micros(), new_id("call")
        self.commit(
            (CALL, (call, run, "act", b'{"amount":5}', now, now, now)),
            (ATTEMPT, (call, now)),
            (ADVANCE, (1, now, run)),
            (ENTRY, (run, seq + 1, "act", "call", now, b'{"attempt":1}')),
        )
        content, now = act(), micros()
        self.commit((SETTLE, (now, call)), (SETTLED, (call,)), *self.stepped(run, seq + 2, "act", content))
        self.commit(*self.finished(run, seq + 3, "turn#2/model", content))


def _outcome(run: str, seq: int, key: str, content: Any, now: int) -> tuple[Any, ...]:
    return run, seq, key, "step", now, json.dumps({"v": {"content": content}, "us": 1}).encode()


def _flat(groups: Iterable[list[tuple[str, tuple[Any, ...]]]]) -> list[tuple[str, tuple[Any, ...]]]:
    return [row for group in groups for row in group]
