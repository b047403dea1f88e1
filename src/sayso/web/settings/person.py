"""One member: the role, and what ends for them."""

from collections.abc import Awaitable
from typing import Annotated

from fastapi import Path
from starlette.responses import HTMLResponse, Response

from sayso.model.directoryerrors import Forbidden, LastOwner, PersonNotFound
from sayso.model.errors import Invalid, SaysoError
from sayso.model.workspaces import ROLES, Member, PersonId
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.fields import fields_of
from sayso.web.settings.tabs import done, role_of, settings_page
from sayso.web.visiting import Visited

router = strict_router(prefix="/settings/people/{person_id}", include_in_schema=False)
PersonPath = Annotated[str, Path(max_length=200)]


@router.get("")
async def person(asked: Visited, person_id: PersonPath) -> HTMLResponse:
    """Show a member, and what may be done about them."""
    asked.require("manage_people")
    return await _shown(asked, person_id)


@router.post("/role")
async def change_role(asked: Visited, person_id: PersonPath) -> Response:
    """Give a member another role; browser sessions that were opened with the old one end."""
    asked.require("manage_people")
    await _load(asked, person_id)
    fields = await fields_of(asked.request)

    async def change() -> None:
        await asked.service.directory.people.change_role(asked.principal, PersonId(person_id), role_of(fields))

    return await _acted(asked, person_id, change(), "role")


@router.post("/disable")
async def disable(asked: Visited, person_id: PersonPath) -> Response:
    """Let a person sign in nowhere any more."""
    asked.require("manage_people")
    act = asked.service.directory.people.disable(asked.principal, PersonId(person_id))
    return await _acted(asked, person_id, act, "disabled")


@router.post("/enable")
async def enable(asked: Visited, person_id: PersonPath) -> Response:
    """Let a disabled person sign in again."""
    asked.require("manage_people")
    act = asked.service.directory.people.enable(asked.principal, PersonId(person_id))
    return await _acted(asked, person_id, act, "enabled")


@router.post("/sign-out")
async def end_sign_ins(asked: Visited, person_id: PersonPath) -> Response:
    """End every session, link and token of a member in this workspace."""
    asked.require("manage_people")
    act = asked.service.directory.sign_in.end_all(asked.principal, PersonId(person_id))
    return await _acted(asked, person_id, act, "signed-out")


@router.post("/remove")
async def remove(asked: Visited, person_id: PersonPath) -> Response:
    """Take somebody out of the workspace."""
    asked.require("manage_people")
    act = asked.service.directory.people.remove(asked.principal, PersonId(person_id))
    return await _acted(asked, person_id, act, "removed", back="/settings/people")


async def _acted(
    asked: Asking, person_id: str, act: Awaitable[object], said: str, *, back: str | None = None
) -> Response:
    """Do something about a member, and lead on; what is refused is said on their page."""
    try:
        await act
    except (Forbidden, Invalid, LastOwner) as exc:
        return await _shown(asked, person_id, exc)
    return done(back or f"/settings/people/{person_id}", said)


async def _load(asked: Asking, person_id: str) -> Member:
    members = await asked.service.directory.people.list(asked.principal)
    found = next((each for each in members if each.person.id == person_id), None)
    if found is None:
        raise PersonNotFound(
            "Expected a member of this workspace, but nobody in it has this id.",
            hint="Look at the list of people: they may have been removed.",
        )
    return found


async def _shown(asked: Asking, person_id: str, wrong: SaysoError | None = None) -> HTMLResponse:
    member = await _load(asked, person_id)
    return settings_page(asked, "person.html", title=member.person.name, wrong=wrong, member=member, roles=ROLES)
