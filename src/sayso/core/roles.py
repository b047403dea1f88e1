"""Who may do what in a workspace: one table of abilities by role, two switches, and what keys may.

The table is data: the reference page is made from it, and a test holds every cell. What is not in it is refused.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from sayso.model.workspaces import ROLES, Principal, Role, Scope, WorkspaceSettings

Ability = Literal[
    "see_dashboard",
    "see_sessions",
    "end_sessions",
    "skip_waits",
    "see_agents",
    "edit_agents",
    "start_runs",
    "see_tasks",
    "decide_tasks",
    "see_runs_of_tasks",
    "see_guard",
    "see_secret_names",
    "manage_secrets",
    "see_providers",
    "manage_providers",
    "see_people",
    "manage_people",
    "see_keys",
    "manage_keys",
    "manage_workspace",
    "see_audit",
    "export_audit",
    "make_sign_in_links",
]


def _roles(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


_OWNERS = _roles("owner", "admin")
_BUILDERS = _roles("owner", "admin", "developer")
_READERS = _roles("owner", "admin", "developer", "auditor")
_REVIEWERS = _roles("owner", "admin", "developer", "operator")
_AUDITORS = _roles("owner", "admin", "auditor")
_EVERYBODY = _roles(*ROLES)

TABLE: Mapping[Ability, frozenset[Role]] = MappingProxyType(
    {
        "see_dashboard": _READERS,
        "see_sessions": _READERS,
        "end_sessions": _BUILDERS,
        "skip_waits": _BUILDERS,
        "see_agents": _READERS,
        "edit_agents": _BUILDERS,
        "start_runs": _BUILDERS,
        "see_tasks": _EVERYBODY,
        "decide_tasks": _REVIEWERS,
        "see_runs_of_tasks": _EVERYBODY,
        "see_guard": _EVERYBODY,
        "see_secret_names": _READERS,
        "manage_secrets": _OWNERS,
        "see_providers": _READERS,
        "manage_providers": _OWNERS,
        "see_people": _READERS,
        "manage_people": _OWNERS,
        "see_keys": _READERS,
        "manage_keys": _OWNERS,
        "manage_workspace": _OWNERS,
        "see_audit": _AUDITORS,
        "export_audit": _AUDITORS,
        "make_sign_in_links": _roles(),
    }
)
"""The roles that have each ability, before the switches of the workspace."""

MEANINGS: Mapping[Ability, str] = MappingProxyType(
    {
        "see_dashboard": "The home page and its figures",
        "see_sessions": "The list of sessions, and any session in it",
        "end_sessions": "Mark a session complete, or terminate it",
        "skip_waits": "Let a run that waits for a time go on now",
        "see_agents": "Agents, their versions, triggers and operations",
        "edit_agents": "Create, edit, deploy, roll back, retract, delete, test-run and block agents; their triggers",
        "start_runs": "Start a run",
        "see_tasks": "Review: the tasks that wait for people, and those that are decided",
        "decide_tasks": "Decide a task",
        "see_runs_of_tasks": "The run that a task belongs to",
        "see_guard": "Guard: incidents, alerts and proposals",
        "see_secret_names": "The names of secrets; nobody ever sees a value",
        "manage_secrets": "Add and remove secrets",
        "see_providers": "Model providers",
        "manage_providers": "Add and change model providers",
        "see_people": "Members and invitations",
        "manage_people": "Invite, add and remove members, change their roles, disable people, end their sign-ins",
        "see_keys": "API keys: name, scopes, last four characters, last use",
        "manage_keys": "Create and revoke API keys",
        "manage_workspace": "Rename, suspend and activate the workspace, change its settings, create another",
        "see_audit": "The audit log",
        "export_audit": "Export the audit log and evidence packets",
        "make_sign_in_links": "Make a link that signs somebody in; from the command line of the machine itself only",
    }
)
"""What each ability covers, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A setting of a workspace that gives one role one ability more."""

    name: str
    role: Role
    ability: Ability
    on: Callable[[WorkspaceSettings], bool]


SWITCHES: tuple[Switch, ...] = (
    Switch(
        name="developers_manage_secrets",
        role="developer",
        ability="manage_secrets",
        on=lambda settings: settings.developers_manage_secrets,
    ),
    Switch(
        name="operators_see_sessions",
        role="operator",
        ability="see_sessions",
        on=lambda settings: settings.operators_see_sessions,
    ),
)
"""Both are off by default."""

KEY_ABILITIES: frozenset[Ability] = frozenset(
    {"start_runs", "skip_waits", "see_sessions", "see_tasks", "decide_tasks", "see_runs_of_tasks"}
)
"""What an API key may do within its scopes; which tasks are for people only is not its ability but the task's kind."""


def may(role: Role, ability: Ability, settings: WorkspaceSettings) -> bool:
    """Tell whether a role has an ability in a workspace with these settings."""
    return role in TABLE[ability] or any(
        switch.role == role and switch.ability == ability and switch.on(settings) for switch in SWITCHES
    )


def allows(principal: Principal, ability: Ability) -> bool:
    """Tell whether whoever makes a request has an ability; who holds the database itself has every one."""
    if principal.local is not None:
        return True
    if principal.key is not None:
        return ability in KEY_ABILITIES
    return principal.role is not None and may(principal.role, ability, principal.workspace.settings)


def outranks(role: Role | None, other: Role) -> bool:
    """Tell whether a role may give, change or take away another: owners are made and unmade by owners alone."""
    return role == "owner" or (role == "admin" and other != "owner")


def reaches(scopes: Iterable[Scope], agent_id: str, trigger_id: str | None) -> bool:
    """Tell whether a key's scopes cover what a trigger of an agent started, or, without one, all of the agent's."""
    return any(scope.agent_id == agent_id and scope.trigger_id in {None, trigger_id} for scope in scopes)
