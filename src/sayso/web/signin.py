"""Signing in with a browser: pages without scripts, whose links are taken up by POST alone.

Mail scanners and previews fetch every link that they see. So a GET shows a page with a button and changes nothing;
the button sends the secret by POST, which works without JavaScript.
"""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import RedirectResponse, Response

from sayso.model.directoryerrors import AlreadyMember, Forbidden, Unauthenticated
from sayso.model.errors import Invalid
from sayso.model.requesterrors import BadRequest
from sayso.runtime.browsers import SignedIn
from sayso.server.cookies import drop_session, keep_session, session_text
from sayso.server.entering import by_invitation, by_link
from sayso.server.routes import router as strict_router
from sayso.server.service import Service, service_of
from sayso.web.fields import Fields, fields_of
from sayso.web.landing import START, drop_landing, keep_landing, landing_of, local_path
from sayso.web.refusing import did_not_work
from sayso.web.rendering import bare
from sayso.web.visiting import visiting

router = strict_router(include_in_schema=False)
Once = Annotated[str, Query(max_length=200)]
Next = Annotated[str | None, Query(alias="next")]
_MOST_FIELDS = 10


@router.get("/login")
async def login_page(request: Request, once: Once = "", wanted: Next = None) -> Response:
    """Show the page whose button signs in; opening it uses nothing up. Who is signed in already is led on."""
    service = service_of(request)
    stale = False
    if not once and session_text(request, service.options) is not None:
        stale = not await _is_signed_in(request)
        if not stale:
            return RedirectResponse(local_path(wanted) or START, 303)
    response = bare(request, "signin/login.html", once=once, by_provider=service.provider is not None)
    keep_landing(response, service.options, wanted)
    if stale:
        drop_session(response, service.options)
    return response


@router.post("/login")
async def login(request: Request) -> Response:
    """Sign in by a link, which ends by it; the session that the browser came with ends too."""
    service, fields = service_of(request), await _form(request)
    try:
        signed_in = await by_link(request, service, fields.one("once"))
    except Unauthenticated as exc:
        return did_not_work(request, exc, "This link has been used, has expired, or was copied only in part.")
    return entered(request, service, signed_in)


@router.get("/join")
async def join_page(request: Request, once: Once = "") -> Response:
    """Show the page whose button takes an invitation up; opening it uses nothing up."""
    return bare(request, "signin/join.html", once=once)


@router.post("/join")
async def join(request: Request) -> Response:
    """Take up an invitation: who is new is signed in by it, who is here already must be signed in."""
    service, fields = service_of(request), await _form(request)
    try:
        accepted = await by_invitation(request, service, fields.one("once"), fields.one("name") or None)
    except Unauthenticated as exc:
        return did_not_work(request, exc, "This invitation has been used, was withdrawn, or has expired.")
    except (Forbidden, AlreadyMember, Invalid) as exc:
        return did_not_work(request, exc, exc.hint)
    if accepted.signed_in is None:
        return RedirectResponse(START, 303)
    return entered(request, service, accepted.signed_in)


@router.post("/logout")
async def logout(request: Request) -> Response:
    """Sign out: the session ends on the server, and the browser forgets it."""
    service = service_of(request)
    text = session_text(request, service.options)
    if text is not None:
        await service.directory.sign_in.sign_out(text)
    response = RedirectResponse("/login", 303)
    drop_session(response, service.options)
    return response


def entered(request: Request, service: Service, signed_in: SignedIn) -> Response:
    """Return the answer that lets a browser in, with its new session, on the page that was wanted."""
    response = RedirectResponse(landing_of(request, service.options), 303)
    keep_session(response, service.options, signed_in, service.clock.now())
    drop_landing(response, service.options)
    return response


async def _is_signed_in(request: Request) -> bool:
    try:
        await visiting(request)
    except Unauthenticated:
        return False
    return True


async def _form(request: Request) -> Fields:
    """Return the few fields of a form.

    Raises:
        UnsupportedMediaType: It is called something else.
        BadRequest: It has a field twice, too many fields, or is not UTF-8.
    """
    fields = await fields_of(request, most=_MOST_FIELDS)
    if any(len(fields.all(name)) > 1 for name in ("once", "name")):
        raise BadRequest("Expected each field of the form once, but one is there twice.")
    return fields
