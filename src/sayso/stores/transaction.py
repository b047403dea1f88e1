"""The runtime's `Transaction` port over a driver's cursor: rows in, values out.

One object serves one thread's connection for its whole life. It decides nothing: conditions are in the statements,
and what a refusal means is the caller's business.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from sayso.core.instants import from_micros, to_micros
from sayso.model.decisions import Decision
from sayso.model.ids import RunId, SessionId, TaskId, WorkerId
from sayso.model.journal import Entry, EntryKind, NewEntry
from sayso.model.messages import Usage
from sayso.model.runs import Applied, NewRun, NewTask, Run, RunState, Transition
from sayso.model.tasks import TaskFilter, TaskPage, UserTask
from sayso.stores.audit import AuditRows
from sayso.stores.calls import CallRows
from sayso.stores.evidence import EvidenceRows
from sayso.stores.listings import Listings
from sayso.stores.rows import nano_of, run_of, task_of, task_row
from sayso.stores.sessions import SessionRows

BLOB_THRESHOLD = 64 * 1024
"""Bodies above this many bytes are stored in `blobs`, once per run and content."""

_MICROSECOND = timedelta(microseconds=1)


class Cursor(Protocol):
    """What both drivers' cursors offer."""

    rowcount: int

    def execute(self, sql: str, parameters: Mapping[str, Any], /) -> Any:
        """Run one statement."""
        ...

    def executemany(self, sql: str, parameters: Sequence[Mapping[str, Any]], /) -> Any:
        """Run one statement for many rows."""
        ...

    def fetchone(self) -> Any:
        """Return the next row."""
        ...

    def fetchall(self) -> list[Any]:
        """Return all rows."""
        ...


