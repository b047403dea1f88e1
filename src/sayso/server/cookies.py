"""The cookie of a browser session: its name, and how it is set and taken away. Nothing else names it.

Behind TLS the name begins with `__Host-`, so that no neighbouring domain can plant one.
"""

from datetime import datetime

from fastapi import Request
from starlette.responses import Response

from sayso.runtime.browsers import SignedIn
from sayso.server.options import Options

_SESSION = "sayso_session"


def cookie_name(options: Options, name: str = _SESSION) -> str:
    """Return what a cookie is called at this service."""
    return f"__Host-{name}" if options.secure else name


def session_text(request: Request, options: Options) -> str | None:
    """Return the secret of the session that a browser came with, if it came with one."""
    return request.cookies.get(cookie_name(options))


def keep_session(response: Response, options: Options, signed_in: SignedIn, now: datetime) -> None:
    """Have the browser keep a new session, for no longer than it is in force."""
    seconds = (signed_in.credential.expires_at - now).total_seconds()
    keep(response, options, cookie_name(options), signed_in.text, int(seconds))


def drop_session(response: Response, options: Options) -> None:
    """Have the browser forget its session."""
    drop(response, options, cookie_name(options))


def keep(response: Response, options: Options, name: str, text: str, seconds: int) -> None:
    """Have the browser keep a cookie that no script reads and no other site's form sends."""
    response.set_cookie(name, text, max_age=seconds, path="/", httponly=True, samesite="lax", secure=options.secure)


def drop(response: Response, options: Options, name: str) -> None:
    """Have the browser forget a cookie."""
    response.delete_cookie(name, path="/", httponly=True, samesite="lax", secure=options.secure)
