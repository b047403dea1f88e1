"""Signing in with a browser: pages without scripts, whose links are taken up by POST alone.

Mail scanners and previews fetch every link that they see. So a GET shows a page with a button and changes nothing;
the button sends the secret by POST, which works without JavaScript.
"""

from html import escape
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from sayso.api.v1.telling import for_anybody
from sayso.model.directoryerrors import AlreadyMember, Forbidden, Unauthenticated
from sayso.model.errors import Invalid, SaysoError
from sayso.model.requesterrors import BadRequest, TooManyGuesses, UnsupportedMediaType
from sayso.runtime.browsers import SignedIn
from sayso.server.cookies import drop_session, keep_session, session_text
from sayso.server.entering import by_invitation, by_link
from sayso.server.problems import answer, request_id_of
from sayso.server.routes import router as strict_router
from sayso.server.service import Service, service_of

router = strict_router(tags=["sign-in"])
Once = Annotated[str, Query(max_length=200, description="The secret of the link.")]
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 10
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body><main><h1>{title}</h1>{body}</main></body>
</html>
"""
_BUTTON = (
    '<form method="post" action="{action}"><input type="hidden" name="once" value="{once}">{more}'
    "<button>{button}</button></form>"
)
_HOW = "<p>Open the sign-in link that the service has printed, or ask for an invitation.</p>"
_BY_PROVIDER = '<p><a href="/auth/start">Sign in with your organisation</a></p>'
_NAME = '<p><label>Your name <input name="name" maxlength="100" autocomplete="name"></label></p>'
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            _FORM: {
                "schema": {
                    "type": "object",
                    "required": ["once"],
                    "properties": {"once": {"type": "string"}, "name": {"type": "string"}},
                },
                "example": {"once": "sayso_link_..."},
            }
        },
    }
}


@router.get("/login", response_class=HTMLResponse, **for_anybody("page"))
async def login_page(request: Request, once: Once = "") -> HTMLResponse:
    """Show the page whose button signs in; opening it uses nothing up."""
    if not once:
        return _page("Sign in", _HOW if service_of(request).provider is None else _BY_PROVIDER)
    return _page("Sign in", _BUTTON.format(action="/login", once=escape(once), more="", button="Sign in"))


@router.post(
    "/login",
    openapi_extra=_BODY,
    **for_anybody(None, Unauthenticated, TooManyGuesses, BadRequest, UnsupportedMediaType, to="/"),
)
async def login(request: Request) -> Response:
    """Sign in by a link, which ends by it; the session that the browser came with ends too."""
    service, fields = service_of(request), await _form(request)
    try:
        signed_in = await by_link(request, service, fields.get("once", ""))
    except Unauthenticated as exc:
        return refused(request, exc, "This link has been used, or has expired.")
    return entered(service, signed_in)


@router.get("/join", response_class=HTMLResponse, **for_anybody("page"))
async def join_page(once: Once = "") -> HTMLResponse:
    """Show the page whose button takes an invitation up; opening it uses nothing up."""
    button = _BUTTON.format(action="/join", once=escape(once), more=_NAME, button="Join")
    return _page("Join", button if once else "<p>Open the link of your invitation.</p>")


@router.post(
    "/join",
    openapi_extra=_BODY,
    **for_anybody(
        None,
        Unauthenticated,
        Forbidden,
        AlreadyMember,
        TooManyGuesses,
        BadRequest,
        Invalid,
        UnsupportedMediaType,
        to="/",
    ),
)
async def join(request: Request) -> Response:
    """Take up an invitation: who is new is signed in by it, who is here already must be signed in."""
    service, fields = service_of(request), await _form(request)
    try:
        accepted = await by_invitation(request, service, fields.get("once", ""), fields.get("name") or None)
    except Unauthenticated as exc:
        return refused(request, exc, "This invitation has been used, was withdrawn, or has expired.")
    except (Forbidden, AlreadyMember, Invalid) as exc:
        return refused(request, exc, exc.hint)
    if accepted.signed_in is None:
        return RedirectResponse("/", 303)
    return entered(service, accepted.signed_in)


@router.post("/logout", **for_anybody(None, to="/login"))
async def logout(request: Request) -> Response:
    """Sign out: the session ends on the server, and the browser forgets it."""
    service = service_of(request)
    text = session_text(request, service.options)
    if text is not None:
        await service.directory.sign_in.sign_out(text)
    response = RedirectResponse("/login", 303)
    drop_session(response, service.options)
    return response


def entered(service: Service, signed_in: SignedIn) -> Response:
    """Return the answer that lets a browser in, with its new session."""
    response = RedirectResponse("/", 303)
    keep_session(response, service.options, signed_in, service.clock.now())
    return response


def refused(request: Request, error: SaysoError, sentence: str) -> Response:
    """Return a page that tells a person why it did not work; programs get the problem."""
    if "text/html" not in request.headers.get("accept", ""):
        return answer(error, request_id_of(request.scope))
    return _page("That did not work", f"<p>{escape(sentence)}</p>", error.status)


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=title, body=body), status)


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form.

    Raises:
        UnsupportedMediaType: It is called something else.
        BadRequest: It has a field twice, too many fields, or is not UTF-8.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise UnsupportedMediaType("Expected the fields of a form, but the body is called something else.")
    try:
        text = (await request.body()).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as exc:
        raise BadRequest("Expected the fields of a form, but the body cannot be read as such.") from exc
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadRequest("Expected each field of the form once, but one is there twice.")
    return fields
