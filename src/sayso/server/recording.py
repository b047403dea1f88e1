"""The outermost layer: every request has an id, one line in the log and its figures, and no exception passes it.

The line has the path without the query, the code of what was refused, and neither headers nor bodies: secrets travel
in these. How a line is written, and how hostile text in it is escaped, is the business of who configures structlog
(app/logs.py).
"""

import asyncio
import re
import traceback
from collections.abc import Mapping

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sayso.model.errors import SaysoError
from sayso.model.requesterrors import Unexpected
from sayso.server.problems import answer
from sayso.server.services import Services

_log = structlog.get_logger("sayso.access")
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LONGEST_PATH = 512
CLIENT_GONE = 499
"""What is logged when the client went before anything was answered."""


class Recording:
    """Wraps an application.

    Args:
        app: What answers.
        services: Where ids, figures and the time come from.
        templates: The whole path of each route, by its identity.
    """

    def __init__(self, app: ASGIApp, services: Services, templates: Mapping[int, str]) -> None:
        self._app = app
        self._services = services
        self._templates = templates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Request(scope, send, self._id(scope))
        self._services.figures.begin()
        try:
            await self._app(scope, receive, request.send)
        except Exception as exc:  # noqa: BLE001 - the last resort: the caller gets an answer, and the log the place
            await request.fail(exc, receive)
        finally:
            seconds, route = request.seconds(), self._template(scope)
            self._services.figures.end(request.method, route, request.status, seconds)
            _log.info(
                "request",
                request_id=request.id,
                method=request.method,
                path=request.path,
                route=route,
                status=request.status,
                milliseconds=round(seconds * 1000, 2),
                client=(scope.get("client") or ("",))[0],
                who=scope.get("state", {}).get("who"),
                code=scope.get("state", {}).get("code"),
            )

    def _template(self, scope: Scope) -> str:
        """Return the template of the path that answered."""
        return self._templates.get(id(scope.get("route")), "none")

    def _id(self, scope: Scope) -> str:
        """Return the id that the caller gave, if it is a plain one, or a new one; it becomes the request's."""
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
        chosen = given if _GIVEN_ID.fullmatch(given) else self._services.ids.new("req")
        scope.setdefault("state", {})["request_id"] = chosen
        return chosen


class _Request:
    """One request, as it is recorded."""

    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self._scope = scope
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.id = request_id
        self.method: str = scope["method"]
        self.path: str = scope["path"][:_LONGEST_PATH]
        self.status = CLIENT_GONE
        self._started = False

    async def send(self, message: Message) -> None:
        """Pass an answer on, with the request's id."""
        if message["type"] == "http.response.start":
            self._started = True
            self.status = message["status"]
            message.setdefault("headers", [])
            message["headers"] = [*message["headers"], (b"x-request-id", self.id.encode())]
        await self._send(message)

    async def fail(self, exc: Exception, receive: Receive) -> None:
        """Log what nobody has handled, and answer it where no answer has begun.

        The exception's own text may hold anything that passed through the code, so the places are logged, not the text.
        """
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(exc.__traceback__)]
        _log.error("a request failed", request_id=self.id, error=type(exc).__name__, at=places[-12:])
        if not self._started:
            error = exc if isinstance(exc, SaysoError) else Unexpected("Expected to answer, but something failed.")
            await answer(error, self._scope)(self._scope, receive, self.send)

    def seconds(self) -> float:
        """Return how long it has taken."""
        return self._loop.time() - self._began
