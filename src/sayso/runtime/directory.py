"""The directory: who is who, and what proves it.

One object over the store. Its parts change and list things; here is what every request begins with: from a secret to a
principal. Whatever is wrong with a secret (malformed, unknown, ended, expired, its person disabled or
no longer a member), the answer is the same, so that nobody learns from it which secrets there are.
"""

from sayso.core.directoryforms import email_of, name_of
from sayso.core.secrets import NOBODY, read_key, read_secret, same
from sayso.model.directoryerrors import Unauthenticated
from sayso.model.workspaces import (
    DEFAULT_WORKSPACE,
    Credential,
    CredentialKind,
    Person,
    PersonId,
    Principal,
    WorkspaceId,
)
from sayso.runtime.apikeys import ApiKeys
from sayso.runtime.authority import (
    DirectoryTimes,
    Issued,
    Outside,
    ensure_default,
    expired,
    load_workspace,
)
from sayso.runtime.browsers import in_force, principal_of
from sayso.runtime.directory_ports import Secrets
from sayso.runtime.invitations import Invitations
from sayso.runtime.people import People, admit, find_or_make
from sayso.runtime.ports import Clock, Ids, Store, Transaction
from sayso.runtime.signin import SignIn
from sayso.runtime.tokens import Tokens
from sayso.runtime.workspaces import Workspaces


class Directory:
    """Workspaces, people, sign-ins and keys of one database.

    Args:
        store: The database.
        clock: The time.
        ids: New ids.
        secrets: Chance for secrets.
        times: How long things are in force.
    """

    def __init__(
        self, store: Store, *, clock: Clock, ids: Ids, secrets: Secrets, times: DirectoryTimes | None = None
    ) -> None:
        outside = Outside(store=store, clock=clock, ids=ids, secrets=secrets, times=times or DirectoryTimes())
        self._store, self._clock, self._ids, self._times = store, clock, ids, outside.times
        self.workspaces = Workspaces(outside)
        """Make, name, suspend and set up workspaces."""
        self.people = People(outside)
        """Members and their roles."""
        self.invitations = Invitations(outside)
        """Offers of membership."""
        self.sign_in = SignIn(outside)
        """Links and browser sessions."""
        self.tokens = Tokens(outside)
        """Tokens of the command line."""
        self.keys = ApiKeys(outside)
        """API keys."""

    # -- who is it ---------------------------------------------------------------------------------------

    async def authenticate_key(self, text: str | None) -> Principal:
        """Return the principal of an API key, in the key's workspace.

        Raises:
            Unauthenticated: It does not count, for whatever reason.
        """
        found = read_key(text)
        if found is None:
            raise Unauthenticated
        key_id, given = found
        now = self._clock.now()

        def unit(tx: Transaction) -> Principal | None:
            key, stored = tx.credentials.find_key(key_id) or (None, NOBODY)
            if not same(given, stored) or key is None:
                return None
            if key.revoked_at is not None or expired(key.expires_at, now):
                return None
            return Principal(workspace=load_workspace(tx, key.workspace_id), key=key, via="api")

        principal = await self._store.read(unit)
        if principal is None or principal.key is None:
            raise Unauthenticated
        before = now - self._times.noted
        used = principal.key.last_used_at
        if used is None or used <= before:
            await self._store.run(lambda tx: tx.credentials.key_used(key_id, now=now, before=before))
        return principal

    async def authenticate_session(self, text: str | None) -> Principal:
        """Return the principal of a browser session, in the workspace that is active in it.

        Raises:
            Unauthenticated: It does not count, for whatever reason.
        """
        return await self._person(text, "session", via="ui")

    async def authenticate_token(self, text: str | None) -> Principal:
        """Return the principal of a token of the command line, in the token's workspace.

        Raises:
            Unauthenticated: It does not count, for whatever reason.
        """
        return await self._person(text, "token", via="cli")

    async def _person(self, text: str | None, kind: CredentialKind, *, via: str) -> Principal:
        secret_hash = read_secret(kind, text)
        if secret_hash is None:
            raise Unauthenticated
        now, idle = self._clock.now(), self._times.session_idle if kind == "session" else None

        def unit(tx: Transaction) -> tuple[Principal, Credential] | None:
            found = tx.credentials.find(kind, secret_hash)
            if found is None or not in_force(found, now, idle):
                return None
            principal = principal_of(tx, found, via)
            return None if principal is None else (principal, found)

        found = await self._store.read(unit)
        if found is None:
            raise Unauthenticated
        principal, credential = found
        before = now - self._times.noted
        if credential.seen_at is None or credential.seen_at <= before:
            await self._store.run(lambda tx: tx.credentials.seen(credential.id, now=now, before=before))
        return principal

    # -- the machine itself ------------------------------------------------------------------------------

    async def local(self, login: str, workspace_id: WorkspaceId = DEFAULT_WORKSPACE) -> Principal:
        """Return the principal of whoever works on the machine that holds the database; nothing proves it but that.

        Never call this for a request from the network.

        Raises:
            WorkspaceNotFound: There is no such workspace.
        """
        now = self._clock.now()

        def unit(tx: Transaction) -> Principal:
            ensure_default(tx, now)
            return Principal(workspace=load_workspace(tx, workspace_id), role="owner", local=login, via="cli")

        return await self._store.run(unit)

    async def first_link(self, login: str) -> Issued:
        """Return a sign-in link for whoever starts the service: `login@localhost`, made an owner the first time.

        Never call this for a request from the network.
        """
        by = await self.local(login)
        now, email = self._clock.now(), email_of(f"{login}@localhost") or "owner@localhost"
        name = name_of(login) or "owner"
        wanted = Person(id=PersonId(self._ids.new("per")), email=email, name=name, created_at=now)

        def unit(tx: Transaction) -> PersonId:
            person = find_or_make(tx, wanted, by)
            if tx.directory.find_member(by.workspace.id, person.id) is None:
                admit(tx, person, by, "owner", now)
            return person.id

        return await self.sign_in.make_link(by, await self._store.run(unit))
