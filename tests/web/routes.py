"""Every route of the pages, taken from the router itself, and what the tests that go through all of them must know."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi.routing import iter_route_contexts

from sayso import web
from tests.web.site import Site

Ids = dict[str, str]
"""The ids of things that are there, by the names of path parameters."""

PAGES: dict[str, str] = {
    "/dashboard": "/dashboard",
    "/review": "/review",
    "/review/bulk": "/review/bulk?task={taskId}",
    "/review/{taskId}": "/review/{taskId}",
    "/sessions": "/sessions",
    "/sessions/{sessionId}": "/sessions/{sessionId}",
    "/sessions/{sessionId}/steps/{stepId}": "/sessions/{sessionId}/steps/{stepId}",
    "/sessions/{sessionId}/terminate": "/sessions/{sessionId}/terminate",
    "/sessions/{sessionId}/complete": "/sessions/{sessionId}/complete",
    "/runs/{runId}/cancel": "/runs/{runId}/cancel",
    "/agents": "/agents",
    "/agents/{agentId}": "/agents/{agentId}",
    "/agents/workflows/{workflow}": "/agents/workflows/{workflow}",
    "/audit": "/audit",
    "/audit/verify": "/audit/verify",
    "/audit/evidence": "/audit/evidence?session={sessionId}",
    "/settings/me": "/settings/me",
    "/settings/sign-ins": "/settings/sign-ins",
    "/settings/people": "/settings/people",
    "/settings/people/{person_id}": "/settings/people/{person_id}",
    "/settings/roles": "/settings/roles",
    "/settings/keys": "/settings/keys",
    "/settings/workspace": "/settings/workspace",
    "/settings/system": "/settings/system",
}
"""Every page, by its route, with an address that shows something: a new one is added here, and held to all."""

OPEN_PAGES: dict[str, str] = {
    "/login": "/login?once=sayso_link_x",
    "/join": "/join?once=sayso_inv_x",
}
"""Those that need no sign-in."""

OPEN = {"/login", "/join", "/logout", "/auth/start", "/auth/callback", "/static/{digest}/{name:path}"}
"""What answers whoever comes."""

NO_PAGES = {
    "/", "/settings", "/live", "/static/{digest}/{name:path}", "/auth/start", "/auth/callback",
    "/audit/export", "/waiting", "/audit/evidence.json", "/review/{taskId}/state", "/review/{taskId}/presence",
    "/runs/{runId}",
}  # fmt: skip
"""What is read and is no page: ways on, files, streams, and parts of pages."""

OWN_DOCUMENTS = {"/audit/evidence"}
"""Documents that are kept as they are: they stand outside the frame, under a policy of their own."""

PREFERENCES = {"/sessions/{sessionId}/layout"}
"""What keeps a preference of the browser, and tells nothing of what it names."""

QUERIES: dict[str, str] = {
    "/live": "?topic=review",
    "/audit/evidence": "?session={sessionId}",
    "/audit/evidence.json": "?session={sessionId}",
}
"""What an address must have besides its path."""

FORMS: dict[str, dict[str, str]] = {
    "/runs/{runId}/reply": {"text": "go on"},
    "/review/{taskId}/extend": {"due": "2026-01-01T00:00:00+00:00"},
    "/agents/{agentId}/block": {"reason": "x"},
    "/agents/{agentId}/unblock": {"note": "x"},
    "/settings/people/{person_id}/role": {"role": "operator"},
}
"""What a form must have, so that it is refused for what it names and not for what it lacks."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route."""

    method: str
    path: str

    def address(self, ids: Ids) -> str:
        """Return the address of something that is there."""
        return filled(self.path + QUERIES.get(self.path, ""), ids)

    @property
    def names_something(self) -> bool:
        """Tell whether it is about one thing of a workspace."""
        return "{" in self.path + QUERIES.get(self.path, "") and self.path not in OPEN | PREFERENCES


def routes() -> Iterator[Route]:
    """Yield every route of the pages."""
    for context in iter_route_contexts(web.router.routes):
        for method in sorted(context.methods or ()):
            yield Route(method, context.path)


def filled(address: str, ids: Ids) -> str:
    """Return an address with ids in it; a name that is not known fails."""
    return address.format_map({**ids, "digest": "x", "name:path": "app.css"})


def known(place: Site) -> Ids:
    """Make one of everything, and return the ids of all of it."""
    directory, root = place.service.directory, place.root
    agent = next(iter(place.do(place.service.registry.list_agents(root.workspace.id, limit=10)).items))
    with place.client("owner") as client:
        headers = {"Accept": "application/json"}
        path = f"/v1/agents/{agent.id}/runs?wait=20"
        run = client.post(path, json={"input": {"message": "pay"}}, headers=headers).json()
        member = client.get("/v1/me", headers=headers).json()["id"]
        scopes = [{"agentId": agent.id}]
        key = client.post("/v1/keys", json={"name": "k", "scopes": scopes}, headers=headers).json()["id"]
        token = client.post("/v1/me/tokens", json={"name": "t"}, headers=headers).json()["id"]
        trigger = client.post(f"/v1/agents/{agent.id}/triggers", json={"name": "t"}, headers=headers).json()["id"]
        steps = re.findall(r'<li id="([^"]+)" class="step', client.get(f"/sessions/{run['sessionId']}").text)
        browser = client.get("/v1/me/sessions", headers=headers).json()["items"][0]["id"]
    invitation = place.do(directory.invitations.create(root, email="inv@example.com", role="operator")).invitation.id
    versions = place.do(place.service.registry.list_versions(root.workspace.id, agent.id))
    return {
        "taskId": run["pendingUserTasks"][0]["id"],
        "runId": run["runId"],
        "sessionId": run["sessionId"],
        "stepId": steps[0],
        "workflow": "flow",
        "agentId": agent.id,
        "versionId": versions[0].id,
        "triggerId": trigger,
        "person_id": member,
        "invitation_id": invitation,
        "key_id": key,
        "token_id": token,
        "session_id": browser,
    }
