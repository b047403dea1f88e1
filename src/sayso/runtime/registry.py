"""The registry: agents, versions and triggers as data, and starting runs of them.

Each act is one transaction that also writes down who did it; the rules are in runtime/agents.py, runtime/versions.py
and runtime/triggers.py, what a version may be in core/versions.py.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sayso.core.versions import look_at_schemas
from sayso.model.actors import Actor
from sayso.model.agents import AgentMode
from sayso.model.json import Json
from sayso.model.registry import (
    AgentId,
    AgentRecord,
    ApiTriggerSettings,
    SavedVersion,
    Trigger,
    TriggerId,
    VersionId,
)
from sayso.model.workspaces import WorkspaceId
from sayso.programs.agent.definition import AgentDefinition
from sayso.programs.workflow.definition import WorkflowDefinition
from sayso.runtime import agents, starting, triggers, versions
from sayso.runtime.adopting import adopt, loaded
from sayso.runtime.agents import AgentChange
from sayso.runtime.door import Runtime
from sayso.runtime.ports import Secrets, Transaction
from sayso.runtime.registryreading import RegistryReader
from sayso.runtime.secrecy import NO_SECRETS
from sayso.runtime.starting import Begin, BeginWorkflow
from sayso.runtime.triggers import TriggerChange
from sayso.runtime.units import Claimed, Start
from sayso.runtime.versions import Deployment, VersionChange

_PREFIX = {"code": "agt", "workflow": "wfl"}


class Registry(RegistryReader):
    """Agents, versions and triggers of every workspace; what belongs to another one is not found.

    Args:
        store: The database.
        clock: The time.
        ids: New ids.
        workspace: Loads a workspace, or raises; called inside transactions.
        operations: Returns the names of the operations that exist in this process.
    """

    # -- agents ------------------------------------------------------------------------------------------

    async def create_agent(
        self, workspace_id: WorkspaceId, *, name: str, mode: AgentMode = "hitl", by: Actor
    ) -> AgentRecord:
        """Add an agent, with nothing deployed.

        Raises:
            InvalidAgent: Its name or mode does not fit.
            DuplicateName: Another agent of the workspace has the name.
            WorkspaceLimited: The workspace has as many agents as it may have.
        """
        act, agent_id = self._act(workspace_id, by), AgentId(self._ids.new("agt"))
        agent = AgentRecord(
            id=agent_id,
            workspace_id=workspace_id,
            name=name,
            mode=mode,
            origin="data",
            program=agent_id,
            created_at=act.now,
            updated_at=act.now,
        )
        return await self._store.run(lambda tx: agents.create(tx, act, self._ground, agent))

    async def edit_agent(
        self, workspace_id: WorkspaceId, agent_id: AgentId, change: AgentChange, *, by: Actor
    ) -> AgentRecord:
        """Rename an agent, or change its mode; runs that have started keep theirs.

        Raises:
            AgentNotFound: There is none of this id in this workspace.
            AgentIsCode, ChangedMeanwhile, InvalidAgent, DuplicateName: The agent stays as it is.
            PauseRulesPresent: It would be a Request agent with rules that pause.
            TriggersPresent: It would be a sub-agent with triggers.
            InvalidVersion: It would be a sub-agent whose deployed version has no description.
        """
        act = self._act(workspace_id, by)
        return await self._store.run(lambda tx: agents.edit(tx, act, agent_id, change))

    async def delete_agent(self, workspace_id: WorkspaceId, agent_id: AgentId, *, by: Actor) -> None:
        """Remove an agent with its testing versions and its triggers.

        Raises:
            AgentNotFound: There is none of this id in this workspace.
            VersionDeployed: A version is deployed; retract it first.
            AgentHasOpenSessions: A run of it has not ended.
        """
        act = self._act(workspace_id, by)
        await self._store.run(lambda tx: agents.delete(tx, act, agent_id))

    async def block(
        self, workspace_id: WorkspaceId, agent_id: AgentId, *, reason: str, note: str | None = None, by: Actor
    ) -> AgentRecord:
        """Let no run of an agent start until somebody unblocks it; what runs goes on.

        Raises:
            AgentNotFound: There is none of this id in this workspace.
            InvalidAgent: There is no reason.
        """
        act = self._act(workspace_id, by)
        return await self._store.run(lambda tx: agents.block(tx, act, agent_id, reason, note))

    async def unblock(self, workspace_id: WorkspaceId, agent_id: AgentId, *, note: str, by: Actor) -> AgentRecord:
        """Let runs of an agent start again.

        Raises:
            AgentNotFound: There is none of this id in this workspace.
            InvalidAgent: There is no note.
        """
        act = self._act(workspace_id, by)
        return await self._store.run(lambda tx: agents.unblock(tx, act, agent_id, note))

    async def adopt(
        self,
        definitions: Sequence[AgentDefinition | WorkflowDefinition],
        *,
        workspace_id: WorkspaceId,
        by: Actor,
        secrets: Secrets = NO_SECRETS,
    ) -> list[AgentRecord]:
        """Register agents and workflows loaded from code, all or none: each is deployed as the code says it.

        Changed code makes a new version (`code`, `code-2`, ...), unchanged code none. What is kept to be shown has
        these secrets masked; runs take what the code says.

        Raises:
            DuplicateName: Something else in the workspace has the name of one of them.
            TriggersPresent: One has become a sub-agent, but has triggers.
        """
        act = replace(self._act(workspace_id, by), secrets=secrets)
        said = [loaded(item) for item in definitions]
        named = [
            (item, (AgentId(self._ids.new(_PREFIX[item.origin])), VersionId(self._ids.new("ver")))) for item in said
        ]
        return await self._store.run(lambda tx: [adopt(tx, act, item, ids) for item, ids in named])

    # -- versions ----------------------------------------------------------------------------------------

    async def create_version(
        self, workspace_id: WorkspaceId, agent_id: AgentId, data: Mapping[str, Json], *, by: Actor
    ) -> SavedVersion:
        """Save a new testing version, from its wire form.

        Raises:
            AgentNotFound: There is none of this id in this workspace.
            AgentIsCode: Code alone writes the agent's versions.
            InvalidVersion: It has problems; nothing was saved.
            DuplicateLabel: The label is taken.
        """
        await asyncio.to_thread(look_at_schemas, data)
        act, version_id = self._act(workspace_id, by), VersionId(self._ids.new("ver"))
        return await self._store.run(lambda tx: versions.create(tx, act, self._ground, agent_id, version_id, data))

    async def clone_version(
        self, workspace_id: WorkspaceId, agent_id: AgentId, source: VersionId, *, label: str, by: Actor
    ) -> SavedVersion:
        """Save a copy of a version, as a testing version under another label.

        Raises:
            VersionNotFound: The agent has no such version.
            SaysoError: See `create_version`.
        """
        act, new = self._act(workspace_id, by), VersionId(self._ids.new("ver"))
        return await self._store.run(lambda tx: versions.clone(tx, act, self._ground, source, agent_id, new, label))

    async def edit_version(
        self, workspace_id: WorkspaceId, agent_id: AgentId, version_id: VersionId, change: VersionChange, *, by: Actor
    ) -> SavedVersion:
        """Change fields of a testing version.

        Raises:
            VersionNotFound: The agent has no such version.
            VersionDeployed: It is deployed.
            ChangedMeanwhile: Somebody was faster.
            SaysoError: See `create_version`.
        """
        await asyncio.to_thread(look_at_schemas, change.changes)
        act = self._act(workspace_id, by)
        return await self._store.run(lambda tx: versions.edit(tx, act, self._ground, agent_id, version_id, change))

    async def delete_version(
        self, workspace_id: WorkspaceId, agent_id: AgentId, version_id: VersionId, *, by: Actor
    ) -> None:
        """Remove a testing version; runs that have started with it keep what they have frozen.

        Raises:
            VersionNotFound: The agent has no such version.
            VersionDeployed: It is deployed.
            AgentIsCode: Code alone writes the agent's versions.
        """
        act = self._act(workspace_id, by)
        await self._store.run(lambda tx: versions.delete(tx, act, agent_id, version_id))

    async def deploy(
        self,
        workspace_id: WorkspaceId,
        agent_id: AgentId,
        version_id: VersionId,
        *,
        expected: str | None = None,
        by: Actor,
    ) -> AgentRecord:
        """Make a version the one that triggers and the API start; what was deployed is testing again.

        Args:
            workspace_id: The workspace.
            agent_id: The agent.
            version_id: The version.
            expected: The digest of what whoever deploys has seen; another one refuses.
            by: Who deploys.

        Raises:
            VersionNotFound: The agent has no such version.
            ChangedMeanwhile: The version is not what was seen.
            InvalidVersion: What it names is gone, or does not fit the agent's mode any more.
            NotSupportedYet: It relies on something that this release does not carry out.
            AgentIsCode: It is an older version of an agent loaded from code.
        """
        act, wanted = self._act(workspace_id, by), Deployment(version_id=version_id, expected=expected)
        return await self._store.run(lambda tx: versions.deploy(tx, act, self._ground, agent_id, wanted))

    async def rollback(
        self, workspace_id: WorkspaceId, agent_id: AgentId, version_id: VersionId, *, by: Actor
    ) -> AgentRecord:
        """Deploy an older version; told as a rollback in the audit log.

        Raises:
            SaysoError: See `deploy`.
        """
        act = self._act(workspace_id, by)
        wanted = Deployment(version_id=version_id, action="version.rolled_back")
        return await self._store.run(lambda tx: versions.deploy(tx, act, self._ground, agent_id, wanted))

    async def retract(self, workspace_id: WorkspaceId, agent_id: AgentId, *, by: Actor) -> AgentRecord:
        """Leave an agent without a deployed version; nothing is deleted, and what runs goes on.

        Raises:
            AgentNotFound: There is none of this id in this workspace.
            NoDeployedVersion: Nothing is deployed.
        """
        act = self._act(workspace_id, by)
        return await self._store.run(lambda tx: versions.retract(tx, act, agent_id))

    # -- triggers ----------------------------------------------------------------------------------------

    async def create_trigger(
        self, workspace_id: WorkspaceId, agent_id: AgentId, given: TriggerChange, *, by: Actor
    ) -> Trigger:
        """Add an API trigger to an agent; it is active, and exposes the timeline, unless told otherwise.

        Raises:
            AgentNotFound: There is none of this id in this workspace.
            SubAgentNotStartable: The agent is started by its parents alone.
            ApiTriggerExists: It has one already.
            DuplicateName: Another trigger of the agent has the name.
            InvalidTrigger: The name or a setting does not fit.
        """
        act = self._act(workspace_id, by)
        fresh = Trigger(
            id=TriggerId(self._ids.new("trg")),
            agent_id=agent_id,
            name="",
            settings=ApiTriggerSettings(),
            created_at=act.now,
            updated_at=act.now,
        )
        return await self._store.run(lambda tx: triggers.create(tx, act, agent_id, fresh, given))

    async def edit_trigger(
        self, workspace_id: WorkspaceId, agent_id: AgentId, trigger_id: TriggerId, given: TriggerChange, *, by: Actor
    ) -> Trigger:
        """Change a trigger's name, switch or settings.

        Raises:
            TriggerNotFound: The agent has no such trigger.
            DuplicateName: Another trigger of the agent has the name.
            InvalidTrigger: The name or a setting does not fit.
        """
        act = self._act(workspace_id, by)
        return await self._store.run(lambda tx: triggers.edit(tx, act, agent_id, trigger_id, given))

    async def delete_trigger(
        self, workspace_id: WorkspaceId, agent_id: AgentId, trigger_id: TriggerId, *, by: Actor
    ) -> None:
        """Remove a trigger.

        Raises:
            TriggerNotFound: The agent has no such trigger.
        """
        act = self._act(workspace_id, by)
        await self._store.run(lambda tx: triggers.delete(tx, act, agent_id, trigger_id))

    # -- starting ----------------------------------------------------------------------------------------

    async def plan(
        self, runtime: Runtime, command: Begin, *, also: Callable[[Transaction], None] | None = None
    ) -> Start:
        """Return the command that creates a run of an agent, for a transaction of its caller's.

        Args:
            runtime: The door.
            command: The run.
            also: Looked at in the transaction of the start, e.g. a trigger's limits; raises to refuse.

        Raises:
            InvalidInput: The input does not fit the version's schema; no run was started.
            SaysoError: See `startable`; when the command is carried out, also what `also` raises.
        """
        await runtime.open()
        found = await self.startable(command.wanted)
        return await starting.plan(runtime, self._ground, found, command, also)

    async def plan_workflow(self, runtime: Runtime, name: str, command: BeginWorkflow) -> Start:
        """Return the command that creates a run of a workflow, for a transaction of its caller's.

        Raises:
            WorkflowNotFound: There is none of this name in this workspace.
            WorkspaceSuspended: No run starts in the workspace; looked at once more when the command is carried out.
        """
        await runtime.open()
        found = await self.load_workflow(command.workspace_id, name)
        return starting.plan_workflow(runtime, self._ground, found, command)

    async def start(
        self, runtime: Runtime, command: Begin, *, also: Callable[[Transaction], None] | None = None
    ) -> Claimed:
        """Create a run of an agent, durably; see `plan`."""
        return await runtime.begin(await self.plan(runtime, command, also=also), hold=command.hold)
