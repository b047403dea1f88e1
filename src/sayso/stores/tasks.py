"""The rows of user tasks and of the decisions on them."""

from collections.abc import Sequence
from datetime import datetime

from sayso.core.codec import json_bytes
from sayso.core.instants import some_micros, to_micros
from sayso.model.decisions import Decision
from sayso.model.ids import RunId, TaskId
from sayso.model.runs import NewTask, Run
from sayso.model.tasks import TaskFilter, TaskPage, UserTask
from sayso.stores.cursors import Statements
from sayso.stores.rows import task_of, task_row


class TaskRows(Statements):
    """The part of a transaction that writes and reads user tasks."""

    def insert_tasks(self, run: Run, tasks: Sequence[NewTask]) -> None:
        """See the port."""
        self._touched.add(run.id)
        self._cursor.executemany(
            self._sql["insert_task"], [task_row(run, task, self._body(run.id, task.body)) for task in tasks]
        )

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
            digest=decision.bound,
            summary=decision.summary,
            metadata=None if decision.metadata is None else json_bytes(decision.metadata),
        )
        return True

    def extend_task(self, task: UserTask, until: datetime, *, now: datetime) -> bool:
        """See the port."""
        at = {"due": some_micros(task.due_at), "until": to_micros(until), "now": to_micros(now)}
        return self._change("extend_task", task_id=task.id, digest=task.digest, **at) == 1

    def claim_task(self, task_id: TaskId, by: str, *, now: datetime, until: datetime) -> bool:
        """See the port."""
        at = {"now": to_micros(now), "until": to_micros(until)}
        return self._change("claim_task", task_id=task_id, by=by, **at) == 1

    def assign_task(self, task_id: TaskId, to: str | None) -> bool:
        """See the port."""
        return self._change("assign_task", task_id=task_id, assigned_to=to) == 1

    def release_task(self, task_id: TaskId) -> None:
        """See the port."""
        self._change("release_task", task_id=task_id)

    def drop_task(self, task_id: TaskId, *, now: datetime) -> None:
        """See the port."""
        self._change("drop_task", task_id=task_id, now=to_micros(now))

    def close_tasks(self, run_id: RunId, *, now: datetime) -> int:
        """See the port."""
        return self._change("close_tasks", run_id=run_id, now=to_micros(now))
