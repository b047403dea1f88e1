"""A database with people in it, for the tests of the directory."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sayso.model.audit import AuditRow
from sayso.model.workspaces import DEFAULT_WORKSPACE, Member, Principal, Role, WorkspaceId
from sayso.runtime.browsers import SignedIn
from sayso.runtime.directory import Directory
from sayso.stores.sqlite import SqliteStore
from sayso.testing import CountingIds, CountingSecrets, FakeClock

T = TypeVar("T")


class World:
    """A directory over a file, with a clock that stands still."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = SqliteStore(str(path))
        self.clock = FakeClock()
        self.directory = Directory(self.store, clock=self.clock, ids=CountingIds(), secrets=CountingSecrets())
        self.local = self.do(self.directory.local("root"))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    def add(self, email: str, role: Role, *, by: Principal | None = None) -> Member:
        return self.do(self.directory.people.add(by or self.local, email=email, role=role))

    def signed_in(self, email: str, *, previous: str | None = None) -> SignedIn:
        """Sign a member of the default workspace in by a link."""
        member = self.do(self.directory.people.find(self.local, email))
        assert member is not None
        link = self.do(self.directory.sign_in.make_link(self.local, member.person.id))
        return self.do(self.directory.sign_in.by_link(link.text, previous=previous))

    def person(self, role: Role, email: str | None = None) -> Principal:
        """Add somebody with a role, and return them signed in."""
        address = email or f"{role}@example.com"
        self.add(address, role)
        return self.signed_in(address).principal

    def audit(self, workspace_id: WorkspaceId = DEFAULT_WORKSPACE) -> list[AuditRow]:
        return self.do(self.store.read(lambda tx: tx.audit.list(workspace_id, after=0, limit=10_000)))

    def actions(self, workspace_id: WorkspaceId = DEFAULT_WORKSPACE) -> list[str]:
        return [row.action for row in self.audit(workspace_id)]


@contextmanager
def world_at(path: Path) -> Iterator[World]:
    world = World(path)
    try:
        yield world
    finally:
        world.store.close()
