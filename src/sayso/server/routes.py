"""Routes whose bodies are strict JSON: FastAPI's own reader takes what two parsers read differently, so it never runs.

A body is read under the shell's limit and deadline, parsed by `api.strict`, and only then validated by pydantic. A
router made any other way is refused when the application is made (server/application.py).
"""

from collections.abc import Callable, Coroutine
from email.message import Message
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.types import Receive, Scope

from sayso.model.json import Json
from sayso.model.requesterrors import UnsupportedMediaType
from sayso.runtime.secrecy import cleaned
from sayso.server.options import Options
from sayso.server.services import services_of
from sayso.server.strict import parse


class Body(BaseModel):
    """The base of every request body: types are not converted, and unknown fields are refused.

    A field that JSON cannot spell, such as a datetime, says `Field(strict=False)`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


class StrictRequest(Request):
    """A request whose JSON is strict, whoever asks for it."""

    async def json(self) -> Json:
        """Return the value that the body is."""
        options: Options = self.app.state.services.options
        return parse(await self.body(), options.json)


class ParsedRequest(StrictRequest):
    """A request whose JSON was found to be strict before FastAPI asks: it would make one error of all.

    Args:
        scope: The request's scope.
        receive: What is still to come of it.
        body: Its bytes.
        value: What they are.
    """

    def __init__(self, scope: Scope, receive: Receive, body: bytes, value: Json) -> None:
        super().__init__(scope, receive)
        self._body = body
        self._value = value

    async def json(self) -> Json:
        """Return the value."""
        return self._value


class StrictRoute(APIRoute):
    """A route that reads its body as strict JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler; see FastAPI."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            read = StrictRequest(request.scope, request.receive)
            if self.body_field is not None and (body := await read.body()):
                _check_json(request.headers.get("content-type", ""))
                read = ParsedRequest(request.scope, request.receive, body, _masked(request, await read.json()))
            return await handle(read)

        return strict


def router(**settings: Any) -> APIRouter:
    """Return a router whose routes are strict; the settings are those of FastAPI's APIRouter."""
    return APIRouter(route_class=StrictRoute, **settings)


def _masked(request: Request, value: Json) -> Json:
    """Return a body with the secrets of this process masked: whatever a route keeps of it, none of them is kept."""
    return cleaned(services_of(request).runtime.secrets, value)


def _check_json(content_type: str) -> None:
    """Refuse a body that does not say it is JSON: a form or text/plain needs no leave to be sent by another site.

    Raises:
        UnsupportedMediaType: It is called something else.
    """
    parsed = Message()
    parsed["content-type"] = content_type
    subtype = parsed.get_content_subtype()
    charset = str(parsed.get_param("charset", "utf-8")).lower()
    is_json = parsed.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))
    if not content_type or not is_json or charset not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("Expected a body of the type application/json, but it is called something else.")
