"""The people of a workspace: who is in it, with which role, and who may no longer sign in anywhere."""

from dataclasses import replace
from datetime import datetime

from sayso.core.directoryforms import email_of, name_of
from sayso.core.roles import allows
from sayso.model.directoryerrors import AlreadyMember, Forbidden
from sayso.model.workspaces import Member, Person, PersonId, Principal, Role
from sayso.runtime.auditing import write_down
from sayso.runtime.authority import (
    Office,
    change_role,
    keep_an_owner,
    load_member,
    must_outrank,
    named,
    withdraw_invitations,
)
from sayso.runtime.ports import Transaction


class People(Office):
    """The members of the workspace that is active for whoever asks."""

    async def list(self, by: Principal) -> list[Member]:
        """Return who is in the workspace, by address.

        Raises:
            Forbidden: The members are not this principal's to see.
        """
        return await self._look(by, "see_people", lambda tx, fresh: tx.directory.list_members(fresh.workspace.id))

    async def find(self, by: Principal, email: str) -> Member | None:
        """Return the member with an address, or None.

        Raises:
            Forbidden: The members are not this principal's to see.
        """
        wanted = email_of(email)

        def unit(tx: Transaction, by: Principal) -> Member | None:
            person = None if wanted is None else tx.directory.find_person_by_email(wanted)
            return None if person is None else tx.directory.find_member(by.workspace.id, person.id)

        return await self._look(by, "see_people", unit)

    async def add(self, by: Principal, *, email: str, role: Role, name: str | None = None) -> Member:
        """Make somebody a member, known by that address or new.

        A new person cannot sign in by this alone: it takes a link, or an identity provider that has verified the
        address.

        Raises:
            Forbidden: The members are not this principal's to manage, or the role is above its own.
            AlreadyMember: The person is in the workspace.
            Invalid: The address or the name is not fit.
        """
        address, called = fit_email(email), fit_name(name, email)
        person_id = PersonId(self._ids.new("per"))

        def unit(tx: Transaction, by: Principal, now: datetime) -> Member:
            must_outrank(by, role)
            person = find_or_make(tx, Person(id=person_id, email=address, name=called, created_at=now), by)
            return admit(tx, person, by, role, now)

        return await self._act(by, "manage_people", unit)

    async def change_role(self, by: Principal, person_id: PersonId, role: Role) -> Member:
        """Give a member another role; browser sessions that were opened with the old one end.

        Raises:
            Forbidden: The members are not this principal's to manage, or a role is above its own.
            PersonNotFound: Nobody of this workspace has the id.
            LastOwner: Nobody would be left to own the workspace.
        """

        def unit(tx: Transaction, by: Principal, now: datetime) -> Member:
            tx.directory.lock_workspace(by.workspace.id)
            member = load_member(tx, by.workspace.id, person_id)
            must_outrank(by, member.role, role)
            return change_role(tx, member, role, by.actor, now)

        return await self._act(by, "manage_people", unit)

    async def remove(self, by: Principal, person_id: PersonId) -> None:
        """Take somebody out of the workspace; what they came in with ends at once.

        Raises:
            Forbidden: The members are not this principal's to manage, or the role is above its own.
            PersonNotFound: Nobody of this workspace has the id.
            LastOwner: Nobody would be left to own the workspace.
        """

        def unit(tx: Transaction, by: Principal, now: datetime) -> None:
            workspace_id = by.workspace.id
            tx.directory.lock_workspace(workspace_id)
            member = load_member(tx, workspace_id, person_id)
            must_outrank(by, member.role)
            if member.role == "owner":
                keep_an_owner(tx, workspace_id, person_id)
            tx.directory.delete_member(workspace_id, person_id)
            tx.credentials.end_all(person_id, now=now, workspace_id=workspace_id)
            withdraw_invitations(tx, member, now, by.actor)
            data = {"email": member.person.email, "role": member.role}
            write_down(tx, workspace_id, now, by.actor, "member.removed", person_id, data)

        await self._act(by, "manage_people", unit)

    async def disable(self, by: Principal, person_id: PersonId) -> Person:
        """Let a person sign in nowhere any more; every sign-in of theirs ends at once.

        Raises:
            Forbidden: Some workspace of the person is not this principal's to manage, or the role is above its own.
            PersonNotFound: Nobody of this workspace has the id.
            LastOwner: Nobody would be left to own a workspace.
        """

        def unit(tx: Transaction, by: Principal, now: datetime) -> Person:
            member = load_member(tx, by.workspace.id, person_id)
            places = _places(tx, by, member)
            if member.person.disabled_at is not None:
                return member.person
            for place in places:
                tx.directory.lock_workspace(place.workspace_id)
                if place.role == "owner":
                    keep_an_owner(tx, place.workspace_id, person_id)
            tx.credentials.end_all(person_id, now=now)
            for place in places:
                withdraw_invitations(tx, place, now, by.actor)
            return _set_disabled(tx, places, now, by, now)

        return await self._act(by, "manage_people", unit)

    async def enable(self, by: Principal, person_id: PersonId) -> Person:
        """Let a disabled person sign in again; what was ended stays ended.

        Raises:
            Forbidden: Some workspace of the person is not this principal's to manage, or the role is above its own.
            PersonNotFound: Nobody of this workspace has the id.
        """

        def unit(tx: Transaction, by: Principal, now: datetime) -> Person:
            member = load_member(tx, by.workspace.id, person_id)
            places = _places(tx, by, member)
            return member.person if member.person.disabled_at is None else _set_disabled(tx, places, None, by, now)

        return await self._act(by, "manage_people", unit)


