"""Refusals as pages: what a person sees when something cannot be shown or done, in words and with the request's id.

Programs get problems; so does everything under the API's paths, whoever asks.
"""

from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sayso.model.directoryerrors import Unauthenticated
from sayso.model.errors import SaysoError
from sayso.server.problems import request_id_of
from sayso.web.preferring import preferences_of
from sayso.web.rendering import is_part, reason, text_of

_PROGRAMS = ("/v1/", "/internal/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/static/", "/auth/")
_OURS = 500


def refused(request: Request, error: SaysoError) -> Response | None:
    """Return a refusal as a page; None where the caller is a program and wants a problem."""
    by_person = is_part(request) or "text/html" in request.headers.get("accept", "")
    if not by_person or request.url.path.startswith(_PROGRAMS):
        return None
    if isinstance(error, Unauthenticated):
        return _to_sign_in(request)
    values = {
        "error": error,
        "message": None if error.status >= _OURS else error.message,
        "reason": reason(error.status),
        "request_id": request_id_of(request.scope),
        "preferences": preferences_of(request),
    }
    name = "refused_part.html" if is_part(request) else "refused.html"
    return HTMLResponse(text_of(name, **values), error.status)


def _to_sign_in(request: Request) -> Response:
    """Lead to the sign-in page, and back again afterwards."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    wanted = path if request.method == "GET" and not is_part(request) and path != "/" else None
    to = "/login" + (f"?{urlencode({'next': wanted})}" if wanted else "")
    if is_part(request):
        return Response(status_code=204, headers={"HX-Redirect": to})
    return RedirectResponse(to, 303)
