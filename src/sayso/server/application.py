"""The application: routers in, an ASGI application with its whole shell out.

From the outside in: recording (id, log, figures, last resort), heading (security headers), screening (what is refused
before any route), receiving (deadlines, the end of streams), and FastAPI with the routes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Scope

from sayso.model.errors import SaysoError
from sayso.model.requesterrors import MethodNotAllowed, RequestRefused, RouteUnknown, Unexpected
from sayso.server import health
from sayso.server.heading import Heading
from sayso.server.problems import SCHEMA, answer, named, refusals, request_id_of
from sayso.server.receiving import Receiving
from sayso.server.recording import CLIENT_GONE, Recording
from sayso.server.routes import StrictRoute
from sayso.server.screening import Screening
from sayso.server.services import Services
from sayso.server.validation import Validation

_log = structlog.get_logger("sayso.server")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_NOT_FOUND, _NOT_ALLOWED, _OURS = 404, 405, 500
Refused = Callable[[Request, SaysoError], Response | None]
"""Answers a refusal in its own way, such as a page for a person; None where a problem is the right answer."""


class _Documented(FastAPI):
    """FastAPI, whose OpenAPI knows what a problem is."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        document = super().openapi()
        document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = SCHEMA
        for context in iter_route_contexts(self.router.routes):
            route = context.original_route
            if isinstance(route, APIRoute) and route.include_in_schema:
                for method in context.methods or ():
                    _put_examples(route, document["paths"][context.path][method.lower()]["responses"])
        return document


def _put_examples(route: APIRoute, answers: dict[str, Any]) -> None:
    """Put a route's examples into its document as they are: FastAPI has left out whatever is null in them."""
    for status, said in route.responses.items():
        for media, told in said.get("content", {}).items():
            if "example" in told:
                answers[str(status)]["content"][media]["example"] = told["example"]


def create_app(services: Services, routers: Sequence[APIRouter] = (), *, refused: Refused | None = None) -> ASGIApp:
    """Return the application that serves some routers, with health and metrics beside them.

    Args:
        services: What the routes are given (`Serviced`), and what the shell is told.
        routers: What is served; made by `sayso.server.routes.router`, so that every body is strict JSON.
        refused: Answers refusals in its own way.

    Raises:
        TypeError: A route would read its body in FastAPI's lenient way.
    """
    api = plain_app(services, routers, refused=refused)
    inner = Receiving(api, services.options, services.stopping)
    headed = Heading(Screening(inner, services.options), secure=services.options.secure)
    return Recording(headed, services, _templates(api))


def plain_app(services: Services, routers: Sequence[APIRouter] = (), *, refused: Refused | None = None) -> FastAPI:
    """Return the application without its shell: what OpenAPI is made from.

    Raises:
        TypeError: See `create_app`.
    """
    api = _Documented(
        title="Sayso",
        version=services.options.version,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=refusals(),
        generate_unique_id_function=lambda route: route.name,
    )
    api.state.services = services
    for router in (health.routes, *routers):
        api.include_router(router)
    _check_strict(api)
    _Refusals(api, refused)
    return api


def _templates(api: FastAPI) -> dict[int, str]:
    """Return the whole path of each route, by its identity: it knows its path without the prefixes of its routers."""
    found = ((context.original_route, context.path) for context in iter_route_contexts(api.router.routes))
    return {id(route): path for route, path in found if path is not None}


def _check_strict(api: FastAPI) -> None:
    routes = [context.original_route for context in iter_route_contexts(api.router.routes)]
    lenient = [route.path for route in routes if isinstance(route, APIRoute) and not isinstance(route, StrictRoute)]
    if lenient:
        raise TypeError(
            f"Expected routes whose bodies are strict JSON, but {', '.join(lenient)} are not."
            " Hint: make the router with sayso.server.routes.router."
        )


class _Refusals:
    """Answers every error, as a problem or as a page; the unforeseen goes on to `Recording`, too, for the log."""

    def __init__(self, api: FastAPI, refused: Refused | None) -> None:
        self._api = api
        self._refused = refused
        self._validation = Validation(api)
        api.add_exception_handler(SaysoError, self.ours)
        api.add_exception_handler(RequestValidationError, self.invalid)
        api.add_exception_handler(HTTPException, self.foreign)
        api.add_exception_handler(ClientDisconnect, self.gone)
        api.add_exception_handler(Exception, self.unforeseen)

    async def ours(self, request: Request, exc: Exception) -> Response:
        error = cast("SaysoError", exc)
        if error.status >= _OURS:  # the answer will not say it
            request_id = request_id_of(request.scope)
            _log.error("a request failed", request_id=request_id, code=error.code, error=error.message)
        return self._told(request, error)

    async def gone(self, request: Request, exc: Exception) -> Response:
        del request, exc
        return Response(status_code=CLIENT_GONE)  # for the log; there is nobody to read it

    async def unforeseen(self, request: Request, exc: Exception) -> Response:
        del exc
        return self._told(request, Unexpected("Expected to answer, but something failed."))

    async def invalid(self, request: Request, exc: Exception) -> Response:
        return self._told(request, self._validation.refusal(cast("RequestValidationError", exc).errors()))

    async def foreign(self, request: Request, exc: Exception) -> Response:
        """Answer what Starlette and FastAPI refuse by themselves."""
        error = cast("HTTPException", exc)
        if error.status_code != _NOT_ALLOWED:
            return self._told(request, _foreign(error.status_code))
        allow = {"Allow": ", ".join(_allowed(self._api, request.scope))}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allow)
        refusal = MethodNotAllowed(f"Expected one of {allow['Allow']} at this path, but got another method.")
        return self._told(request, refusal, allow)

    def _told(self, request: Request, error: SaysoError, headers: Mapping[str, str] | None = None) -> Response:
        page = None if self._refused is None else self._refused(request, error)
        if page is None:
            return answer(error, request.scope, headers)
        named(error, request.scope)
        page.headers.update(headers or {})
        return page


def _foreign(status: int) -> SaysoError:
    """Return what Starlette and FastAPI refuse by themselves as an error of ours."""
    if status == _NOT_FOUND:
        return RouteUnknown("Expected a path that exists, but there is nothing at this one.")
    if status >= _OURS:
        return Unexpected("Expected to answer, but something failed.")
    return RequestRefused("Expected a request that can be read, but this one cannot.")


def _allowed(api: FastAPI, scope: Scope) -> Iterable[str]:
    """Yield the methods of a path: one path may have several routes, and each knows only its own."""
    for method in _METHODS:
        asked = {**scope, "method": method}
        if any(route.matches(asked)[0] is Match.FULL for route in api.router.routes):
            yield method
            if method == "GET":
                yield "HEAD"
    yield "OPTIONS"
