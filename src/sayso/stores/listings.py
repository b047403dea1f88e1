"""Listings: the statements whose conditions depend on what is asked for.

Each combination of filters is compiled once and kept. Pages are keyset-paged: a cursor is the last row's place, so
a page costs the same wherever it starts.
"""

import base64
import binascii
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Dialect, and_, exists, false, or_, select, tuple_
from sqlalchemy.sql import Select

from sayso.core.instants import to_micros
from sayso.model.errors import Invalid
from sayso.model.runs import RunState
from sayso.model.sessions import SessionFilter
from sayso.model.tasks import TaskFilter, UserTask
from sayso.model.workspaces import Reach
from sayso.stores.schema import runs, tasks
from sayso.stores.sessionlists import counted, listed, one
from sayso.stores.statements import ONE, RUN, TASK, ZERO, P, compile_one, constant


class Listings:
    """Builds and keeps the listing statements of one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled: dict[tuple[str, ...], str] = {}

    def tasks(self, wanted: TaskFilter, *, now: datetime, limit: int, cursor: str | None) -> tuple[str, dict[str, Any]]:
        """Return the statement and its parameters for one page of tasks, oldest first.

        Raises:
            Invalid: The cursor is not one that a page has returned.
        """
        parameters: dict[str, Any] = {"limit": limit}
        shape = ["tasks", wanted.status]
        if wanted.status == "pending":
            parameters["now"] = to_micros(now)
        filters = {
            "kind": wanted.kind,
            "run_id": wanted.run_id,
            "session_id": wanted.session_id,
            "program": wanted.program,
            "workspace_id": None if wanted.reach is None else wanted.reach.workspace_id,
        }
        given = {name: value for name, value in filters.items() if value is not None}
        parameters |= given
        reached = _pairs(wanted.reach)
        parameters |= {
            f"{part}_{n}": value for n, pair in enumerate(reached) for part, value in zip(_PARTS, pair, strict=True)
        }
        if cursor is not None:
            parameters |= _place_of(cursor)
        narrow = (
            None if wanted.reach is None or wanted.reach.programs is None else [pair[1] is not None for pair in reached]
        )
        shape += [*given, "page" if cursor is not None else "", str(narrow)]
        parameters = {name: value for name, value in parameters.items() if value is not None}
        return self._text(
            tuple(shape), lambda: _tasks(wanted.status, list(given), narrow, paged=cursor is not None)
        ), parameters

    def runs(
        self, *, session_id: str | None, program: str | None, state: RunState | None, limit: int
    ) -> tuple[str, dict[str, Any]]:
        """Return the statement and its parameters for the newest runs."""
        filters = {"session_id": session_id, "program": program, "state": state}
        given = {name: value for name, value in filters.items() if value is not None}
        return self._text(("runs", *given), lambda: _runs(list(given))), {**given, "limit": limit}

    def sessions(self, wanted: SessionFilter) -> tuple[str, str, dict[str, Any]]:
        """Return the statements for one page of sessions and for their number, and the parameters of both."""
        filters = {
            "workspace_id": wanted.workspace_id,
            "program": wanted.program,
            "version": wanted.version,
            "version_id": wanted.version_id,
            "status": wanted.status,
        }
        given = {name: value for name, value in filters.items() if value is not None}
        page = self._text(("sessions", *given), lambda: listed(list(given)))
        return page, self._text(("sessions counted", *given), lambda: counted(list(given))), given

    def session(self) -> str:
        """Return the statement for one session."""
        return self._text(("session",), one)

    @staticmethod
    def cursor_of(task: UserTask) -> str:
        """Return the cursor of the page that follows this task."""
        place = json.dumps([to_micros(task.created_at), task.id])
        return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")

    def _text(self, shape: tuple[str, ...], build: Callable[[], Select[Any]]) -> str:
        text = self._compiled.get(shape)
        if text is None:
            text = self._compiled[shape] = compile_one(build(), self._dialect)
        return text


_PARTS = ("reach_program", "reach_trigger")


def _pairs(reach: Reach | None) -> list[tuple[str, str | None]]:
    programs = None if reach is None else reach.programs
    return sorted(programs or (), key=str)


def _reached(narrow: list[bool]) -> ColumnElement[bool]:
    """Tell whether a task's session began with one of the reached programs (and triggers, where one is named)."""
    any_of = [
        and_(runs.c.program == P(f"{_PARTS[0]}_{n}"), *([runs.c.trigger_id == P(f"{_PARTS[1]}_{n}")] if named else []))
        for n, named in enumerate(narrow)
    ]
    rooted = and_(runs.c.session_id == tasks.c.session_id, runs.c.parent_id.is_(None))
    return exists(select(ONE).where(rooted, or_(*any_of))) if any_of else false()


def _tasks(status: str, filters: list[str], narrow: list[bool] | None, *, paged: bool) -> Select[Any]:
    query = TASK if narrow is None else TASK.where(_reached(narrow))
    if status != "any":
        query = query.where(tasks.c.status == constant(status))
    if status == "pending":
        query = query.where(or_(tasks.c.due_at.is_(None), tasks.c.due_at > P("now")))
    if "kind" not in filters:
        query = query.where(tasks.c.kind != constant("message"))  # a conversation waits, but it is nobody's task
    for name in filters:
        query = query.where(tasks.c[name] == P(name))
    if paged:
        query = query.where(tuple_(tasks.c.created_at, tasks.c.task_id) > tuple_(P("after_at"), P("after_id")))
    return query.order_by(tasks.c.created_at, tasks.c.task_id).limit(P("limit")).offset(ZERO)


def _runs(filters: list[str]) -> Select[Any]:
    query = RUN
    for name in filters:
        query = query.where(runs.c[name] == P(name))
    return query.order_by(runs.c.created_at.desc(), runs.c.run_id.desc()).limit(P("limit")).offset(ZERO)


def _place_of(cursor: str) -> dict[str, Any]:
    try:
        at, task_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error) as exc:
        raise Invalid(
            f"Expected a cursor that a page returned, but got {cursor!r}.", hint="Start at the first page."
        ) from exc
    return {"after_at": int(at), "after_id": str(task_id)}
