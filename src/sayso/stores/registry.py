"""The rows of agents, their versions and their triggers, and which runs of agents made as data can move.

Who may change what is the caller's business; the unique indexes on names and labels are the last word.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ClauseElement, and_, delete, func, insert, select, update

from sayso.core.codec import json_bytes
from sayso.core.instants import from_micros, some_micros, some_time, to_micros
from sayso.core.triggers import settings_wire, trigger_settings
from sayso.model.errors import UnreadableValue
from sayso.model.ids import RunId
from sayso.model.registry import (
    AgentId,
    AgentPage,
    AgentRecord,
    Block,
    Names,
    Trigger,
    TriggerId,
    VersionId,
    VersionRecord,
)
from sayso.model.workspaces import WorkspaceId
from sayso.stores.cursors import Rows
from sayso.stores.schema import runs
from sayso.stores.statements import ONE, ZERO, P, constant
from sayso.stores.workspace_schema import agents, triggers, versions

_AGENT = select(agents, versions.c.label, versions.c.body).select_from(
    agents.outerjoin(versions, versions.c.version_id == agents.c.deployed_version_id)
)
_VERSION = select(versions, agents.c.deployed_version_id).join(agents, agents.c.agent_id == versions.c.agent_id)
_IN_WORKSPACE = agents.c.workspace_id == P("workspace_id")
_OF_DATA = and_(agents.c.origin == constant("data"), runs.c.program == agents.c.agent_id)
_READY = runs.c.ready_at.is_not(None)
_AN_AGENT = agents.c.origin != constant("workflow")


def _set(table: Any, key: str, *names: str) -> ClauseElement:
    return update(table).where(table.c[key] == P(key)).values({name: P(name) for name in names})


def _add(table: Any) -> ClauseElement:
    return insert(table).values({column.name: P(column.name) for column in table.columns})


STATEMENTS: dict[str, ClauseElement] = {
    "insert_agent": _add(agents),
    "update_agent": _set(
        agents,
        "agent_id",
        "name",
        "mode",
        "deployed_version_id",
        "block_reason",
        "blocked_by",
        "blocked_at",
        "updated_at",
    ),
    "delete_agent": delete(agents).where(agents.c.agent_id == P("agent_id")),
    "find_agent": _AGENT.where(_IN_WORKSPACE, agents.c.agent_id == P("agent_id")),
    "find_named_agent": _AGENT.where(_IN_WORKSPACE, agents.c.name == P("name")),
    "list_agents": _AGENT.where(_IN_WORKSPACE, _AN_AGENT).order_by(agents.c.name).limit(P("limit")).offset(P("skip")),
    "list_workflows": _AGENT.where(_IN_WORKSPACE, agents.c.origin == constant("workflow")).order_by(agents.c.name),
    "count_agents": select(func.count()).select_from(agents).where(_IN_WORKSPACE, _AN_AGENT),
    "programs_of_code": select(agents.c.program, agents.c.agent_id).where(
        _IN_WORKSPACE, agents.c.origin != constant("data")
    ),
    "open_runs_of": select(runs.c.run_id)
    .where(
        runs.c.program == P("program"),
        runs.c.workspace_id == P("workspace_id"),
        runs.c.state.in_([constant("queued"), constant("running"), constant("waiting")]),
    )
    .limit(ONE)
    .offset(ZERO),
    "insert_version": _add(versions),
    "update_version": _set(versions, "version_id", "label", "body", "digest", "updated_at"),
    "delete_version": delete(versions).where(versions.c.version_id == P("version_id")),
    "delete_versions_of": delete(versions).where(versions.c.agent_id == P("agent_id")),
    "find_version": _VERSION.where(versions.c.agent_id == P("agent_id"), versions.c.version_id == P("version_id")),
    "list_versions": _VERSION.where(versions.c.agent_id == P("agent_id")).order_by(
        versions.c.created_at.desc(), versions.c.version_id.desc()
    ),
    "version_body": select(versions.c.body).where(versions.c.version_id == P("version_id")),
    "trigger_names": select(triggers.c.trigger_id, triggers.c.name)
    .select_from(triggers.join(agents, agents.c.agent_id == triggers.c.agent_id))
    .where(_IN_WORKSPACE),
    "insert_trigger": _add(triggers),
    "update_trigger": _set(triggers, "trigger_id", "name", "active", "settings", "last_fired_at", "updated_at"),
    "delete_trigger": delete(triggers).where(triggers.c.trigger_id == P("trigger_id")),
    "delete_triggers_of": delete(triggers).where(triggers.c.agent_id == P("agent_id")),
    "list_triggers": select(triggers).where(triggers.c.agent_id == P("agent_id")).order_by(triggers.c.name),
    "find_trigger": select(triggers).where(triggers.c.trigger_id == P("trigger_id")),
    "ready_agent_runs": select(runs.c.run_id)
    .select_from(agents.join(runs, _OF_DATA))
    .where(_READY, runs.c.ready_at <= P("now"))
    .order_by(runs.c.ready_at)
    .limit(P("limit"))
    .offset(ZERO),
    # Per agent the first of an index, however many of its runs wait for a time.
    "next_agent_ready_at": select(
        func.min(select(func.min(runs.c.ready_at)).where(runs.c.program == agents.c.agent_id, _READY).scalar_subquery())
    )
    .select_from(agents)
    .where(agents.c.origin == constant("data")),
}


class RegistryRows(Rows):
    """The part of a transaction that writes and reads agents, versions and triggers."""

    # -- agents ------------------------------------------------------------------------------------------

    def insert_agent(self, agent: AgentRecord) -> None:
        """See the port."""
        self._change(
            "insert_agent",
            workspace_id=agent.workspace_id,
            origin=agent.origin,
            program=agent.program,
            created_at=to_micros(agent.created_at),
            **_changing(agent),
        )

    def update_agent(self, agent: AgentRecord) -> None:
        """See the port."""
        self._change("update_agent", **_changing(agent))

    def delete_agent(self, agent_id: AgentId) -> None:
        """See the port."""
        self._change("delete_triggers_of", agent_id=agent_id)
        self._change("delete_versions_of", agent_id=agent_id)
        self._change("delete_agent", agent_id=agent_id)

    def find_agent(self, workspace_id: WorkspaceId, agent_id: AgentId) -> AgentRecord | None:
        """See the port."""
        rows = self._all("find_agent", workspace_id=workspace_id, agent_id=agent_id)
        return _agent(rows[0]) if rows else None

    def find_named(self, workspace_id: WorkspaceId, name: str) -> AgentRecord | None:
        """See the port."""
        rows = self._all("find_named_agent", workspace_id=workspace_id, name=name)
        return _agent(rows[0]) if rows else None

    def list_agents(self, workspace_id: WorkspaceId, *, limit: int, skip: int) -> AgentPage:
        """See the port."""
        rows = self._all("list_agents", workspace_id=workspace_id, limit=limit, skip=skip)
        ((total,),) = self._all("count_agents", workspace_id=workspace_id)
        return AgentPage(items=tuple(_agent(row) for row in rows), total=total)

    def list_workflows(self, workspace_id: WorkspaceId) -> list[AgentRecord]:
        """See the port."""
        return [_agent(row) for row in self._all("list_workflows", workspace_id=workspace_id)]

    def names(self, workspace_id: WorkspaceId, version_ids: Iterable[str]) -> Names:
        """See the port."""
        bodies = {id_: self._all("version_body", version_id=id_) for id_ in set(version_ids)}
        return Names(
            agents={row[0]: row[1] for row in self._all("programs_of_code", workspace_id=workspace_id)},
            triggers={row[0]: row[1] for row in self._all("trigger_names", workspace_id=workspace_id)},
            models={id_: _model(rows[0][0]) for id_, rows in bodies.items() if rows},
        )

    def has_open_runs(self, agent: AgentRecord) -> bool:
        """See the port."""
        return bool(self._all("open_runs_of", workspace_id=agent.workspace_id, program=agent.program))

    # -- versions ----------------------------------------------------------------------------------------

    def insert_version(self, version: VersionRecord) -> None:
        """See the port."""
        self._change(
            "insert_version",
            version_id=version.id,
            agent_id=version.agent_id,
            label=version.label,
            body=json_bytes(dict(version.body)),
            digest=version.digest,
            created_by=version.created_by,
            created_at=to_micros(version.created_at),
            updated_at=to_micros(version.updated_at),
        )

    def update_version(self, version: VersionRecord) -> None:
        """See the port."""
        self._change(
            "update_version",
            version_id=version.id,
            label=version.label,
            body=json_bytes(dict(version.body)),
            digest=version.digest,
            updated_at=to_micros(version.updated_at),
        )

    def delete_version(self, version_id: VersionId) -> None:
        """See the port."""
        self._change("delete_version", version_id=version_id)

    def list_versions(self, agent_id: AgentId) -> list[VersionRecord]:
        """See the port."""
        return [_version(row) for row in self._all("list_versions", agent_id=agent_id)]

    def find_version(self, agent_id: AgentId, version_id: VersionId) -> VersionRecord | None:
        """See the port."""
        rows = self._all("find_version", agent_id=agent_id, version_id=version_id)
        return _version(rows[0]) if rows else None

    # -- triggers ----------------------------------------------------------------------------------------

    def insert_trigger(self, trigger: Trigger) -> None:
        """See the port."""
        self._change(
            "insert_trigger",
            agent_id=trigger.agent_id,
            kind=trigger.kind,
            created_at=to_micros(trigger.created_at),
            **_changing_trigger(trigger),
        )

    def update_trigger(self, trigger: Trigger) -> None:
        """See the port."""
        self._change("update_trigger", **_changing_trigger(trigger))

    def delete_trigger(self, trigger_id: TriggerId) -> None:
        """See the port."""
        self._change("delete_trigger", trigger_id=trigger_id)

    def list_triggers(self, agent_id: AgentId) -> list[Trigger]:
        """See the port."""
        return [_trigger(row) for row in self._all("list_triggers", agent_id=agent_id)]

    def find_trigger(self, trigger_id: TriggerId) -> Trigger | None:
        """See the port."""
        rows = self._all("find_trigger", trigger_id=trigger_id)
        return _trigger(rows[0]) if rows else None

    # -- runs of agents made as data ---------------------------------------------------------------------

    def ready_runs(self, *, now: datetime, limit: int) -> list[RunId]:
        """See the port."""
        return [RunId(row[0]) for row in self._all("ready_agent_runs", now=to_micros(now), limit=limit)]

    def next_ready_at(self) -> datetime | None:
        """See the port."""
        ((found,),) = self._all("next_agent_ready_at")
        return some_time(found)


def _changing(agent: AgentRecord) -> dict[str, Any]:
    block = agent.block
    return {
        "agent_id": agent.id,
        "name": agent.name,
        "mode": agent.mode,
        "deployed_version_id": agent.deployed_version_id,
        "block_reason": None if block is None else block.reason,
        "blocked_by": None if block is None else block.by,
        "blocked_at": None if block is None else to_micros(block.at),
        "updated_at": to_micros(agent.updated_at),
    }


def _changing_trigger(trigger: Trigger) -> dict[str, Any]:
    fired = trigger.last_fired_at
    return {
        "trigger_id": trigger.id,
        "name": trigger.name,
        "active": int(trigger.active),
        "settings": json_bytes(settings_wire(trigger.settings)),
        "last_fired_at": some_micros(fired),
        "updated_at": to_micros(trigger.updated_at),
    }


def _agent(row: Any) -> AgentRecord:
    (
        id_, workspace, name, mode, origin, program, deployed, reason, blocked_by, blocked_at, created, updated,
        label, body,
    ) = row  # fmt: skip
    block = None if reason is None else Block(reason=reason, by=blocked_by, at=from_micros(blocked_at))
    return AgentRecord(
        id=id_,
        workspace_id=workspace,
        name=name,
        mode=mode,
        origin=origin,
        program=program,
        deployed_version_id=deployed,
        deployed_label=label,
        deployed_model=None if body is None else _model(body),
        block=block,
        created_at=from_micros(created),
        updated_at=from_micros(updated),
    )


def _model(body: bytes) -> str | None:
    return json.loads(body).get("llmModel")


def _version(row: Any) -> VersionRecord:
    id_, agent_id, label, body, digest, created_by, created, updated, deployed = row
    return VersionRecord(
        id=VersionId(id_),
        agent_id=agent_id,
        label=label,
        body=json.loads(body),
        digest=digest,
        created_by=created_by,
        created_at=from_micros(created),
        updated_at=from_micros(updated),
        status="deployed" if deployed == id_ else "testing",
    )


def _trigger(row: Any) -> Trigger:
    id_, agent_id, kind, name, active, settings, fired, created, updated = row
    found, problems = trigger_settings(json.loads(settings))
    if problems:  # an unreadable limit must not become none
        raise UnreadableValue(f"Expected the settings of trigger {id_} to be readable, but {problems[0]}.")
    return Trigger(
        id=id_,
        agent_id=agent_id,
        kind=kind,
        name=name,
        active=bool(active),
        settings=found,
        last_fired_at=some_time(fired),
        created_at=from_micros(created),
        updated_at=from_micros(updated),
    )
