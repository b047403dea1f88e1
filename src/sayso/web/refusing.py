"""Refusals as pages: what a person sees when something cannot be shown or done, in words and with the request's id.

Programs get problems; so does everything under the API's paths, whoever asks.
"""

from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sayso.model.directoryerrors import Unauthenticated
from sayso.model.errors import SaysoError
from sayso.server.problems import answer, named, request_id_of
from sayso.web.rendering import bare, is_part, reason, text_of

_PROGRAMS = ("/v1/", "/internal/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/static/")
_OURS = 500


def refused(request: Request, error: SaysoError) -> Response | None:
    """Return a refusal as a page; None where the caller is a program and wants a problem."""
    if not by_person(request) or request.url.path.startswith(_PROGRAMS):
        return None
    if isinstance(error, Unauthenticated):
        return _to_sign_in(request)
    values = {
        "error": error,
        "message": None if error.status >= _OURS else error.message,
        "reason": reason(error.status),
        "request_id": request_id_of(request.scope),
    }
    if is_part(request):
        return HTMLResponse(text_of("refused_part.html", **values), error.status)
    return bare(request, "refused.html", status=error.status, **values)


def did_not_work(request: Request, error: SaysoError, sentence: str) -> Response:
    """Return a page that tells a person why signing in did not work; programs get the problem."""
    if not by_person(request):
        return answer(error, request.scope)
    named(error, request.scope)
    values = {"sentence": sentence, "error": error, "request_id": request_id_of(request.scope)}
    return bare(request, "signin/refused.html", status=error.status, **values)


def by_person(request: Request) -> bool:
    """Tell whether a person looks at the answer, in a browser."""
    return is_part(request) or "text/html" in request.headers.get("accept", "")


def _to_sign_in(request: Request) -> Response:
    """Lead to the sign-in page, and back again afterwards."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    wanted = path if request.method == "GET" and not is_part(request) and path != "/" else None
    to = "/login" + (f"?{urlencode({'next': wanted})}" if wanted else "")
    if is_part(request):
        return Response(status_code=204, headers={"HX-Redirect": to})
    return RedirectResponse(to, 303)
