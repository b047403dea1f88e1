"""The whole service in this process: the application, a worker, and clients that speak HTTP to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from sayso import Agent, SqliteDb, Worker, Workflow, tool, web
from sayso.api.v1 import router
from sayso.app.service import Parts, compose
from sayso.model.workspaces import DEFAULT_WORKSPACE, Principal, Role, Scope
from sayso.server.application import create_app
from sayso.server.service import Service
from sayso.testing import FakeClock, ScriptedModel, call
from sayso.workflow import HumanReview, Step

TURNS: tuple[Any, ...] = (call("pay", amount=5), "All paid.")


class Served:
    """One service, with what the tests need to know of it.

    Args:
        db: The database.
        service: The composed service.
        paid: What the tool has done.
    """

    def __init__(self, db: SqliteDb, service: Service, paid: list[Any]) -> None:
        self.db = db
        self.service = service
        self.paid = paid
        self.app = create_app(service, [router, web.router], refused=web.refused)
        self.local: Principal | None = None

    async def root(self) -> Principal:
        if self.local is None:
            self.local = await self.service.directory.local("root")
        return self.local

    async def agent_id(self, name: str = "desk") -> str:
        page = await self.service.registry.list_agents(DEFAULT_WORKSPACE, limit=100)
        return next(agent.id for agent in page.items if agent.name == name)

    async def key(self, *scopes: Scope, name: str = "key") -> str:
        """Make a key and return its text; without scopes, for the agent `desk`."""
        wanted = scopes or (Scope(agent_id=await self.agent_id()),)
        issued = await self.service.directory.keys.create(await self.root(), name=name, scopes=wanted)
        return issued.text

    async def token(self, role: Role, email: str | None = None) -> str:
        """Add a person with a role, and return a token of theirs."""
        root, directory = await self.root(), self.service.directory
        address = email or f"{role}@example.com"
        member = await directory.people.find(root, address) or await directory.people.add(
            root, email=address, role=role
        )
        link = await directory.sign_in.make_link(root, member.person.id)
        signed = await directory.sign_in.by_link(link.text)
        return (await directory.tokens.create(signed.principal, name="test")).text

    def client(self, *, key: str | None = None, token: str | None = None) -> httpx.AsyncClient:
        headers = {} if key is None else {"X-API-Key": key}
        headers |= {} if token is None else {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers, timeout=30)


def desk(db: SqliteDb, paid: list[Any], *turns: Any, **options: Any) -> Agent:
    @tool(requires_confirmation=True, summary="Pay {amount}")
    def pay(amount: float) -> str:
        """Pay."""
        paid.append(amount)
        return f"paid {amount:g}"

    return Agent("desk", model=ScriptedModel(list(turns or TURNS)), tools=[pay], db=db, **options)


def flow(db: SqliteDb) -> Workflow:
    review = HumanReview(requires_confirmation=True)
    steps = [Step("first", lambda given: f"did {given.input}"), Step("second", _content, human_review=review)]
    return Workflow("flow", steps=steps, db=db)


def _content(given: Any) -> Any:
    return given.previous_step_content


@asynccontextmanager
async def served(
    folder: Path, *turns: Any, worker: bool = True, clock: FakeClock | None = None, **options: Any
) -> AsyncIterator[Served]:
    """Serve an agent `desk` (which asks before it pays) and a workflow `flow`."""
    paid: list[Any] = []
    with SqliteDb(folder / "sayso.db", synchronous="NORMAL", clock=clock) as db:
        programs = [desk(db, paid, *turns, **options), flow(db)]
        service = await compose(Parts(db=db, programs=programs))
        stop = asyncio.Event()
        working = asyncio.create_task(Worker(db, programs).serve(stop)) if worker else None
        try:
            yield Served(db, service, paid)
        finally:
            service.stopping.set()
            stop.set()
            service.news.close()
            if working is not None:
                await working
