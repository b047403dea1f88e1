"""Acts on versions as transactions: saving, deploying, and what is refused.

A version is checked whenever it is saved, and again when it is deployed: what it names may be gone by then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from sayso.core.versions import (
    Around,
    Checked,
    Peer,
    changed_body,
    check_version,
    names_sub_agents,
    unsupported,
    version_digest,
)
from sayso.model.json import Json
from sayso.model.registry import AgentId, AgentRecord, Problem, SavedVersion, VersionId, VersionRecord
from sayso.model.registryerrors import (
    AgentIsCode,
    ChangedMeanwhile,
    DuplicateLabel,
    InvalidVersion,
    NoDeployedVersion,
    NotSupportedYet,
    VersionDeployed,
    VersionNotFound,
)
from sayso.runtime.agents import Act, Ground, agent_of, agent_of_data
from sayso.runtime.ports import Transaction

_ALL = 1_000_000


def version_of_agent(tx: Transaction, agent: AgentRecord, version_id: VersionId) -> VersionRecord:
    """Return a version of an agent.

    Raises:
        VersionNotFound: The agent has none of this id.
    """
    found = tx.registry.find_version(agent.id, version_id)
    if found is None:
        raise VersionNotFound(f"Expected a version {version_id} of '{agent.name}', but there is none.")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionChange:
    """What is to be changed of a version."""

    changes: Mapping[str, Json]
    """By wire name; what is not named stays as it is."""
    expected: str | None = None
    """The digest that the caller has read; another one refuses the change."""


def create(
    tx: Transaction, act: Act, ground: Ground, agent_id: AgentId, version_id: VersionId, given: Mapping[str, Json]
) -> SavedVersion:
    """Save a new testing version.

    Raises:
        AgentIsCode: Code alone writes the agent's versions.
        InvalidVersion: It has problems; nothing was saved.
        DuplicateLabel: The label is taken.
    """
    agent = agent_of_data(tx, act.workspace_id, agent_id)
    return _insert(tx, act, agent, version_id, _checked(tx, ground, agent, given), "version.created")


def clone(
    tx: Transaction, act: Act, ground: Ground, source: VersionId, agent_id: AgentId, version_id: VersionId, label: str
) -> SavedVersion:
    """Save a copy of a version, under another label; what the source names may be gone, and is then a problem.

    Raises:
        See `create`.
    """
    agent = agent_of_data(tx, act.workspace_id, agent_id)
    saved = version_of_agent(tx, agent, source).body
    checked = _checked(tx, ground, agent, changed_body(saved, {"versionLabel": label}), saved=saved)
    return _insert(tx, act, agent, version_id, checked, "version.created", source)


def edit(
    tx: Transaction, act: Act, ground: Ground, agent_id: AgentId, version_id: VersionId, change: VersionChange
) -> SavedVersion:
    """Change a testing version.

    Raises:
        AgentIsCode: Code alone writes the agent's versions.
        VersionDeployed: It is deployed.
        ChangedMeanwhile: Somebody was faster.
        InvalidVersion: It would have problems; nothing was saved.
        DuplicateLabel: The label is taken.
    """
    agent = agent_of_data(tx, act.workspace_id, agent_id)
    before = version_of_agent(tx, agent, version_id)
    if before.status == "deployed":
        raise _deployed(before, "edit")
    _refuse_changed(before, change.expected)
    if not isinstance(change.changes, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - callers send JSON
        problem = Problem(pointer="", code="wrong_type", message="expected an object")
        raise InvalidVersion("Expected changes of a version, but", problems=[problem])
    checked = _checked(tx, ground, agent, changed_body(before.body, change.changes), but=version_id, saved=before.body)
    body, label = checked.body, str(checked.body["versionLabel"])
    after = replace(before, label=label, body=body, digest=version_digest(body), updated_at=act.now)
    if after.digest != before.digest:
        tx.registry.update_version(after)
        told: dict[str, Json] = {"agent": agent_id, "label": after.label}
        act.write(tx, "version.edited", version_id, {**told, "before": before.digest, "after": after.digest})
    return SavedVersion(version=after, warnings=tuple(checked.warnings))


def delete(tx: Transaction, act: Act, agent_id: AgentId, version_id: VersionId) -> None:
    """Remove a testing version; runs that have started with it keep what they have frozen.

    Raises:
        VersionDeployed: It is deployed.
    """
    agent = agent_of_data(tx, act.workspace_id, agent_id)
    version = version_of_agent(tx, agent, version_id)
    if version.status == "deployed":
        raise _deployed(version, "delete")
    tx.registry.delete_version(version_id)
    told: dict[str, Json] = {"agent": agent_id, "label": version.label}
    act.write(tx, "version.deleted", version_id, {**told, "before": version.digest, "after": None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Which version is to be deployed, and how that is told."""

    version_id: VersionId
    action: str = "version.deployed"
    expected: str | None = None
    """The digest of what whoever deploys has seen."""


def deploy(tx: Transaction, act: Act, ground: Ground, agent_id: AgentId, wanted: Deployment) -> AgentRecord:
    """Make a version the one that triggers and the API start; what was deployed is testing again.

    Of an agent loaded from code, only the version that the code wrote last may be deployed.

    Raises:
        ChangedMeanwhile: The version is not what was seen.
        InvalidVersion: What it names is gone, or does not fit the agent's mode any more.
        NotSupportedYet: It relies on something that this release does not carry out.
        AgentIsCode: It is not what the code says now.
    """
    agent = agent_of(tx, act.workspace_id, agent_id)
    version = version_of_agent(tx, agent, wanted.version_id)
    _refuse_changed(version, wanted.expected)
    if agent.origin == "code":
        _refuse_outdated(tx, agent, version)
    else:
        _checked(tx, ground, agent, version.body, but=version.id, saved=version.body)
    refuse_unsupported(version)
    if agent.deployed_version_id == version.id:
        return agent
    return put_live(tx, act, agent, version, wanted.action)


