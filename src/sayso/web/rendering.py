"""Pages from templates: one environment, what every page is given, and the two forms of an answer.

A page is whole; a request that htmx makes for a part of it (`HX-Request`, with the target's id in `HX-Target`) gets
the part alone, from the same template. Everything is escaped; no template marks anything as safe.
"""

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from sayso.core.readable import readable
from sayso.core.roles import Ability, allows
from sayso.core.visible import visible
from sayso.model.reviews import COUNTED
from sayso.server.service import Asking, service_of
from sayso.web import wording
from sayso.web.preferring import Preferences, preferences_of
from sayso.web.statics import address_of

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_filters, _globals = cast("dict[str, Any]", _environment.filters), cast("dict[str, Any]", _environment.globals)
_filters.update(
    seen=wording.seen,
    plain=visible,
    pretty=wording.pretty,
    readable=readable,
    moment=wording.moment,
    clock=wording.clock,
    lasting=wording.lasting,
    ago=wording.ago,
)
_globals.update(static=address_of)


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation."""

    name: str
    address: str
    ability: Ability


PLACES = (
    Place("Dashboard", "/dashboard", "see_dashboard"),
    Place("Review", "/review", "see_tasks"),
    Place("Sessions", "/sessions", "see_sessions"),
    Place("Agents", "/agents", "see_agents"),
    Place("Audit", "/audit", "see_audit"),
    Place("Settings", "/settings", "see_tasks"),
)
"""Where a page can lead; each shows to those who may go there."""


def is_part(request: Request) -> bool:
    """Tell whether htmx asks for a part of the page."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-request-type") != "full"


def will_say(request: Request, *, waiting: int) -> None:
    """Keep what the frame of the answer says: how many tasks wait for whoever looks."""
    request.state.waiting = waiting


def text_of(name: str, **values: Any) -> str:
    """Return a template filled with values and nothing else."""
    return _environment.get_template(name).render(**values)


def bare(request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page without the frame, for whoever it is: signing in, and refusals.

    Args:
        request: What is answered.
        name: The template; it extends `bare.html`.
        status: The status of the answer.
        values: What the template is given beside what every page has.
    """
    return HTMLResponse(text_of(name, **_everywhere(request), **values), status)


def page(asked: Asking, name: str, *, title: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page for whoever looks at it.

    Args:
        asked: Who looks.
        name: The template; it extends `base.html`.
        title: Of the document, and its one heading unless the template has its own.
        status: The status of the answer.
        values: What the template is given beside what every page has.
    """
    return HTMLResponse(text_of(name, **given(asked), title=title, **values), status)


def given(asked: Asking) -> dict[str, Any]:
    """Return what every page is given."""
    principal = asked.principal
    path = asked.request.url.path
    return {
        **_everywhere(asked.request),
        "asked": asked,
        "now": asked.now,
        "who": principal.id,
        "role": principal.role,
        "workspace": principal.workspace,
        "places": [place for place in PLACES if allows(principal, place.ability)],
        "path": path,
        "part": is_part(asked.request),
        "tasks_waiting": getattr(asked.request.state, "waiting", 0),
        "counted": COUNTED,
        "may": partial(allows, principal),
    }


def _everywhere(request: Request) -> dict[str, Any]:
    """Return what pages are given whoever looks at them, signed in or not."""
    preferences: Preferences = preferences_of(request)
    return {"preferences": preferences, "environment": service_of(request).options.environment}


def reason(status: int) -> str:
    """Return what a status is called."""
    return HTTPStatus(status).phrase
