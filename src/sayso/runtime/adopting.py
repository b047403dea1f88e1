"""What is loaded from code, in the registry: each agent and workflow has a deployed version that says what it is.

Changed code makes a new version with a new label; code that is what it was makes none. A process with older code finds
the version that this code has written before, and deploys that again: what runs is always what is loaded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from sayso.core.fingerprint import fingerprint
from sayso.core.versions import body_of, version_digest
from sayso.model.agents import AgentMode
from sayso.model.json import Json
from sayso.model.registry import AgentId, AgentRecord, VersionId, VersionRecord
from sayso.model.registryerrors import (
    DuplicateName,
)
from sayso.programs.agent.definition import AgentDefinition
from sayso.programs.workflow.definition import WorkflowDefinition
from sayso.runtime.agents import Act, digest_of, refuse_mode, refuse_taken
from sayso.runtime.ports import Transaction
from sayso.runtime.secrecy import cleaned
from sayso.runtime.versions import put_live

_LABEL = "code"
_KINDS = {"code": "agent", "workflow": "workflow"}
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What code says of an agent or a workflow."""

    name: str
    origin: Literal["code", "workflow"]
    mode: AgentMode
    digest: str
    """What it is now; another one is another version."""
    body: Callable[[str], Mapping[str, Json]]
    """Makes a version's body from its label."""


def loaded(definition: AgentDefinition | WorkflowDefinition) -> Loaded:
    """Return what code says. Of a workflow that is its steps and gates, which is what its runs go on by."""
    if isinstance(definition, WorkflowDefinition):
        shape = dict(definition.shape())
        return Loaded(
            name=definition.name,
            origin="workflow",
            mode="hitl",
            digest=fingerprint(shape),
            body=lambda label: {"versionLabel": label, "steps": {**shape}},
        )
    return Loaded(
        name=definition.name,
        origin="code",
        mode=definition.version.mode,
        digest=code_digest(definition),
        body=lambda label: body_of(replace(definition.version, label=label)),
    )


def adopt(tx: Transaction, act: Act, code: Loaded, ids: tuple[AgentId, VersionId]) -> AgentRecord:
    """Register an agent or a workflow of code, with its version deployed.

    A deployment that somebody has retracted stays so until the code changes.

    Args:
        tx: The transaction.
        act: Who loads it.
        code: What the code says.
        ids: For the agent and its version, where these are new.

    Raises:
        DuplicateName: An agent made as data has the name.
        TriggersPresent: It has become a sub-agent, but has triggers.
    """
    agent = _agent(tx, act, code, ids[0])
    written = tx.registry.list_versions(agent.id)
    same = next((version for version in written if version.digest == code.digest), None)
    newest = max((version.updated_at for version in written), default=act.now - _TICK)
    if same is None:
        version = _new_version(tx, act, code, agent, ids[1], written)
    elif agent.deployed_version_id == same.id or (agent.deployed_version_id is None and same.updated_at == newest):
        return agent
    else:
        version = replace(same, updated_at=max(act.now, newest + _TICK))
        tx.registry.update_version(version)
    return put_live(tx, act, agent, version, "version.deployed")


def code_digest(definition: AgentDefinition) -> str:
    """Return the digest of what code says of an agent: its version, its tools, and its members with theirs."""
    body = body_of(replace(definition.version, label=_LABEL))
    parts = [tool.digest for tool in definition.tools.values()]
    parts += [f"{name} {code_digest(member)}" for name, member in definition.members.items()]
    return version_digest(body, [*parts, definition.version.mode])


def _agent(tx: Transaction, act: Act, code: Loaded, agent_id: AgentId) -> AgentRecord:
    found = tx.registry.find_named(act.workspace_id, code.name)
    if found is None:
        agent = AgentRecord(
            id=agent_id,
            workspace_id=act.workspace_id,
            name=code.name,
            mode=code.mode,
            origin=code.origin,
            program=code.name,
            created_at=act.now,
            updated_at=act.now,
        )
        refuse_taken(tx, agent)
        tx.registry.insert_agent(agent)
        told: dict[str, Json] = {"name": agent.name, "mode": agent.mode, "origin": code.origin}
        act.write(tx, f"{_KINDS[code.origin]}.created", agent.id, {**told, "before": None, "after": digest_of(agent)})
        return agent
    if found.origin != code.origin:
        other = {"data": "an agent made as data", "code": "an agent of code", "workflow": "a workflow of code"}
        raise DuplicateName(
            f"Expected nothing else of the name of '{code.name}', which is loaded from code,"
            f" but there is {other[found.origin]}.",
            hint="Rename one of the two.",
            name=found.name,
        )
    return found if found.mode == code.mode else _with_mode(tx, act, code, found)


def _with_mode(tx: Transaction, act: Act, code: Loaded, before: AgentRecord) -> AgentRecord:
    mode = code.mode
    if mode == "sub_agent":
        refuse_mode(tx, replace(before, deployed_version_id=None), mode)
    after = replace(before, mode=mode, updated_at=act.now)
    tx.registry.update_agent(after)
    told: dict[str, Json] = {"from": before.mode, "to": mode, "before": digest_of(before), "after": digest_of(after)}
    act.write(tx, "agent.mode_changed", before.id, told)
    return after


def _new_version(
    tx: Transaction,
    act: Act,
    code: Loaded,
    agent: AgentRecord,
    version_id: VersionId,
    written: Sequence[VersionRecord],
) -> VersionRecord:
    taken = {version.label for version in written}
    number = len(written) + 1
    while _numbered(number) in taken:
        number += 1
    at = max([act.now, *(version.updated_at + _TICK for version in written)])
    version = VersionRecord(
        id=version_id,
        agent_id=agent.id,
        label=_numbered(number),
        body=cleaned(act.secrets, code.body(_numbered(number))),
        digest=code.digest,
        created_by=str(act.by),
        created_at=at,
        updated_at=at,
    )
    tx.registry.insert_version(version)
    told: dict[str, Json] = {"agent": agent.id, "label": version.label, "before": None, "after": code.digest}
    act.write(tx, "version.created", version_id, told)
    return version


def _numbered(number: int) -> str:
    return _LABEL if number == 1 else f"{_LABEL}-{number}"