class SqlTransaction:
    """Answers the `Transaction` port with compiled statements."""

    def __init__(self, cursor: Cursor, sql: Mapping[str, str], listings: Listings) -> None:
        self._cursor = cursor
        self._sql = sql
        self._listings = listings
        self.calls = CallRows(self._change, self._all)
        """See the port."""
        self.audit = AuditRows(self._change, self._all)
        """See the port."""
        self.evidence = EvidenceRows(self._all)
        """See the port."""
        self.sessions = SessionRows(self._change, self._all, self._text, listings)
        """See the port."""

    # -- driver ------------------------------------------------------------------------------------------

    def _one(self, name: str, **parameters: Any) -> Any:
        self._cursor.execute(self._sql[name], parameters)
        return self._cursor.fetchone()

    def _all(self, name: str, **parameters: Any) -> list[Any]:
        self._cursor.execute(self._sql[name], parameters)
        return self._cursor.fetchall()

    def _change(self, name: str, **parameters: Any) -> int:
        self._cursor.execute(self._sql[name], parameters)
        return self._cursor.rowcount

    def _text(self, sql: str, parameters: Mapping[str, Any]) -> list[Any]:
        self._cursor.execute(sql, parameters)
        return self._cursor.fetchall()

    # -- runs --------------------------------------------------------------------------------------------

    def insert_run(self, run: NewRun, *, now: datetime, owner: WorkerId | None, ready_at: datetime | None) -> bool:
        """See the port."""
        at = to_micros(now)
        created = self._change(
            "insert_run",
            run_id=run.id,
            session_id=run.session_id,
            program=run.program,
            fingerprint=run.fingerprint,
            state=RunState.QUEUED if owner is None else RunState.RUNNING,
            epoch=0 if owner is None else 1,
            seq=1,
            owner=owner,
            ready_at=at if ready_at is None else to_micros(ready_at),
            parent_id=run.parent_id,
            parent_key=run.parent_key,
            problem=None,
            created_at=at,
            updated_at=at,
            version=run.origin.version,
            input_tokens=0,
            output_tokens=0,
            cost_nano=None,
            active_us=0,
            workspace_id=run.origin.workspace_id,
            version_id=run.origin.version_id,
            trigger_type=run.origin.trigger_type,
            trigger_id=run.origin.trigger_id,
            started_by=run.origin.started_by,
        )
        if created == 1:
            self._insert_entries(run.id, 0, [NewEntry("", EntryKind.STARTED, now, run.started)])
        return created == 1

    def find_run(self, run_id: RunId) -> Run | None:
        """See the port."""
        row = self._one("find_run", run_id=run_id)
        return None if row is None else run_of(row)

    def list_children(self, run_id: RunId) -> list[Run]:
        """See the port."""
        return [run_of(row) for row in self._all("children", run_id=run_id)]

    def list_runs(
        self, *, session_id: SessionId | None, program: str | None, state: RunState | None, limit: int
    ) -> list[Run]:
        """See the port."""
        sql, parameters = self._listings.runs(session_id=session_id, program=program, state=state, limit=limit)
        self._cursor.execute(sql, parameters)
        return [run_of(row) for row in self._cursor.fetchall()]

    def claim_run(self, run_id: RunId, *, owner: WorkerId, now: datetime, until: datetime) -> Run | None:
        """See the port."""
        row = self._one("claim_run", run_id=run_id, owner=owner, now=to_micros(now), until=to_micros(until))
        return None if row is None else run_of(row)

    def ready_runs(self, programs: Sequence[str], *, now: datetime, limit: int) -> list[RunId]:
        """See the port."""
        at = to_micros(now)
        return [
            RunId(row[0])
            for program in programs
            for row in self._all("ready_runs", program=program, now=at, limit=limit)
        ][:limit]

    def next_ready_at(self, programs: Sequence[str]) -> datetime | None:
        """See the port."""
        rows = [self._one("next_ready_at", program=program) for program in programs]
        times = [row[0] for row in rows if row is not None]
        return from_micros(min(times)) if times else None

    def apply(self, transition: Transition) -> Applied | None:
        """See the port."""
        count = len(transition.entries)
        now, active = to_micros(transition.now), transition.active // _MICROSECOND
        if transition.end is None:
            row = self._one(
                "advance_run", run_id=transition.run_id, epoch=transition.epoch, n=count, now=now, active=active
            )
        else:
            ready_at = None if transition.ready_at is None else to_micros(transition.ready_at)
            row = self._one(
                "rest_run",
                run_id=transition.run_id,
                epoch=transition.epoch,
                known_seq=transition.known_seq,
                n=count,
                end=transition.end,
                ready_at=ready_at,
                now=now,
                active=active,
            )
        if row is None:
            return None
        seq: int = row[0]
        self._insert_entries(transition.run_id, seq - count, transition.entries)
        return Applied(seq=seq, news=seq - count != transition.known_seq)

    def count_usage(self, run_id: RunId, usage: Usage, *, epoch: int) -> None:
        """See the port."""
        self._change(
            "count_usage",
            run_id=run_id,
            epoch=epoch,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
        )
        if usage.cost is not None:
            self._change("count_cost", run_id=run_id, epoch=epoch, cost_nano=nano_of(usage.cost))

    def insert_tasks(self, run: Run, tasks: Sequence[NewTask]) -> None:
        """See the port."""
        self._cursor.executemany(
            self._sql["insert_task"], [task_row(run, task, self._body(run.id, task.body)) for task in tasks]
        )

    def renew_lease(self, run_id: RunId, *, epoch: int, until: datetime) -> int | None:
        """See the port."""
        row = self._one("renew_lease", run_id=run_id, epoch=epoch, until=to_micros(until))
        return None if row is None else row[0]

    def wake_run(self, run_id: RunId, entries: Sequence[NewEntry], *, now: datetime) -> RunState | None:
        """See the port."""
        row = self._one("wake_run", run_id=run_id, n=len(entries), now=to_micros(now))
        if row is None:
            return None
        self._insert_entries(run_id, row[0] - len(entries), entries)
        return RunState(row[1])

    def end_run(self, run_id: RunId, entries: Sequence[NewEntry], state: RunState, *, now: datetime) -> bool:
        """See the port."""
        row = self._one("end_run", run_id=run_id, n=len(entries), end=state, now=to_micros(now))
        if row is not None:
            self._insert_entries(run_id, row[0] - len(entries), entries)
        return row is not None

    def release_run(
        self, run_id: RunId, state: RunState, *, problem: str | None, epoch: int, now: datetime, retry_at: datetime
    ) -> None:
        """See the port."""
        self._change(
            "release_run",
            run_id=run_id,
            epoch=epoch,
            state=state,
            problem=problem,
            retry_at=to_micros(retry_at),
            now=to_micros(now),
        )

    def set_fingerprint(self, run_id: RunId, fingerprint: str, *, epoch: int) -> None:
        """See the port."""
        self._change("set_fingerprint", run_id=run_id, epoch=epoch, fingerprint=fingerprint)

    # -- journal -----------------------------------------------------------------------------------------

    def load_entries(self, run_id: RunId, *, after: int) -> list[Entry]:
        """See the port."""
        return [
            Entry(run_id, seq, key, EntryKind(kind), from_micros(at), data if blob is None else blob)
            for seq, key, kind, at, data, blob in self._all("load_entries", run_id=run_id, after=after)
        ]

    def _insert_entries(self, run_id: RunId, base: int, entries: Sequence[NewEntry]) -> None:
        if not entries:
            return
        rows = [self._entry_row(run_id, base + number, entry) for number, entry in enumerate(entries, 1)]
        if len(rows) == 1:
            self._cursor.execute(self._sql["insert_entry"], rows[0])
        else:
            self._cursor.executemany(self._sql["insert_entry"], rows)

    def _entry_row(self, run_id: RunId, seq: int, entry: NewEntry) -> dict[str, Any]:
        data, blob = self._body(run_id, entry.data)
        return {
            "run_id": run_id,
            "seq": seq,
            "key": entry.key,
            "kind": entry.kind,
            "at": to_micros(entry.at),
            "data": data,
            "blob": blob,
        }

    def _body(self, run_id: RunId, body: bytes) -> tuple[bytes | None, str | None]:
        """Return a body as `(inline bytes, None)`, or store it in `blobs` and return `(None, digest)`."""
        if len(body) <= BLOB_THRESHOLD:
            return body, None
        digest = hashlib.sha256(body).hexdigest()
        self._change("insert_blob", run_id=run_id, digest=digest, data=body)
        return None, digest

    # -- definitions -------------------------------------------------------------------------------------

    def save_definition(self, fingerprint: str, program: str, shape: bytes, *, now: datetime) -> None:
        """See the port."""
        self._change(
            "insert_definition", fingerprint=fingerprint, program=program, shape=shape, created_at=to_micros(now)
        )

    def find_definition(self, fingerprint: str) -> bytes | None:
        """See the port."""
        row = self._one("find_definition", fingerprint=fingerprint)
        return None if row is None else row[0]

    # -- tasks -------------------------------------------------------------------------------------------

    def find_task(self, task_id: TaskId) -> UserTask | None:
        """See the port."""
        row = self._one("find_task", task_id=task_id)
        return None if row is None else task_of(row)

    def list_tasks(self, wanted: TaskFilter, *, now: datetime, limit: int, cursor: str | None) -> TaskPage:
        """See the port."""
        sql, parameters = self._listings.tasks(wanted, now=now, limit=limit + 1, cursor=cursor)
        self._cursor.execute(sql, parameters)
        found = [task_of(row) for row in self._cursor.fetchall()]
        page, more = found[:limit], len(found) > limit
        return TaskPage(tasks=tuple(page), next_cursor=self._listings.cursor_of(page[-1]) if more else None)

    def run_tasks(self, run_id: RunId, *, pending_only: bool) -> list[UserTask]:
        """See the port."""
        return [task_of(row) for row in self._all("run_pending" if pending_only else "run_tasks", run_id=run_id)]

    def due_tasks(self, *, now: datetime, limit: int, run_id: RunId | None) -> list[UserTask]:
        """See the port."""
        at = to_micros(now)
        rows = (
            self._all("due_tasks", now=at, limit=limit)
            if run_id is None
            else self._all("run_due", run_id=run_id, now=at)
        )
        return [task_of(row) for row in rows]

    def decide_task(self, decision: Decision, *, timeout: bool) -> bool:
        """See the port."""
        name = "expire_task" if timeout else "decide_task"
        at = to_micros(decision.at)
        if self._change(name, task_id=decision.task_id, digest=decision.digest, now=at) != 1:
            return False
        self._change(
            "insert_decision",
            task_id=decision.task_id,
            run_id=decision.run_id,
            verdict=decision.outcome.verdict,
            action=decision.outcome.action,
            note=decision.outcome.note,
            by_type=decision.by.type,
            by_id=decision.by.id,
            via=decision.by.via,
            at=at,
            digest=decision.digest,
        )
        return True

    def drop_task(self, task_id: TaskId) -> None:
        """See the port."""
        self._change("drop_task", task_id=task_id)

    def close_tasks(self, run_id: RunId, *, now: datetime) -> int:
        """See the port."""
        del now
        return self._change("close_tasks", run_id=run_id)
