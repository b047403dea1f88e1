"""What somebody has signed in with: browser sessions, and tokens of the command line."""

from datetime import timedelta
from typing import Annotated

from fastapi import Path
from starlette.responses import HTMLResponse, Response

from sayso.model.directoryerrors import Forbidden
from sayso.model.errors import Invalid, SaysoError
from sayso.runtime.authority import Issued
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.fields import Fields, fields_of
from sayso.web.settings.tabs import NOTHING, days_of, done, settings_page
from sayso.web.visiting import Visited

router = strict_router(prefix="/settings/sign-ins", include_in_schema=False)
_HERE = "/settings/sign-ins"
CredentialPath = Annotated[str, Path(max_length=200)]


@router.get("")
async def signins(asked: Visited) -> HTMLResponse:
    """List one's own browser sessions and tokens in force."""
    asked.require("see_tasks")
    return await _shown(asked)


@router.post("/others/end")
async def end_others(asked: Visited) -> Response:
    """Sign out everywhere but in this browser."""
    asked.require("see_tasks")
    await asked.service.directory.sign_in.end_own(asked.principal)
    return done(_HERE, "ended-others")


@router.post("/sessions/{session_id}/end")
async def end_session(asked: Visited, session_id: CredentialPath) -> Response:
    """Sign out in one browser; in this one, it leads to the sign-in page."""
    asked.require("see_tasks")
    await asked.service.directory.sign_in.end_own(asked.principal, session_id)
    return done(_HERE, "ended")


@router.post("/tokens")
async def create_token(asked: Visited) -> HTMLResponse:
    """Make a token for oneself; it is shown on this page and never again."""
    asked.require("see_tasks")
    fields = await fields_of(asked.request)
    try:
        days = days_of(fields)
        made = await asked.service.directory.tokens.create(
            asked.principal, name=fields.one("name"), expires_in=None if days is None else timedelta(days=days)
        )
    except (Invalid, Forbidden) as exc:
        return await _shown(asked, wrong=exc, kept=fields)
    return await _shown(asked, made=made)


@router.post("/tokens/{token_id}/revoke")
async def revoke_token(asked: Visited, token_id: CredentialPath) -> Response:
    """End a token at once."""
    asked.require("see_tasks")
    await asked.service.directory.tokens.revoke(asked.principal, token_id)
    return done(_HERE, "revoked")


async def _shown(
    asked: Asking, *, made: Issued | None = None, wrong: SaysoError | None = None, kept: Fields = NOTHING
) -> HTMLResponse:
    directory = asked.service.directory
    return settings_page(
        asked,
        "signins.html",
        title="Sign-ins and tokens",
        wrong=wrong,
        kept=kept,
        made=made,
        sessions=await directory.sign_in.list(asked.principal),
        tokens=await directory.tokens.list(asked.principal),
        current=asked.principal.credential_id,
    )
