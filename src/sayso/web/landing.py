"""Where somebody goes on after signing in: the page that they had wanted, kept in this browser on the way.

The way may lead over a link that opens elsewhere, or over the identity provider, so the address is kept in a cookie.
Only a path of this service is ever kept or followed: an address that leads elsewhere counts as none.
"""

from urllib.parse import quote, unquote, urlsplit

from fastapi import Request
from starlette.responses import Response

from sayso.server.cookies import cookie_name, drop, keep
from sayso.server.options import Options

START = "/"
_NAME = "sayso_next"
_KEPT_SECONDS = 600
_LONGEST = 1_000
_NO_PAGES = ("/login", "/logout", "/join", "/auth/")


def local_path(text: str | None) -> str | None:
    """Return the address of a page of this service; None for what is none, or may be read as another site's.

    It begins with one slash and has no two in a row, no backslash, and nothing that a browser would leave out (blanks
    and control characters), so no reading of it names a scheme or a host.
    """
    if text is None or not text.startswith("/") or len(text) > _LONGEST:
        return None
    plain = text.isascii() and text.isprintable() and " " not in text and "\\" not in text
    if not plain or "//" in urlsplit(f"http://here{text}").path or text.startswith(_NO_PAGES):
        return None
    return text


def keep_landing(response: Response, options: Options, wanted: str | None) -> None:
    """Have the browser keep the page that somebody wanted, until they have signed in."""
    path = local_path(wanted)
    if path is not None:
        keep(response, options, cookie_name(options, _NAME), quote(path, safe=""), _KEPT_SECONDS)


def landing_of(request: Request, options: Options) -> str:
    """Return the page that this browser had wanted; the start where there is none."""
    return local_path(unquote(request.cookies.get(cookie_name(options, _NAME), ""))) or START


def drop_landing(response: Response, options: Options) -> None:
    """Have the browser forget the page: it is there now."""
    drop(response, options, cookie_name(options, _NAME))
