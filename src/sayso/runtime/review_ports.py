"""What the inbox of reviewers needs of a store."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from sayso.core.reviewing import Weighed
from sayso.model.ids import SessionId, TaskId
from sayso.model.reviews import Comment, PastDecision, ReviewFilter, ReviewPage
from sayso.model.workspaces import Reach, WorkspaceId


class ReviewRows(Protocol):
    """The listings of the inbox, and what is kept beside a task."""

    def page(self, wanted: ReviewFilter, *, now: datetime, limit: int, cursor: str | None) -> ReviewPage:
        """Return one page of tasks; pending excludes what has expired at `now`."""
        ...

    def count(self, wanted: ReviewFilter, *, now: datetime) -> int:
        """Return how many tasks fit, counted up to `COUNTED`."""
        ...

    def snooze(self, task_id: TaskId, person: str, until: datetime) -> None:
        """Keep a task out of one person's sight for a while; a new time replaces an older one."""
        ...

    def unsnooze(self, task_id: TaskId, person: str) -> None:
        """Show it to that person again."""
        ...

    def snoozed_until(self, task_id: TaskId, person: str) -> datetime | None:
        """Return until when somebody has snoozed a task."""
        ...

    def comment(self, comment: Comment) -> None:
        """Keep a comment."""
        ...

    def comments(self, task_id: TaskId) -> Sequence[Comment]:
        """Return the comments on a task, oldest first."""
        ...

    def asked_about(self, task_id: TaskId, *, within: timedelta, most: int) -> int:
        """Return how often a task's operation was asked about with its subject until then, itself included.

        Counted up to `most`; 0 where the task has no subject.
        """
        ...

    def similar(
        self, reach: Reach, program: str, operation: str, *, beside: TaskId, limit: int
    ) -> Sequence[PastDecision]:
        """Return the last decisions on the same operation of a program, newest first, without that on one task."""
        ...

    def weighed(self, workspace_id: WorkspaceId, *, since: datetime, program: str | None) -> Sequence[Weighed]:
        """Return the tasks that were decided since a time."""
        ...

    def mark(self, workspace_id: WorkspaceId) -> str:
        """Return what changes whenever an inbox of the workspace does."""
        ...

    def session_mark(self, workspace_id: WorkspaceId, session_id: SessionId) -> str:
        """Return what changes whenever a session does."""
        ...

    def sessions_mark(self, workspace_id: WorkspaceId) -> str:
        """Return what changes whenever one of the newest sessions of the workspace does."""
        ...
