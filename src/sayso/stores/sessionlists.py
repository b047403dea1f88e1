"""The listing of sessions: one row per session, from its newest root run.

The status is worked out in the statement, as `core.states.status_of` would; a test holds the two together.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select, tuple_

from sayso.stores.schema import runs, sessions, tasks
from sayso.stores.statements import ONE, P, constant

_later, _mine, _open = runs.alias("later"), runs.alias("mine"), runs.alias("opened")
_whose = sessions.alias("whose")
_NEWEST_ROOT = and_(
    runs.c.parent_id.is_(None),
    ~exists(
        select(ONE).where(
            _later.c.session_id == runs.c.session_id,
            _later.c.parent_id.is_(None),
            tuple_(_later.c.created_at, _later.c.run_id) > tuple_(runs.c.created_at, runs.c.run_id),
        )
    ),
)


def _asked(*, message: bool) -> ColumnElement[bool]:
    """Tell whether a run of the session has a pending task: a message that is waited for, or any other."""
    kind = tasks.c.kind == constant("message") if message else tasks.c.kind != constant("message")
    of_session = and_(_mine.c.session_id == runs.c.session_id, tasks.c.run_id == _mine.c.run_id)
    return exists(select(ONE).where(of_session, tasks.c.status == constant("pending"), kind))


_CHILDREN_MOVE = exists(
    select(ONE).where(
        _open.c.session_id == runs.c.session_id,
        _open.c.parent_id.is_not(None),
        _open.c.state.in_([constant("queued"), constant("running")]),
    )
)
_STATUS = case(
    (runs.c.state == constant("completed"), constant("Completed")),
    (runs.c.state.in_([constant("failed"), constant("cancelled")]), constant("Failed")),
    (runs.c.state.in_([constant("queued"), constant("running")]), constant("Running")),
    (_asked(message=False), constant("WaitingForHITL")),
    (_CHILDREN_MOVE, constant("Running")),
    (_asked(message=True), constant("WaitingForResponse")),
    else_=constant("WaitingForTimer"),
)


def _of_session(total: ColumnElement[int], name: str) -> ColumnElement[int]:
    """Return an aggregate over all runs of the session."""
    return select(total).select_from(_mine).where(_mine.c.session_id == runs.c.session_id).scalar_subquery().label(name)


LISTED: Any = select(
    runs.c.session_id,
    sessions.c.user_id,
    _STATUS.label("status"),
    runs.c.run_id,
    runs.c.program,
    _of_session(func.count(), "count"),
    _of_session(func.sum(_mine.c.input_tokens), "input_tokens"),
    _of_session(func.sum(_mine.c.output_tokens), "output_tokens"),
    _of_session(func.sum(_mine.c.cost_nano), "cost_nano"),
    sessions.c.created_at,
    runs.c.updated_at,
    runs.c.workspace_id,
    runs.c.version,
    runs.c.version_id,
    runs.c.trigger_type,
    runs.c.trigger_id,
    runs.c.started_by,
).select_from(runs.join(sessions, sessions.c.session_id == runs.c.session_id))
"""One session per row."""


def listed(filters: list[str]) -> Select[Any]:
    """Return the statement of one page, newest first."""
    query = LISTED.where(*_conditions(filters)).order_by(runs.c.created_at.desc(), runs.c.run_id.desc())
    return query.limit(P("limit")).offset(P("offset"))


def counted(filters: list[str]) -> Select[Any]:
    """Return the statement that counts the sessions that fit."""
    return select(func.count()).select_from(runs).where(*_conditions(filters))


def one() -> Select[Any]:
    """Return the statement of one session."""
    return LISTED.where(_NEWEST_ROOT, runs.c.session_id == P("session_id"))


def root_spans(count: int) -> Select[Any]:
    """Return the statement of the stretches of the root runs of so many sessions."""
    ended = case(
        (runs.c.state.in_([constant(state) for state in ("completed", "failed", "cancelled")]), runs.c.updated_at)
    )
    query: Any = select(runs.c.session_id, runs.c.created_at, ended)
    return query.where(runs.c.parent_id.is_(None), runs.c.session_id.in_(_ids(count)))


def asked_spans(count: int) -> Select[Any]:
    """Return the statement of the stretches in which people were asked, of so many sessions."""
    query: Any = select(runs.c.session_id, tasks.c.created_at, func.coalesce(tasks.c.closed_at, tasks.c.due_at))
    return query.select_from(runs.join(tasks, tasks.c.run_id == runs.c.run_id)).where(
        runs.c.session_id.in_(_ids(count))
    )


def _ids(count: int) -> list[ColumnElement[Any]]:
    return [P(f"session_{number}") for number in range(count)]


def _found() -> ColumnElement[bool]:
    """Tell whether a session has an id, or its people, its program or a question of it the words."""

    def like(column: ColumnElement[Any]) -> ColumnElement[bool]:
        return func.lower(column).like(P("words"), escape="\\")

    of_session = _mine.c.session_id == runs.c.session_id
    by_run = exists(select(ONE).where(of_session, _mine.c.run_id == P("id")))
    asked = or_(tasks.c.task_id == P("id"), tasks.c.words.like(P("words"), escape="\\"))
    by_task = exists(select(ONE).where(of_session, tasks.c.run_id == _mine.c.run_id, asked))
    by_user = exists(select(ONE).where(_whose.c.session_id == runs.c.session_id, like(_whose.c.user_id)))
    return or_(runs.c.session_id == P("id"), by_run, by_task, by_user, like(runs.c.program), like(runs.c.started_by))


def _conditions(filters: list[str]) -> list[ColumnElement[bool]]:
    conditions: dict[str, ColumnElement[bool]] = {
        "program": runs.c.program == P("program"),
        "version": runs.c.version == P("version"),
        "version_id": runs.c.version_id == P("version_id"),
        "status": P("status") == _STATUS,
        "trigger_type": runs.c.trigger_type == P("trigger_type"),
        "text": _found(),
        "since": runs.c.created_at >= P("since"),
        "until": runs.c.created_at < P("until"),
    }
    return [_NEWEST_ROOT, *(conditions[name] for name in filters)]
