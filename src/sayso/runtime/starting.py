"""Starting runs of the registry's agents: what may start, and with what.

What was looked up before a start is looked at again in the transaction of the start, so that no run begins of what was
blocked, retracted, deleted or suspended meanwhile.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sayso.core.codec import to_json
from sayso.core.schemas import problems
from sayso.core.versions import stricter, version_of
from sayso.model.ids import RunId, SessionId
from sayso.model.json import Json
from sayso.model.registry import AgentId, AgentRecord, Startable, TriggerId, VersionId, VersionRecord
from sayso.model.registryerrors import (
    AgentBlocked,
    InvalidInput,
    NoDeployedVersion,
    SubAgentNotStartable,
    TriggerInactive,
    WorkspaceSuspended,
)
from sayso.model.requesterrors import WorkflowNotFound
from sayso.model.runs import Origin
from sayso.model.workspaces import Workspace, WorkspaceId
from sayso.runtime.agents import Ground, agent_of
from sayso.runtime.door import Runtime
from sayso.runtime.ports import Transaction
from sayso.runtime.triggers import trigger_of
from sayso.runtime.units import Start
from sayso.runtime.versions import refuse_unsupported, version_of_agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which agent is to be started, and in which way."""

    workspace_id: WorkspaceId
    agent_id: AgentId
    test_version: VersionId | None = None
    """The version of a test run; otherwise the deployed one starts."""
    trigger_id: TriggerId | None = None
    """The trigger that starts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A run to be begun."""

    wanted: Wanted
    input: Json = None
    trigger_type: str | None = None
    """`api`, `manual`, `test_run`, `scheduled` or `event`."""
    started_by: str | None = None
    """The person or key that starts it."""
    user_id: str | None = None
    """Whose session it is."""
    session_id: SessionId | None = None
    run_id: RunId | None = None
    hold: bool = False
    """Whether this process advances the run itself; otherwise any worker may claim it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginWorkflow:
    """A run of a workflow to be begun."""

    workspace_id: WorkspaceId
    started: dict[str, Any]
    """What the run starts with, as the workflow has checked it."""
    trigger_type: str
    started_by: str
    user_id: str | None = None
    session_id: SessionId | None = None
    run_id: RunId | None = None


def workflow_of(tx: Transaction, workspace_id: WorkspaceId, name: str) -> AgentRecord:
    """Return a workflow by its name or its id.

    Raises:
        WorkflowNotFound: There is none in this workspace.
    """
    found = tx.registry.find_named(workspace_id, name) or tx.registry.find_agent(workspace_id, AgentId(name))
    if found is None or found.origin != "workflow":
        raise WorkflowNotFound("Expected a workflow of this name in this workspace, but there is none.")
    return found


def plan_workflow(runtime: Runtime, ground: Ground, workflow: AgentRecord, command: BeginWorkflow) -> Start:
    """Return the command that creates a run of a workflow; that the workspace is active is looked at as it begins."""

    def check(tx: Transaction) -> None:
        _refuse_suspended(ground.workspace(tx, command.workspace_id))

    return runtime.planned(
        workflow.program,
        command.started,
        session_id=command.session_id,
        run_id=command.run_id,
        user_id=command.user_id,
        origin=Origin(
            workspace_id=command.workspace_id,
            version=workflow.deployed_label,
            version_id=workflow.deployed_version_id,
            trigger_type=command.trigger_type,
            started_by=command.started_by,
        ),
        check=check,
    )


def startable(tx: Transaction, ground: Ground, wanted: Wanted) -> Startable:
    """Return what a run starts with.

    Raises:
        AgentNotFound: There is none of this id in this workspace.
        WorkspaceSuspended: No run starts in the workspace.
        AgentBlocked: No run of the agent starts.
        TriggerNotFound: The agent has no such trigger.
        TriggerInactive: The trigger is switched off.
        SubAgentNotStartable: It is started by its parents alone; a test run works.
        NoDeployedVersion: Nothing is deployed, and no version was named.
        VersionNotFound: The agent has no such version.
        NotSupportedYet: The version relies on something that this release does not carry out.
    """
    agent = agent_of(tx, wanted.workspace_id, wanted.agent_id)
    workspace = ground.workspace(tx, wanted.workspace_id)
    _refuse_stopped(tx, workspace, agent, wanted)
    found = _version(tx, agent, wanted)
    refuse_unsupported(found)
    version = version_of(found.body, name=agent.name, mode=agent.mode)
    limits = replace(version.limits, **stricter(version.limits, workspace.settings.limits))
    return Startable(agent=agent, version_id=found.id, label=found.label, version=replace(version, limits=limits))


def _refuse_stopped(tx: Transaction, workspace: Workspace, agent: AgentRecord, wanted: Wanted) -> None:
    _refuse_suspended(workspace)
    if agent.block is not None:
        raise AgentBlocked(
            f"Expected agent '{agent.name}' not to be blocked, but {agent.block.by} blocked it"
            f" at {agent.block.at.isoformat()}: {agent.block.reason}",
            agent_id=agent.id,
        )
    if wanted.trigger_id is not None and not trigger_of(tx, agent, wanted.trigger_id).active:
        raise TriggerInactive("Expected an active trigger, but it is switched off.", trigger_id=wanted.trigger_id)
    if agent.mode == "sub_agent" and wanted.test_version is None:
        raise SubAgentNotStartable(f"Expected an agent that can be started, but '{agent.name}' is a sub-agent.")


def _refuse_suspended(workspace: Workspace) -> None:
    if workspace.status != "active":
        raise WorkspaceSuspended(f"Expected an active workspace, but '{workspace.name}' is {workspace.status}.")


def _version(tx: Transaction, agent: AgentRecord, wanted: Wanted) -> VersionRecord:
    version_id = wanted.test_version or agent.deployed_version_id
    if version_id is None:
        raise NoDeployedVersion(f"Expected a deployed version of '{agent.name}', but nothing is deployed.")
    return version_of_agent(tx, agent, version_id)


def fire(tx: Transaction, ground: Ground, wanted: Wanted, now: datetime) -> None:
    """Refuse what may not start any more, and take note of when the trigger fired."""
    agent = startable(tx, ground, wanted).agent
    if wanted.trigger_id is not None:
        trigger = trigger_of(tx, agent, wanted.trigger_id)
        tx.registry.update_trigger(replace(trigger, last_fired_at=now))


async def plan(
    runtime: Runtime, ground: Ground, found: Startable, command: Begin, also: Callable[[Transaction], None] | None
) -> Start:
    """Return the command that creates a run of an agent, with its version and mode frozen in it.

    Raises:
        InvalidInput: The input does not fit the version's schema; no run was started.
    """
    version = found.version
    schema = version.input_schema
    wrong = [] if schema is None else await asyncio.to_thread(problems, schema, command.input)
    if wrong:
        raise InvalidInput(
            f"Expected an input that fits version '{found.label}' of '{found.agent.name}', but: {'; '.join(wrong)}.",
            problems=wrong,
        )
    started: dict[str, Any] = {"input": to_json(command.input), "version": to_json(version)}
    if command.user_id is not None:
        started["user_id"] = command.user_id
    now = runtime.clock.now()

    def check(tx: Transaction) -> None:
        fire(tx, ground, command.wanted, now)
        if also is not None:
            also(tx)

    return runtime.planned(
        found.program,
        started,
        session_id=command.session_id,
        run_id=command.run_id,
        user_id=command.user_id,
        origin=Origin(
            workspace_id=command.wanted.workspace_id,
            version=found.label,
            version_id=found.version_id,
            trigger_type=command.trigger_type,
            trigger_id=command.wanted.trigger_id,
            started_by=command.started_by,
        ),
        check=check,
    )
