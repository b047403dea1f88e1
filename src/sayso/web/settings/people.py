"""The people of the workspace: who is in it, and who is invited."""

from datetime import timedelta
from typing import Annotated

from fastapi import Path
from starlette.responses import HTMLResponse, Response

from sayso.model.directoryerrors import AlreadyMember, Forbidden
from sayso.model.errors import Invalid, SaysoError
from sayso.model.workspaces import ROLES
from sayso.server.entering import link_to
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.fields import Fields, fields_of
from sayso.web.settings.tabs import NOTHING, days_of, done, role_of, settings_page
from sayso.web.visiting import Visited

router = strict_router(prefix="/settings", include_in_schema=False)
_HERE = "/settings/people"


@router.get("/people")
async def people(asked: Visited) -> HTMLResponse:
    """List who is in the workspace, and the invitations to it."""
    asked.require("see_people")
    return await _shown(asked)


@router.post("/invitations")
async def invite(asked: Visited) -> HTMLResponse:
    """Invite somebody; the link is shown on this page and never again, and works once."""
    asked.require("manage_people")
    fields = await fields_of(asked.request)
    try:
        days = days_of(fields)
        made = await asked.service.directory.invitations.create(
            asked.principal,
            email=fields.one("email"),
            role=role_of(fields),
            expires_in=None if days is None else timedelta(days=days),
        )
    except (AlreadyMember, Invalid, Forbidden) as exc:
        return await _shown(asked, wrong=exc, kept=fields)
    link = link_to(asked.request, asked.service.options, "/join", made.text)
    return await _shown(asked, link=link, invited=made.invitation.email)


@router.post("/invitations/{invitation_id}/withdraw")
async def withdraw(asked: Visited, invitation_id: Annotated[str, Path(max_length=200)]) -> Response:
    """Withdraw an invitation that nobody has accepted."""
    asked.require("manage_people")
    await asked.service.directory.invitations.revoke(asked.principal, invitation_id)
    return done(_HERE, "withdrawn")


async def _shown(
    asked: Asking,
    *,
    link: str | None = None,
    invited: str | None = None,
    wrong: SaysoError | None = None,
    kept: Fields = NOTHING,
) -> HTMLResponse:
    directory = asked.service.directory
    return settings_page(
        asked,
        "people.html",
        title="People",
        wrong=wrong,
        kept=kept,
        link=link,
        invited=invited,
        members=await directory.people.list(asked.principal),
        invitations=await directory.invitations.list(asked.principal),
        roles=ROLES,
    )
