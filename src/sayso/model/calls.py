"""Tool calls: what a model asks to have done, and where each stands in the ledger.

What was shown is what runs: a call is bound to the bytes of its arguments by a digest, which the approval, the start
and every later attempt carry. A changed argument is another call.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sayso.model.ids import CallId, TaskId
from sayso.model.json import Json

ANSWERED = "answered_by_human"
"""The code of a call that did not run because a person has answered in its place: no error for the model."""


class Effect(StrEnum):
    """What may happen to a call whose outcome is unknown."""

    READ = "read"
    """Changes nothing: it may be tried again."""
    KEYED = "keyed"
    """The remote honours our idempotency key: it is tried again with the same key and the same bytes."""
    ONCE = "once"
    """It is never sent again; a person is asked what happened."""


class CallState(StrEnum):
    """Where a call stands; core/ledger.py has the legal moves."""

    REFUSED = "refused"
    """Not offered, or its arguments do not fit."""
    BLOCKED = "blocked"
    """A gate or a rule does not let it through here."""
    AWAITING = "awaiting_approval"
    AUTHORISED = "authorised"
    REJECTED = "rejected"
    EXPIRED = "expired"
    """Nobody decided before the deadline."""
    VOID = "void"
    """What was approved is no longer what would run."""
    CANCELLED = "cancelled"
    """The run ended before it was started."""
    STARTED = "started"
    RETRY_WAIT = "retry_wait"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """It is known not to have happened."""
    UNCERTAIN = "uncertain"
    """Nobody knows whether it happened; a person is asked."""
    ABANDONED = "abandoned"
    """Nobody knows, and the run was stopped for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call as it would be executed."""

    tool: str
    tool_digest: str
    """Of the tool's definition: its name, description, schema and effect, and what a person gives or does."""
    effect: Effect
    arguments: dict[str, Json]
    parts: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the definition consists of, so that a later change can be named; empty where there is no such tool."""


class Approved(NamedTuple):
    """The answer that lets a call through, as the run's journal has it."""

    task_id: TaskId
    kind: str
    shown: str
    """The digest of what was shown."""
    due_at: datetime | None
    decided_at: datetime
    decided: bytes
    """The data of the journal's entry."""


class StoredApproval(NamedTuple):
    """A question about a call and its decision, as their rows have them."""

    workspace_id: str
    run_id: str
    session_id: str
    program: str
    key: str
    kind: str
    status: str
    digest: str
    body: bytes
    due_at: datetime | None
    decided_run_id: str
    verdict: str
    action: str
    note: str | None
    by: str
    via: str
    decided_at: datetime
    bound: str
    """The digest of what was shown and what was said."""


class CallMove(NamedTuple):
    """What one commit changes of a call's row."""

    call_id: CallId
    key: str
    was: CallState | None
    """The state that the row must be in; None inserts the row."""
    state: CallState
    digest: str
    shown_digest: str
    """The digest as it was when the call was proposed; an edit by a person changes the other one."""
    shown_arguments: bytes
    """The bytes of the arguments as they were proposed."""
    arguments: bytes
    call: ToolCall
    attempt: int = 0
    """Which attempt this starts or settles; 0 touches none."""
    evidence: bytes | None = None
    """What is known about the attempt, as JSON."""
    approved: Approved | None = None
    """The answer that it rests on, where a person was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """One row of the ledger."""

    id: CallId
    run_id: str
    key: str
    tool: str
    tool_digest: str
    effect: Effect
    arguments: bytes
    digest: str
    idempotency_key: str
    state: CallState
    attempt: int
    """How often it was started."""
    created_at: datetime
    updated_at: datetime
    first_sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """How a call ended, as the program (and through it the model) learns it."""

    state: CallState
    value: Any = None
    """What the tool returned, where it succeeded."""
    code: str | None = None
    """A stable code, where it did not."""
    message: str | None = None
    """One sentence for the model and for people."""
    note: str | None = None
    """What the person who decided has said."""
    arguments: dict[str, Json] | None = None
    """The arguments that were executed, where a person has edited them."""

    @property
    def succeeded(self) -> bool:
        """Whether the tool has done what it was asked for."""
        return self.state is CallState.SUCCEEDED
