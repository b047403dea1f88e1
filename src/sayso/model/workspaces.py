"""Workspaces, the people in them, and what proves who somebody is.

A workspace isolates everything of one team from another: every run, task, session, agent, key and audit row belongs to
exactly one. People are members of any number of them, with one role in each.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NewType

from sayso.model.actors import Actor

WorkspaceId = NewType("WorkspaceId", str)
"""`wsp_` and 26 characters, or `default`, the one that an embedded database begins with."""
PersonId = NewType("PersonId", str)
"""`per_` and 26 characters."""
KeyId = NewType("KeyId", str)
"""`key_` and 26 characters."""

DEFAULT_WORKSPACE = WorkspaceId("default")

Role = Literal["owner", "admin", "developer", "operator", "auditor"]
ROLES: tuple[Role, ...] = ("owner", "admin", "developer", "operator", "auditor")

WorkspaceStatus = Literal["active", "suspended"]
"""In a suspended workspace no run starts; what runs goes on, and people may still decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceLimits:
    """What a workspace may use; None is unlimited. Of these and a version's own limits, the stricter counts."""

    max_tool_calls_ceiling: int | None = None
    max_active_seconds: float | None = None
    wait_budget_seconds: float | None = None
    max_agents: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceSettings:
    """The switches of a workspace."""

    developers_manage_secrets: bool = False
    operators_see_sessions: bool = False
    starters_may_decide: bool = True
    """Whether a person may decide tasks of a run that the same person started; a key never may."""
    limits: WorkspaceLimits = field(default_factory=WorkspaceLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One workspace."""

    id: WorkspaceId
    name: str
    status: WorkspaceStatus = "active"
    settings: WorkspaceSettings = field(default_factory=WorkspaceSettings)
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who signs in."""

    id: PersonId
    email: str
    """In lower case; unique."""
    name: str
    subject: str | None = None
    """Issuer and subject of the identity provider, once signed in by it."""
    disabled_at: datetime | None = None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person in a workspace."""

    workspace_id: WorkspaceId
    person: Person
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A workspace that a person is in, seen from the person."""

    workspace: Workspace
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who an identity provider says that somebody is."""

    issuer: str
    subject: str
    """The provider's own id of the person; the address may change, this does not."""
    email: str | None
    """In lower case, and only where the provider has verified it."""
    name: str
    role: Role | None = None
    """What the person's groups stand for."""

    @property
    def key(self) -> str:
        """Issuer and subject, as a person's row holds them."""
        return f"{self.issuer} {self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRules:
    """What becomes of somebody whom an identity provider has proven."""

    workspace_id: WorkspaceId = DEFAULT_WORKSPACE
    """Where people of the allowed domains, and those whom their groups give a role, are members."""
    domains: frozenset[str] = frozenset()
    """Whoever has a verified address in one of these may join without an invitation."""
    role: Role | None = "operator"
    """What those who join so are, unless their groups say otherwise; None lets nobody in without a group."""
    by_groups: bool = False
    """Whether a person's groups decide the role at every sign-in; who has none of them gets `role`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An offer of membership; its link carries a secret of which only the hash is stored."""

    id: str
    workspace_id: WorkspaceId
    email: str
    role: Role
    created_by: str
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None = None


CredentialKind = Literal["session", "link", "token"]
"""A signed-in browser, a sign-in link that works once, or a token of the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What proves that a person is there; the secret itself is never stored."""

    id: str
    kind: CredentialKind
    person_id: PersonId
    workspace_id: WorkspaceId
    """The workspace that is active for its holder."""
    name: str
    created_at: datetime
    expires_at: datetime
    seen_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a key may reach: the runs of one agent, and of these only those of one trigger where it names one."""

    agent_id: str
    trigger_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A program's key; shown once when it is made, stored as a hash."""

    id: KeyId
    workspace_id: WorkspaceId
    name: str
    last4: str
    scopes: tuple[Scope, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Which runs of its workspace somebody may see."""

    workspace_id: WorkspaceId
    programs: frozenset[tuple[str, str | None]] | None = None
    """Programs, each with the one trigger that counts or None for all of them; None for every run of the workspace."""
    shown: frozenset[str] | None = None
    """The triggers that expose steps and tasks of the runs they start; None where everything is shown."""

    def shows(self, trigger_id: str | None) -> bool:
        """Tell whether steps and tasks of what a trigger has started may be seen; without a trigger they may."""
        return self.shown is None or trigger_id is None or trigger_id in self.shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who makes a request, after authentication: a person with a role, a key with scopes, or the machine's own user."""

    workspace: Workspace
    person: Person | None = None
    role: Role | None = None
    key: ApiKey | None = None
    local: str | None = None
    """The login name of whoever holds the database itself; nobody on the network ever has one."""
    credential_id: str | None = None
    """The session or token that a person came with."""
    via: str = "api"

    @property
    def id(self) -> str:
        """Who this is, in rows and logs."""
        if self.person is not None:
            return self.person.email
        if self.key is not None:
            return self.key.id
        return self.local or "?"

    @property
    def actor(self) -> Actor:
        """Who this is, as the author of a command."""
        return Actor(type="user" if self.key is None else "api_key", id=self.id, via=self.via)
