"""User tasks: the human's piece of work, and what is shown to the person who does it.

A task's request is one of a closed union of small types; each says what is asked and what each answer will do.
The request is stored as bytes, and the digest of those bytes binds the decision to what was shown.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from sayso.model.ids import RunId, SessionId, TaskId
from sayso.model.json import Json
from sayso.model.workspaces import DEFAULT_WORKSPACE, Reach, WorkspaceId


class TaskStatus(StrEnum):
    """Where a task stands; a pending task past its deadline reads as `expired` (a function of row and time)."""

    PENDING = "pending"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


Action = Literal["proceed", "skip", "cancel", "retry", "else", "fail"]
"""What the run does next: settled when the task is decided, so that a later change of code cannot alter it."""

OnRejectAction = Literal["skip", "cancel", "retry", "else"]
OnTimeoutAction = Literal["approve", "reject", "cancel", "skip"]
FieldType = Literal["str", "int", "float", "bool", "list", "dict"]
MOST_EXTENSIONS = 10
"""How often a deadline may be extended, unless its question says less: as often as WCAG 2.2.1 asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One value that a person is asked for."""

    name: str
    field_type: FieldType = "str"
    description: str | None = None
    value: Json = None
    """The default, used when the person leaves the field out."""
    required: bool = True
    allowed_values: tuple[Json, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallShown:
    """A tool call as the person who decides about it sees it."""

    tool: str
    arguments: Json
    """What will run, byte for byte, unless the person edits it."""
    effect: str
    """`read`, `keyed` or `once`: what is promised should our side fail at any instant."""
    digest: str | None = None
    """Of the tool's definition."""
    schema: Json = None
    """What edited arguments must fit."""
    why: str | None = None
    """Which flag, predicate or rule asks for a person."""
    said: str | None = None
    """The model's own words of that turn: untrusted text."""
    subject: str | None = None
    """The argument that says whom or what it concerns, so that questions about the same can be counted."""
    preview: Json = None
    """What the tool says that it would change (core/previews.py): its word, which nobody has checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """May this go ahead?"""

    kind: Literal["approval"] = "approval"
    message: str
    call: CallShown | None = None
    """The tool call in question; None where a step asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRequest:
    """Fill in these fields; with `confirm`, the answer also lets the step go ahead."""

    kind: Literal["form"] = "form"
    message: str
    fields: tuple[FormField, ...] = ()
    confirm: bool = False
    confirm_message: str | None = None
    schema: Json = None
    """A JSON Schema that the values must fit, in place of `fields`."""
    call: CallShown | None = None
    """The tool call whose missing arguments are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputReviewRequest:
    """Is this output good: accept, edit, or send it back?"""

    kind: Literal["output_review"] = "output_review"
    message: str
    output: Json = None
    """The output under review, in the codec's JSON form."""
    iteration: int | None = None
    """Which pass of a loop this is (from 1), when a loop is reviewed."""
    max_iterations: int | None = None
    retry_count: int = 0
    max_retries: int = 0
    """How many rejections end the run; 0 sets no limit."""
    problem: str | None = None
    """Why the review was asked for although its condition could not be evaluated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRequest:
    """Which way, or ways, should this go?"""

    kind: Literal["route"] = "route"
    message: str
    choices: tuple[str, ...]
    multiple: bool = False
    fields: tuple[FormField, ...] = ()
    """Shown beside the choices; not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRequest:
    """This step failed: try again, or go on without it?"""

    kind: Literal["error"] = "error"
    message: str
    error_type: str
    error_message: str
    retry_count: int = 0
    max_retries: int = 0
    """How often it may be tried again; 0 sets no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRequest:
    """Write something."""

    kind: Literal["text"] = "text"
    message: str
    placeholder: str | None = None
    max_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRequest:
    """Give a number, within bounds."""

    kind: Literal["number"] = "number"
    message: str
    minimum: float | None = None
    maximum: float | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One of the answers that a person can choose."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsRequest:
    """Choose one of these, or say something else where that is allowed."""

    kind: Literal["multi_option"] = "multi_option"
    message: str
    options: tuple[Option, ...]
    allow_other: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalRequest:
    """Execute this call outside, and give its result."""

    kind: Literal["external"] = "external"
    message: str
    call: CallShown


@dataclass(frozen=True, slots=True, kw_only=True)
class UncertainRequest:
    """This call was sent, and nobody knows what came of it. What happened? No default, no deadline."""

    kind: Literal["uncertain"] = "uncertain"
    message: str
    call: CallShown
    reference: str
    """The idempotency key that was sent: what to search for in the remote."""
    attempt: int
    evidence: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRequest:
    """The run has said something and waits for the next message of the conversation; no task is listed for it."""

    kind: Literal["message"] = "message"
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableRequest:
    """A stored question that this version cannot read: listed so that it is seen, and never decided."""

    kind: Literal["unknown"] = "unknown"
    message: str
    """Why."""


StepRequest: TypeAlias = ApprovalRequest | FormRequest | OutputReviewRequest | RouteRequest | ErrorRequest
"""What the steps of a workflow ask; the first two also serve tool calls."""
AgentRequest: TypeAlias = (
    TextRequest | NumberRequest | OptionsRequest | ExternalRequest | UncertainRequest | MessageRequest
)
"""What only agents ask."""
TaskRequest: TypeAlias = StepRequest | AgentRequest | UnreadableRequest
"""What a person is asked, by kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """A task as a program asks for it: the request and the policies that the person is told about."""

    request: TaskRequest
    step_name: str
    step_type: str
    """The primitive that asks: `Step`, `Loop`, `Router`, ..."""
    on_reject: OnRejectAction = "cancel"
    timeout_seconds: float | None = None
    on_timeout: OnTimeoutAction = "cancel"
    extensions: int | None = None
    """How often people may extend the deadline, each time by `timeout_seconds`; 0 makes it a hard one.

    None where there is no deadline, and in questions older than extensions, which may be extended as often as any.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTask:
    """One stored user task."""

    id: TaskId
    run_id: RunId
    session_id: SessionId
    program: str
    key: str
    """The journal key of the pause: `review#2/draft?confirm`."""
    spec: TaskSpec
    digest: str
    """SHA-256 (hex) of the stored bytes of `spec`: what was shown."""
    status: TaskStatus
    """As stored; `status_at` tells what it is now."""
    created_at: datetime
    due_at: datetime | None
    decided_by: str | None = None
    decided_at: datetime | None = None
    verdict: str | None = None
    workspace_id: WorkspaceId = DEFAULT_WORKSPACE
    claimed_by: str | None = None
    """The person who has said to be on it; see `claimant_at`."""
    claimed_until: datetime | None = None
    closed_at: datetime | None = None
    """When it was decided or dropped."""
    assigned_to: str | None = None
    """Whose work it is; others who may decide it still may."""
    summary: str | None = None
    """What was answered, in one line."""
    intact: bool = True
    """Whether the stored bytes are those of the digest; a question that was changed by hand takes no answer."""

    def claimant_at(self, now: datetime) -> str | None:
        """Return who holds the task at `now`; a claim that has ended counts no more."""
        return None if self.claimed_until is None or self.claimed_until <= now else self.claimed_by

    def status_at(self, now: datetime) -> TaskStatus:
        """Return the status as every reader sees it at `now`."""
        if self.status is TaskStatus.PENDING and self.due_at is not None and self.due_at <= now:
            return TaskStatus.EXPIRED
        return self.status


Listed = Literal["pending", "completed", "cancelled", "any"]
"""Tasks of which status a listing wants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks a listing wants; empty fields do not restrict."""

    status: Listed = "pending"
    kind: str | None = None
    run_id: RunId | None = None
    session_id: SessionId | None = None
    program: str | None = None
    reach: Reach | None = None
    """Only tasks of runs within this reach; None for all of the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """One page of a listing, oldest first."""

    tasks: tuple[UserTask, ...] = field(default=())
    next_cursor: str | None = None
    """Where the next page starts; None at the end."""
