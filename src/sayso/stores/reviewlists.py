"""The listing statements of the review inbox: their conditions depend on what is asked for.

What is pending is listed from the index of what is pending, what is closed from that of what is closed; a page is
keyset-paged in either. A search by words reads the tasks of its tab, folded as they were written.
"""

import base64
import binascii
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, literal_column, or_, select, tuple_
from sqlalchemy.sql import Select

from sayso.core.instants import to_micros
from sayso.core.reviewing import folded
from sayso.core.taskforms import LEGACY
from sayso.model.errors import Invalid
from sayso.model.reviews import COUNTED, ReviewFilter
from sayso.model.tasks import UserTask
from sayso.stores.reaching import Reaching
from sayso.stores.schema import snoozes, tasks
from sayso.stores.statements import ONE, TASK, ZERO, P, constant

Text = Callable[[tuple[str, ...], Callable[[], Select[Any]]], str]
"""Compiles a statement of a certain shape once, and returns its text."""
_LAST: ColumnElement[int] = literal_column("9223372036854775807")
_DUE: ColumnElement[int] = func.coalesce(tasks.c.due_at, _LAST)
_EQUAL = ("program", "operation", "risk")
"""What narrows a listing by a column of the same name."""
_STATUS = {"pending": "pending", "snoozed": "pending", "completed": "completed", "cancelled": "cancelled"}


class ReviewLists:
    """Builds the statements of one dialect.

    Args:
        text: See `Text`.
    """

    def __init__(self, text: Text) -> None:
        self._text = text

    def page(
        self, wanted: ReviewFilter, *, now: datetime, limit: int, cursor: str | None
    ) -> tuple[str, dict[str, Any]]:
        """Return the statement of one page and its parameters.

        Raises:
            Invalid: The cursor is not one that a page with this order has returned.
        """
        parameters = _parameters(wanted, now) | {"limit": limit}
        if cursor is not None:
            parameters |= _place_of(cursor, _order(wanted))
        shape = (*_shape(wanted), _order(wanted), "page" if cursor is not None else "")
        return self._text(shape, lambda: _ordered(_fitting(TASK, wanted), wanted, paged=cursor is not None)), parameters

    def count(self, wanted: ReviewFilter, *, now: datetime) -> tuple[str, dict[str, Any]]:
        """Return the statement that counts what fits, and its parameters."""
        shape = (*_shape(wanted), "count")
        return self._text(shape, lambda: _counting(wanted)), _parameters(wanted, now) | {"limit": COUNTED}

    @staticmethod
    def cursor_of(task: UserTask, wanted: ReviewFilter) -> str:
        """Return the cursor of the page that follows a task."""
        order = _order(wanted)
        at = {"oldest": task.created_at, "due": task.due_at, "closed": task.closed_at}[order]
        place = [order, None if at is None else to_micros(at), task.id]
        return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _order(wanted: ReviewFilter) -> str:
    return wanted.sort if wanted.tab in {"pending", "snoozed"} else "closed"


def _shape(wanted: ReviewFilter) -> tuple[str, ...]:
    given = {
        "kinds": len(_kinds(wanted)) or None,
        "program": wanted.program,
        "operation": wanted.operation,
        "risk": wanted.risk,
        "assignee": wanted.assignee,
        "text": wanted.text,
    }
    named = [f"{name}{value if name == 'kinds' else ''}" for name, value in given.items() if value is not None]
    return ("reviews", wanted.tab, Reaching(wanted.reach).shape, *named)


def _kinds(wanted: ReviewFilter) -> tuple[str, ...]:
    """Return the wanted kinds with the names that older data have for them."""
    older = [name for name, kind in LEGACY.items() if kind in wanted.kinds]
    return (*wanted.kinds, *older)


def _parameters(wanted: ReviewFilter, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {"now": to_micros(now), "person": wanted.person, **Reaching(wanted.reach).parameters}
    values |= {f"kind_{number}": kind for number, kind in enumerate(_kinds(wanted))}
    values |= {
        name: value
        for name, value in ((name, getattr(wanted, name)) for name in (*_EQUAL, "assignee"))
        if value is not None
    }
    if wanted.text is not None:
        values |= {"words": pattern(wanted.text), "id": wanted.text}
    return values


def pattern(text: str) -> str:
    """Return what `LIKE` compares words with, folded, so that each character stands for itself."""
    words = folded(text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{words}%"


def _fitting(query: Select[Any], wanted: ReviewFilter) -> Select[Any]:
    query = query.where(tasks.c.status == constant(_STATUS[wanted.tab]), tasks.c.kind != constant("message"))
    if wanted.tab in {"pending", "snoozed"}:
        query = query.where(or_(tasks.c.due_at.is_(None), tasks.c.due_at > P("now")))
        query = query.where(_snoozed() if wanted.tab == "snoozed" else ~_snoozed())
    if wanted.kinds:
        query = query.where(tasks.c.kind.in_([P(f"kind_{number}") for number in range(len(_kinds(wanted)))]))
    for name in _EQUAL:
        if getattr(wanted, name) is not None:
            query = query.where(tasks.c[name] == P(name))
    if wanted.assignee is not None:
        claimed = and_(tasks.c.claimed_by == P("assignee"), tasks.c.claimed_until > P("now"))
        query = query.where(or_(tasks.c.assigned_to == P("assignee"), claimed))
    if wanted.text is not None:
        query = query.where(_found())
    return Reaching(wanted.reach).applied(query, tasks)


def _snoozed() -> ColumnElement[bool]:
    mine = and_(snoozes.c.task_id == tasks.c.task_id, snoozes.c.person == P("person"))
    return exists(select(ONE).where(mine, snoozes.c.until > P("now")))


def _found() -> ColumnElement[bool]:
    named = [column == P("id") for column in (tasks.c.task_id, tasks.c.run_id, tasks.c.session_id)]
    return or_(tasks.c.words.like(P("words"), escape="\\"), *named)


def _ordered(query: Select[Any], wanted: ReviewFilter, *, paged: bool) -> Select[Any]:
    match _order(wanted):
        case "closed":
            place = tuple_(tasks.c.closed_at, tasks.c.task_id)
            query = query.where(tasks.c.closed_at.is_not(None))
            query = query.where(place < tuple_(P("after_at"), P("after_id"))) if paged else query
            query = query.order_by(tasks.c.closed_at.desc(), tasks.c.task_id.desc())
        case "due":
            place = tuple_(_DUE, tasks.c.task_id)
            query = query.where(place > tuple_(P("after_at"), P("after_id"))) if paged else query
            query = query.order_by(_DUE, tasks.c.task_id)
        case _:
            place = tuple_(tasks.c.created_at, tasks.c.task_id)
            query = query.where(place > tuple_(P("after_at"), P("after_id"))) if paged else query
            query = query.order_by(tasks.c.created_at, tasks.c.task_id)
    return query.limit(P("limit")).offset(ZERO)


def _counting(wanted: ReviewFilter) -> Select[Any]:
    fitting = _fitting(select(ONE.label("one")).select_from(tasks), wanted).limit(P("limit")).offset(ZERO)
    return select(func.count()).select_from(fitting.subquery())


def _place_of(cursor: str, order: str) -> dict[str, Any]:
    try:
        made_for, at, task_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if made_for != order:
            raise ValueError
        return {"after_at": 9223372036854775807 if at is None else int(at), "after_id": str(task_id)}
    except (ValueError, TypeError, binascii.Error) as exc:
        raise Invalid("Expected a cursor that a page of this order returned.", hint="Start at the first page.") from exc
