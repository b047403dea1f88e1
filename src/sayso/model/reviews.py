"""The review inbox: what a reviewer wants listed, and what is kept about a task beside the question and its answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sayso.model.ids import TaskId
from sayso.model.tasks import UserTask
from sayso.model.workspaces import Reach

Tab = Literal["pending", "snoozed", "completed", "cancelled"]
"""Pending and not snoozed by whoever looks; pending and snoozed; decided; dropped undecided."""
Sort = Literal["oldest", "due"]
COUNTED = 1_000
"""Counts of an inbox stop here: an exact one over millions would cost more than it tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFilter:
    """Which tasks a reviewer wants; empty fields do not narrow."""

    person: str
    """Who looks: theirs are the snoozes that count."""
    reach: Reach
    tab: Tab = "pending"
    kinds: tuple[str, ...] = ()
    program: str | None = None
    operation: str | None = None
    """The tool, or the step, that is asked about."""
    risk: str | None = None
    """How much is at stake: `low`, `medium` or `high`."""
    assignee: str | None = None
    """To whom it is assigned, or who has claimed it."""
    text: str | None = None
    """A part of the sentence, or the id of the task, the run or the session."""
    sort: Sort = "oldest"
    """Of what is pending: the oldest first, or what is due first. What is closed comes newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPage:
    """One page of an inbox."""

    tasks: tuple[UserTask, ...] = ()
    next_cursor: str | None = None
    total: int = 0
    """How many fit, counted up to `COUNTED`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody has said about a task without deciding it."""

    id: str
    task_id: TaskId
    by: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDecision:
    """One decision on the same operation of the same program."""

    task_id: TaskId
    verdict: str
    by: str
    at: datetime
    waited: timedelta
    """From the question to the answer."""
    note: str | None
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Burden:
    """What one operation has asked of people."""

    program: str
    operation: str
    kind: str
    asked: int
    """How many of its tasks were decided in the time that is looked at."""
    approved: int
    """By people and keys, as the next two."""
    edited: int
    rejected: int
    timed_out: int
    """By a deadline, whatever it did."""
    median: timedelta
    """From the question to the answer, of those that people decided."""
