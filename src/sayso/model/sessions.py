"""Sessions as they are listed: what their newest run says, and what all their runs have used.

The status is one word for people and clients. It is a function of the newest root run's state and of what the
session waits for; `core/states.py` has the table, and the stores compute the same in their listing.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sayso.model.ids import RunId, SessionId
from sayso.model.messages import Usage
from sayso.model.runs import Origin
from sayso.model.workspaces import Reach


class SessionStatus(StrEnum):
    """Where a session stands; the strings are those of the HTTP API."""

    RUNNING = "Running"
    WAITING_FOR_HITL = "WaitingForHITL"
    """A person is asked."""
    WAITING_FOR_AITL = "WaitingForAITL"
    """A sub-agent asks its parent."""
    WAITING_FOR_RESPONSE = "WaitingForResponse"
    """The next message of the conversation is waited for."""
    WAITING_FOR_TIMER = "WaitingForTimer"
    COMPLETED = "Completed"
    FAILED = "Failed"
    """Its root run failed or was cancelled; the run says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions are wanted; None does not narrow."""

    reach: Reach | None = None
    """Only sessions within this reach; None for all of the database."""
    program: str | None = None
    """The agent or workflow of the newest root run."""
    version: str | None = None
    """The label of its version."""
    version_id: str | None = None
    status: SessionStatus | None = None
    trigger_type: str | None = None
    """What started its newest root run: `api`, `manual`, ..."""
    text: str | None = None
    """The id of the session, of a run or of a task, or a part of what it is about or of who it is for."""
    since: datetime | None = None
    """Only sessions whose newest root run began then or later."""
    until: datetime | None = None
    """Only sessions whose newest root run began before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSession:
    """A session as a list shows it."""

    id: SessionId
    user_id: str | None
    status: SessionStatus
    root_run_id: RunId
    """Its newest root run."""
    program: str
    origin: Origin
    """That of its newest root run."""
    runs: int
    """How many runs it has, child runs included."""
    usage: Usage
    """What all of them have used."""
    started_at: datetime
    """When the session was created."""
    updated_at: datetime
    """When its root run last moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """Some of the sessions that fit a filter, the one with the newest root run first."""

    items: tuple[ListedSession, ...]
    total: int
    """How many fit."""


class Span(NamedTuple):
    """A stretch of time; without an end it goes on."""

    begin: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpans:
    """When a session was at it, and when it waited for people."""

    roots: tuple[Span, ...] = ()
    """Each of its root runs."""
    asked: tuple[Span, ...] = ()
    """Each question to a person, until it was answered or dropped; an open one ends at its deadline."""
