"""Listings: the statements whose conditions depend on what is asked for.

Each combination of filters is compiled once and kept. Pages are keyset-paged: a cursor is the last row's place, so
a page costs the same wherever it starts.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Dialect, or_, tuple_
from sqlalchemy.sql import Select

from sayso.core.instants import some_micros, to_micros
from sayso.core.taskforms import LEGACY
from sayso.model.errors import Invalid
from sayso.model.ids import SessionId
from sayso.model.runs import Run, RunFilter
from sayso.model.sessions import SessionFilter
from sayso.model.tasks import TaskFilter, UserTask
from sayso.stores.reaching import Reaching
from sayso.stores.reviewlists import ReviewLists, pattern
from sayso.stores.schema import runs, tasks
from sayso.stores.sessionlists import asked_spans, counted, listed, one, root_spans
from sayso.stores.statements import RUN, TASK, ZERO, P, compile_one, constant


class Listings:
    """Builds and keeps the listing statements of one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled: dict[tuple[str, ...], str] = {}
        self.reviews = ReviewLists(self._text)
        """The listings of the review inbox."""

    def tasks(self, wanted: TaskFilter, *, now: datetime, limit: int, cursor: str | None) -> tuple[str, dict[str, Any]]:
        """Return the statement and its parameters for one page of tasks, oldest first.

        Raises:
            Invalid: The cursor is not one that a page has returned.
        """
        parameters: dict[str, Any] = {"limit": limit}
        shape = ["tasks", wanted.status]
        if wanted.status == "pending":
            parameters["now"] = to_micros(now)
        kind = None if wanted.kind is None else LEGACY.get(wanted.kind, wanted.kind)
        older = [name for name, now_called in LEGACY.items() if now_called == kind]
        filters = {
            "kind": kind,
            "run_id": wanted.run_id,
            "session_id": wanted.session_id,
            "program": wanted.program,
        }
        given = {name: value for name, value in filters.items() if value is not None}
        parameters |= given
        reach = Reaching(wanted.reach, tasks=True)
        parameters |= reach.parameters
        if cursor is not None:
            parameters |= _place_of(cursor)
        paged = cursor is not None
        shape += [*given, *older, "page" if paged else "", reach.shape]
        return self._text(
            tuple(shape), lambda: reach.applied(_tasks(wanted.status, list(given), older, paged=paged), tasks)
        ), parameters

    def runs(self, wanted: RunFilter, *, limit: int, cursor: str | None = None) -> tuple[str, dict[str, Any]]:
        """Return the statement and its parameters for one page of runs, newest first.

        Raises:
            Invalid: The cursor is not one that a page has returned.
        """
        filters = {"session_id": wanted.session_id, "program": wanted.program, "state": wanted.state}
        given = {name: value for name, value in filters.items() if value is not None}
        reach, place = Reaching(wanted.reach), {} if cursor is None else _place_of(cursor)
        text = self._text(
            ("runs", *given, "page" if place else "", reach.shape),
            lambda: reach.applied(_runs(list(given), paged=bool(place)), runs),
        )
        return text, {**given, **place, **reach.parameters, "limit": limit}

    def sessions(self, wanted: SessionFilter) -> tuple[str, str, dict[str, Any]]:
        """Return the statements for one page of sessions and for their number, and the parameters of both."""
        filters = {
            "program": wanted.program,
            "version": wanted.version,
            "version_id": wanted.version_id,
            "status": wanted.status,
            "trigger_type": wanted.trigger_type,
            "text": wanted.text,
            "since": some_micros(wanted.since),
            "until": some_micros(wanted.until),
        }
        given = {name: value for name, value in filters.items() if value is not None}
        reach = Reaching(wanted.reach)
        parameters = {**given, **reach.parameters}
        if wanted.text is not None:
            del parameters["text"]
            parameters |= {"words": pattern(wanted.text), "id": wanted.text}
        page = self._text(("sessions", reach.shape, *given), lambda: reach.applied(listed(list(given)), runs))
        total = self._text(("counted", reach.shape, *given), lambda: reach.applied(counted(list(given)), runs))
        return page, total, parameters

    def session(self) -> str:
        """Return the statement for one session."""
        return self._text(("session",), one)

    def spans(self, session_ids: Sequence[SessionId]) -> tuple[str, str, dict[str, Any]]:
        """Return the statements for the stretches of sessions and of their questions, and the parameters of both."""
        count = len(session_ids)
        roots = self._text(("root spans", str(count)), lambda: root_spans(count))
        asked = self._text(("asked spans", str(count)), lambda: asked_spans(count))
        return roots, asked, {f"session_{number}": session_id for number, session_id in enumerate(session_ids)}

    @staticmethod
    def cursor_of(last: UserTask | Run) -> str:
        """Return the cursor of the page that follows this task or run."""
        place = json.dumps([to_micros(last.created_at), last.id])
        return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")

    def _text(self, shape: tuple[str, ...], build: Callable[[], Select[Any]]) -> str:
        text = self._compiled.get(shape)
        if text is None:
            text = self._compiled[shape] = compile_one(build(), self._dialect)
        return text


def _tasks(status: str, filters: list[str], older: Sequence[str], *, paged: bool) -> Select[Any]:
    query = TASK
    if status != "any":
        query = query.where(tasks.c.status == constant(status))
    if status == "pending":
        query = query.where(or_(tasks.c.due_at.is_(None), tasks.c.due_at > P("now")))
    if "kind" not in filters:
        query = query.where(tasks.c.kind != constant("message"))  # a conversation waits, but it is nobody's task
    for name in filters:
        query = query.where(_is(name, older))
    if paged:
        query = query.where(tuple_(tasks.c.created_at, tasks.c.task_id) > tuple_(P("after_at"), P("after_id")))
    return query.order_by(tasks.c.created_at, tasks.c.task_id).limit(P("limit")).offset(ZERO)


def _is(name: str, older: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition on a column; on a kind's, the names that older data have for it count too."""
    if name == "kind" and older:
        return tasks.c.kind.in_([P("kind"), *map(constant, older)])
    return tasks.c[name] == P(name)


def _runs(filters: list[str], *, paged: bool) -> Select[Any]:
    query = RUN
    for name in filters:
        query = query.where(runs.c[name] == P(name))
    if paged:
        query = query.where(tuple_(runs.c.created_at, runs.c.run_id) < tuple_(P("after_at"), P("after_id")))
    return query.order_by(runs.c.created_at.desc(), runs.c.run_id.desc()).limit(P("limit")).offset(ZERO)


def _place_of(cursor: str) -> dict[str, Any]:
    try:
        at, last_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error) as exc:
        raise Invalid(
            f"Expected a cursor that a page returned, but got {cursor!r}.", hint="Start at the first page."
        ) from exc
    return {"after_at": int(at), "after_id": str(last_id)}
