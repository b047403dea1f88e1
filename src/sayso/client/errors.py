"""What a service refused, and that it could not be reached: one class per kind of status, with the problem's fields.

    SaysoError
    └── ApiError
        ├── ApiUnauthenticated   401: the key or token is missing, wrong, or revoked
        ├── ApiNotAllowed        403: known, but not allowed
        ├── ApiNotFound          404; is a NotFound too
        ├── ApiConflict          409, 410, 412: someone was faster, or too late; is a Conflict too
        ├── ApiTooMany           429: still so after every retry
        ├── ApiRefused           any other 4xx: what was sent does not fit
        ├── ServerFailed         5xx, or an answer that no such service gives
        └── Unreachable          no answer came

`code` tells them apart further: it is that of docs/reference/errors.md.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from sayso.model.errors import Conflict, NotFound, SaysoError
from sayso.model.json import Json


class ApiError(SaysoError):
    """A call of the API did not succeed.

    Args:
        message: What was expected and what came instead.
        status: The HTTP status; 0 where no answer came.
        problem: The problem JSON; empty where there was none.
        hint: The next thing to do, where the problem does not say.
    """

    code = "api_error"
    status = 502
    hint = "See docs/reference/client.md."

    def __init__(
        self, message: str, *, status: int = 0, problem: Mapping[str, Json] | None = None, hint: str | None = None
    ) -> None:
        told: dict[str, Any] = dict(problem or {})
        super().__init__(message, hint=str(told["hint"]) if told.get("hint") else hint)
        # A class of ours has one code; an answer's is known when it comes.
        self.code: str = str(told.get("code") or type(self).code)  # pyright: ignore[reportIncompatibleVariableOverride] - an answer has its own
        self.status: int = status  # pyright: ignore[reportIncompatibleVariableOverride] - an answer has its own
        self.details: Mapping[str, Json] = told.get("details") or {}
        self.request_id: str | None = told.get("request_id")


class ApiUnauthenticated(ApiError):
    """The key or token is missing, wrong, expired or revoked."""

    code = "unauthenticated"


class ApiNotAllowed(ApiError):
    """Whoever asks is known, but may not do this."""

    code = "forbidden"


class ApiNotFound(ApiError, NotFound):
    """There is no such thing within reach."""

    code = "not_found"


class ApiConflict(ApiError, Conflict):
    """Someone was faster, or it is too late."""

    code = "conflict"


class ApiTooMany(ApiError):
    """There were too many requests, and still are after every retry."""

    code = "too_many"


class ApiRefused(ApiError):
    """What was sent does not fit; nothing was changed."""

    code = "refused"


class ServerFailed(ApiError):
    """The service failed, or what answered is no such service."""

    code = "server_failed"


class Unreachable(ApiError):
    """No answer came, after every retry."""

    code = "unreachable"
    hint = "See that the service runs at this address; the same call may be made again."


_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: ApiUnauthenticated,
    403: ApiNotAllowed,
    404: ApiNotFound,
    409: ApiConflict,
    410: ApiConflict,
    412: ApiConflict,
    429: ApiTooMany,
}


def refusal(status: int, body: bytes) -> ApiError:
    """Return the error of an answer that is no success."""
    problem = _problem(body)
    kind = _BY_STATUS.get(status, ApiRefused if 400 <= status < 500 else ServerFailed)
    message = str(problem.get("message") or f"Expected a success, but the answer has the status {status}.")
    return kind(message, status=status, problem=problem)


def _problem(body: bytes) -> dict[str, Json]:
    try:
        found: object = json.loads(body)
    except ValueError:  # a proxy's page, or nothing
        return {}
    return cast("dict[str, Json]", found) if isinstance(found, dict) else {}
