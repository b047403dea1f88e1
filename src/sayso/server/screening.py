"""What is refused before any route is looked for: oversized heads, foreign names, disguised methods, other sites.

- The service answers only to its own names, so a page whose DNS turns to 127.0.0.1 reaches nothing.
- No `Access-Control-` header is ever sent, so no page of another site can read an answer; and what changes something is
  refused when a browser says that another site sent it, or cannot say who did while it carries a cookie.
- HEAD is answered as GET without a body.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sayso.model.errors import SaysoError
from sayso.model.requesterrors import BodyTooLarge, CrossSite, HeadTooLarge, HostRefused, MethodOverridden
from sayso.server.options import HeadLimits, Options
from sayso.server.problems import answer

_SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
_OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")
_DISGUISES = ("_method=", "_method[")


class Screening:
    """Wraps an application.

    Args:
        app: What answers.
        options: The names and limits.
    """

    def __init__(self, app: ASGIApp, options: Options) -> None:
        self._app = app
        self._options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = next(self._refusals(scope), None)
        if refusal is not None:
            await answer(refusal, scope)(scope, receive, send)
        elif scope["method"] == "HEAD":
            scope["method"] = "GET"
            await self._app(scope, receive, _Bodiless(send))
        else:
            await self._app(scope, receive, send)

    def _refusals(self, scope: Scope) -> Iterator[SaysoError]:
        if _oversized(scope, self._options.head):
            yield HeadTooLarge("Expected fewer or shorter headers and parameters.")
        headers = Headers(scope=scope)
        host = host_name(headers.get("host", ""))
        if host not in self._options.hosts:
            yield HostRefused("Expected to be called by a name of this service, but was called by another.")
        disguised = scope["query_string"].lower().startswith(tuple(word.encode() for word in _DISGUISES))
        if disguised or any(name in headers for name in _OVERRIDES):
            yield MethodOverridden("Expected the method itself, but the request says to be another one.")
        if scope["method"] not in _SAFE and _from_elsewhere(headers):
            yield CrossSite("Expected a request of this service's own pages or of a program, but another site sent it.")
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._options.json.size:
            yield BodyTooLarge(
                f"Expected a body of at most {self._options.json.size} bytes.", limit=self._options.json.size
            )


class _Bodiless:
    """Sends the head of an answer, then ends it: a stream would never end by itself."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._send(message)
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def host_name(given: str) -> str:
    """Return the name in a Host header, in lower case and without port and brackets; empty when it is malformed."""
    try:
        parts = urlsplit(f"//{given}")
        _ = parts.port
    except ValueError:
        return ""
    plain = parts.netloc == given and "@" not in given
    return (parts.hostname or "").rstrip(".") if plain else ""


def _oversized(scope: Scope, limits: HeadLimits) -> bool:
    headers, query = scope["headers"], scope["query_string"]
    return (
        len(headers) > limits.headers
        or sum(len(name) + len(value) for name, value in headers) > limits.header_bytes
        or len(scope.get("raw_path") or b"") > limits.path_bytes
        or len(query) > limits.query_bytes
        or query.count(b"&") + query.count(b";") >= limits.parameters
    )


def _from_elsewhere(headers: Headers) -> bool:
    """Tell whether a page of another site sent the request, or may have with the person's cookie."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in {"same-origin", "none"}:
        return True
    if origin is not None:
        return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    return site is None and "cookie" in headers
