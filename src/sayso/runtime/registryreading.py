"""What may be read of the registry without changing anything."""

from collections.abc import Callable, Collection, Iterable

from sayso.model.actors import Actor
from sayso.model.registry import (
    AgentId,
    AgentPage,
    AgentRecord,
    Names,
    Startable,
    Trigger,
    TriggerId,
    VersionId,
    VersionRecord,
)
from sayso.model.workspaces import Workspace, WorkspaceId
from sayso.runtime import agents, starting, triggers, versions
from sayso.runtime.agents import Act, Ground
from sayso.runtime.ports import Clock, Ids, Store, Transaction
from sayso.runtime.starting import Wanted


class RegistryReader:
    """Reads agents, versions and triggers; what belongs to another workspace is not found.

    Args:
        store: The database.
        clock: The time.
        ids: New ids.
        workspace: Loads a workspace, or raises; called inside transactions.
        operations: Returns the names of the operations that exist in this process.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        ids: Ids,
        workspace: Callable[[Transaction, WorkspaceId], Workspace],
        operations: Callable[[], Collection[str]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._ground = Ground(workspace=workspace, operations=operations)

    async def load_agent(self, workspace_id: WorkspaceId, agent_id: AgentId) -> AgentRecord:
        """Return an agent.

        Raises:
            AgentNotFound: There is none of this id in this workspace.
        """
        return await self._store.read(lambda tx: agents.agent_of(tx, workspace_id, agent_id))

    async def find_agent(self, workspace_id: WorkspaceId, agent_id: AgentId) -> AgentRecord | None:
        """Return an agent, or None."""
        return await self._store.read(lambda tx: tx.registry.find_agent(workspace_id, agent_id))

    async def list_agents(self, workspace_id: WorkspaceId, *, limit: int = 20, skip: int = 0) -> AgentPage:
        """Return one page of a workspace's agents, by name."""
        return await self._store.read(lambda tx: tx.registry.list_agents(workspace_id, limit=limit, skip=skip))

    async def names(self, workspace_id: WorkspaceId, version_ids: Iterable[str] = ()) -> Names:
        """Return what programs, triggers and some versions are called in a workspace."""
        return await self._store.read(lambda tx: tx.registry.names(workspace_id, version_ids))

    async def list_workflows(self, workspace_id: WorkspaceId) -> list[AgentRecord]:
        """Return the workflows of a workspace that code has registered, by name."""
        return await self._store.read(lambda tx: tx.registry.list_workflows(workspace_id))

    async def load_workflow(self, workspace_id: WorkspaceId, name: str) -> AgentRecord:
        """Return a workflow by its name or its id.

        Raises:
            WorkflowNotFound: There is none in this workspace.
        """
        return await self._store.read(lambda tx: starting.workflow_of(tx, workspace_id, name))

    async def load_version(self, workspace_id: WorkspaceId, agent_id: AgentId, version_id: VersionId) -> VersionRecord:
        """Return a version of an agent.

        Raises:
            AgentNotFound: There is none of this id in this workspace.
            VersionNotFound: The agent has no such version.
        """
        return await self._store.read(
            lambda tx: versions.version_of_agent(tx, agents.agent_of(tx, workspace_id, agent_id), version_id)
        )

    async def list_versions(self, workspace_id: WorkspaceId, agent_id: AgentId) -> list[VersionRecord]:
        """Return an agent's versions, the newest first.

        Raises:
            AgentNotFound: There is none of this id in this workspace.
        """
        return await self._store.read(
            lambda tx: tx.registry.list_versions(agents.agent_of(tx, workspace_id, agent_id).id)
        )

    async def load_trigger(self, workspace_id: WorkspaceId, agent_id: AgentId, trigger_id: TriggerId) -> Trigger:
        """Return a trigger of an agent.

        Raises:
            AgentNotFound: There is none of this id in this workspace.
            TriggerNotFound: The agent has no such trigger.
        """
        return await self._store.read(
            lambda tx: triggers.trigger_of(tx, agents.agent_of(tx, workspace_id, agent_id), trigger_id)
        )

    async def list_triggers(self, workspace_id: WorkspaceId, agent_id: AgentId) -> list[Trigger]:
        """Return an agent's triggers, by name.

        Raises:
            AgentNotFound: There is none of this id in this workspace.
        """
        return await self._store.read(
            lambda tx: tx.registry.list_triggers(agents.agent_of(tx, workspace_id, agent_id).id)
        )

    async def startable(self, wanted: Wanted) -> Startable:
        """Return what a run starts with: program, version with the stricter limits, version id and label, mode.

        Raises:
            AgentNotFound, TriggerNotFound, VersionNotFound: There is none of this id in this workspace.
            WorkspaceSuspended, AgentBlocked, TriggerInactive, SubAgentNotStartable, NoDeployedVersion: None starts.
            NotSupportedYet: The version relies on something that this release does not carry out.
        """
        return await self._store.read(lambda tx: starting.startable(tx, self._ground, wanted))

    def _act(self, workspace_id: WorkspaceId, by: Actor) -> Act:
        return Act(workspace_id=workspace_id, by=by, now=self._clock.now())
