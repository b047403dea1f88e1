"""What a route tells of itself in OpenAPI: its status, an example of its answer, links, and every code of a refusal.

A route that tells nothing fails the tests (tests/service/test_openapi.py).
"""

from collections.abc import Mapping
from typing import Any

from sayso.api.v1.examples import EXAMPLES
from sayso.model.directoryerrors import Forbidden, PersonNotFound, Unauthenticated
from sayso.model.errors import (
    DeadlineFixed,
    DeadlineMoved,
    Invalid,
    InvalidDecision,
    LedgerConflict,
    RunNotFound,
    SaysoError,
    SessionNotFound,
    TaskChanged,
    TaskExpired,
    TaskNotFound,
    TaskUnreadable,
    UnreadableValue,
    UnstorableValue,
)
from sayso.model.registryerrors import (
    AgentBlocked,
    AgentNotFound,
    InvalidInput,
    NoDeployedVersion,
    NotSupportedYet,
    SubAgentNotStartable,
    TriggerInactive,
    TriggerNotFound,
    VersionNotFound,
    WorkspaceSuspended,
)
from sayso.model.requesterrors import (
    AddressNotAllowed,
    ApprovedRequired,
    BadRequest,
    ConcurrencyLimited,
    InputTooLarge,
    InvalidCompletion,
    KeyReused,
    NotWaiting,
    OutOfScope,
    OwnRun,
    PeopleOnly,
    RateLimited,
    RunWaitingForTask,
    TaskClaimed,
    TaskNotPending,
    TooManyGuesses,
    WaitNotRunning,
)
from sayso.server.problems import refusals

Refusals = tuple[type[SaysoError], ...]
A_RUN: Refusals = (RunNotFound, OutOfScope)
A_SESSION: Refusals = (SessionNotFound, OutOfScope)
A_TASK: Refusals = (TaskNotFound, OutOfScope)
AN_AGENT: Refusals = (AgentNotFound, OutOfScope)
A_VERSION: Refusals = (AgentNotFound, VersionNotFound)
A_TRIGGER: Refusals = (AgentNotFound, TriggerNotFound)
A_PERSON: Refusals = (PersonNotFound,)
OF_STARTS: Refusals = (NotWaiting, WorkspaceSuspended)
STARTING: Refusals = (
    AgentNotFound, OutOfScope, AddressNotAllowed, NoDeployedVersion, AgentBlocked, TriggerInactive,
    SubAgentNotStartable, NotSupportedYet, InvalidInput, InputTooLarge, RateLimited, ConcurrencyLimited, *OF_STARTS,
)  # fmt: skip
DECIDING: Refusals = (
    *A_TASK, PeopleOnly, OwnRun, TaskClaimed, TaskNotPending, TaskExpired, TaskChanged, InvalidCompletion,
    ApprovedRequired, InvalidDecision, TaskUnreadable,
)  # fmt: skip
REVEALING: Refusals = (
    PeopleOnly, OwnRun, TaskClaimed, TaskNotPending, TaskExpired, TaskUnreadable, Invalid, LedgerConflict,
)  # fmt: skip
EXTENDING: Refusals = (
    *A_TASK, PeopleOnly, OwnRun, TaskClaimed, TaskNotPending, TaskExpired, TaskUnreadable, DeadlineFixed, DeadlineMoved,
    LedgerConflict,
)  # fmt: skip
MESSAGING: Refusals = (*A_RUN, BadRequest, WaitNotRunning, NotWaiting, RunWaitingForTask, *DECIDING)
_OF_ALL = (Unauthenticated, Forbidden, TooManyGuesses, UnreadableValue)
_OF_CHANGES = (Invalid, UnstorableValue)
_OF_ACTS = (*_OF_CHANGES, KeyReused)
_MEDIA = {"stream": "text/event-stream", "audit_lines": "application/x-ndjson"}
"""What is not JSON."""
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Up to 255 printable characters of your own: the same request under the same key acts once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def told(
    example: str | None, *errors: type[SaysoError], status: int = 200, links: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the settings of a route that reads.

    Args:
        example: The name of an answer in `api.v1.examples`; None where the answer has no body.
        errors: What it refuses with, beside what every route does.
        status: The status of its answer.
        links: Where a client may go from there.
    """
    said = _said(example)
    if links is not None:
        said["links"] = dict(links)
    return {"status_code": status, "responses": {status: said, **refusals(*_OF_ALL, *errors)}}


def managing(
    example: str | None, *errors: type[SaysoError], status: int = 200, links: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the settings of a route by which people manage something; without `Idempotency-Key`, see docs/make_api."""
    return told(example, *_OF_CHANGES, *errors, status=204 if example is None else status, links=links)


def for_anybody(example: str, *errors: type[SaysoError]) -> dict[str, Any]:
    """Return the settings of a route that asks for no proof."""
    return {"responses": {200: _said(example), **refusals(*errors)}}


def _said(example: str | None) -> dict[str, Any]:
    if example is None:
        return {"description": "Done."}
    media = _MEDIA.get(example, "application/json")
    return {"description": "Done.", "content": {media: {"example": EXAMPLES[example]}}}


def acting(
    example: str, *errors: type[SaysoError], status: int = 202, links: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the settings of a route that changes something, once per `Idempotency-Key`."""
    settings = told(example, *_OF_ACTS, *errors, status=status, links=links)
    return {**settings, "openapi_extra": {"parameters": [_IDEMPOTENCY_KEY]}}
