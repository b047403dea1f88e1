"""People, keys and tokens of a file: acts of the machine's own user, in one workspace."""

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sayso.cli.desk import changed
from sayso.cli.local.bench import Bench
from sayso.model.directoryerrors import PersonNotFound
from sayso.model.workspaces import (
    DEFAULT_WORKSPACE,
    ApiKey,
    Credential,
    Invitation,
    KeyId,
    Member,
    Person,
    PersonId,
    Principal,
    Role,
    Scope,
    WorkspaceId,
)
from sayso.runtime.directory import Directory

T = TypeVar("T")
Work = Callable[[Directory, Principal], Coroutine[Any, Any, T]]


class _Office:
    def __init__(self, bench: Bench, workspace: str | None) -> None:
        self._bench = bench
        self._workspace = DEFAULT_WORKSPACE if workspace is None else WorkspaceId(workspace)

    def _do(self, work: Work[T]) -> T:
        directory = self._bench.db.directory

        async def both() -> T:
            return await work(directory, await directory.local(self._bench.settings.user, self._workspace))

        return self._bench.do(both())


async def _member(directory: Directory, by: Principal, email: str) -> Member:
    """Return the member with an address.

    Raises:
        PersonNotFound: There is none.
    """
    found = await directory.people.find(by, email)
    if found is None:
        raise PersonNotFound(f"Expected a member {email}, but there is none.")
    return found


class FilePeople(_Office):
    """See `cli.desk.People`."""

    def members(self) -> Sequence[Member]:
        """See the port."""
        return self._do(lambda directory, by: directory.people.list(by))

    def invitations(self) -> Sequence[Invitation]:
        """See the port."""
        return self._do(lambda directory, by: directory.invitations.list(by))

    def add(self, email: str, role: Role, name: str | None) -> Member:
        """See the port."""
        return self._do(lambda directory, by: directory.people.add(by, email=email, role=role, name=name))

    def change_role(self, email: str, role: Role) -> Member:
        """See the port."""
        return self._acted(email, lambda directory, by, one: directory.people.change_role(by, one, role))

    def remove(self, email: str) -> Member:
        """See the port."""
        return self._acted(email, lambda directory, by, one: directory.people.remove(by, one))

    def disable(self, email: str) -> Member:
        """See the port."""
        return self._acted(email, lambda directory, by, one: directory.people.disable(by, one))

    def enable(self, email: str) -> Member:
        """See the port."""
        return self._acted(email, lambda directory, by, one: directory.people.enable(by, one))

    def invite(self, email: str, role: Role, lasts: timedelta | None) -> tuple[Invitation, str]:
        """See the port."""
        made = self._do(
            lambda directory, by: directory.invitations.create(by, email=email, role=role, expires_in=lasts)
        )
        return made.invitation, made.text

    def uninvite(self, invitation_id: str) -> None:
        """See the port."""
        self._do(lambda directory, by: directory.invitations.revoke(by, invitation_id))

    def link(self, email: str) -> tuple[Credential, str]:
        """See the port."""

        async def work(directory: Directory, by: Principal) -> tuple[Credential, str]:
            member = await _member(directory, by, email)
            made = await directory.sign_in.make_link(by, member.person.id)
            return made.credential, made.text

        return self._do(work)

    def _acted(
        self,
        email: str,
        act: Callable[[Directory, Principal, PersonId], Coroutine[Any, Any, Member | Person | None]],
    ) -> Member:
        async def work(directory: Directory, by: Principal) -> Member:
            member = await _member(directory, by, email)
            return changed(member, await act(directory, by, member.person.id))

        return self._do(work)


class FileKeys(_Office):
    """See `cli.desk.Keys`."""

    def list(self) -> Sequence[ApiKey]:
        """See the port."""
        return self._do(lambda directory, by: directory.keys.list(by))

    def create(self, name: str, scopes: Sequence[Scope], ends: datetime | None) -> tuple[ApiKey, str]:
        """See the port."""
        made = self._do(
            lambda directory, by: directory.keys.create(by, name=name, scopes=list(scopes), expires_at=ends)
        )
        return made.key, made.text

    def revoke(self, key_id: str) -> None:
        """See the port."""
        self._do(lambda directory, by: directory.keys.revoke(by, KeyId(key_id)))


class FileTokens(_Office):
    """See `cli.desk.Tokens`."""

    def list(self, email: str) -> Sequence[Credential]:
        """See the port."""

        async def work(directory: Directory, by: Principal) -> Sequence[Credential]:
            return await directory.tokens.list(by, (await _member(directory, by, email)).person.id)

        return self._do(work)

    def create(self, email: str, name: str, lasts: timedelta | None) -> tuple[Credential, str]:
        """See the port."""

        async def work(directory: Directory, by: Principal) -> tuple[Credential, str]:
            member = await _member(directory, by, email)
            made = await directory.tokens.create(by, name=name, expires_in=lasts, person_id=member.person.id)
            return made.credential, made.text

        return self._do(work)

    def revoke(self, token_id: str) -> None:
        """See the port."""
        self._do(lambda directory, by: directory.tokens.revoke(by, token_id))
