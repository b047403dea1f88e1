"""Agents loaded from code, as agents of the registry: each with a deployed version that says what the code says.

Changed code makes a new version with a new label; code that is what it was makes none. A process with older code finds
the version that this code has written before, and deploys that again: what runs is always what is loaded.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sayso.core.versions import body_of, version_digest
from sayso.model.json import Json
from sayso.model.registry import AgentId, AgentRecord, VersionId, VersionRecord
from sayso.model.registryerrors import (
    DuplicateName,
)
from sayso.programs.agent.definition import AgentDefinition
from sayso.runtime.agents import Act, digest_of, refuse_mode, refuse_taken
from sayso.runtime.ports import Transaction
from sayso.runtime.secrecy import cleaned
from sayso.runtime.versions import put_live

_LABEL = "code"
_TICK = timedelta(microseconds=1)


def adopt(tx: Transaction, act: Act, definition: AgentDefinition, ids: tuple[AgentId, VersionId]) -> AgentRecord:
    """Register an agent of code, with its version deployed.

    A deployment that somebody has retracted stays so until the code changes.

    Args:
        tx: The transaction.
        act: Who loads it.
        definition: The agent.
        ids: For the agent and its version, where these are new.

    Raises:
        DuplicateName: An agent made as data has the name.
        TriggersPresent: It has become a sub-agent, but has triggers.
    """
    agent = _agent(tx, act, definition, ids[0])
    written = tx.registry.list_versions(agent.id)
    digest = code_digest(definition)
    same = next((version for version in written if version.digest == digest), None)
    newest = max((version.updated_at for version in written), default=act.now - _TICK)
    if same is None:
        version = _new_version(tx, act, definition, agent, ids[1], written, digest)
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


def _agent(tx: Transaction, act: Act, definition: AgentDefinition, agent_id: AgentId) -> AgentRecord:
    found = tx.registry.find_named(act.workspace_id, definition.name)
    mode = definition.version.mode
    if found is None:
        agent = AgentRecord(
            id=agent_id,
            workspace_id=act.workspace_id,
            name=definition.name,
            mode=mode,
            origin="code",
            program=definition.name,
            created_at=act.now,
            updated_at=act.now,
        )
        refuse_taken(tx, agent)
        tx.registry.insert_agent(agent)
        told: dict[str, Json] = {"name": agent.name, "mode": mode, "origin": "code"}
        act.write(tx, "agent.created", agent.id, {**told, "before": None, "after": digest_of(agent)})
        return agent
    if found.origin != "code":
        raise DuplicateName(
            f"Expected no agent made as data of the name of '{definition.name}', which is loaded from code,"
            " but there is one.",
            hint="Rename one of the two.",
            name=found.name,
        )
    return found if found.mode == mode else _with_mode(tx, act, definition, found)


def _with_mode(tx: Transaction, act: Act, definition: AgentDefinition, before: AgentRecord) -> AgentRecord:
    mode = definition.version.mode
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
    definition: AgentDefinition,
    agent: AgentRecord,
    version_id: VersionId,
    written: Sequence[VersionRecord],
    digest: str,
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
        body=cleaned(act.secrets, body_of(replace(definition.version, label=_numbered(number)))),
        digest=digest,
        created_by=str(act.by),
        created_at=at,
        updated_at=at,
    )
    tx.registry.insert_version(version)
    told: dict[str, Json] = {"agent": agent.id, "label": version.label, "before": None, "after": digest}
    act.write(tx, "version.created", version_id, told)
    return version


def _numbered(number: int) -> str:
    return _LABEL if number == 1 else f"{_LABEL}-{number}"
