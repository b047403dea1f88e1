"""The ledger's rows. Every move is one statement that names the state it leaves; a move from elsewhere does nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sayso.core.instants import to_micros
from sayso.core.ledger import idempotency_key
from sayso.model.calls import CallMove, CallState, StoredApproval, StoredCall
from sayso.model.ids import CallId, RunId, TaskId
from sayso.model.runs import Run
from sayso.stores.cursors import Rows
from sayso.stores.rows import approval_of, call_of


class CallRows(Rows):
    """The part of a transaction that writes and reads tool calls."""

    def move(self, run: Run, move: CallMove, now: datetime) -> bool:
        """Make one move of one call; False when the row is not where the move begins."""
        at = to_micros(now)
        if move.was is None:
            return self._insert(run, move, at)
        common: dict[str, Any] = {"call_id": move.call_id, "was": move.was, "now": at}
        if move.state is CallState.STARTED:
            numbers = {"attempt": move.attempt, "epoch": run.epoch}
            begun = self._change("start_call", **common, **numbers, digest=move.digest, arguments=move.arguments)
            if begun == 1:
                self._change("insert_attempt", call_id=move.call_id, now=at, **numbers)
            return begun == 1
        if move.state is CallState.AUTHORISED:
            return self._authorise(move, common)
        if move.attempt == 0:
            moved = self._change("move_call", **common, state=move.state, shown_digest=move.shown_digest)
            return moved == 1
        named = {"state": move.state, "attempt": move.attempt}
        settled = self._change("settle_call", **common, **named)
        if settled == 1:
            self._change("settle_attempt", call_id=move.call_id, evidence=move.evidence, **named)
        return settled == 1

    def late(self, call_id: CallId, attempt: int, evidence: bytes) -> bool:
        """Keep what a fenced-off worker has seen; False when something is kept already."""
        return self._change("late_attempt", call_id=call_id, attempt=attempt, evidence=evidence) == 1

    def find(self, call_id: CallId) -> StoredCall | None:
        """Return a call."""
        rows = self._all("find_call", call_id=call_id)
        return call_of(rows[0]) if rows else None

    def approval(self, task_id: TaskId) -> StoredApproval | None:
        """Return a question about a call with its decision; None where there is no such pair."""
        rows = self._all("find_approval", task_id=task_id)
        return approval_of(rows[0]) if rows else None

    def of_run(self, run_id: RunId) -> Sequence[StoredCall]:
        """Return the calls of a run, in the order in which they were proposed."""
        return [call_of(row) for row in self._all("run_calls", run_id=run_id)]

    def close(self, run_id: RunId, now: datetime) -> None:
        """Cancel what a run that ends has not started."""
        self._change("close_calls", run_id=run_id, now=to_micros(now))

    def doubt(self, run_id: RunId, evidence: bytes, now: datetime) -> None:
        """Settle what a run without a worker has started: nobody knows what came of it; what only reads has failed."""
        self._change("doubt_attempts", run_id=run_id, evidence=evidence)
        self._change("doubt_calls", run_id=run_id, now=to_micros(now))

    def settle_late(self, call_id: CallId, attempt: int, state: CallState, now: datetime) -> bool:
        """Settle an uncertain call of a run that has ended; False when it is not uncertain about this attempt."""
        place: dict[str, Any] = {"call_id": call_id, "was": CallState.UNCERTAIN, "attempt": attempt}
        return self._change("settle_call", **place, state=state, now=to_micros(now)) == 1

    def _authorise(self, move: CallMove, common: dict[str, Any]) -> bool:
        """Let a call through with the arguments that count, if its row still says what was shown."""
        authorised = self._change(
            "authorise_call",
            **common,
            shown_digest=move.shown_digest,
            shown_arguments=move.shown_arguments,
            digest=move.digest,
            arguments=move.arguments,
            idempotency_key=idempotency_key(move.call_id, move.digest),
        )
        return authorised == 1

    def _insert(self, run: Run, move: CallMove, at: int) -> bool:
        inserted = self._change(
            "insert_call",
            call_id=move.call_id,
            run_id=run.id,
            key=move.key,
            tool=move.call.tool,
            tool_digest=move.call.tool_digest,
            effect=move.call.effect,
            arguments=move.arguments,
            digest=move.digest,
            idempotency_key=idempotency_key(move.call_id, move.digest),
            state=move.state,
            attempt=0,
            epoch=run.epoch,
            created_at=at,
            updated_at=at,
            first_sent_at=None,
        )
        return inserted == 1
