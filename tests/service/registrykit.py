"""A registry on a real file, with two workspaces, some operations and a scripted model."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from sayso import SqliteDb, tool
from sayso.app.dataagents import DataAgents, ModelClients
from sayso.model.actors import Actor
from sayso.model.errors import NotFound
from sayso.model.registry import AgentRecord, VersionRecord
from sayso.model.workspaces import DEFAULT_WORKSPACE, Workspace, WorkspaceId, WorkspaceLimits, WorkspaceSettings
from sayso.programs.agent.operations import Operations
from sayso.runtime.ports import Transaction
from sayso.runtime.registry import Registry
from sayso.testing import CountingIds, FakeClock, ScriptedModel, call

ANA = Actor(type="user", id="ana@example.com", via="api")
HERE, THERE = DEFAULT_WORKSPACE, WorkspaceId("wsp_there")


@tool(requires_confirmation=True)
def refund(order: str, amount: float) -> str:
    """Pay money back."""
    return f"refunded {amount} for {order}"


@tool(effect="read")
def look(order: str) -> str:
    """Look an order up."""
    return f"order {order} is paid"


class House:
    """What the tests of the registry need."""

    def __init__(self, folder: Path, *, clock: Any = None) -> None:
        self.clock = clock or FakeClock()
        self.db = SqliteDb(folder / "sayso.db", clock=self.clock, ids=CountingIds())
        self.operations = Operations([refund, look])
        self.model = ScriptedModel([call("refund", order="o-1", amount=5), "done"], name="stub:refunds")
        self.clients = ModelClients({"stub:refunds": self.model})
        self.workspaces = {name: self._workspace(name) for name in (HERE, THERE)}
        self.runtime = self.db.runtime
        self.runtime.resolve_with(DataAgents(self.operations, self.clients))
        self.registry = Registry(
            self.runtime.store,
            clock=self.clock,
            ids=CountingIds(),
            workspace=self._found,
            operations=self.operations.names,
        )

    def _workspace(self, name: WorkspaceId) -> Workspace:
        return Workspace(id=name, name=name, created_at=self.clock.now(), updated_at=self.clock.now())

    def _found(self, tx: Transaction, name: WorkspaceId) -> Workspace:
        del tx
        if name not in self.workspaces:
            raise NotFound(f"Expected a workspace {name}, but there is none.")
        return self.workspaces[name]

    def suspend(self) -> None:
        self.workspaces[HERE] = replace(self.workspaces[HERE], status="suspended")

    def limit(self, **limits: Any) -> None:
        settings = WorkspaceSettings(limits=WorkspaceLimits(**limits))
        self.workspaces[HERE] = replace(self.workspaces[HERE], settings=settings)

    # -- short ways ----------------------------------------------------------------------------------------

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        self.clock.advance(1)
        return asyncio.run(work)

    def agent(self, name: str = "refunds", mode: Any = "hitl", workspace: WorkspaceId = HERE) -> AgentRecord:
        return self.do(self.registry.create_agent(workspace, name=name, mode=mode, by=ANA))

    def version(self, agent: AgentRecord, label: str = "v1", **fields: Any) -> VersionRecord:
        return self.saved(agent, versionLabel=label, **fields).version

    def saved(self, agent: AgentRecord, **fields: Any) -> Any:
        given = {"versionLabel": "v1", "llmModel": "stub:refunds", **fields}
        return self.do(self.registry.create_version(agent.workspace_id, agent.id, given, by=ANA))

    def deploy(self, agent: AgentRecord, version: VersionRecord) -> AgentRecord:
        return self.do(self.registry.deploy(agent.workspace_id, agent.id, version.id, by=ANA))

    def live(self, name: str = "refunds", mode: Any = "hitl", **fields: Any) -> AgentRecord:
        """Return an agent with a deployed version."""
        agent = self.agent(name, mode)
        if mode == "sub_agent":
            fields = {"description": "Works for others.", **fields}
        return self.deploy(agent, self.version(agent, **fields))

    def load(self, agent: AgentRecord) -> AgentRecord:
        return self.do(self.registry.load_agent(agent.workspace_id, agent.id))

    def audit(self, workspace: WorkspaceId = HERE) -> list[Any]:
        return asyncio.run(self.runtime.store.read(lambda tx: tx.audit.list(workspace, after=0, limit=1000)))

    def actions(self) -> list[str]:
        return [row.action for row in self.audit()]
