"""The application: routers in, an ASGI application with its whole shell out.

From the outside in: recording (id, log, figures, last resort), heading (security headers), screening (what is refused
before any route), receiving (deadlines, the end of streams), and FastAPI with the routes.
"""

from collections.abc import Iterable, Sequence
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
from sayso.server.problems import SCHEMA, answer, refusals, request_id_of
from sayso.server.receiving import Receiving
from sayso.server.recording import CLIENT_GONE, Recording
from sayso.server.routes import StrictRoute
from sayso.server.screening import Screening
from sayso.server.services import Services
from sayso.server.validation import Validation

_log = structlog.get_logger("sayso.server")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_NOT_FOUND, _NOT_ALLOWED, _OURS = 404, 405, 500


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


def create_app(services: Services, routers: Sequence[APIRouter] = ()) -> ASGIApp:
    """Return the application that serves some routers, with health and metrics beside them.

    Args:
        services: What the routes are given (`Serviced`), and what the shell is told.
        routers: What is served; made by `sayso.server.routes.router`, so that every body is strict JSON.

    Raises:
        TypeError: A route would read its body in FastAPI's lenient way.
    """
    api = plain_app(services, routers)
    inner = Receiving(api, services.options, services.stopping)
    headed = Heading(Screening(inner, services.options), secure=services.options.secure)
    return Recording(headed, services)


def plain_app(services: Services, routers: Sequence[APIRouter] = ()) -> FastAPI:
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
    _answer_errors(api)
    return api


def _check_strict(api: FastAPI) -> None:
    routes = [context.original_route for context in iter_route_contexts(api.router.routes)]
    lenient = [route.path for route in routes if isinstance(route, APIRoute) and not isinstance(route, StrictRoute)]
    if lenient:
        raise TypeError(
            f"Expected routes whose bodies are strict JSON, but {', '.join(lenient)} are not."
            " Hint: make the router with sayso.server.routes.router."
        )


def _answer_errors(api: FastAPI) -> None:
    """Have every error answered as a problem; what nobody has foreseen goes on to `Recording`, too, for the log."""
    validation = Validation(api)

    async def ours(request: Request, exc: Exception) -> Response:
        error, request_id = cast("SaysoError", exc), request_id_of(request.scope)
        if error.status >= _OURS:  # the answer will not say it
            _log.error("a request failed", request_id=request_id, code=error.code, error=error.message)
        return answer(error, request_id)

    async def gone(request: Request, exc: Exception) -> Response:
        del request, exc
        return Response(status_code=CLIENT_GONE)  # for the log; there is nobody to read it

    async def unforeseen(request: Request, exc: Exception) -> Response:
        del exc
        return answer(Unexpected("Expected to answer, but something failed."), request_id_of(request.scope))

    async def invalid(request: Request, exc: Exception) -> Response:
        refusal = validation.refusal(cast("RequestValidationError", exc).errors())
        return answer(refusal, request_id_of(request.scope))

    async def foreign(request: Request, exc: Exception) -> Response:
        return _foreign(api, request, cast("HTTPException", exc))

    api.add_exception_handler(SaysoError, ours)
    api.add_exception_handler(RequestValidationError, invalid)
    api.add_exception_handler(HTTPException, foreign)
    api.add_exception_handler(ClientDisconnect, gone)
    api.add_exception_handler(Exception, unforeseen)


def _foreign(api: FastAPI, request: Request, exc: HTTPException) -> Response:
    """Answer what Starlette and FastAPI refuse by themselves."""
    request_id = request_id_of(request.scope)
    if exc.status_code == _NOT_FOUND:
        return answer(RouteUnknown("Expected a path that exists, but there is nothing at this one."), request_id)
    if exc.status_code == _NOT_ALLOWED:
        allow = {"Allow": ", ".join(_allowed(api, request.scope))}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allow)
        refusal = MethodNotAllowed(f"Expected one of {allow['Allow']} at this path, but got another method.")
        return answer(refusal, request_id, allow)
    if exc.status_code >= _OURS:
        return answer(Unexpected("Expected to answer, but something failed."), request_id)
    return answer(RequestRefused("Expected a request that can be read, but this one cannot."), request_id)


def _allowed(api: FastAPI, scope: Scope) -> Iterable[str]:
    """Yield the methods of a path: one path may have several routes, and each knows only its own."""
    for method in _METHODS:
        asked = {**scope, "method": method}
        if any(route.matches(asked)[0] is Match.FULL for route in api.router.routes):
            yield method
            if method == "GET":
                yield "HEAD"
    yield "OPTIONS"
