"""What somebody prefers about the pages, kept in this browser: theme, time zone, shortcuts, layout.

It is a cookie and no row: the pages are readable before anybody has signed in, and it says nothing about anybody.
"""

from dataclasses import asdict, dataclass
from typing import Literal, get_args
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from starlette.responses import Response

from sayso.server.options import Options

Theme = Literal["system", "light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)
_COOKIE = "sayso_view"
_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Preferences:
    """What somebody prefers."""

    theme: Theme = "system"
    zone: str = "UTC"
    """Of the times that are shown; an IANA name."""
    shortcuts: bool = True
    """Whether single keys do something: WCAG 2.1.4 wants a switch."""
    advance: bool = True
    """Whether the next task opens after a decision."""
    advanced: bool = False
    """Whether a session opens in the layout with every detail."""


def preferences_of(request: Request) -> Preferences:
    """Return what this browser prefers; what cannot be read is as it is by default."""
    sent = dict(parse_qsl(request.cookies.get(_COOKIE, ""), max_num_fields=20))
    default = Preferences()
    theme = sent.get("theme", "")
    return Preferences(
        theme=theme if theme in THEMES else default.theme,
        zone=sent.get("zone", default.zone)[:64],
        shortcuts=sent.get("shortcuts", "1") == "1",
        advance=sent.get("advance", "1") == "1",
        advanced=sent.get("advanced", "0") == "1",
    )


def keep_preferences(response: Response, options: Options, chosen: Preferences) -> None:
    """Have the browser keep what somebody prefers."""
    values = {name: str(int(value)) if isinstance(value, bool) else value for name, value in asdict(chosen).items()}
    response.set_cookie(
        _COOKIE, urlencode(values), max_age=_YEAR, path="/", httponly=True, samesite="lax", secure=options.secure
    )
