"""Acts on triggers as transactions."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sayso.core.ledger import canonical
from sayso.core.triggers import settings_wire, trigger_settings
from sayso.core.versionfields import title_problem
from sayso.model.json import Json
from sayso.model.registry import AgentId, AgentRecord, Problem, Trigger, TriggerId
from sayso.model.registryerrors import (
    ApiTriggerExists,
    DuplicateName,
    InvalidTrigger,
    SubAgentNotStartable,
    TriggerNotFound,
)
from sayso.runtime.agents import Act, agent_of
from sayso.runtime.ports import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerChange:
    """What a trigger is to be; None leaves it as it is (a new one is active, with every default)."""

    name: str | None = None
    active: bool | None = None
    settings: Mapping[str, Json] | None = None
    """By wire name; what is not named stays as it is."""


def trigger_of(tx: Transaction, agent: AgentRecord, trigger_id: TriggerId) -> Trigger:
    """Return a trigger of an agent.

    Raises:
        TriggerNotFound: The agent has none of this id.
    """
    for trigger in tx.registry.list_triggers(agent.id):
        if trigger.id == trigger_id:
            return trigger
    raise TriggerNotFound(f"Expected a trigger {trigger_id} of '{agent.name}', but there is none.")


def digest_of(trigger: Trigger) -> str:
    """Return the digest of what the audit log tells of a trigger before and after a change."""
    plain: dict[str, Json] = {
        "kind": trigger.kind,
        "name": trigger.name,
        "active": trigger.active,
        "settings": settings_wire(trigger.settings),
    }
    return hashlib.sha256(b"sayso/trigger/v1\x00" + canonical(plain)).hexdigest()


def create(tx: Transaction, act: Act, agent_id: AgentId, fresh: Trigger, given: TriggerChange) -> Trigger:
    """Add an API trigger to an agent.

    Raises:
        SubAgentNotStartable: The agent is started by its parents alone.
        ApiTriggerExists: It has one already.
        DuplicateName: Another trigger of the agent has the name.
        InvalidTrigger: The name or a setting does not fit.
    """
    agent = agent_of(tx, act.workspace_id, agent_id)
    if agent.mode == "sub_agent":
        raise SubAgentNotStartable(f"Expected an agent that can be started, but '{agent.name}' is a sub-agent.")
    trigger = _changed(fresh, given)
    others = tx.registry.list_triggers(agent_id)
    for other in others:
        if other.kind == "api":
            raise ApiTriggerExists(
                f"Expected no API trigger on '{agent.name}', but it has one already: '{other.name}'.",
                agent_id=agent_id,
                trigger_id=other.id,
            )
    _refuse_taken(others, trigger)
    tx.registry.insert_trigger(trigger)
    _write(tx, act, "trigger.created", None, trigger)
    return trigger


def edit(tx: Transaction, act: Act, agent_id: AgentId, trigger_id: TriggerId, given: TriggerChange) -> Trigger:
    """Change a trigger.

    Raises:
        DuplicateName: Another trigger of the agent has the name.
        InvalidTrigger: The name or a setting does not fit.
    """
    agent = agent_of(tx, act.workspace_id, agent_id)
    before = trigger_of(tx, agent, trigger_id)
    after = replace(_changed(before, given), updated_at=act.now)
    _refuse_taken(tx.registry.list_triggers(agent_id), after)
    if digest_of(after) == digest_of(before):
        return before
    tx.registry.update_trigger(after)
    _write(tx, act, "trigger.edited", before, after)
    return after


def delete(tx: Transaction, act: Act, agent_id: AgentId, trigger_id: TriggerId) -> None:
    """Remove a trigger; keys that name it reach nothing by it any more."""
    before = trigger_of(tx, agent_of(tx, act.workspace_id, agent_id), trigger_id)
    tx.registry.delete_trigger(trigger_id)
    _write(tx, act, "trigger.deleted", before, None)


def _changed(base: Trigger, given: TriggerChange) -> Trigger:
    settings, problems = trigger_settings(given.settings or {}, base.settings)
    name = base.name if given.name is None else given.name
    found = title_problem(name)
    if found is not None:
        problems.append(Problem(pointer="/name", code=found[0], message=found[1]))
    if problems:
        raise InvalidTrigger("Expected a trigger that can be saved, but", problems=problems)
    return replace(base, name=name, settings=settings, active=base.active if given.active is None else given.active)


def _refuse_taken(others: list[Trigger], trigger: Trigger) -> None:
    if any(other.name == trigger.name and other.id != trigger.id for other in others):
        raise DuplicateName(f"Expected a name that no other trigger of the agent has, but '{trigger.name}' is taken.")


def _write(tx: Transaction, act: Act, action: str, before: Trigger | None, after: Trigger | None) -> None:
    either = after or before
    if either is None:
        return
    told: dict[str, Json] = {"agent": either.agent_id, "name": either.name, "active": either.active}
    told["before"] = None if before is None else digest_of(before)
    told["after"] = None if after is None else digest_of(after)
    act.write(tx, action, either.id, told)
