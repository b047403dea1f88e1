"""The rows of one run as an evidence packet needs them."""

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import ClauseElement, and_, select

from sayso.core.instants import from_micros
from sayso.model.actors import Actor
from sayso.model.evidence import RecordedAttempt, RecordedDecision, RunEvidence
from sayso.model.ids import RunId
from sayso.stores.rows import as_bytes
from sayso.stores.schema import blobs, call_attempts, calls, decisions, tasks
from sayso.stores.statements import P

_MINE = tasks.c.run_id == P("run_id")
STATEMENTS: dict[str, ClauseElement] = {
    "run_bodies": select(tasks.c.task_id, tasks.c.body, blobs.c.data)
    .select_from(tasks.outerjoin(blobs, and_(blobs.c.run_id == tasks.c.run_id, blobs.c.digest == tasks.c.blob)))
    .where(_MINE),
    "run_decisions": select(*[column for column in decisions.c if column.name not in {"run_id", "summary"}])
    .select_from(tasks.join(decisions, decisions.c.task_id == tasks.c.task_id))
    .where(_MINE),
    "run_tool_digests": select(calls.c.call_id, calls.c.tool_digest).where(calls.c.run_id == P("run_id")),
    "run_attempts": select(call_attempts)
    .select_from(calls.join(call_attempts, call_attempts.c.call_id == calls.c.call_id))
    .where(calls.c.run_id == P("run_id"))
    .order_by(call_attempts.c.started_at, call_attempts.c.call_id, call_attempts.c.attempt),
}


class EvidenceRows:
    """The part of a transaction that reads evidence.

    Args:
        all_: Runs a selecting statement by name, and returns its rows.
    """

    def __init__(self, all_: Callable[..., list[Any]]) -> None:
        self._all = all_

    def of_run(self, run_id: RunId) -> RunEvidence:
        """See the port."""
        bodies = self._all("run_bodies", run_id=run_id)
        decided = [_decision(row) for row in self._all("run_decisions", run_id=run_id)]
        return RunEvidence(
            bodies={task: as_bytes(body if blob is None else blob) for task, body, blob in bodies},
            decisions={item.task_id: item for item in decided},
            tool_digests=dict(self._all("run_tool_digests", run_id=run_id)),
            attempts=[_attempt(row) for row in self._all("run_attempts", run_id=run_id)],
        )


def _decision(row: Any) -> RecordedDecision:
    task, verdict, action, note, by_type, by_id, via, at, digest, metadata = row
    return RecordedDecision(
        task_id=task,
        verdict=verdict,
        action=action,
        note=note,
        by=Actor(type=by_type, id=by_id, via=via),
        at=from_micros(at),
        digest=digest,
        metadata=None if metadata is None else json.loads(metadata),
    )


def _attempt(row: Any) -> RecordedAttempt:
    call, number, epoch, started, outcome, evidence, late = row
    return RecordedAttempt(
        call_id=call,
        number=number,
        epoch=epoch,
        started_at=from_micros(started),
        outcome=outcome,
        evidence=evidence,
        late=late,
    )
