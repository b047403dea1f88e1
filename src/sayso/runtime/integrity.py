"""Refusing rows that somebody changed: what is stored is held against the journal before a call leaves."""

from sayso.core.integrity import changed_approval, changed_call, is_last_look
from sayso.model.calls import CallMove, CallState
from sayso.model.errors import LedgerConflict, TaskUnreadable
from sayso.model.runs import Run
from sayso.model.tasks import UnreadableRequest, UserTask
from sayso.runtime.ports import Transaction
from sayso.runtime.record import Record


def refuse_changed_rows(tx: Transaction, run: Run, move: CallMove) -> None:
    """Refuse a move that would let a call through whose row, question or decision was changed.

    Raises:
        LedgerConflict: Naming the columns.
    """
    if not is_last_look(move):
        return
    found = changed_call(run, move, tx.calls.find(move.call_id))
    if move.approved is not None:
        found += changed_approval(run, move.key, move.approved, tx.calls.approval(move.approved.task_id))
    elif move.was is CallState.AWAITING:
        found.append("journal: the decision")
    if found:
        raise LedgerConflict(
            f"Expected the rows of call '{move.key}' of run {run.id} to say what its journal says,"
            f" but {', '.join(found)} {'differs' if len(found) == 1 else 'differ'}.",
            run_id=run.id,
            columns=found,
        )


def refuse_changed_question(task: UserTask) -> None:
    """Refuse an answer to a question whose stored bytes are not those of its digest.

    Raises:
        LedgerConflict: It was changed, or moved to another run or place.
    """
    if not task.intact:
        raise LedgerConflict(
            f"Expected task {task.id} ('{task.key}') to be stored as it was asked, but its bytes are not those of its"
            " digest.",
            task_id=task.id,
        )


def refuse_changed_deadline(task: UserTask, record: Record) -> None:
    """Refuse to build on a deadline that is not the one of the journal.

    Raises:
        LedgerConflict: The row's was changed, or the entry that it comes from.
    """
    known = record.due.get(task.key)
    if known != task.due_at:
        raise LedgerConflict(
            f"Expected task {task.id} ('{task.key}') to be due when its run's journal says"
            f" ({'never' if known is None else known.isoformat()}), but its row says otherwise.",
            task_id=task.id,
            columns=["tasks.due_at"],
        )


def refuse_unreadable(task: UserTask) -> None:
    """Refuse an answer to a question that this version cannot read.

    Raises:
        TaskUnreadable: It was asked by another version, or damaged.
    """
    if isinstance(task.spec.request, UnreadableRequest):
        why = task.spec.request.message
        raise TaskUnreadable(f"Expected task {task.id} to be readable, but: {why}", task_id=task.id)
