"""Signing in and out: links that work once, sessions of browsers, and the workspace that is active in them."""

from dataclasses import replace
from datetime import datetime

from sayso.core.secrets import hash_of, new_secret, read_secret
from sayso.model.directoryerrors import TokenNotFound, Unauthenticated, WorkspaceNotFound
from sayso.model.json import Json
from sayso.model.workspaces import (
    Credential,
    Identity,
    JoinRules,
    PersonId,
    Principal,
    WorkspaceId,
)
from sayso.runtime.auditing import write_down
from sayso.runtime.authority import Issued, Office, load_member, must_outrank, required
from sayso.runtime.browsers import Opening, SignedIn, end_session, in_force, open_session, opening_of
from sayso.runtime.joining import Joining, person_of
from sayso.runtime.ports import Transaction


class SignIn(Office):
    """Sign-in links, browser sessions and signing in by an identity provider."""

    async def make_link(self, by: Principal, person_id: PersonId) -> Issued:
        """Make a link that signs a member in, once and soon; only who holds the database itself may.

        Raises:
            Forbidden: This principal came over the network.
            PersonNotFound: Nobody of this workspace has the id.
        """
        credential_id, text = self._ids.new("lnk"), new_secret("link", self._secrets.new())

        def unit(tx: Transaction, by: Principal, now: datetime) -> Issued:
            member = load_member(tx, by.workspace.id, person_id)
            credential = Credential(
                id=credential_id,
                kind="link",
                person_id=member.person.id,
                workspace_id=by.workspace.id,
                name="sign-in link",
                created_at=now,
                expires_at=now + self._times.link,
            )
            tx.credentials.insert(credential, hash_of(text))
            data = {"email": member.person.email, "link": credential_id}
            write_down(tx, by.workspace.id, now, by.actor, "link.created", person_id, data)
            return Issued(text=text, credential=credential)

        return await self._act(by, "make_sign_in_links", unit)

    async def by_link(self, text: str, *, agent: str = "browser", previous: str | None = None) -> SignedIn:
        """Open a browser session by a sign-in link, which ends by it.

        Args:
            text: The link's secret.
            agent: What the browser calls itself.
            previous: The session that the browser came with, if any; it ends, whosever it is.

        Raises:
            Unauthenticated: The link does not count, or nobody may sign in by it.
        """
        now, opening, secret_hash = self._clock.now(), self._opening(agent, previous), read_secret("link", text)

        def unit(tx: Transaction) -> SignedIn:
            link = None if secret_hash is None else tx.credentials.find("link", secret_hash)
            if link is None or not in_force(link, now) or not tx.credentials.end(link.id, now=now):
                raise Unauthenticated
            person = tx.directory.find_person(link.person_id)
            if person is None:
                raise Unauthenticated
            place = link.workspace_id
            return open_session(tx, person, opening, now, self._times, how="link", workspace_id=place)

        return await self._store.run(unit)

    async def by_identity(
        self, identity: Identity, rules: JoinRules, *, agent: str = "browser", previous: str | None = None
    ) -> SignedIn:
        """Open a browser session for somebody whom an identity provider has proven.

        The provider's own id of the person counts. The first time it is taken for the person with the verified address:
        one who is a member already, who is invited, or whose domain may join.

        Args:
            identity: Who the provider says that it is.
            rules: Who may join, where, and as what.
            agent: What the browser calls itself.
            previous: The session that the browser came with, if any; it ends, whosever it is.

        Raises:
            NotInvited: Nobody has given this identity a place here.
            Unauthenticated: The person is disabled, or is in no workspace any more.
        """
        now, opening = self._clock.now(), self._opening(agent, previous)
        joining = Joining(identity=identity, rules=rules, person_id=PersonId(self._ids.new("per")), now=now)

        def unit(tx: Transaction) -> SignedIn:
            person = person_of(tx, joining)
            return open_session(tx, person, opening, now, self._times, how="oidc", workspace_id=rules.workspace_id)

        return await self._store.run(unit)

    async def sign_out(self, text: str) -> bool:
        """End a browser session at once; False when there was none in force."""
        now = self._clock.now()

        def unit(tx: Transaction) -> bool:
            ended = end_session(tx, text, now)
            person = None if ended is None else tx.directory.find_person(ended.person_id)
            if ended is None or person is None:
                return False
            workspace = tx.directory.find_workspace(ended.workspace_id)
            if workspace is not None:
                by = Principal(workspace=workspace, person=person, via="ui").actor
                data = {"session": ended.id}
                write_down(tx, workspace.id, now, by, "person.signed_out", person.id, data)
            return True

        return await self._store.run(unit)

    async def switch(self, text: str, workspace_id: WorkspaceId) -> SignedIn:
        """Make another workspace active: a new session takes the old one's place, and ends when that would have.

        Raises:
            Unauthenticated: The session does not count.
            WorkspaceNotFound: There is no such workspace, or the person is not in it.
        """
        now, secret_hash = self._clock.now(), read_secret("session", text)
        opening = self._opening("browser", None)

        def unit(tx: Transaction) -> SignedIn:
            old = None if secret_hash is None else tx.credentials.find("session", secret_hash)
            person = None if old is None else tx.directory.find_person(old.person_id)
            if old is None or person is None or not in_force(old, now, self._times.session_idle):
                raise Unauthenticated
            if person.disabled_at is not None or tx.directory.find_member(old.workspace_id, person.id) is None:
                raise Unauthenticated
            if tx.directory.find_member(workspace_id, person.id) is None:
                raise WorkspaceNotFound(f"Expected a workspace {workspace_id}, but there is none.")
            if not tx.credentials.end(old.id, now=now):
                raise Unauthenticated
            return open_session(
                tx,
                person,
                replace(opening, name=old.name),
                now,
                self._times,
                how="switch",
                workspace_id=workspace_id,
                until=old.expires_at,
            )

        return await self._store.run(unit)

    async def list(self, by: Principal) -> list[Credential]:
        """Return the browser sessions of whoever asks that are in force, newest first."""
        now = self._clock.now()

        def unit(tx: Transaction, by: Principal) -> list[Credential]:
            found = [] if by.person is None else tx.credentials.of(by.person.id, "session")
            return [each for each in found if in_force(each, now, self._times.session_idle)]

        return await self._look(by, None, unit)

    async def end_all(self, by: Principal, person_id: PersonId) -> int:
        """End every session, link and token of a member in this workspace, or all of one's own; return how many.

        Raises:
            Forbidden: It is somebody else, whom this principal may not manage.
            PersonNotFound: Nobody of this workspace has the id.
        """

        def unit(tx: Transaction, by: Principal, now: datetime) -> int:
            member = load_member(tx, by.workspace.id, person_id)
            oneself = by.person is not None and by.person.id == person_id
            if not oneself:
                must_outrank(required(tx, by, "manage_people", now), member.role)
            everywhere = oneself or by.local is not None
            count = tx.credentials.end_all(person_id, now=now, workspace_id=None if everywhere else by.workspace.id)
            data = {"email": member.person.email, "count": count}
            write_down(tx, by.workspace.id, now, by.actor, "credentials.ended", person_id, data)
            return count

        return await self._act(by, None, unit)

    async def end_own(self, by: Principal, session_id: str | None = None) -> int:
        """End one browser session of one's own, or all but the one that asks; return how many.

        Args:
            by: Who asks.
            session_id: The one; without it, every other one.

        Raises:
            TokenNotFound: One's own has no session in force with the id.
        """

        def unit(tx: Transaction, by: Principal, now: datetime) -> int:
            found = [] if by.person is None else tx.credentials.of(by.person.id, "session")
            mine = [each for each in found if in_force(each, now, self._times.session_idle)]
            wanted = [each for each in mine if _is_meant(each, session_id, by)]
            count = sum(tx.credentials.end(each.id, now=now) for each in wanted)
            if by.person is None or (session_id is not None and not count):
                raise TokenNotFound(
                    f"Expected a session {session_id} of one's own in force, but there is none.",
                    hint="It has ended already: look at the list again.",
                )
            data: dict[str, Json] = {"email": by.person.email, "sessions": [each.id for each in wanted]}
            write_down(tx, by.workspace.id, now, by.actor, "sessions.ended", by.person.id, data)
            return count

        return await self._act(by, None, unit)

    def _opening(self, agent: str, previous: str | None) -> Opening:
        return opening_of(self._ids, self._secrets, agent, previous)


def _is_meant(session: Credential, wanted: str | None, by: Principal) -> bool:
    return session.id != by.credential_id if wanted is None else session.id == wanted
