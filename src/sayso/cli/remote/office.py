"""People, keys and tokens of a server, in the workspace of whoever asks."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property

from sayso.cli.desk import changed
from sayso.cli.remote import values
from sayso.cli.remote.where import own_workspace
from sayso.client import Sayso, rows
from sayso.model.directoryerrors import PersonNotFound
from sayso.model.requesterrors import NotRemote
from sayso.model.workspaces import (
    ApiKey,
    Credential,
    Invitation,
    Member,
    PersonId,
    Role,
    Scope,
    WorkspaceId,
)


class _Office:
    def __init__(self, client: Sayso, workspace: str | None) -> None:
        self._client = client
        self._named = workspace

    @cached_property
    def _workspace(self) -> WorkspaceId:
        return own_workspace(self._client, self._named)

    def _member(self, email: str) -> Member:
        """Return the member with an address.

        Raises:
            PersonNotFound: There is none.
        """
        wanted, workspace = email.strip().lower(), self._workspace
        for told in self._client.list_members():
            if told.email.lower() == wanted:
                return values.member_of(told, workspace)
        raise PersonNotFound(f"Expected a member {email}, but there is none.")


class ServerPeople(_Office):
    """See `cli.desk.People`."""

    def members(self) -> Sequence[Member]:
        """See the port."""
        workspace = self._workspace
        return [values.member_of(told, workspace) for told in self._client.list_members()]

    def invitations(self) -> Sequence[Invitation]:
        """See the port."""
        return [values.invitation_of(told, self._workspace) for told in self._client.list_invitations()]

    def add(self, email: str, role: Role, name: str | None) -> Member:
        """See the port."""
        workspace = self._workspace
        return values.member_of(self._client.add_member(email, role, name=name), workspace)

    def change_role(self, email: str, role: Role) -> Member:
        """See the port."""
        member = self._member(email)
        return values.member_of(self._client.change_member(member.person.id, role), member.workspace_id)

    def remove(self, email: str) -> Member:
        """See the port."""
        member = self._member(email)
        self._client.remove_member(member.person.id)
        return member

    def disable(self, email: str) -> Member:
        """See the port."""
        member = self._member(email)
        return _since(member, self._client.disable_person(member.person.id))

    def enable(self, email: str) -> Member:
        """See the port."""
        member = self._member(email)
        return _since(member, self._client.enable_person(member.person.id))

    def invite(self, email: str, role: Role, lasts: timedelta | None) -> tuple[Invitation, str]:
        """See the port."""
        workspace = self._workspace
        hours = None if lasts is None else math.ceil(lasts / timedelta(hours=1))
        made = self._client.invite(email, role, expires_in_hours=hours)
        return values.invitation_of(made, workspace), values.needed(made.secret, "a secret")

    def uninvite(self, invitation_id: str) -> None:
        """See the port."""
        own_workspace(self._client, self._named)
        self._client.revoke_invitation(invitation_id)

    def link(self, email: str) -> tuple[Credential, str]:
        """See the port.

        Raises:
            NotRemote: Always; whoever makes such a link can sign in as anybody.
        """
        raise NotRemote(
            f"Expected to be at the machine that holds the database: a link that signs {email} in is made there alone.",
            hint=f"On that machine: sayso people link {email} --url '' -d FILE."
            f" From here: sayso people invite {email}.",
        )


class ServerKeys(_Office):
    """See `cli.desk.Keys`."""

    def list(self) -> Sequence[ApiKey]:
        """See the port."""
        workspace = self._workspace
        return [values.key_of(told, workspace) for told in self._client.list_keys()]

    def create(self, name: str, scopes: Sequence[Scope], ends: datetime | None) -> tuple[ApiKey, str]:
        """See the port."""
        workspace = self._workspace
        sent = [{"agentId": scope.agent_id, "triggerId": scope.trigger_id} for scope in scopes]
        made = self._client.create_key(name, sent, expires_at=ends)
        return values.key_of(made, workspace), values.needed(made.key, "a key")

    def revoke(self, key_id: str) -> None:
        """See the port."""
        own_workspace(self._client, self._named)
        self._client.revoke_key(key_id)


class ServerTokens(_Office):
    """See `cli.desk.Tokens`."""

    def list(self, email: str) -> Sequence[Credential]:
        """See the port."""
        person = self._person(email)
        return [values.token_of(told, person) for told in self._client.list_tokens(person)]

    def create(self, email: str, name: str, lasts: timedelta | None) -> tuple[Credential, str]:
        """See the port.

        Raises:
            NotRemote: Always; a token that was stolen must not outlive its end.
        """
        raise NotRemote(
            f"Expected to be at the machine that holds the database: a token makes no tokens, so none for {email}.",
            hint=f"On that machine: sayso tokens create {email} --url '' -d FILE."
            " From here: sign in with a browser, where people make tokens for themselves.",
        )

    def revoke(self, token_id: str) -> None:
        """See the port."""
        own_workspace(self._client, self._named)
        self._client.revoke_token(token_id)

    def _person(self, email: str) -> PersonId:
        """Return who has an address: oneself, which everybody may ask, or a member."""
        me = self._client.get_me()
        if me.email is not None and me.email.lower() == email.strip().lower():
            own_workspace(self._client, self._named)
            return PersonId(me.id)
        return self._member(email).person.id


def _since(member: Member, told: rows.Member) -> Member:
    """Return a member who has been disabled or enabled."""
    person = member.person
    now = type(person)(
        id=person.id, email=person.email, name=person.name, disabled_at=told.disabled_at, created_at=person.created_at
    )
    return changed(member, now)
