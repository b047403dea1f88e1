"""Agents, versions and triggers as data: what the registry keeps, and what it says of what is to be saved.

An agent is a name, a mode and at most one deployed version. A version is a snapshot of everything that a run follows;
while it is `testing` it may be edited, while it is `deployed` it may not. A trigger lets the outside start runs. Agents
of origin `code` are those that a process has loaded; their versions are written by the code alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NewType

from sayso.model.agents import AgentMode, AgentVersion
from sayso.model.json import Json
from sayso.model.workspaces import WorkspaceId

AgentId = NewType("AgentId", str)
"""`agt_` and 26 characters; of an agent made as data, also the name of its program."""
VersionId = NewType("VersionId", str)
"""`ver_` and 26 characters."""
TriggerId = NewType("TriggerId", str)
"""`trg_` and 26 characters."""

AgentOrigin = Literal["data", "code", "workflow"]
"""Made by the API, loaded from a Python module, or a workflow of one, which is no agent but has versions and scopes."""
VersionStatus = Literal["testing", "deployed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Why no run of an agent starts."""

    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRecord:
    """One stored agent."""

    id: AgentId
    workspace_id: WorkspaceId
    name: str
    """Unique in its workspace."""
    mode: AgentMode
    origin: AgentOrigin
    program: str
    """The name under which its runs are stored."""
    deployed_version_id: VersionId | None = None
    deployed_label: str | None = None
    """The label of the deployed version; read with the agent, not stored with it."""
    deployed_model: str | None = None
    """The model of the deployed version; read with the agent, not stored with it."""
    block: Block | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPage:
    """Some agents of a workspace, by name, and how many there are."""

    items: tuple[AgentRecord, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the ids and programs that runs carry are called in their workspace."""

    agents: Mapping[str, str]
    """From a program loaded from code to the id under which it is registered."""
    triggers: Mapping[str, str]
    """From a trigger to its name."""
    models: Mapping[str, str | None]
    """From a version to its model; those that were asked for."""

    def agent(self, program: str) -> str:
        """Return the id of what a run executes; the program itself where it is registered under no other."""
        return self.agents.get(program, program)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """One stored version."""

    id: VersionId
    agent_id: AgentId
    label: str
    """Unique among the agent's versions."""
    body: Mapping[str, Json]
    """Every field by its wire name (core/versions.py)."""
    digest: str
    """Of the body; of a version that code wrote, also of its tools."""
    created_by: str
    created_at: datetime
    updated_at: datetime
    status: VersionStatus = "testing"
    """Read with the version, not stored with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What stands against data that is to be saved, or what the one who saves it should know."""

    pointer: str
    """Where, as a JSON pointer; empty means the whole."""
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer or 'the whole'}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedVersion:
    """A version as it was saved, and what was changed on the way."""

    version: VersionRecord
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTriggerSettings:
    """How programs may start an agent; of the limits, 0 is none."""

    expose_timeline: bool = True
    """Whether clients with a key see steps, tasks and outputs of child runs."""
    rpm_limit: int = 0
    """Starts in a minute."""
    rpd_limit: int = 0
    """Starts in a day."""
    max_concurrent_runs: int = 0
    max_input_tokens: int = 0
    """Estimated from the JSON of the input."""
    ip_whitelist: tuple[str, ...] = ()
    """Addresses and networks; empty lets every address in."""
    api_completable_kinds: tuple[str, ...] = ()
    """Kinds of tasks that a key may decide beyond those that it always may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One stored trigger."""

    id: TriggerId
    agent_id: AgentId
    kind: Literal["api"] = "api"
    name: str
    """Unique among the agent's triggers."""
    active: bool = True
    settings: ApiTriggerSettings
    last_fired_at: datetime | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Startable:
    """What a run of an agent starts with."""

    agent: AgentRecord
    version_id: VersionId
    label: str
    version: AgentVersion
    """To be frozen in the run: with the agent's mode, and with the workspace's limits where those are stricter."""

    @property
    def program(self) -> str:
        """The name under which the run is stored."""
        return self.agent.program
