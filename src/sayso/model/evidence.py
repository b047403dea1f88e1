"""Rows as an evidence packet shows them: what other readers see only in part."""

from dataclasses import dataclass
from datetime import datetime

from sayso.model.actors import Actor
from sayso.model.ids import CallId, TaskId
from sayso.model.json import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDecision:
    """One row of a decision; what was entered or edited is in the journal."""

    task_id: TaskId
    verdict: str
    action: str
    note: str | None
    by: Actor
    at: datetime
    digest: str
    """The digest of what was shown to whoever decided."""
    metadata: Json = None
    """What whoever decided has attached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAttempt:
    """One attempt at a call."""

    call_id: CallId
    number: int
    epoch: int
    """Under which lease it was started."""
    started_at: datetime
    outcome: str | None
    evidence: bytes | None
    """What was known about it when it was settled."""
    late: bytes | None
    """What its worker reported after it had lost the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvidence:
    """What is kept of one run beside its journal, its tasks and its calls."""

    bodies: dict[TaskId, bytes]
    """The very bytes that each task has shown."""
    decisions: dict[TaskId, RecordedDecision]
    tool_digests: dict[CallId, str]
    """The digest of the definition of the tool that each call is of."""
    attempts: list[RecordedAttempt]
