"""What is expected of every route of the OpenAPI: which ability it needs, and the status that each caller is answered.

What a role may is not written here but taken from the table of abilities (core/roles.py). Bodies and paths name by
`{...}` what tests/service/authworld.py has made, anew for each request that uses it up.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sayso.core.roles import KEY_ABILITIES, Ability, may
from sayso.model.workspaces import Role, WorkspaceSettings

ROLES: tuple[Role, ...] = ("owner", "admin", "developer", "operator", "auditor")
NOBODY = ("anonymous", "disabled person", "removed member", "revoked key", "expired key", "a key that never was")
FOREIGN = ("owner elsewhere", "key elsewhere")
BROWSER = "owner in a browser"
CALLERS = (*ROLES, BROWSER, *NOBODY, *FOREIGN, "key in scope", "key out of scope")
Needs = Ability | Literal["nothing", "a sign-in"]


@dataclass(frozen=True, kw_only=True)
class Route:
    """What is expected of one route."""

    needs: Needs
    good: int
    """The answer to somebody who may, for an object that is there."""
    body: Any = None
    elsewhere: int = 404
    """The answer to somebody of another workspace; a list is empty there, so it is 200."""
    unscoped: int | None = 403
    """The answer to a key whose scopes do not name the agent; None where a list is merely empty: as `good`."""
    by_key: int | None = None
    """The answer to a key in scope, where it is not `good`."""
    special: Mapping[str, int] = field(default_factory=dict)
    """Answers to single callers that no rule gives."""


APPROVE = {"approved": False}
OWN = 403  # the run is the key's own, so another decides
AGENT = "/v1/agents/{dataAgentId}"
VERSION = AGENT + "/versions/{dataVersionId}"
TRIGGER = AGENT + "/triggers/{triggerId}"
TENANT = "/internal/v1/tenants/{tenantId}/agents"
FIELDS = {"versionLabel": "v{serial}", "llmModel": "stub:none"}
PROGRAMS = ("owner elsewhere", "key in scope", "key out of scope", "key elsewhere")
ONLY_BROWSERS = dict.fromkeys((*ROLES, *PROGRAMS), 403)
"""Nobody whose token was stolen gets another."""
NO_SWITCH = dict.fromkeys((*ROLES, *PROGRAMS), 400)
NOT_THEIRS = dict.fromkeys(("developer", "operator", "auditor", *PROGRAMS), 404)
NOT_THERE = {"key elsewhere": 404}


def _see(needs: Needs, **more: Any) -> Route:
    return Route(needs=needs, good=200, **more)


def _edit(good: int = 200, body: Any = None, **more: Any) -> Route:
    return Route(needs="edit_agents", good=good, body=body, **more)


def _people(good: int = 200, body: Any = None, **more: Any) -> Route:
    return Route(needs="manage_people", good=good, body=body, **more)


OF_RUNS: dict[tuple[str, str], Route] = {
    ("GET", "/healthz"): _see("nothing"),
    ("GET", "/readyz"): _see("nothing"),
    ("GET", "/metrics"): _see("nothing"),
    ("POST", "/v1/agents/{agentId}/runs"): Route(needs="start_runs", good=202, body={}),
    ("GET", "/v1/agents/{agentId}/sessions"): _see("see_sessions"),
    ("GET", "/v1/sessions"): _see("see_sessions", elsewhere=200, unscoped=None),
    ("GET", "/v1/sessions/{sessionId}"): _see("see_runs_of_tasks"),
    ("POST", "/v1/sessions/{sessionId}/terminate"): Route(needs="end_sessions", good=202, body={}),
    ("POST", "/v1/sessions/{sessionId}/complete"): Route(needs="end_sessions", good=202, body={}),
    ("GET", "/v1/runs/{runId}"): _see("see_runs_of_tasks"),
    ("GET", "/v1/runs"): _see("see_sessions", elsewhere=200, unscoped=None),
    ("GET", "/v1/runs/{runId}/journal"): _see("see_runs_of_tasks"),
    ("GET", "/v1/runs/{runId}/calls"): _see("see_runs_of_tasks"),
    ("GET", "/v1/runs/{runId}/conversation"): _see("see_runs_of_tasks"),
    ("GET", "/v1/runs/{runId}/user-tasks"): _see("see_runs_of_tasks"),
    ("GET", "/v1/runs/{runId}/stream"): _see("see_runs_of_tasks"),
    ("POST", "/v1/runs/{runId}/messages"): Route(
        needs="decide_tasks", good=202, body={"userTaskId": "{taskId}", **APPROVE}, by_key=OWN
    ),
    ("POST", "/v1/runs/{runId}/input"): Route(
        needs="decide_tasks", good=202, body={"userTaskId": "{taskId}", **APPROVE}, by_key=OWN
    ),
    ("POST", "/v1/runs/{runId}/decisions"): Route(
        needs="decide_tasks", good=202, body={"decisions": [{"userTaskId": "{taskId}", **APPROVE}]}, by_key=OWN
    ),
    ("POST", "/v1/runs/{runId}/skip-agent-wait"): Route(needs="skip_waits", good=400),
    ("POST", "/v1/runs/{runId}/cancel"): Route(needs="end_sessions", good=202, body={}),
    ("GET", "/v1/user-tasks"): _see("see_tasks", elsewhere=200, unscoped=None),
    ("GET", "/v1/user-tasks/{taskId}"): _see("see_tasks"),
    ("POST", "/v1/user-tasks/{taskId}/complete"): Route(needs="decide_tasks", good=200, body=APPROVE, by_key=OWN),
    ("POST", "/v1/user-tasks/{taskId}/reveal"): Route(
        needs="decide_tasks", good=422, body={"path": "/amount"}, by_key=OWN  # it has no secret; a key is told none
    ),
    ("POST", "/v1/user-tasks/{taskId}/assign"): Route(needs="decide_tasks", good=200, body={"assignee": None}),
    ("POST", "/v1/user-tasks/{taskId}/extend"): Route(needs="decide_tasks", good=409, body={}, by_key=OWN),
    ("POST", "/v1/user-tasks/{taskId}/claim"): Route(needs="decide_tasks", good=200),
    ("POST", "/v1/user-tasks/{taskId}/release"): Route(needs="decide_tasks", good=200),
    ("GET", "/v1/workflows"): _see("see_agents", elsewhere=200),
    ("POST", "/v1/workflows/{workflow}/runs"): Route(needs="start_runs", good=202, body={}, by_key=403),
    ("GET", "/v1/workflows/{workflow}/sessions"): _see("see_sessions", unscoped=None),
}  # fmt: skip
"""Workflows are of the workspace that code is loaded into."""

OF_AGENTS: dict[tuple[str, str], Route] = {
    ("GET", "/v1/operations"): _see("see_agents", elsewhere=200),
    ("GET", "/v1/agents"): _see("see_agents", elsewhere=200),
    ("POST", "/v1/agents"): _edit(201, {"name": "another {serial}"}, elsewhere=201),
    ("GET", AGENT): _see("see_agents"),
    ("PATCH", AGENT): _edit(body={"name": "renamed {serial}"}),
    ("DELETE", AGENT): _edit(204),
    ("POST", AGENT + "/block"): _edit(body={"reason": "It pays too much."}),
    ("POST", AGENT + "/unblock"): _edit(body={"note": "The limit is 5 now."}),
    ("POST", AGENT + "/rollback"): _edit(body={"versionId": "{dataVersionId}"}),
    ("POST", AGENT + "/retract"): _edit(),
    ("GET", AGENT + "/versions"): _see("see_agents"),
    ("POST", AGENT + "/versions"): _edit(201, FIELDS),
    ("GET", VERSION): _see("see_agents"),
    ("PATCH", VERSION): _edit(body={"instructions": "Be kind."}),
    ("DELETE", VERSION): _edit(204),
    ("POST", VERSION + "/deploy"): _edit(body={}),
    ("POST", VERSION + "/clone"): _edit(201, {"versionLabel": "v{serial}"}),
    ("POST", VERSION + "/test-runs"): _edit(202, {}),
    ("GET", AGENT + "/triggers"): _see("see_agents"),
    ("POST", AGENT + "/triggers"): _edit(201, {"name": "shop"}),
    ("GET", TRIGGER): _see("see_agents"),
    ("PATCH", TRIGGER): _edit(body={"active": False}),
    ("DELETE", TRIGGER): _edit(204),
    ("GET", TENANT): _see("see_agents", special=NOT_THERE),
    ("GET", TENANT + "/{dataAgentId}"): _see("see_agents", special=NOT_THERE),
    ("GET", TENANT + "/{dataAgentId}/versions"): _see("see_agents", special=NOT_THERE),
    ("GET", TENANT + "/{dataAgentId}/versions/{dataVersionId}"): _see("see_agents", special=NOT_THERE),
    ("POST", TENANT + "/{dataAgentId}/versions/{dataVersionId}/deploy"): _edit(body={}, special=NOT_THERE),
    ("POST", TENANT + "/{dataAgentId}/retract"): _edit(special=NOT_THERE),
}

OF_PEOPLE: dict[tuple[str, str], Route] = {
    ("GET", "/v1/members"): _see("see_people", elsewhere=200),
    ("POST", "/v1/members"): _people(201, {"email": "m{serial}@example.com", "role": "operator"}, elsewhere=201),
    ("PATCH", "/v1/members/{personId}"): _people(body={"role": "auditor"}),
    ("DELETE", "/v1/members/{personId}"): _people(204),
    ("POST", "/v1/members/{personId}/disable"): _people(),
    ("POST", "/v1/members/{personId}/enable"): _people(),
    ("GET", "/v1/members/{personId}/tokens"): _people(special=NOT_THERE),
    ("POST", "/v1/members/{personId}/sign-out"): _people(special=NOT_THERE),
    ("GET", "/v1/invitations"): _see("see_people", elsewhere=200),
    ("POST", "/v1/invitations"): _people(201, {"email": "i{serial}@example.com", "role": "operator"}, elsewhere=201),
    ("DELETE", "/v1/invitations/{invitationId}"): _people(204),
    ("POST", "/v1/invitations/accept"): Route(needs="nothing", good=200, body={"secret": "{invitation}", "name": "Bo"}),
    ("GET", "/v1/keys"): _see("see_keys", elsewhere=200),
    ("POST", "/v1/keys"): Route(
        needs="manage_keys", good=201, body={"name": "k", "scopes": [{"agentId": "{agentId}"}]}
    ),
    ("DELETE", "/v1/keys/{keyId}"): Route(needs="manage_keys", good=204),
    ("GET", "/v1/me"): _see("a sign-in"),
    ("POST", "/v1/me/workspace"): _see("a sign-in", body={"workspaceId": "{tenantId}"}, special=NO_SWITCH),
    ("GET", "/v1/me/sessions"): _see("a sign-in"),
    ("GET", "/v1/me/tokens"): _see("a sign-in"),
    ("POST", "/v1/me/tokens"): Route(needs="a sign-in", good=201, body={"name": "t"}, special=ONLY_BROWSERS),
    ("DELETE", "/v1/me/tokens/{tokenId}"): Route(needs="a sign-in", good=204, special=NOT_THEIRS),
    ("GET", "/v1/workspace"): _see("a sign-in"),
    ("PATCH", "/v1/workspace"): _see("manage_workspace", body={"name": "Renamed"}, elsewhere=200),
    ("POST", "/v1/workspace/suspend"): _see("manage_workspace", elsewhere=200),
    ("POST", "/v1/workspace/activate"): _see("manage_workspace", elsewhere=200),
    ("POST", "/v1/workspaces"): Route(needs="manage_workspace", good=201, body={"name": "New"}, elsewhere=201),
    ("GET", "/v1/audit"): _see("see_audit", elsewhere=200),
    ("GET", "/v1/audit/verify"): _see("see_audit", elsewhere=200),
    ("GET", "/v1/audit/export"): _see("export_audit", elsewhere=200),
    ("GET", "/v1/sessions/{sessionId}/evidence"): _see("export_audit"),
}  # fmt: skip

TABLE = {**OF_RUNS, **OF_AGENTS, **OF_PEOPLE}
OPEN_PAGES = {
    ("GET", "/static/{}/{}"), ("GET", "/login"), ("POST", "/login"), ("GET", "/join"), ("POST", "/join"),
    ("POST", "/logout"), ("GET", "/auth/start"), ("GET", "/auth/callback"),
}  # fmt: skip
"""Pages that nobody must be signed in for, by `shape`; every other route that the OpenAPI leaves out wants a browser's
session, and refuses whoever has none."""


def shape(path: str) -> str:
    """Return a path with its parameters unnamed: the table names what it makes, the OpenAPI what a parameter is."""
    return re.sub(r"\{\w+(:path)?\}", "{}", path)


def expected(route: Route, caller: str) -> int:
    """Return the status that a caller must be answered."""
    if route.needs == "nothing":
        return route.good
    if caller in NOBODY:
        return 401
    if caller in route.special:
        return route.special[caller]
    if route.needs == "a sign-in":
        return route.good
    if "key" in caller:
        return _of_key(route, caller)
    if caller == "owner elsewhere":
        return route.elsewhere
    role: Any = "owner" if caller == BROWSER else caller
    return route.good if may(role, route.needs, WorkspaceSettings()) else 403


def _of_key(route: Route, caller: str) -> int:
    if route.needs not in KEY_ABILITIES:
        return 403
    if caller == "key elsewhere":
        return route.elsewhere
    if caller == "key out of scope":
        return route.good if route.unscoped is None else route.unscoped
    return route.by_key or route.good
