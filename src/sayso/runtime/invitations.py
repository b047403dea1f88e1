"""Invitations: an offer of membership, as a link that works once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sayso.core.secrets import hash_of, new_secret, read_secret
from sayso.model.directoryerrors import AlreadyMember, Forbidden, InvitationNotFound, Unauthenticated
from sayso.model.workspaces import Invitation, Member, Person, PersonId, Principal, Role
from sayso.runtime.auditing import write_down
from sayso.runtime.authority import Office, bounded, expired, load_workspace, must_outrank
from sayso.runtime.browsers import SignedIn, open_session, opening_of
from sayso.runtime.people import admit, find_or_make, fit_email, fit_name
from sayso.runtime.ports import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInvitation:
    """A new invitation: the only time that the text of its link is there."""

    text: str
    invitation: Invitation


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An invitation that was taken up."""

    member: Member
    signed_in: SignedIn | None
    """The session of a new person; who was here before has one already."""


class Invitations(Office):
    """The invitations to a workspace."""

    async def create(
        self, by: Principal, *, email: str, role: Role, expires_in: timedelta | None = None
    ) -> NewInvitation:
        """Invite somebody to the active workspace.

        Raises:
            Forbidden: The members are not this principal's to manage, or the role is above its own.
            AlreadyMember: The person is in the workspace.
            Invalid: The address is not fit, or the time is too long.
        """
        address = fit_email(email)
        lasts = bounded(expires_in, self._times.invitation, self._times.longest_invitation)
        invitation_id, text = self._ids.new("inv"), new_secret("invitation", self._secrets.new())

        def unit(tx: Transaction, by: Principal, now: datetime) -> NewInvitation:
            must_outrank(by, role)
            person = tx.directory.find_person_by_email(address)
            if person is not None and tx.directory.find_member(by.workspace.id, person.id) is not None:
                raise AlreadyMember(f"Expected somebody new in this workspace, but {address} is in it.")
            invitation = Invitation(
                id=invitation_id,
                workspace_id=by.workspace.id,
                email=address,
                role=role,
                created_by=by.id,
                created_at=now,
                expires_at=now + lasts,
            )
            tx.directory.insert_invitation(invitation, hash_of(text))
            data = {"email": address, "role": role}
            write_down(tx, by.workspace.id, now, by.actor, "invitation.created", invitation_id, data)
            return NewInvitation(text=text, invitation=invitation)

        return await self._act(by, "manage_people", unit)

    async def list(self, by: Principal) -> list[Invitation]:
        """Return the invitations of the active workspace, newest first; accepted and expired ones too.

        Raises:
            Forbidden: The members are not this principal's to see.
        """
        return await self._look(by, "see_people", lambda tx, fresh: tx.directory.list_invitations(fresh.workspace.id))

    async def revoke(self, by: Principal, invitation_id: str) -> None:
        """Withdraw an invitation that nobody has accepted.

        Raises:
            Forbidden: The members are not this principal's to manage.
            InvitationNotFound: This workspace has no such open invitation.
        """

        def unit(tx: Transaction, by: Principal, now: datetime) -> None:
            if not tx.directory.delete_invitation(by.workspace.id, invitation_id):
                raise InvitationNotFound(f"Expected an open invitation {invitation_id}, but there is none.")
            write_down(tx, by.workspace.id, now, by.actor, "invitation.revoked", invitation_id, {})

        await self._act(by, "manage_people", unit)

    async def accept(
        self,
        text: str,
        *,
        by: Principal | None = None,
        name: str | None = None,
        agent: str = "browser",
        previous: str | None = None,
    ) -> Accepted:
        """Take up an invitation; it works once.

        Whoever holds the link of somebody new becomes that person, and is signed in. Somebody who is here already must
        be signed in: a link that an admin of one workspace made must not open what the person has in others.

        Args:
            text: The secret of the link.
            by: Who is signed in, if anybody.
            name: What a new person is called.
            agent: What the browser calls itself.
            previous: The session that the browser came with, if any; it ends when a new one is opened.

        Raises:
            Unauthenticated: The invitation does not count.
            Forbidden: It is for somebody who is here already, and that is not who is signed in.
            AlreadyMember: The person is in the workspace.
        """
        now, secret_hash = self._clock.now(), read_secret("invitation", text)
        opening = opening_of(self._ids, self._secrets, agent, previous)
        person_id = PersonId(self._ids.new("per"))

        def unit(tx: Transaction) -> Accepted:
            invitation = None if secret_hash is None else tx.directory.find_invitation(secret_hash)
            if invitation is None or invitation.accepted_at is not None or expired(invitation.expires_at, now):
                raise Unauthenticated
            known = tx.directory.find_person_by_email(invitation.email)
            if known is not None and not _may_open(tx, known):
                _must_be(known, by)
            if not tx.directory.accept_invitation(invitation.id, now=now):
                raise Unauthenticated
            called = fit_name(name, invitation.email)
            new = Person(id=person_id, email=invitation.email, name=called, created_at=now)
            opens = known is None or _may_open(tx, known)
            member = _admit(tx, invitation, known, new, now)
            if not opens:
                return Accepted(member=member, signed_in=None)
            place = invitation.workspace_id
            opened = open_session(tx, member.person, opening, now, self._times, how="invitation", workspace_id=place)
            return Accepted(member=member, signed_in=opened)

        return await self._store.run(unit)


def _may_open(tx: Transaction, known: Person) -> bool:
    """Tell whether the link alone may sign a person in: who is in no workspace has nothing that it could open."""
    return known.disabled_at is None and known.subject is None and not tx.directory.memberships(known.id)


def _must_be(known: Person, by: Principal | None) -> None:
    who = None if by is None else by.person
    if who is not None and who.id == known.id and known.disabled_at is None:
        return
    raise Forbidden(
        "accept_invitation",
        who="nobody who is signed in" if who is None else who.email,
        hint="Sign in as the person who is invited, then open the invitation again.",
    )


def _admit(tx: Transaction, invitation: Invitation, known: Person | None, new: Person, now: datetime) -> Member:
    """Make the invited person a member, as their own act."""
    workspace = load_workspace(tx, invitation.workspace_id)
    by = Principal(workspace=workspace, person=known or new, via="ui")
    person = find_or_make(tx, new, by)
    data = {"email": invitation.email, "role": invitation.role, "invited_by": invitation.created_by}
    write_down(tx, workspace.id, now, by.actor, "invitation.accepted", invitation.id, data)
    return admit(tx, person, by, invitation.role, now)
