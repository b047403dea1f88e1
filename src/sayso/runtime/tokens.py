"""Tokens of the command line: a person's own, in one workspace, shown once, ended at any time."""

from datetime import datetime, timedelta

from sayso.core.directoryforms import name_of
from sayso.core.roles import allows, outranks
from sayso.core.secrets import hash_of, new_secret
from sayso.model.directoryerrors import Forbidden, TokenNotFound
from sayso.model.workspaces import Credential, PersonId, Principal
from sayso.runtime.auditing import write_down
from sayso.runtime.authority import Issued, Office, bounded, load_member, named
from sayso.runtime.browsers import in_force
from sayso.runtime.ports import Transaction


class Tokens(Office):
    """The tokens of people in the active workspace."""

    async def create(
        self,
        by: Principal,
        *,
        name: str,
        expires_in: timedelta | None = None,
        person_id: PersonId | None = None,
    ) -> Issued:
        """Make a token that stands for a person; only who is signed in may, for oneself, and who holds the database.

        A token makes no tokens: one that was stolen must not outlive its end.

        Raises:
            Forbidden: It is a token or a key that asks, or it asks for somebody else.
            PersonNotFound: Nobody of this workspace has the id.
            Invalid: The name is not fit, or the time too long.
        """
        called = named(name_of(name), "a name of 1 to 100 visible characters")
        lasts = bounded(expires_in, self._times.token, self._times.longest_token)
        token_id, text = self._ids.new("tok"), new_secret("token", self._secrets.new())

        def unit(tx: Transaction, by: Principal, now: datetime) -> Issued:
            person = load_member(tx, by.workspace.id, _owner(by, person_id)).person
            credential = Credential(
                id=token_id,
                kind="token",
                person_id=person.id,
                workspace_id=by.workspace.id,
                name=called,
                created_at=now,
                expires_at=now + lasts,
            )
            tx.credentials.insert(credential, hash_of(text))
            data = {"email": person.email, "name": called}
            write_down(tx, by.workspace.id, now, by.actor, "token.created", token_id, data)
            return Issued(text=text, credential=credential)

        return await self._act(by, None, unit)

    async def list(self, by: Principal, person_id: PersonId | None = None) -> list[Credential]:
        """Return the tokens in force of oneself, or of a member whom one may manage, newest first.

        Raises:
            Forbidden: It is somebody else, whom this principal may not manage.
            PersonNotFound: Nobody of this workspace has the id.
        """
        now = self._clock.now()

        def unit(tx: Transaction, by: Principal) -> list[Credential]:
            wanted = person_id or (None if by.person is None else by.person.id)
            if wanted is None:
                return []
            member = load_member(tx, by.workspace.id, wanted)
            if not _manages(tx, by, member.person.id):
                raise Forbidden("manage_people", who=by.id)
            mine = by.person is not None and by.person.id == wanted
            found = [each for each in tx.credentials.of(wanted, "token") if in_force(each, now)]
            return [each for each in found if mine or each.workspace_id == by.workspace.id]

        return await self._look(by, None, unit)

    async def revoke(self, by: Principal, token_id: str) -> None:
        """End a token at once: one's own, or that of a member whom one may manage.

        Raises:
            TokenNotFound: There is none in force here that is this principal's to end.
        """

        def unit(tx: Transaction, by: Principal, now: datetime) -> None:
            found = tx.credentials.find_by_id(token_id)
            if found is None or found.kind != "token" or not _may_end(tx, by, found):
                raise _not_there(token_id)
            if not tx.credentials.end(token_id, now=now):
                raise _not_there(token_id)
            data = {"name": found.name}
            write_down(tx, found.workspace_id, now, by.actor, "token.revoked", token_id, data)

        await self._act(by, None, unit)


def _owner(by: Principal, wanted: PersonId | None) -> PersonId:
    """Return whose token it is to be."""
    if by.local is not None and wanted is not None:
        return wanted
    signed_in = by.person is not None and by.via == "ui"
    if not signed_in or by.person is None or wanted not in {None, by.person.id}:
        raise Forbidden(
            "create_tokens", who=by.id, hint="Sign in with the browser, and make the token for yourself there."
        )
    return by.person.id


def _may_end(tx: Transaction, by: Principal, token: Credential) -> bool:
    if by.person is not None and by.person.id == token.person_id:
        return True
    return token.workspace_id == by.workspace.id and _manages(tx, by, token.person_id)


def _manages(tx: Transaction, by: Principal, person_id: PersonId) -> bool:
    if by.person is not None and by.person.id == person_id:
        return True
    member = tx.directory.find_member(by.workspace.id, person_id)
    return member is not None and allows(by, "manage_people") and outranks(by.role, member.role)


def _not_there(token_id: str) -> TokenNotFound:
    return TokenNotFound(f"Expected a token {token_id} in force, but there is none.", token_id=token_id)