def put_live(tx: Transaction, act: Act, agent: AgentRecord, version: VersionRecord, action: str) -> AgentRecord:
    """Deploy a version that has been checked."""
    before = agent.deployed_version_id
    was = None if before is None else tx.registry.find_version(agent.id, before)
    after = replace(agent, deployed_version_id=version.id, updated_at=act.now)
    tx.registry.update_agent(after)
    told: dict[str, Json] = {"agent": agent.id, "label": version.label, "replaces": before}
    told |= {"before": None if was is None else was.digest, "after": version.digest}
    act.write(tx, action, version.id, told)
    return tx.registry.find_agent(act.workspace_id, agent.id) or after


def retract(tx: Transaction, act: Act, agent_id: AgentId) -> AgentRecord:
    """Leave an agent without a deployed version; nothing is deleted, and what runs goes on.

    Raises:
        NoDeployedVersion: Nothing is deployed.
    """
    agent = agent_of(tx, act.workspace_id, agent_id)
    if agent.deployed_version_id is None:
        raise NoDeployedVersion(f"Expected a deployed version of '{agent.name}', but there is none.")
    was = version_of_agent(tx, agent, agent.deployed_version_id)
    after = replace(agent, deployed_version_id=None, updated_at=act.now)
    tx.registry.update_agent(after)
    told: dict[str, Json] = {"agent": agent_id, "label": was.label, "before": was.digest, "after": None}
    act.write(tx, "version.retracted", was.id, told)
    return agent_of(tx, act.workspace_id, agent_id)


def refuse_unsupported(version: VersionRecord) -> None:
    """Refuse to run a version without what it relies on.

    Raises:
        NotSupportedYet: It relies on something that this release does not carry out.
    """
    missing = unsupported(version.body)
    if missing:
        raise NotSupportedYet(
            f"Expected version '{version.label}' to rely on nothing that this release does not carry out,"
            f" but it has {' and '.join(missing)}; it is not run without.",
            missing=missing,
        )


# -- inside --------------------------------------------------------------------------------------------------------


def _around(
    tx: Transaction, ground: Ground, agent: AgentRecord, given: object, but: VersionId | None, saved: Mapping[str, Json]
) -> Around:
    peers: dict[str, Peer] = {}
    if isinstance(given, Mapping) and names_sub_agents(cast("Mapping[str, Json]", given)):
        page = tx.registry.list_agents(agent.workspace_id, limit=_ALL, skip=0)
        peers = {item.id: Peer(item.name, item.mode) for item in page.items}
    return Around(
        agent_id=agent.id,
        mode=agent.mode,
        labels=frozenset(version.label for version in tx.registry.list_versions(agent.id) if version.id != but),
        operations=ground.operations(),
        agents=peers,
        limits=ground.workspace(tx, agent.workspace_id).settings.limits,
        saved=saved,
    )


def _checked(
    tx: Transaction,
    ground: Ground,
    agent: AgentRecord,
    given: Mapping[str, Json],
    *,
    but: VersionId | None = None,
    saved: Mapping[str, Json] | None = None,
) -> Checked:
    checked = check_version(given, _around(tx, ground, agent, given, but, saved or {}))
    codes = {problem.code for problem in checked.problems}
    if codes == {"duplicate_label"}:
        raise DuplicateLabel(
            f"Expected a label that no other version of '{agent.name}' has, but {given['versionLabel']!r} is taken."
        )
    if codes:
        raise InvalidVersion(f"Expected a version of '{agent.name}' that can be saved, but", problems=checked.problems)
    return checked


def _insert(
    tx: Transaction,
    act: Act,
    agent: AgentRecord,
    version_id: VersionId,
    checked: Checked,
    action: str,
    source: VersionId | None = None,
) -> SavedVersion:
    version = VersionRecord(
        id=version_id,
        agent_id=agent.id,
        label=str(checked.body["versionLabel"]),
        body=checked.body,
        digest=version_digest(checked.body),
        created_by=str(act.by),
        created_at=act.now,
        updated_at=act.now,
    )
    tx.registry.insert_version(version)
    told: dict[str, Json] = {"agent": agent.id, "label": version.label, "before": None, "after": version.digest}
    act.write(tx, action, version_id, told if source is None else {**told, "source": source})
    return SavedVersion(version=version, warnings=tuple(checked.warnings))


def _refuse_changed(version: VersionRecord, expected: str | None) -> None:
    if expected is not None and expected != version.digest:
        raise ChangedMeanwhile(
            f"Expected version '{version.label}' as it was read, but it has changed.", digest=version.digest
        )


def _refuse_outdated(tx: Transaction, agent: AgentRecord, version: VersionRecord) -> None:
    newest = max(item.updated_at for item in tx.registry.list_versions(agent.id))
    if version.updated_at != newest:
        raise AgentIsCode(
            f"Expected the version of '{agent.name}' that its code wrote last, but '{version.label}' is an older one."
        )


def _deployed(version: VersionRecord, what: str) -> VersionDeployed:
    return VersionDeployed(f"Expected to {what} a testing version, but '{version.label}' is deployed.")
