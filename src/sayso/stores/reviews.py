"""The rows of the review inbox: listings of tasks, snoozes, comments, past decisions, and marks of change."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ClauseElement, and_, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from sayso.core.instants import from_micros, some_time, to_micros
from sayso.core.reviewing import Weighed
from sayso.core.taskforms import listed_spec
from sayso.model.actors import Actor
from sayso.model.ids import SessionId, TaskId
from sayso.model.reviews import Comment, PastDecision, ReviewFilter, ReviewPage
from sayso.model.workspaces import Reach, WorkspaceId
from sayso.stores.reviewlists import ReviewLists
from sayso.stores.rows import task_of
from sayso.stores.schema import blobs, comments, decisions, runs, snoozes, tasks
from sayso.stores.statements import ZERO, P, constant
from sayso.stores.workspace_schema import audit

_NEWEST = 200
"""How many of the newest runs a mark of all sessions looks at."""
_MOST_WEIGHED = 20_000


def _put(dialect: Any) -> ClauseElement:
    values = {column.name: P(column.name) for column in snoozes.columns}
    return (
        dialect.insert(snoozes)
        .values(values)
        .on_conflict_do_update(index_elements=[snoozes.c.task_id, snoozes.c.person], set_={"until": P("until")})
    )


_DECIDED = tasks.join(decisions, decisions.c.task_id == tasks.c.task_id)
_HERE = tasks.c.workspace_id == P("workspace_id")
_NEWEST_RUNS = (
    select(runs.c.seq, runs.c.updated_at)
    .where(runs.c.workspace_id == P("workspace_id"))
    .order_by(runs.c.created_at.desc())
    .limit(P("limit"))
    .offset(ZERO)
    .subquery()
)
_ITSELF = tasks.alias("itself")
_SAME_SUBJECT = (
    select(tasks.c.task_id)
    .select_from(_ITSELF)
    .where(
        _ITSELF.c.task_id == P("task_id"),
        tasks.c.workspace_id == _ITSELF.c.workspace_id,
        tasks.c.operation == _ITSELF.c.operation,
        tasks.c.subject == _ITSELF.c.subject,
        tasks.c.subject.is_not(None),
        tasks.c.created_at > _ITSELF.c.created_at - P("within"),
        tasks.c.created_at <= _ITSELF.c.created_at,
    )
    .limit(P("most"))
    .offset(ZERO)
    .subquery()
)
_SINCE = and_(_HERE, tasks.c.closed_at >= P("since"))
_WEIGHED = (
    select(
        tasks.c.program,
        func.coalesce(tasks.c.operation, constant("?")),
        tasks.c.kind,
        decisions.c.verdict,
        decisions.c.by_type,
        decisions.c.by_id,
        decisions.c.at,
        tasks.c.created_at,
    )
    .select_from(_DECIDED)
    .where(_SINCE, tasks.c.status == constant("completed"), tasks.c.kind != constant("message"))
    .order_by(tasks.c.closed_at.desc())
    .limit(P("limit"))
    .offset(ZERO)
)
STATEMENTS: Mapping[str, ClauseElement | Mapping[str, ClauseElement]] = {
    "snooze": {"sqlite": _put(sqlite), "postgresql": _put(postgresql)},
    "unsnooze": delete(snoozes).where(snoozes.c.task_id == P("task_id"), snoozes.c.person == P("person")),
    "snoozed_until": select(snoozes.c.until).where(snoozes.c.task_id == P("task_id"), snoozes.c.person == P("person")),
    "insert_comment": insert(comments).values({column.name: P(column.name) for column in comments.columns}),
    "comments_of": select(comments)
    .where(comments.c.task_id == P("task_id"))
    .order_by(comments.c.at, comments.c.comment_id),
    "similar_decisions": select(
        tasks.c.task_id,
        decisions.c.verdict,
        decisions.c.by_type,
        decisions.c.by_id,
        decisions.c.at,
        tasks.c.created_at,
        decisions.c.note,
        tasks.c.body,
        blobs.c.data,
    )
    .select_from(_DECIDED.outerjoin(blobs, and_(blobs.c.run_id == tasks.c.run_id, blobs.c.digest == tasks.c.blob)))
    .where(
        _HERE,
        tasks.c.program == P("program"),
        tasks.c.operation == P("operation"),
        tasks.c.closed_at.is_not(None),
        tasks.c.task_id != P("beside"),
    )
    .order_by(tasks.c.closed_at.desc(), tasks.c.task_id.desc())
    .limit(P("limit"))
    .offset(ZERO),
    "asked_about": select(func.count()).select_from(_SAME_SUBJECT),
    "weighed": _WEIGHED,
    "weighed_of": _WEIGHED.where(tasks.c.program == P("program")),
    "last_asked": select(func.max(tasks.c.created_at)).where(_HERE, tasks.c.status == constant("pending")),
    "last_closed": select(func.max(tasks.c.closed_at)).where(_HERE, tasks.c.status == P("status")),
    "last_audited": select(func.max(audit.c.seq)).where(audit.c.workspace_id == P("workspace_id")),
    "session_moves": select(func.sum(runs.c.seq), func.count(), func.max(runs.c.updated_at)).where(
        runs.c.workspace_id == P("workspace_id"), runs.c.session_id == P("session_id")
    ),
    "newest_moves": select(func.sum(_NEWEST_RUNS.c.seq), func.max(_NEWEST_RUNS.c.updated_at), func.count()),
}


class ReviewRows:
    """The part of a transaction that serves reviewers.

    Args:
        change: Runs a changing statement by name, and returns how many rows it changed.
        all_: Runs a selecting statement by name, and returns its rows.
        text: Runs the text of a selecting statement, and returns its rows.
        lists: The listings.
    """

    def __init__(
        self,
        change: Callable[..., int],
        all_: Callable[..., list[Any]],
        text: Callable[[str, Mapping[str, Any]], list[Any]],
        lists: ReviewLists,
    ) -> None:
        self._change = change
        self._all = all_
        self._text = text
        self._lists = lists

    def page(self, wanted: ReviewFilter, *, now: datetime, limit: int, cursor: str | None) -> ReviewPage:
        """See the port."""
        rows = self._text(*self._lists.page(wanted, now=now, limit=limit + 1, cursor=cursor))
        found = [task_of(row) for row in rows[:limit]]
        following = self._lists.cursor_of(found[-1], wanted) if len(rows) > limit else None
        return ReviewPage(tasks=tuple(found), next_cursor=following, total=self.count(wanted, now=now))

    def count(self, wanted: ReviewFilter, *, now: datetime) -> int:
        """See the port."""
        return self._text(*self._lists.count(wanted, now=now))[0][0]

    def snooze(self, task_id: TaskId, person: str, until: datetime) -> None:
        """See the port."""
        self._change("snooze", task_id=task_id, person=person, until=to_micros(until))

    def unsnooze(self, task_id: TaskId, person: str) -> None:
        """See the port."""
        self._change("unsnooze", task_id=task_id, person=person)

    def snoozed_until(self, task_id: TaskId, person: str) -> datetime | None:
        """See the port."""
        rows = self._all("snoozed_until", task_id=task_id, person=person)
        return some_time(rows[0][0]) if rows else None

    def comment(self, comment: Comment) -> None:
        """See the port."""
        self._change(
            "insert_comment",
            comment_id=comment.id,
            task_id=comment.task_id,
            by=comment.by,
            at=to_micros(comment.at),
            text=comment.text,
        )

    def comments(self, task_id: TaskId) -> Sequence[Comment]:
        """See the port."""
        rows = self._all("comments_of", task_id=task_id)
        return [Comment(id=id_, task_id=task, by=by, at=from_micros(at), text=text) for id_, task, by, at, text in rows]

    def asked_about(self, task_id: TaskId, *, within: timedelta, most: int) -> int:
        """See the port."""
        span = within // timedelta(microseconds=1)
        return self._all("asked_about", task_id=task_id, within=span, most=most)[0][0]

    def similar(
        self, reach: Reach, program: str, operation: str, *, beside: TaskId, limit: int
    ) -> Sequence[PastDecision]:
        """See the port."""
        rows = self._all(
            "similar_decisions",
            workspace_id=reach.workspace_id,
            program=program,
            operation=operation,
            beside=beside,
            limit=limit,
        )
        return [_past(row) for row in rows]

    def weighed(self, workspace_id: WorkspaceId, *, since: datetime, program: str | None) -> Sequence[Weighed]:
        """See the port."""
        which = "weighed" if program is None else "weighed_of"
        rows = self._all(which, workspace_id=workspace_id, program=program, since=to_micros(since), limit=_MOST_WEIGHED)
        return list(map(Weighed._make, rows))

    def mark(self, workspace_id: WorkspaceId) -> str:
        """See the port."""
        here = {"workspace_id": workspace_id}
        closed = [self._number("last_closed", status=status, **here) for status in ("completed", "cancelled")]
        parts = [self._number("last_asked", **here), *closed, self._number("last_audited", **here)]
        return ".".join(map(str, parts))

    def session_mark(self, workspace_id: WorkspaceId, session_id: SessionId) -> str:
        """See the port."""
        rows = self._all("session_moves", workspace_id=workspace_id, session_id=session_id)
        return ".".join(str(value or 0) for value in rows[0])

    def sessions_mark(self, workspace_id: WorkspaceId) -> str:
        """See the port."""
        rows = self._all("newest_moves", workspace_id=workspace_id, limit=_NEWEST)
        return ".".join(str(value or 0) for value in rows[0])

    def _number(self, name: str, **parameters: Any) -> int:
        return self._all(name, **parameters)[0][0] or 0


def _past(row: Any) -> PastDecision:
    task, verdict, by_type, by_id, at, created, note, body, blob = row
    return PastDecision(
        task_id=task,
        verdict=verdict,
        by=str(Actor(type=by_type, id=by_id)),
        at=from_micros(at),
        waited=from_micros(at) - from_micros(created),
        note=note,
        summary=listed_spec(body if blob is None else blob).request.message,
    )
