"""Ending runs from outside, and ending their waits: units that change a run whose worker, if any, is elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sayso.core.codec import json_bytes
from sayso.core.keys import WAIT
from sayso.core.ledger import CUT_OFF
from sayso.model.actors import Actor
from sayso.model.errors import RunNotPaused
from sayso.model.ids import RunId
from sayso.model.journal import Entry, EntryKind, NewEntry
from sayso.model.runs import ENDED, Run, RunState
from sayso.runtime.auditing import write_down
from sayso.runtime.confiding import said_of
from sayso.runtime.ports import Transaction
from sayso.runtime.reading import existing


def cancel(tx: Transaction, run_id: RunId, by: Actor, reason: str | None, now: datetime) -> bool:
    """End a run with its whole tree and close its tasks; False when it had ended already.

    A run that a live worker holds ends as soon as the effect that is being performed is over: no further one starts.

    Raises:
        RunNotFound: No such run.
    """
    run = existing(run_id, tx.find_run(run_id))
    if run.state in ENDED:
        return False
    why = said_of(tx, run_id, reason)
    data = {"by": str(by), "via": by.via, "reason": why or f"Workflow cancelled by {by}"}
    end_tree(tx, run, now, data)
    write_down(tx, run.origin.workspace_id, now, by, "run.cancelled", run.id, {"reason": data["reason"]})
    return True


def skip_wait(tx: Transaction, run_id: RunId, by: Actor, now: datetime) -> None:
    """End the waits of a run that waits for nothing but a time, and wake it.

    Raises:
        RunNotFound: No such run.
        RunNotPaused: It does not wait for a time: it runs, has ended, or a person is asked.
    """
    run = existing(run_id, tx.find_run(run_id))
    waits = _open_waits(tx.load_entries(run_id, after=0)) if run.state is RunState.WAITING else []
    if not waits or tx.run_tasks(run_id, pending_only=True):
        raise RunNotPaused(
            f"Expected run {run_id} to wait for a time, but it does not (it is {run.state}).", run_id=run_id
        )
    data = json_bytes({"by": str(by), "via": by.via})
    tx.wake_run(run_id, [NewEntry(key, EntryKind.SKIPPED, now, data) for key in waits], now=now)
    write_down(tx, run.origin.workspace_id, now, by, "run.wait_skipped", run.id, {"waits": list(waits)})


def _open_waits(entries: Sequence[Entry]) -> list[str]:
    over = {entry.key for entry in entries if entry.kind in {EntryKind.FIRED, EntryKind.SKIPPED}}
    begun = [entry.key for entry in entries if entry.kind is EntryKind.TIMER]
    return [key for key in begun if key not in over and key.endswith(WAIT)]


def complete(tx: Transaction, run_id: RunId, by: Actor, note: str | None, now: datetime) -> None:
    """End a waiting run as completed, on an operator's word, and close its tasks.

    Raises:
        RunNotFound: No such run.
        RunNotPaused: It does not wait.
    """
    run = existing(run_id, tx.find_run(run_id))
    if run.state is not RunState.WAITING:
        raise RunNotPaused(f"Expected run {run_id} to wait, but it is {run.state}.", run_id=run_id)
    said = said_of(tx, run_id, note)
    data = json_bytes({"v": None, "by": str(by), "via": by.via, "note": said})
    finished = NewEntry("", EntryKind.FINISHED, now, data)
    tx.end_run(run.id, [finished], RunState.COMPLETED, now=now)
    tx.close_tasks(run.id, now=now)
    close_calls(tx, run, now)
    for child in tx.list_children(run.id):
        end_tree(tx, child, now, {"reason": f"its parent was completed by {by}", "by": str(by)})
    tell_parent(tx, run, finished, now)
    write_down(tx, run.origin.workspace_id, now, by, "run.completed", run.id, {"note": said})


def end_tree(tx: Transaction, run: Run, now: datetime, data: dict[str, Any]) -> None:
    """End a run and everything under it; where a live worker holds one, it ends after the effect it is performing."""
    if run.state in ENDED:
        return
    asked = NewEntry("", EntryKind.CANCEL, now, json_bytes(data))
    held = run.state is RunState.RUNNING and run.ready_at is not None and run.ready_at > now
    if held:
        tx.wake_run(run.id, [asked], now=now)
        tx.calls.close(run.id, now)
    else:
        finished = NewEntry(
            "", EntryKind.FINISHED, now, json_bytes({"cancelled": data["reason"], "stage": _stage(run)})
        )
        tx.end_run(run.id, [asked, finished], RunState.CANCELLED, now=now)
        tell_parent(tx, run, finished, now)
        close_calls(tx, run, now)
    tx.close_tasks(run.id, now=now)
    for child in tx.list_children(run.id):
        end_tree(tx, child, now, data)


def close_calls(tx: Transaction, run: Run, now: datetime) -> None:
    """Leave no call of a run that has ended in between: what was not started is cancelled, the rest is in doubt."""
    tx.calls.close(run.id, now)
    tx.calls.doubt(run.id, json_bytes(CUT_OFF), now)


def _stage(run: Run) -> str:
    """Return where a run was that is ended from outside."""
    if run.state is RunState.QUEUED and run.seq == 1:
        return "PENDING"
    return "EXECUTING" if run.state is RunState.RUNNING else "PAUSED"


def tell_parent(tx: Transaction, run: Run, finished: NewEntry, now: datetime) -> None:
    """Hand the end of a child run to its parent."""
    if run.parent_id is not None and run.parent_key is not None:
        tx.wake_run(run.parent_id, [NewEntry(run.parent_key, EntryKind.CHILD_ENDED, now, finished.data)], now=now)
