"""Who may do what, held where it is done: every privileged act checks its author in its own transaction.

A principal is what authentication found a moment ago. Membership, role and switches are read again beside the change
that they allow, so that a removed, demoted or disabled person gets nothing more done, not even by a request under way.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from sayso.core.roles import Ability, allows, outranks
from sayso.model.actors import Actor
from sayso.model.directoryerrors import Forbidden, LastOwner, PersonNotFound, Unauthenticated, WorkspaceNotFound
from sayso.model.errors import Invalid
from sayso.model.workspaces import (
    DEFAULT_WORKSPACE,
    Credential,
    Member,
    PersonId,
    Principal,
    Role,
    Workspace,
    WorkspaceId,
)
from sayso.runtime.auditing import write_down
from sayso.runtime.directory_ports import Secrets
from sayso.runtime.ports import Clock, Ids, Store, Transaction

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryTimes:
    """How long things are in force."""

    link: timedelta = timedelta(minutes=10)
    """A sign-in link, which works once."""
    session_idle: timedelta = timedelta(hours=12)
    """A browser session that nobody uses."""
    session: timedelta = timedelta(days=7)
    """A browser session, however much it is used."""
    token: timedelta = timedelta(days=90)
    """A token of the command line, unless it is made for another time."""
    longest_token: timedelta = timedelta(days=366)
    invitation: timedelta = timedelta(days=7)
    """An invitation, unless it is made for another time."""
    longest_invitation: timedelta = timedelta(days=30)
    noted: timedelta = timedelta(minutes=1)
    """How often the last use of a key or credential is written down, at most."""
    kept: timedelta = timedelta(days=30)
    """How long an expired credential is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A new link, token or invitation secret: the only time that its text is there."""

    text: str
    credential: Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the parts of the directory need from outside."""

    store: Store
    clock: Clock
    ids: Ids
    secrets: Secrets
    times: DirectoryTimes


class Office:
    """A part of the directory.

    Args:
        outside: The store, the time, ids, chance, and how long things are in force.
    """

    def __init__(self, outside: Outside) -> None:
        self._store = outside.store
        self._clock = outside.clock
        self._ids = outside.ids
        self._secrets = outside.secrets
        self._times = outside.times

    async def _act(
        self, by: Principal, ability: Ability | None, unit: Callable[[Transaction, Principal, datetime], R]
    ) -> R:
        """Run a unit in one transaction, for somebody who has the ability in it."""
        now = self._clock.now()
        return await self._store.run(lambda tx: unit(tx, required(tx, by, ability, now), now))

    async def _look(self, by: Principal, ability: Ability | None, unit: Callable[[Transaction, Principal], R]) -> R:
        """Run a unit that only reads."""
        now = self._clock.now()
        return await self._store.read(lambda tx: unit(tx, required(tx, by, ability, now)))


def required(tx: Transaction, by: Principal, ability: Ability | None, now: datetime) -> Principal:
    """Return the principal as the database has it now.

    Raises:
        Unauthenticated: The person is disabled or no longer a member; the key is no longer in force.
        Forbidden: The ability is not theirs.
    """
    fresh = _fresh(tx, by, now)
    if ability is not None and not allows(fresh, ability):
        raise Forbidden(ability, who=fresh.id)
    return fresh


def _fresh(tx: Transaction, by: Principal, now: datetime) -> Principal:
    workspace = load_workspace(tx, by.workspace.id)
    if by.local is not None:
        return replace(by, workspace=workspace)
    if by.key is not None:
        found = tx.credentials.find_key(by.key.id)
        if found is None or found[0].revoked_at is not None or expired(found[0].expires_at, now):
            raise Unauthenticated
        return replace(by, workspace=workspace, key=found[0])
    member = None if by.person is None else tx.directory.find_member(workspace.id, by.person.id)
    if member is None or member.person.disabled_at is not None:
        raise Unauthenticated
    return replace(by, workspace=workspace, person=member.person, role=member.role)


def expired(at: datetime | None, now: datetime) -> bool:
    """Tell whether a time that may be missing has come."""
    return at is not None and at <= now


