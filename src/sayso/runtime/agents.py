"""Acts on agents as transactions: each function is one all-or-nothing unit that writes down what it did.

A refusal raises one of our errors, which rolls the unit back. What belongs to another workspace is not found.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args

from sayso.core.ledger import canonical
from sayso.core.ruleforms import pauses
from sayso.core.versionfields import title_problem
from sayso.model.actors import Actor
from sayso.model.agents import AgentMode
from sayso.model.json import Json
from sayso.model.registry import AgentId, AgentRecord, Block, Problem, VersionRecord
from sayso.model.registryerrors import (
    AgentHasOpenSessions,
    AgentIsCode,
    AgentNotFound,
    ChangedMeanwhile,
    DuplicateName,
    InvalidAgent,
    InvalidVersion,
    PauseRulesPresent,
    TriggersPresent,
    VersionDeployed,
    WorkspaceLimited,
)
from sayso.model.workspaces import Workspace, WorkspaceId
from sayso.runtime.auditing import write_down
from sayso.runtime.ports import Secrets, Transaction
from sayso.runtime.secrecy import NO_SECRETS

MODES: tuple[AgentMode, ...] = get_args(AgentMode)
_MOST_NOTE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who does something, where and when."""

    workspace_id: WorkspaceId
    by: Actor
    now: datetime
    secrets: Secrets = NO_SECRETS
    """What must not be kept of what code says; what comes by the API is masked at its door (server/routes.py)."""

    def write(self, tx: Transaction, action: str, target: str, data: Mapping[str, Json]) -> None:
        """Write down what was done."""
        write_down(tx, self.workspace_id, self.now, self.by, action, target, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the registry stands on beside its own rows."""

    workspace: Callable[[Transaction, WorkspaceId], Workspace]
    """Loads a workspace, or raises."""
    operations: Callable[[], Collection[str]]
    """Returns the names of the operations that exist in this process."""


def agent_of(tx: Transaction, workspace_id: WorkspaceId, agent_id: AgentId) -> AgentRecord:
    """Return an agent of a workspace.

    Raises:
        AgentNotFound: There is none of this id in this workspace.
    """
    found = tx.registry.find_agent(workspace_id, agent_id)
    if found is None or found.origin == "workflow":
        raise AgentNotFound(f"Expected an agent {agent_id}, but there is none.", agent_id=agent_id)
    return found


def agent_of_data(tx: Transaction, workspace_id: WorkspaceId, agent_id: AgentId) -> AgentRecord:
    """Return an agent whose data may be changed.

    Raises:
        AgentNotFound: There is none of this id in this workspace.
        AgentIsCode: Code alone writes it.
    """
    found = agent_of(tx, workspace_id, agent_id)
    if found.origin == "code":
        raise AgentIsCode(f"Expected an agent made as data, but '{found.name}' is loaded from code.", agent_id=agent_id)
    return found


def digest_of(agent: AgentRecord) -> str:
    """Return the digest of what the audit log tells of an agent before and after a change."""
    plain: dict[str, Json] = {"name": agent.name, "mode": agent.mode, "deployed": agent.deployed_version_id}
    return hashlib.sha256(b"sayso/agent/v1\x00" + canonical(plain)).hexdigest()


def create(tx: Transaction, act: Act, ground: Ground, agent: AgentRecord) -> AgentRecord:
    """Add an agent.

    Raises:
        InvalidAgent: Its name or mode does not fit.
        DuplicateName: Another agent of the workspace has the name.
        WorkspaceLimited: The workspace has as many agents as it may have.
    """
    _refuse_unfit(agent)
    most = ground.workspace(tx, act.workspace_id).settings.limits.max_agents
    if most is not None and tx.registry.list_agents(act.workspace_id, limit=1, skip=0).total >= most:
        raise WorkspaceLimited(f"Expected fewer than {most} agents in this workspace, but it has as many.")
    refuse_taken(tx, agent)
    tx.registry.insert_agent(agent)
    told: dict[str, Json] = {"name": agent.name, "mode": agent.mode, "before": None, "after": digest_of(agent)}
    act.write(tx, "agent.created", agent.id, told)
    return agent


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChange:
    """What is to be changed of an agent; None leaves it as it is."""

    name: str | None = None
    mode: AgentMode | None = None
    expected: datetime | None = None
    """The `updated_at` that the caller has read; another one refuses the change."""


def edit(tx: Transaction, act: Act, agent_id: AgentId, change: AgentChange) -> AgentRecord:
    """Rename an agent, or change its mode; runs that have started keep theirs.

    Raises:
        AgentIsCode: Code alone writes it.
        ChangedMeanwhile: Somebody was faster.
        InvalidAgent: The name or mode does not fit.
        DuplicateName: Another agent of the workspace has the name.
        PauseRulesPresent: It would be a Request agent with rules that pause.
        TriggersPresent: It would be a sub-agent with triggers.
        InvalidVersion: It would be a sub-agent whose deployed version has no description.
    """
    before = agent_of_data(tx, act.workspace_id, agent_id)
    if change.expected is not None and change.expected != before.updated_at:
        raise ChangedMeanwhile(f"Expected agent {agent_id} as it was read, but it has changed.", agent_id=agent_id)
    name = before.name if change.name is None else change.name
    after = replace(before, name=name, mode=change.mode or before.mode, updated_at=act.now)
    _refuse_unfit(after)
    if (after.name, after.mode) == (before.name, before.mode):
        return before
    if after.name != before.name:
        refuse_taken(tx, after)
    if after.mode != before.mode:
        refuse_mode(tx, before, after.mode)
    tx.registry.update_agent(after)
    told: dict[str, Json] = {"before": digest_of(before), "after": digest_of(after)}
    if after.name != before.name:
        act.write(tx, "agent.renamed", agent_id, {**told, "from": before.name, "to": after.name})
    if after.mode != before.mode:
        act.write(tx, "agent.mode_changed", agent_id, {**told, "from": before.mode, "to": after.mode})
    return after


def refuse_mode(tx: Transaction, agent: AgentRecord, mode: AgentMode) -> None:
    """Refuse a mode that what the agent has does not fit.

    Raises:
        PauseRulesPresent: See `edit`.
        TriggersPresent: See `edit`.
        InvalidVersion: See `edit`.
    """
    versions = tx.registry.list_versions(agent.id)
    pausing = [version.label for version in versions if pauses(version.body.get("rules"))]
    if mode == "request" and pausing:
        raise PauseRulesPresent(
            f"Expected no rules that pause on '{agent.name}', but these versions have some: {', '.join(pausing)}.",
            versions=pausing,
        )
    if mode == "sub_agent":
        if tx.registry.list_triggers(agent.id):
            raise TriggersPresent(f"Expected no triggers on '{agent.name}', but it has some.", agent_id=agent.id)
        _refuse_nameless(versions)


def _refuse_nameless(versions: Collection[VersionRecord]) -> None:
    for version in versions:
        if version.status == "deployed" and not version.body.get("description"):
            said = "a sub-agent needs one: it is what the parent's model is told"
            problem = Problem(pointer="/description", code="description_required", message=said)
            raise InvalidVersion(f"Expected a description of version '{version.label}'", problems=[problem])


def delete(tx: Transaction, act: Act, agent_id: AgentId) -> None:
    """Remove an agent with its testing versions and its triggers.

    Raises:
        VersionDeployed: A version is deployed; retract it first.
        AgentHasOpenSessions: A run of it has not ended.
    """
    agent = agent_of(tx, act.workspace_id, agent_id)
    if agent.deployed_version_id is not None:
        raise VersionDeployed(
            f"Expected nothing to be deployed of '{agent.name}', but version '{agent.deployed_label}' is.",
            hint="Retract the deployment first.",
            agent_id=agent_id,
        )
    if tx.registry.has_open_runs(agent):
        raise AgentHasOpenSessions(f"Expected every run of '{agent.name}' to have ended.", agent_id=agent_id)
    tx.registry.delete_agent(agent_id)
    act.write(tx, "agent.deleted", agent_id, {"name": agent.name, "before": digest_of(agent), "after": None})


def block(tx: Transaction, act: Act, agent_id: AgentId, reason: str, note: str | None) -> AgentRecord:
    """Let no run of an agent start; what runs goes on.

    Raises:
        InvalidAgent: There is no reason.
    """
    agent = agent_of(tx, act.workspace_id, agent_id)
    _refuse_unsaid("reason", reason)
    blocked = replace(agent, block=Block(reason=reason, by=str(act.by), at=act.now), updated_at=act.now)
    tx.registry.update_agent(blocked)
    act.write(tx, "agent.blocked", agent_id, {"reason": reason, "note": note})
    return blocked


def unblock(tx: Transaction, act: Act, agent_id: AgentId, note: str) -> AgentRecord:
    """Let runs of an agent start again; an agent that is not blocked stays as it is.

    Raises:
        InvalidAgent: There is no note.
    """
    agent = agent_of(tx, act.workspace_id, agent_id)
    _refuse_unsaid("note", note)
    if agent.block is None:
        return agent
    freed = replace(agent, block=None, updated_at=act.now)
    tx.registry.update_agent(freed)
    act.write(tx, "agent.unblocked", agent_id, {"reason": agent.block.reason, "note": note})
    return freed


def refuse_taken(tx: Transaction, agent: AgentRecord) -> None:
    """Refuse a name that another agent of the workspace has.

    Raises:
        DuplicateName: It has.
    """
    other = tx.registry.find_named(agent.workspace_id, agent.name)
    if other is not None and other.id != agent.id:
        raise DuplicateName(f"Expected a name that no other agent has, but '{agent.name}' is taken.", name=agent.name)


def _refuse_unfit(agent: AgentRecord) -> None:
    problems: list[Problem] = []
    found = title_problem(agent.name)
    if found is not None:
        problems.append(Problem(pointer="/name", code=found[0], message=found[1]))
    if agent.mode not in MODES:
        said = f"expected one of {', '.join(MODES)}"
        problems.append(Problem(pointer="/executionMode", code="out_of_bounds", message=said))
    if problems:
        raise InvalidAgent("Expected an agent that can be saved, but", problems=problems)


def _refuse_unsaid(name: str, text: str) -> None:
    if not text.strip() or len(text) > _MOST_NOTE:
        said = f"expected a text of 1 to {_MOST_NOTE} characters"
        problem = Problem(pointer=f"/{name}", code="required", message=said)
        raise InvalidAgent("Expected to be told why, but", problems=[problem])
