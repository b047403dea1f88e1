"""From an identity that a provider has proven to a person of ours, and to what that person may do here."""

from dataclasses import dataclass, replace
from datetime import datetime

from sayso.core.directoryforms import domain_of, name_of
from sayso.model.actors import Actor
from sayso.model.directoryerrors import LastOwner, NotInvited, Unauthenticated
from sayso.model.workspaces import (
    Identity,
    Invitation,
    JoinRules,
    Member,
    Person,
    PersonId,
    Role,
    WorkspaceId,
)
from sayso.runtime.auditing import write_down
from sayso.runtime.authority import change_role, ensure_default, expired, load_workspace
from sayso.runtime.ports import Transaction

PROVIDER = Actor(type="system", id="oidc", via="system")
"""The author of what groups and domains decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """One sign-in by an identity provider."""

    identity: Identity
    rules: JoinRules
    person_id: PersonId
    """The id of the person, if it is to be made."""
    now: datetime


def person_of(tx: Transaction, joining: Joining) -> Person:
    """Return the person of an identity, made or taken over the first time, with the role that groups decide.

    Raises:
        NotInvited: Nobody has given this identity a place here.
        Unauthenticated: The person is disabled.
    """
    ensure_default(tx, joining.now)
    known = tx.directory.find_person_by_subject(joining.identity.key)
    if known is not None and known.disabled_at is not None:
        raise Unauthenticated
    person = _again(tx, joining, known) if known is not None else _first_time(tx, joining)
    if joining.rules.by_groups:
        _follow_groups(tx, joining, person)
    return person


def _again(tx: Transaction, joining: Joining, person: Person) -> Person:
    """Let somebody who was removed everywhere, and is invited again, back in."""
    if joining.identity.email is not None and not tx.directory.memberships(person.id):
        for each in _invited(tx, joining, joining.identity.email):
            _accept(tx, joining, person, each)
    return person


def _first_time(tx: Transaction, joining: Joining) -> Person:
    email = joining.identity.email
    if email is None:
        raise _not_invited("whose e-mail address the provider has not verified")
    known = tx.directory.find_person_by_email(email)
    if known is not None and known.disabled_at is not None:
        raise Unauthenticated
    if known is not None and known.subject is not None:
        raise _not_invited("whose address is not that of another identity")
    invited = _invited(tx, joining, email)
    member = known is not None and bool(tx.directory.memberships(known.id))
    if not (member or invited or _domain_may_join(joining)):
        raise _not_invited("who is invited, or whose domain may join")
    person = _taken_over(tx, joining, known) if known is not None else _made(tx, joining, email)
    for each in invited:
        _accept(tx, joining, person, each)
    if not tx.directory.memberships(person.id):
        _join(tx, joining, person, joining.rules.workspace_id, joining.identity.role or joining.rules.role)
    return person


def _invited(tx: Transaction, joining: Joining, email: str) -> list[Invitation]:
    return [
        each
        for each in tx.directory.invitations_to(email)
        if each.accepted_at is None and not expired(each.expires_at, joining.now)
    ]


def _domain_may_join(joining: Joining) -> bool:
    return joining.identity.email is not None and domain_of(joining.identity.email) in joining.rules.domains


def _not_invited(whom: str) -> NotInvited:
    return NotInvited(f"Expected somebody {whom}.")


def _taken_over(tx: Transaction, joining: Joining, known: Person) -> Person:
    """Bind an identity to a person who was there before; whoever signed in as that person so far is signed out."""
    person = replace(known, subject=joining.identity.key)
    tx.directory.update_person(person)
    tx.credentials.end_all(person.id, now=joining.now)
    for each in tx.directory.memberships(person.id):
        _note(tx, joining, each.workspace.id, "person.identified", person)
    return person


def _made(tx: Transaction, joining: Joining, email: str) -> Person:
    name = name_of(joining.identity.name) or email.partition("@")[0]
    person = Person(id=joining.person_id, email=email, name=name, subject=joining.identity.key, created_at=joining.now)
    tx.directory.insert_person(person)
    return person


def _accept(tx: Transaction, joining: Joining, person: Person, invitation: Invitation) -> None:
    if tx.directory.accept_invitation(invitation.id, now=joining.now):
        _join(tx, joining, person, invitation.workspace_id, invitation.role, invitation=invitation.id)


def _join(
    tx: Transaction,
    joining: Joining,
    person: Person,
    workspace_id: WorkspaceId,
    role: Role | None,
    *,
    invitation: str | None = None,
) -> None:
    if role is None:
        raise _not_invited("whose groups give a role")
    if tx.directory.insert_member(workspace_id, person.id, role, now=joining.now):
        _note(tx, joining, workspace_id, "member.added", person, role=role, invitation=invitation)


def _follow_groups(tx: Transaction, joining: Joining, person: Person) -> None:
    """Give the person the role of the groups; the last owner stays one, whatever the provider says.

    Who was removed comes back by a group of theirs, and not by the role that everybody gets.
    """
    role = joining.identity.role or joining.rules.role
    if role is None:
        raise _not_invited("whose groups give a role")
    workspace = load_workspace(tx, joining.rules.workspace_id)
    tx.directory.lock_workspace(workspace.id)
    member = tx.directory.find_member(workspace.id, person.id)
    if member is not None:
        _change(tx, joining, member, role)
    elif joining.identity.role is not None:
        _join(tx, joining, person, workspace.id, role)


def _change(tx: Transaction, joining: Joining, member: Member, role: Role) -> None:
    try:
        change_role(tx, member, role, PROVIDER, joining.now)
    except LastOwner:
        _note(tx, joining, member.workspace_id, "member.kept_owner", member.person, role=role)


def _note(
    tx: Transaction, joining: Joining, workspace_id: WorkspaceId, action: str, person: Person, **data: str | None
) -> None:
    told = {"email": person.email, "issuer": joining.identity.issuer, **data}
    write_down(tx, workspace_id, joining.now, PROVIDER, action, person.id, told)
