"""What somebody prefers about the pages, in this browser."""

import zoneinfo
from collections.abc import Mapping, Sequence
from functools import cache

from starlette.responses import HTMLResponse, RedirectResponse, Response

from sayso.model.errors import Invalid
from sayso.server.routes import router as strict_router
from sayso.web.fields import Fields, fields_of
from sayso.web.preferring import THEMES, Preferences, Theme, keep_preferences
from sayso.web.settings.tabs import NOTHING, done, settings_page
from sayso.web.visiting import Visited

router = strict_router(prefix="/settings", include_in_schema=False)
_ELSEWHERE = "Other"
_THEMES: dict[str, Theme] = {theme: theme for theme in THEMES}


@cache
def zones() -> Mapping[str, Sequence[str]]:
    """Return the IANA time zones that this machine knows, by region."""
    found: dict[str, list[str]] = {}
    for name in sorted(zoneinfo.available_timezones() | {"UTC"}):
        region = name.partition("/")[0] if "/" in name else _ELSEWHERE
        found.setdefault(region, []).append(name)
    return found


@router.get("")
async def settings(asked: Visited) -> RedirectResponse:
    """Lead to the first page of the settings."""
    asked.require("see_tasks")
    return RedirectResponse("/settings/me", 303)


@router.get("/me")
async def me(asked: Visited) -> HTMLResponse:
    """Show who one is here, and what one prefers."""
    asked.require("see_tasks")
    return _shown(asked)


@router.post("/me")
async def keep(asked: Visited) -> Response:
    """Keep what somebody prefers, in this browser."""
    asked.require("see_tasks")
    fields = await fields_of(asked.request)
    try:
        chosen = _chosen(fields)
    except Invalid as exc:
        return _shown(asked, exc, fields)
    response = done("/settings/me", "saved")
    keep_preferences(response, asked.service.options, chosen)
    return response


def _shown(asked: Visited, wrong: Invalid | None = None, kept: Fields = NOTHING) -> HTMLResponse:
    return settings_page(asked, "me.html", title="Me", wrong=wrong, kept=kept, zones=zones())


def _chosen(fields: Fields) -> Preferences:
    theme = _THEMES.get(fields.one("theme"))
    zone = fields.one("zone")
    if theme is None:
        raise Invalid("Expected a theme: the system's, light or dark.", hint="Choose a theme.")
    if not any(zone in names for names in zones().values()):
        raise Invalid("Expected a time zone of the list.", hint="Choose a time zone.")
    return Preferences(
        theme=theme,
        zone=zone,
        shortcuts=fields.has("shortcuts"),
        advance=fields.has("advance"),
        advanced=fields.one("layout") == "advanced",
    )
