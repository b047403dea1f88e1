"""A client of the service: `Sayso` for plain code, `AsyncSayso` for coroutines; the same calls, typed.

It knows the wire and nothing of the runtime, so that it runs wherever Python and httpx do. Its law is the ADR 0011.
"""

from sayso.client.answers import (
    Conversation,
    Ended,
    Event,
    Item,
    Page,
    Run,
    RunRow,
    Session,
    Standing,
    Task,
    TaskPage,
    Workflow,
)
from sayso.client.awaiting import AsyncSayso
from sayso.client.blocking import Sayso
from sayso.client.errors import (
    ApiConflict,
    ApiError,
    ApiNotAllowed,
    ApiNotFound,
    ApiRefused,
    ApiTooMany,
    ApiUnauthenticated,
    ServerFailed,
    Unreachable,
)
from sayso.client.flow import Retries

__all__ = [
    "ApiConflict",
    "ApiError",
    "ApiNotAllowed",
    "ApiNotFound",
    "ApiRefused",
    "ApiTooMany",
    "ApiUnauthenticated",
    "AsyncSayso",
    "Conversation",
    "Ended",
    "Event",
    "Item",
    "Page",
    "Retries",
    "Run",
    "RunRow",
    "Sayso",
    "ServerFailed",
    "Session",
    "Standing",
    "Task",
    "TaskPage",
    "Unreachable",
    "Workflow",
]