def fit_email(text: str) -> str:
    """Return an address in the form in which it is compared.

    Raises:
        Invalid: It is none.
    """
    return named(email_of(text), "a plain e-mail address such as ana@example.com")


def fit_name(text: str | None, email: str) -> str:
    """Return a person's name; without one, the part of the address before the @.

    Raises:
        Invalid: It is empty, too long, or holds what nobody sees.
    """
    given = email.partition("@")[0] if text is None else text
    return named(name_of(given), "a name of 1 to 100 visible characters")


def find_or_make(tx: Transaction, wanted: Person, by: Principal) -> Person:
    """Return the person with an address, made if need be."""
    found = tx.directory.find_person_by_email(wanted.email)
    if found is not None:
        return found
    tx.directory.insert_person(wanted)
    data = {"email": wanted.email, "name": wanted.name}
    write_down(tx, by.workspace.id, wanted.created_at, by.actor, "person.created", wanted.id, data)
    return wanted


def admit(tx: Transaction, person: Person, by: Principal, role: Role, now: datetime) -> Member:
    """Make a person a member of the workspace of whoever does it, and write it down.

    Raises:
        AlreadyMember: The person is one.
    """
    if not tx.directory.insert_member(by.workspace.id, person.id, role, now=now):
        raise AlreadyMember(
            f"Expected somebody new in this workspace, but {person.email} is in it.", person_id=person.id
        )
    data = {"email": person.email, "role": role}
    write_down(tx, by.workspace.id, now, by.actor, "member.added", person.id, data)
    return Member(workspace_id=by.workspace.id, person=person, role=role)


def _places(tx: Transaction, by: Principal, member: Member) -> list[Member]:
    """Return the person as a member of each workspace, when this principal may manage people in every one."""
    places: list[Member] = []
    for each in tx.directory.memberships(member.person.id):
        there = replace(by, workspace=each.workspace)
        if by.person is not None:
            mine = tx.directory.find_member(each.workspace.id, by.person.id)
            there = replace(there, role=None if mine is None else mine.role)
        if not allows(there, "manage_people"):
            hint = "The person is in other workspaces too: remove them from this one, or ask who manages all of them."
            raise Forbidden("manage_people", who=by.id, hint=hint)
        must_outrank(there, each.role)
        places.append(Member(workspace_id=each.workspace.id, person=member.person, role=each.role))
    return sorted(places, key=lambda place: place.workspace_id)


def _set_disabled(tx: Transaction, places: list[Member], at: datetime | None, by: Principal, now: datetime) -> Person:
    person = replace(places[0].person, disabled_at=at)
    tx.directory.update_person(person)
    action = "person.enabled" if at is None else "person.disabled"
    for place in places:
        write_down(tx, place.workspace_id, now, by.actor, action, person.id, {"email": person.email})
    return person
