"""Errors as problem JSON (RFC 9457): one form for every refusal, whoever refuses.

What a server's own failure says may hold paths and data: its text goes to the log, and the answer says only what kind
of failure it is. No answer repeats what was sent.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from starlette.responses import Response
from starlette.types import Scope

from sayso.model.errors import SaysoError
from sayso.model.json import Json
from sayso.model.registry import Problem
from sayso.model.requesterrors import (
    BodyTooLarge,
    BodyTooSlow,
    CrossSite,
    HeadTooLarge,
    HostRefused,
    InvalidJson,
    InvalidRequest,
    MethodOverridden,
    RequestRefused,
    Unexpected,
    UnsupportedMediaType,
)

OF_THE_SHELL: tuple[type[SaysoError], ...] = (
    RequestRefused, InvalidJson, MethodOverridden, CrossSite, BodyTooSlow, BodyTooLarge, UnsupportedMediaType,
    HostRefused, InvalidRequest, HeadTooLarge, Unexpected,
)  # fmt: skip
"""What any request may be refused with, before a route has a say."""
MEDIA_TYPE = "application/problem+json"
SCHEMA: dict[str, Json] = {
    "title": "Problem",
    "description": "A refusal (RFC 9457). `code` is stable and names it; `hint` is the next thing to do.",
    "type": "object",
    "required": ["type", "title", "status", "code", "message", "hint", "details", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:sayso:error:already_decided"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "examples": ["already_decided"]},
        "message": {"type": "string"},
        "hint": {"type": "string"},
        "details": {"type": "object", "description": "Ids and values for programs; which ones, depends on the code."},
        "request_id": {"type": ["string", "null"], "description": "What the service's log calls the request."},
    },
}
"""A problem, in OpenAPI; known there as `Problem`."""
_OURS = 500
"""From this status on it is our failure, and its text is not for the caller."""


def problem(error: SaysoError, request_id: str | None = None) -> dict[str, Json]:
    """Return an error as problem JSON."""
    title = (type(error).__doc__ or "").strip().partition("\n")[0].rstrip(".")
    ours = error.status >= _OURS
    return {
        "type": f"urn:sayso:error:{error.code}",
        "title": title,
        "status": error.status,
        "code": error.code,
        "message": f"{title}." if ours else error.message,
        "hint": error.hint,
        "details": {} if ours else {name: _plain(value) for name, value in error.facts.items()},
        "request_id": request_id,
    }


def refusals(*errors: type[SaysoError]) -> dict[int | str, dict[str, Any]]:
    """Return what a route says in OpenAPI about its errors and the shell's, for its `responses`."""
    by_status: dict[int | str, list[type[SaysoError]]] = {}
    for error in dict.fromkeys((*OF_THE_SHELL, *errors)):
        by_status.setdefault(error.status, []).append(error)
    return {status: described(", ".join(f"`{one.code}`" for one in ours)) for status, ours in by_status.items()}


def described(codes: str) -> dict[str, Any]:
    """Return a problem with one of some codes, in OpenAPI."""
    return {
        "description": f"Refused: {codes}.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def encoded(error: SaysoError, request_id: str | None = None) -> bytes:
    """Return an error as the body of an answer."""
    return json.dumps(problem(error, request_id)).encode()


def answer(error: SaysoError, scope: Scope, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error as the answer to a request, whose line in the log will name it.

    One that says when to come back says so in `Retry-After`, too, and with a limit in the RateLimit headers.
    """
    named(error, scope)
    sent = dict(headers or {})
    if "retry_after" in error.facts:
        sent["Retry-After"] = str(error.facts["retry_after"])
        if "limit" in error.facts:
            sent |= {"RateLimit-Limit": str(error.facts["limit"]), "RateLimit-Remaining": "0"}
            sent["RateLimit-Reset"] = sent["Retry-After"]
    return Response(encoded(error, request_id_of(scope)), error.status, headers=sent, media_type=MEDIA_TYPE)


def named(error: SaysoError, scope: Scope) -> None:
    """Have the request's line in the log say what it was refused for."""
    scope.setdefault("state", {})["code"] = error.code


def request_id_of(scope: Mapping[str, Any]) -> str | None:
    """Return the id that the shell gave to a request."""
    return scope.get("state", {}).get("request_id")


def _plain(value: object) -> Json:
    """Return a fact as JSON."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Problem():
            return {"pointer": value.pointer, "code": value.code, "message": value.message}
        case datetime():
            return value.isoformat()
        case Mapping():
            pairs = cast("Mapping[object, object]", value)
            return {str(name): _plain(inner) for name, inner in pairs.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(inner) for inner in cast("Iterable[object]", value)]
        case _:
            return str(value)
