"""The people of the active workspace: members, their roles, and invitations."""

from datetime import timedelta
from typing import Annotated

from fastapi import Path, Request, Response
from fastapi.responses import JSONResponse

from sayso.api.v1.linking import PERSON_LINKS
from sayso.api.v1.peoplebodies import Accept, AddMember, ChangeMember, Invite
from sayso.api.v1.peoplewire import credential_json, invitation_json, member_json
from sayso.api.v1.taskwire import Plain, at
from sayso.api.v1.telling import A_PERSON, for_anybody, managing, told
from sayso.model.directoryerrors import (
    AlreadyMember,
    Forbidden,
    InvitationNotFound,
    LastOwner,
    Unauthenticated,
)
from sayso.model.errors import Invalid, UnstorableValue
from sayso.model.requesterrors import TooManyGuesses
from sayso.model.workspaces import PersonId
from sayso.server.cookies import keep_session
from sayso.server.entering import by_invitation, link_to
from sayso.server.routes import router as strict_router
from sayso.server.service import Asked, service_of

router = strict_router(tags=["people"])
PersonPath = Annotated[str, Path(alias="personId", max_length=200, description="A person's id.")]


@router.get("/members", **told("members"))
async def list_members(asked: Asked) -> Plain:
    """List who is in the workspace, by address."""
    asked.require("see_people")
    found = await asked.service.directory.people.list(asked.principal)
    return {"items": [member_json(member) for member in found], "total": len(found)}


@router.post("/members", **managing("member", AlreadyMember, status=201, links=PERSON_LINKS))
async def add_member(asked: Asked, body: AddMember) -> JSONResponse:
    """Make somebody a member; a new person signs in by an identity provider, or by an invitation instead of this."""
    asked.require("manage_people")
    people = asked.service.directory.people
    member = await people.add(asked.principal, email=body.email, role=body.role, name=body.name)
    return JSONResponse(member_json(member), 201)


@router.patch("/members/{personId}", **managing("member", *A_PERSON, LastOwner))
async def change_member(asked: Asked, body: ChangeMember, person_id: PersonPath) -> Plain:
    """Give a member another role; browser sessions that were opened with the old one end."""
    asked.require("manage_people")
    people = asked.service.directory.people
    return member_json(await people.change_role(asked.principal, PersonId(person_id), body.role))


@router.delete("/members/{personId}", **managing(None, *A_PERSON, LastOwner))
async def remove_member(asked: Asked, person_id: PersonPath) -> Response:
    """Take somebody out of the workspace; what they came in with ends at once."""
    asked.require("manage_people")
    await asked.service.directory.people.remove(asked.principal, PersonId(person_id))
    return Response(status_code=204)


@router.post("/members/{personId}/disable", **managing("disabled", *A_PERSON, LastOwner))
async def disable_person(asked: Asked, person_id: PersonPath) -> Plain:
    """Let a person sign in nowhere any more; every sign-in of theirs ends at once."""
    asked.require("manage_people")
    person = await asked.service.directory.people.disable(asked.principal, PersonId(person_id))
    return {"id": person.id, "disabledAt": at(person.disabled_at)}


@router.post("/members/{personId}/enable", **managing("enabled", *A_PERSON))
async def enable_person(asked: Asked, person_id: PersonPath) -> Plain:
    """Let a disabled person sign in again; what was ended stays ended."""
    asked.require("manage_people")
    person = await asked.service.directory.people.enable(asked.principal, PersonId(person_id))
    return {"id": person.id, "disabledAt": at(person.disabled_at)}


@router.post("/members/{personId}/sign-out", **managing("ended", *A_PERSON))
async def end_sign_ins(asked: Asked, person_id: PersonPath) -> Plain:
    """End every session, link and token of a member in this workspace, or all of one's own."""
    return {"ended": await asked.service.directory.sign_in.end_all(asked.principal, PersonId(person_id))}


@router.get("/members/{personId}/tokens", **told("tokens", *A_PERSON))
async def list_tokens_of_member(asked: Asked, person_id: PersonPath) -> Plain:
    """List the tokens in force of a member whom one may manage, or one's own, newest first; never their secrets."""
    found = await asked.service.directory.tokens.list(asked.principal, PersonId(person_id))
    return {"items": [credential_json(each) for each in found], "total": len(found)}


@router.get("/invitations", **told("invitations"))
async def list_invitations(asked: Asked) -> Plain:
    """List the invitations of the workspace, newest first; accepted and expired ones too, never their secrets."""
    asked.require("see_people")
    found = await asked.service.directory.invitations.list(asked.principal)
    return {"items": [invitation_json(each, asked.now) for each in found], "total": len(found)}


@router.post("/invitations", **managing("invited", AlreadyMember, status=201))
async def invite_person(asked: Asked, body: Invite) -> JSONResponse:
    """Invite somebody; the link is shown here and never again, and works once."""
    asked.require("manage_people")
    lasts = None if body.expires_in_hours is None else timedelta(hours=body.expires_in_hours)
    made = await asked.service.directory.invitations.create(
        asked.principal, email=body.email, role=body.role, expires_in=lasts
    )
    link = link_to(asked.request, asked.service.options, "/join", made.text)
    return JSONResponse({**invitation_json(made.invitation, asked.now), "secret": made.text, "link": link}, 201)


@router.delete("/invitations/{invitationId}", **managing(None, InvitationNotFound))
async def revoke_invitation(
    asked: Asked, invitation_id: Annotated[str, Path(alias="invitationId", max_length=200)]
) -> Response:
    """Withdraw an invitation that nobody has accepted."""
    asked.require("manage_people")
    await asked.service.directory.invitations.revoke(asked.principal, invitation_id)
    return Response(status_code=204)


@router.post(
    "/invitations/accept",
    **for_anybody("accepted", Unauthenticated, Forbidden, AlreadyMember, Invalid, UnstorableValue, TooManyGuesses),
)
async def accept_invitation(request: Request, body: Accept) -> JSONResponse:
    """Take up an invitation: who is new is signed in by it, who is here already must be signed in."""
    service = service_of(request)
    accepted = await by_invitation(request, service, body.secret, body.name)
    signed_in = accepted.signed_in
    response = JSONResponse({**member_json(accepted.member), "signedIn": signed_in is not None})
    if signed_in is not None:
        keep_session(response, service.options, signed_in, service.clock.now())
    return response
