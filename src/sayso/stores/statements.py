"""Every statement of the hot path, written once in SQLAlchemy Core and compiled once per dialect.

The compiled text runs on the driver's own cursor with named parameters; SQLAlchemy takes no part in execution.
Values are plain text, integers and bytes, so no parameter or column needs a conversion.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BindParameter,
    ClauseElement,
    ColumnElement,
    Dialect,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import Select

from sayso.core.ledger import UNSENT
from sayso.stores.schema import (
    blobs,
    call_attempts,
    calls,
    decisions,
    definitions,
    journal,
    meta,
    runs,
    sessions,
    tasks,
)


def P(name: str) -> BindParameter[Any]:  # noqa: N802 - reads as the placeholder it is
    """Return a named parameter."""
    return bindparam(name, required=False)


def constant(value: str) -> ColumnElement[str]:
    """Return a constant that is part of the statement's text."""
    return literal_column(f"'{value}'")


ONE: ColumnElement[int] = literal_column("1")
ZERO: ColumnElement[int] = literal_column("0")
_OPEN = runs.c.state.in_([constant("queued"), constant("waiting"), constant("running")])


def insert_new(table: Any, *keys: str) -> dict[str, ClauseElement]:
    """Return, per dialect, an insert that does nothing where the key is taken."""
    values = {column.name: P(column.name) for column in table.columns}
    index = [table.c[key] for key in keys]
    return {
        "sqlite": sqlite.insert(table).values(values).on_conflict_do_nothing(index_elements=index),
        "postgresql": postgresql.insert(table).values(values).on_conflict_do_nothing(index_elements=index),
    }


_FENCED = and_(runs.c.run_id == P("run_id"), runs.c.epoch == P("epoch"))
_MINE = and_(_FENCED, runs.c.state == constant("running"))
_SEEN = runs.c.seq == P("known_seq")
_CLAIMABLE = or_(
    runs.c.state.in_([constant("queued"), constant("waiting")]),
    and_(runs.c.state == constant("running"), runs.c.ready_at <= P("now")),
)
_WAKES = runs.c.state == constant("waiting")
_ENTRY = select(
    journal.c.seq, journal.c.key, journal.c.kind, journal.c.at, journal.c.data, blobs.c.data.label("blob_data")
).select_from(journal.outerjoin(blobs, and_(blobs.c.run_id == journal.c.run_id, blobs.c.digest == journal.c.blob)))

_ON_ITS_WAY = and_(calls.c.run_id == P("run_id"), calls.c.state == constant("started"))
_IN_DOUBT = case((calls.c.effect == constant("read"), constant("failed")), else_=constant("uncertain"))

TASK: Select[Any] = select(
    *[column for column in tasks.c if column.name not in {"blob", "operation", "words", "subject", "risk"}],
    blobs.c.data.label("blob_data"),
    decisions.c.verdict,
    decisions.c.by_type,
    decisions.c.by_id,
    decisions.c.at.label("decided_at"),
    decisions.c.summary,
).select_from(
    tasks.outerjoin(decisions, decisions.c.task_id == tasks.c.task_id).outerjoin(
        blobs, and_(blobs.c.run_id == tasks.c.run_id, blobs.c.digest == tasks.c.blob)
    )
)
"""A task with its decision and its body; listings add their conditions (listings.py)."""

RUN: Select[Any] = select(*[column for column in runs.c if column.name != "owner"])

CALL: Select[Any] = select(*[column for column in calls.c if column.name != "epoch"])

