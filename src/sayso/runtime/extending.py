"""Extending the deadline of a user task: the unit, and what it holds against the journal.

The row's deadline, the journal's entry, the time at which the run is looked at next and the audit row change in one
commit. It races decisions and the deadline itself by the same compare-and-set as these: of all that is tried on a task
at once, what comes first counts, and the others are told.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sayso.core.codec import json_bytes
from sayso.core.deadlines import extended_before, extensible, most_extensions
from sayso.core.instants import to_micros
from sayso.model.actors import Actor
from sayso.model.errors import DeadlineFixed, DeadlineMoved, TaskClosed, TaskNotFound
from sayso.model.ids import TaskId
from sayso.model.journal import Entry, EntryKind, NewEntry
from sayso.model.tasks import UserTask
from sayso.runtime.auditing import write_down
from sayso.runtime.integrity import refuse_changed_deadline, refuse_changed_question
from sayso.runtime.ports import Transaction
from sayso.runtime.record import Record
from sayso.runtime.units import refuse_if_settled


def extend(tx: Transaction, task_id: TaskId, by: Actor, now: datetime, *, shown: datetime | None = None) -> UserTask:
    """Give a pending task once more the time that it had at first; return it with its new deadline.

    Args:
        tx: The transaction.
        task_id: The task.
        by: Who wants more time.
        now: The time.
        shown: The deadline that was shown to them, where one was: another one is not extended by mistake.

    Raises:
        TaskNotFound: No such task.
        AlreadyDecided: It is decided.
        TaskExpired: The deadline has passed.
        TaskClosed: The run ended or dropped it.
        DeadlineMoved: The deadline is not the one that was shown.
        DeadlineFixed: It has none, a hard one, or one that was extended as often as it may be.
        LedgerConflict: The question or its deadline was changed in the database.
    """
    task = tx.find_task(task_id)
    if task is None:
        raise TaskNotFound(f"Expected a user task {task_id}, but there is none.", task_id=task_id)
    refuse_if_settled(task, now)
    refuse_changed_question(task)
    if shown is not None and shown != task.due_at:
        raise DeadlineMoved(
            f"Expected task {task.id} to be due at {shown.isoformat()}, as it was shown,"
            f" but it is due at {_told(task.due_at)}.",
            task_id=task.id,
            due_at=None if task.due_at is None else task.due_at.isoformat(),
        )
    entries = tx.load_entries(task.run_id, after=0)
    return _extended(tx, task, entries, by, now)


def _extended(tx: Transaction, task: UserTask, entries: Sequence[Entry], by: Actor, now: datetime) -> UserTask:
    room, made, record = extensible(task), extended_before(entries, task.key), Record(task.run_id).fold(entries)
    refuse_changed_deadline(task, record)
    if task.due_at is None or room is None:
        raise DeadlineFixed(
            f"Expected task {task.id} to have a deadline, but it waits for as long as it takes.", task_id=task.id
        )
    _refuse_if_spent(task, made)
    if not tx.extend_task(task, room.until, now=now):
        raise TaskClosed(f"Expected task {task.id} to be pending, but it no longer is.", task_id=task.id)
    about = {"task": task.id, "due": to_micros(room.until), "by": str(by), "via": by.via}
    entry = NewEntry(task.key, EntryKind.EXTENDED, now, json_bytes(about))
    record.add(entry, about)
    if not tx.postpone_run(task.run_id, entry, due=task.due_at, until=record.next_from(task.due_at), now=now):
        raise TaskClosed(f"Expected the run of task {task.id} to wait for it, but it has ended.", task_id=task.id)
    told = {
        "run": task.run_id,
        "from": task.due_at.isoformat(),
        "until": room.until.isoformat(),
        "left": room.most - made - 1,
    }
    write_down(tx, task.workspace_id, now, by, "task.extended", task.id, told)
    return replace(task, due_at=room.until)


def _refuse_if_spent(task: UserTask, made: int) -> None:
    most = most_extensions(task.spec)
    if made < most:
        return
    why = f"it was extended {made} times, which is all" if most else "that is a hard one"
    raise DeadlineFixed(
        f"Expected the deadline of task {task.id} to be one that can be extended, but {why}.",
        task_id=task.id,
        due_at=_told(task.due_at),
    )


def _told(due: datetime | None) -> str:
    return "no time" if due is None else due.isoformat()
