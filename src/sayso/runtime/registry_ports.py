"""What the runtime needs of a store for the registry: agents, versions and triggers as rows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from sayso.model.ids import RunId
from sayso.model.registry import AgentId, AgentPage, AgentRecord, Names, Trigger, TriggerId, VersionId, VersionRecord
from sayso.model.workspaces import WorkspaceId


class RegistryRows(Protocol):
    """The rows of agents, versions and triggers."""

    def insert_agent(self, agent: AgentRecord) -> None:
        """Add an agent."""
        ...

    def update_agent(self, agent: AgentRecord) -> None:
        """Write an agent's name, mode, deployed version, block and time of change."""
        ...

    def delete_agent(self, agent_id: AgentId) -> None:
        """Remove an agent with its versions and triggers."""
        ...

    def find_agent(self, workspace_id: WorkspaceId, agent_id: AgentId) -> AgentRecord | None:
        """Return an agent of a workspace."""
        ...

    def find_named(self, workspace_id: WorkspaceId, name: str) -> AgentRecord | None:
        """Return the agent of a workspace that has this name."""
        ...

    def list_agents(self, workspace_id: WorkspaceId, *, limit: int, skip: int) -> AgentPage:
        """Return one page of a workspace's agents, by name."""
        ...

    def list_workflows(self, workspace_id: WorkspaceId) -> list[AgentRecord]:
        """Return the workflows of a workspace, by name."""
        ...

    def names(self, workspace_id: WorkspaceId, version_ids: Iterable[str]) -> Names:
        """Return what programs, triggers and some versions are called in a workspace."""
        ...

    def has_open_runs(self, agent: AgentRecord) -> bool:
        """Tell whether a run of the agent has not ended."""
        ...

    def insert_version(self, version: VersionRecord) -> None:
        """Add a version."""
        ...

    def update_version(self, version: VersionRecord) -> None:
        """Write a version's label, body, digest and time of change."""
        ...

    def delete_version(self, version_id: VersionId) -> None:
        """Remove a version."""
        ...

    def list_versions(self, agent_id: AgentId) -> list[VersionRecord]:
        """Return an agent's versions, the newest first."""
        ...

    def find_version(self, agent_id: AgentId, version_id: VersionId) -> VersionRecord | None:
        """Return a version of an agent."""
        ...

    def insert_trigger(self, trigger: Trigger) -> None:
        """Add a trigger."""
        ...

    def update_trigger(self, trigger: Trigger) -> None:
        """Write what may change of a trigger."""
        ...

    def delete_trigger(self, trigger_id: TriggerId) -> None:
        """Remove a trigger."""
        ...

    def list_triggers(self, agent_id: AgentId) -> list[Trigger]:
        """Return an agent's triggers, by name."""
        ...

    def find_trigger(self, trigger_id: TriggerId) -> Trigger | None:
        """Return a trigger of any agent, or None."""
        ...

    def ready_runs(self, *, now: datetime, limit: int) -> list[RunId]:
        """Return runs of agents made as data whose `ready_at` has come, the longest waiting first."""
        ...

    def next_ready_at(self) -> datetime | None:
        """Return when the next run of agents made as data becomes ready."""
        ...