def ensure_default(tx: Transaction, now: datetime) -> Workspace:
    """Return the default workspace, made at the first use."""
    found = tx.directory.find_workspace(DEFAULT_WORKSPACE)
    if found is not None:
        return found
    tx.directory.insert_workspace(Workspace(id=DEFAULT_WORKSPACE, name="Default", created_at=now, updated_at=now))
    return load_workspace(tx, DEFAULT_WORKSPACE)


def load_workspace(tx: Transaction, workspace_id: WorkspaceId) -> Workspace:
    """Return a workspace.

    Raises:
        WorkspaceNotFound: There is none.
    """
    found = tx.directory.find_workspace(workspace_id)
    if found is None:
        raise WorkspaceNotFound(f"Expected a workspace {workspace_id}, but there is none.", workspace_id=workspace_id)
    return found


def load_member(tx: Transaction, workspace_id: WorkspaceId, person_id: PersonId) -> Member:
    """Return a member.

    Raises:
        PersonNotFound: Nobody of this workspace has the id.
    """
    found = tx.directory.find_member(workspace_id, person_id)
    if found is None:
        raise PersonNotFound(f"Expected a member {person_id}, but there is none.", person_id=person_id)
    return found


def must_outrank(by: Principal, *roles: Role) -> None:
    """Refuse to give, change or take away a role that is above one's own.

    Raises:
        Forbidden: It is an owner's, and this is not an owner.
    """
    if not all(outranks(by.role, role) for role in roles):
        raise Forbidden(
            "manage_people", who=by.id, hint="Owners are made, changed and removed by owners alone: ask one."
        )


def keep_an_owner(tx: Transaction, workspace_id: WorkspaceId, person_id: PersonId) -> None:
    """Refuse to lose the last owner who can sign in.

    Raises:
        LastOwner: It is this person.
    """
    owners = [
        member.person.id
        for member in tx.directory.list_members(workspace_id)
        if member.role == "owner" and member.person.disabled_at is None
    ]
    if owners == [person_id]:
        raise LastOwner(f"Expected another owner beside {person_id}, but there is none.", person_id=person_id)


def change_role(tx: Transaction, member: Member, role: Role, by: Actor, now: datetime) -> Member:
    """Give a member another role, end the browser sessions that were opened with the old one, and write it down.

    Raises:
        LastOwner: Nobody would be left to own the workspace.
    """
    if member.role == role:
        return member
    if member.role == "owner":
        keep_an_owner(tx, member.workspace_id, member.person.id)
    tx.directory.set_role(member.workspace_id, member.person.id, role)
    tx.credentials.end_all(member.person.id, now=now, workspace_id=member.workspace_id, kinds=("session",))
    withdraw_invitations(tx, member, now, by)
    data = {"email": member.person.email, "from": member.role, "to": role}
    write_down(tx, member.workspace_id, now, by, "member.role_changed", member.person.id, data)
    return replace(member, role=role)


def withdraw_invitations(tx: Transaction, member: Member, now: datetime, by: Actor) -> None:
    """Revoke what somebody who is leaving, or has another role now, had invited to: it may be a way back in."""
    count = tx.directory.delete_invitations_by(member.workspace_id, member.person.email)
    if count:
        data = {"by": member.person.email, "count": count}
        write_down(tx, member.workspace_id, now, by, "invitations.revoked", member.person.id, data)


def bounded(wanted: timedelta | None, default: timedelta, longest: timedelta) -> timedelta:
    """Return how long something is to be in force.

    Raises:
        Invalid: It is nothing, or longer than it may be.
    """
    found = default if wanted is None else wanted
    if not timedelta(0) < found <= longest:
        raise Invalid(f"Expected a time of more than nothing and at most {longest.days} days, but got {found}.")
    return found


def named(given: str | None, what: str) -> str:
    """Return a name or an address that was found fit.

    Raises:
        Invalid: It was not.
    """
    if given is None:
        raise Invalid(f"Expected {what}, but got something else.")
    return given