_STATEMENTS: Mapping[str, ClauseElement | Mapping[str, ClauseElement]] = {
    # runs
    "insert_run": insert_new(runs, "run_id"),
    "find_run": RUN.where(runs.c.run_id == P("run_id")),
    "children": RUN.where(runs.c.parent_id == P("run_id")),
    "claim_run": update(runs)
    .where(runs.c.run_id == P("run_id"), _CLAIMABLE)
    .values(
        state=constant("running"),
        epoch=runs.c.epoch + ONE,
        owner=P("owner"),
        ready_at=P("until"),
        updated_at=P("now"),
        problem=null(),
    )
    .returning(*RUN.selected_columns),
    "ready_runs": select(runs.c.run_id)
    .where(runs.c.program == P("program"), runs.c.ready_at.is_not(None), runs.c.ready_at <= P("now"))
    .order_by(runs.c.ready_at)
    .limit(P("limit"))
    .offset(ZERO),
    "next_ready_at": select(runs.c.ready_at)
    .where(runs.c.program == P("program"), runs.c.ready_at.is_not(None))
    .order_by(runs.c.ready_at)
    .limit(ONE)
    .offset(ZERO),
    "advance_run": update(runs)
    .where(_MINE)
    .values(seq=runs.c.seq + P("n"), updated_at=P("now"), active_us=runs.c.active_us + P("active"))
    .returning(runs.c.seq),
    "rest_run": update(runs)
    .where(_MINE)
    .values(
        seq=runs.c.seq + P("n"),
        state=case((_SEEN, P("end")), else_=runs.c.state),
        ready_at=case((_SEEN, P("ready_at")), else_=runs.c.ready_at),
        updated_at=P("now"),
        active_us=runs.c.active_us + P("active"),
    )
    .returning(runs.c.seq),
    "renew_lease": update(runs).where(_MINE).values(ready_at=P("until")).returning(runs.c.seq),
    "wake_run": update(runs)
    .where(runs.c.run_id == P("run_id"), _OPEN)
    .values(
        seq=runs.c.seq + P("n"),
        state=case((_WAKES, constant("queued")), else_=runs.c.state),
        ready_at=case((_WAKES, P("now")), else_=runs.c.ready_at),
        updated_at=P("now"),
    )
    .returning(runs.c.seq, runs.c.state),
    "postpone_run": update(runs)
    .where(runs.c.run_id == P("run_id"), _OPEN)
    .values(
        seq=runs.c.seq + ONE,
        ready_at=case(
            (and_(_WAKES, runs.c.problem.is_(None), runs.c.ready_at == P("due")), P("until")), else_=runs.c.ready_at
        ),
        updated_at=P("now"),
    )
    .returning(runs.c.seq),
    "end_run": update(runs)
    .where(runs.c.run_id == P("run_id"), _OPEN)
    .values(seq=runs.c.seq + P("n"), state=P("end"), ready_at=null(), epoch=runs.c.epoch + ONE, updated_at=P("now"))
    .returning(runs.c.seq),
    "release_run": update(runs)
    .where(_MINE)
    .values(state=P("state"), ready_at=P("retry_at"), problem=P("problem"), updated_at=P("now")),
    "set_fingerprint": update(runs).where(_MINE).values(fingerprint=P("fingerprint")),
    "count_usage": update(runs)  # in the transaction that has just moved the run, and perhaps ended it
    .where(_FENCED)
    .values(
        input_tokens=runs.c.input_tokens + P("input_tokens"),
        output_tokens=runs.c.output_tokens + P("output_tokens"),
    ),
    "count_cost": update(runs).where(_FENCED).values(cost_nano=func.coalesce(runs.c.cost_nano, ZERO) + P("cost_nano")),
    "session_spent": select(
        func.sum(runs.c.input_tokens),
        func.sum(runs.c.output_tokens),
        func.sum(runs.c.cost_nano),
        func.sum(runs.c.active_us),
    ).where(runs.c.session_id == P("session_id")),
    "started_since": select(func.count()).where(runs.c.trigger_id == P("trigger_id"), runs.c.created_at > P("since")),
    "started_before": select(runs.c.created_at)
    .where(runs.c.trigger_id == P("trigger_id"), runs.c.created_at > P("since"))
    .order_by(runs.c.created_at.desc())
    .limit(ONE)
    .offset(P("beyond")),
    "at_work": select(func.count()).where(
        runs.c.trigger_id == P("trigger_id"), runs.c.state.in_([constant("queued"), constant("running")])
    ),
    # journal
    "insert_entry": insert(journal).values({column.name: P(column.name) for column in journal.columns}),
    "insert_blob": insert_new(blobs, "run_id", "digest"),
    "load_entries": _ENTRY.where(journal.c.run_id == P("run_id"), journal.c.seq > P("after")).order_by(journal.c.seq),
    "session_timers": _ENTRY.add_columns(journal.c.run_id).where(
        journal.c.kind == constant("timer"),
        journal.c.run_id.in_(
            select(runs.c.run_id).where(runs.c.session_id == P("session_id"), runs.c.run_id != P("but"))
        ),
    ),
    # definitions
    "insert_definition": insert_new(definitions, "fingerprint"),
    "find_definition": select(definitions.c.shape).where(definitions.c.fingerprint == P("fingerprint")),
    # tasks
    "insert_task": insert(tasks).values({column.name: P(column.name) for column in tasks.columns}),
    "find_task": TASK.where(tasks.c.task_id == P("task_id")),
    "run_tasks": TASK.where(tasks.c.run_id == P("run_id")).order_by(tasks.c.created_at, tasks.c.task_id),
    "run_pending": TASK.where(tasks.c.run_id == P("run_id"), tasks.c.status == constant("pending")).order_by(
        tasks.c.created_at, tasks.c.task_id
    ),
    "due_tasks": TASK.where(
        tasks.c.status == constant("pending"), tasks.c.due_at.is_not(None), tasks.c.due_at <= P("now")
    )
    .order_by(tasks.c.due_at)
    .limit(P("limit"))
    .offset(ZERO),
    "run_due": TASK.where(
        tasks.c.run_id == P("run_id"), tasks.c.status == constant("pending"), tasks.c.due_at <= P("now")
    ),
    "decide_task": update(tasks)
    .where(
        tasks.c.task_id == P("task_id"),
        tasks.c.status == constant("pending"),
        tasks.c.digest == P("digest"),
        or_(tasks.c.due_at.is_(None), tasks.c.due_at > P("now")),
    )
    .values(status=constant("completed"), closed_at=P("now")),
    "expire_task": update(tasks)
    .where(
        tasks.c.task_id == P("task_id"),
        tasks.c.status == constant("pending"),
        tasks.c.digest == P("digest"),
        tasks.c.due_at <= P("now"),
    )
    .values(status=constant("completed"), closed_at=P("now")),
    "extend_task": update(tasks)
    .where(
        tasks.c.task_id == P("task_id"),
        tasks.c.status == constant("pending"),
        tasks.c.digest == P("digest"),
        tasks.c.due_at == P("due"),
        tasks.c.due_at > P("now"),
    )
    .values(due_at=P("until")),
    "insert_decision": insert(decisions).values({column.name: P(column.name) for column in decisions.columns}),
    "drop_task": update(tasks)
    .where(tasks.c.task_id == P("task_id"), tasks.c.status == constant("pending"))
    .values(status=constant("cancelled"), closed_at=P("now")),
    "close_tasks": update(tasks)
    .where(tasks.c.run_id == P("run_id"), tasks.c.status == constant("pending"))
    .values(status=constant("cancelled"), closed_at=P("now")),
    "claim_task": update(tasks)
    .where(
        tasks.c.task_id == P("task_id"),
        tasks.c.status == constant("pending"),
        or_(tasks.c.claimed_by.is_(None), tasks.c.claimed_by == P("by"), tasks.c.claimed_until <= P("now")),
    )
    .values(claimed_by=P("by"), claimed_until=P("until")),
    "assign_task": update(tasks)
    .where(tasks.c.task_id == P("task_id"), tasks.c.status == constant("pending"))
    .values(assigned_to=P("assigned_to")),
    "release_task": update(tasks)
    .where(tasks.c.task_id == P("task_id"))
    .values(claimed_by=null(), claimed_until=null()),
    # the call ledger
    "insert_call": insert(calls).values({column.name: P(column.name) for column in calls.columns}),
    "move_call": update(calls)
    .where(calls.c.call_id == P("call_id"), calls.c.state == P("was"), calls.c.digest == P("shown_digest"))
    .values(state=P("state"), updated_at=P("now")),
    "authorise_call": update(calls)
    .where(
        calls.c.call_id == P("call_id"),
        calls.c.state == P("was"),
        calls.c.digest == P("shown_digest"),
        calls.c.arguments == P("shown_arguments"),
    )
    .values(
        state=constant("authorised"),
        digest=P("digest"),
        arguments=P("arguments"),
        idempotency_key=P("idempotency_key"),
        updated_at=P("now"),
    ),
    "start_call": update(calls)
    .where(
        calls.c.call_id == P("call_id"),
        calls.c.state == P("was"),
        calls.c.digest == P("digest"),
        calls.c.arguments == P("arguments"),
        calls.c.attempt == P("attempt") - ONE,
    )
    .values(
        state=constant("started"),
        attempt=P("attempt"),
        epoch=P("epoch"),
        updated_at=P("now"),
        first_sent_at=func.coalesce(calls.c.first_sent_at, P("now")),
    ),
    "settle_call": update(calls)
    .where(calls.c.call_id == P("call_id"), calls.c.state == P("was"), calls.c.attempt == P("attempt"))
    .values(state=P("state"), updated_at=P("now")),
    "insert_attempt": insert(call_attempts).values(
        call_id=P("call_id"), attempt=P("attempt"), epoch=P("epoch"), started_at=P("now")
    ),
    "settle_attempt": update(call_attempts)
    .where(call_attempts.c.call_id == P("call_id"), call_attempts.c.attempt == P("attempt"))
    .values(outcome=P("state"), evidence=func.coalesce(P("evidence"), call_attempts.c.evidence)),
    "late_attempt": update(call_attempts)
    .where(
        call_attempts.c.call_id == P("call_id"),
        call_attempts.c.attempt == P("attempt"),
        call_attempts.c.late.is_(None),
    )
    .values(late=P("evidence")),
    "find_call": CALL.where(calls.c.call_id == P("call_id")),
    "find_approval": select(
        tasks.c.workspace_id,
        tasks.c.run_id,
        tasks.c.session_id,
        tasks.c.program,
        tasks.c.key,
        tasks.c.kind,
        tasks.c.status,
        tasks.c.digest,
        tasks.c.body,
        blobs.c.data.label("blob_data"),
        tasks.c.due_at,
        decisions.c.run_id.label("decided_run_id"),
        decisions.c.verdict,
        decisions.c.action,
        decisions.c.note,
        decisions.c.by_type,
        decisions.c.by_id,
        decisions.c.via,
        decisions.c.at,
        decisions.c.digest.label("bound"),
    )
    .select_from(
        tasks.join(decisions, decisions.c.task_id == tasks.c.task_id).outerjoin(
            blobs, and_(blobs.c.run_id == tasks.c.run_id, blobs.c.digest == tasks.c.blob)
        )
    )
    .where(tasks.c.task_id == P("task_id")),
    "run_calls": CALL.where(calls.c.run_id == P("run_id")).order_by(calls.c.created_at, calls.c.key),
    "close_calls": update(calls)
    .where(calls.c.run_id == P("run_id"), calls.c.state.in_([constant(state) for state in sorted(UNSENT)]))
    .values(state=constant("cancelled"), updated_at=P("now")),
    "doubt_attempts": update(call_attempts)
    .where(
        call_attempts.c.outcome.is_(None),
        exists(select(ONE).where(_ON_ITS_WAY, calls.c.call_id == call_attempts.c.call_id)),
    )
    .values(
        outcome=select(_IN_DOUBT).where(calls.c.call_id == call_attempts.c.call_id).scalar_subquery(),
        evidence=P("evidence"),
    ),
    "doubt_calls": update(calls).where(_ON_ITS_WAY).values(state=_IN_DOUBT, updated_at=P("now")),
    # sessions
    "insert_session": insert_new(sessions, "session_id"),
    "find_session": select(sessions).where(sessions.c.session_id == P("session_id")),
    "lock_session": select(sessions.c.state).where(sessions.c.session_id == P("session_id")).with_for_update(),
    "set_session": update(sessions)
    .where(sessions.c.session_id == P("session_id"))
    .values(state=P("state"), updated_at=P("now")),
    # meta
    "find_meta": select(meta.c.value).where(meta.c.name == P("name")),
}


Statements = Mapping[str, ClauseElement | Mapping[str, ClauseElement]]
"""Statements by name; one whose dialects differ has one for each."""


def compile_all(dialect: Dialect, *more: Statements) -> dict[str, str]:
    """Return the text of every statement for a dialect, by name: those of this file, and those of other rooms' rows."""
    whole = [pair for statements in (_STATEMENTS, *more) for pair in statements.items()]
    return {name: compile_one(_of(statement, dialect), dialect) for name, statement in whole}


def compile_one(statement: ClauseElement, dialect: Dialect) -> str:
    """Return the text of one statement, with named parameters."""
    return str(statement.compile(dialect=dialect))


def _of(statement: ClauseElement | Mapping[str, ClauseElement], dialect: Dialect) -> ClauseElement:
    return statement[dialect.name] if isinstance(statement, Mapping) else statement
