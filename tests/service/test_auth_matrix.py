"""T77: every route of the OpenAPI by everybody who may come, and the exact status that each is answered.

What a role may is not written here but taken from the table of abilities (core/roles.py); a route names its ability,
and one that is not here fails. Foreign objects are not there at all: 404.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sayso.api.v1 import router
from sayso.core.roles import KEY_ABILITIES, Ability, may
from sayso.model.workspaces import Principal, Role, Scope, WorkspaceSettings
from sayso.server.application import plain_app
from tests.service.process import Patient
from tests.service.served import Served, served
from tests.service.test_openapi import MANAGEMENT

pytestmark = pytest.mark.anyio

ROLES: tuple[Role, ...] = ("owner", "admin", "developer", "operator", "auditor")
NOBODY = ("anonymous", "disabled person", "removed member", "revoked key", "expired key", "a key that never was")
FOREIGN = ("owner elsewhere", "key elsewhere")
CALLERS = (*ROLES, *NOBODY, *FOREIGN, "key in scope", "key out of scope")


@dataclass(frozen=True, kw_only=True)
class Route:
    """What is expected of one route."""

    ability: Ability | None
    """None: open to everybody."""
    good: int
    """The answer to somebody who may, for an object that is there."""
    body: Any = None
    elsewhere: int = 404
    """The answer to somebody of another workspace; a list is empty there, so it is 200."""
    unscoped: int | None = 403
    """The answer to a key whose scopes do not name the agent; None where a list is merely empty: as `good`."""
    by_key: int | None = None
    """The answer to a key in scope, where it is not `good`."""
    query: dict[str, Any] = field(default_factory=dict)


APPROVE = {"approved": False}
OWN = 403  # the run is the key's own, so another decides
TABLE: dict[tuple[str, str], Route] = {
    ("GET", "/healthz"): Route(ability=None, good=200),
    ("GET", "/readyz"): Route(ability=None, good=200),
    ("GET", "/metrics"): Route(ability=None, good=200),
    ("POST", "/v1/agents/{agentId}/runs"): Route(ability="start_runs", good=202, body={}),
    ("GET", "/v1/agents/{agentId}/sessions"): Route(ability="see_sessions", good=200),
    ("GET", "/v1/sessions"): Route(ability="see_sessions", good=200, elsewhere=200, unscoped=None),
    ("GET", "/v1/sessions/{sessionId}"): Route(ability="see_runs_of_tasks", good=200),
    ("POST", "/v1/sessions/{sessionId}/terminate"): Route(ability="end_sessions", good=202, body={}),
    ("POST", "/v1/sessions/{sessionId}/complete"): Route(ability="end_sessions", good=202, body={}),
    ("GET", "/v1/runs/{runId}"): Route(ability="see_runs_of_tasks", good=200),
    ("GET", "/v1/runs/{runId}/conversation"): Route(ability="see_runs_of_tasks", good=200),
    ("GET", "/v1/runs/{runId}/user-tasks"): Route(ability="see_runs_of_tasks", good=200),
    ("GET", "/v1/runs/{runId}/stream"): Route(ability="see_runs_of_tasks", good=200),
    ("POST", "/v1/runs/{runId}/messages"): Route(
        ability="decide_tasks", good=202, body={"userTaskId": "{taskId}", **APPROVE}, by_key=OWN
    ),
    ("POST", "/v1/runs/{runId}/input"): Route(
        ability="decide_tasks", good=202, body={"userTaskId": "{taskId}", **APPROVE}, by_key=OWN
    ),
    ("POST", "/v1/runs/{runId}/decisions"): Route(
        ability="decide_tasks", good=202, body={"decisions": [{"userTaskId": "{taskId}", **APPROVE}]}, by_key=OWN
    ),
    ("POST", "/v1/runs/{runId}/skip-agent-wait"): Route(ability="skip_waits", good=400),
    ("POST", "/v1/runs/{runId}/cancel"): Route(ability="end_sessions", good=202, body={}),
    ("GET", "/v1/user-tasks"): Route(ability="see_tasks", good=200, elsewhere=200, unscoped=None),
    ("GET", "/v1/user-tasks/{taskId}"): Route(ability="see_tasks", good=200),
    ("POST", "/v1/user-tasks/{taskId}/complete"): Route(ability="decide_tasks", good=200, body=APPROVE, by_key=OWN),
    ("POST", "/v1/user-tasks/{taskId}/claim"): Route(ability="decide_tasks", good=200),
    ("POST", "/v1/user-tasks/{taskId}/release"): Route(ability="decide_tasks", good=200),
    ("GET", "/v1/workflows"): Route(ability="see_agents", good=200, elsewhere=200),
    ("POST", "/v1/workflows/{workflow}/runs"): Route(
        ability="start_runs", good=202, body={}, by_key=403
    ),
    ("GET", "/v1/workflows/{workflow}/sessions"): Route(
        ability="see_sessions", good=200, unscoped=None
    ),
}  # fmt: skip
"""Workflows are of the workspace that code is loaded into."""


def expected(route: Route, caller: str) -> int:
    """Return the status that a caller must be answered."""
    if route.ability is None:
        return route.good
    if caller in NOBODY:
        return 401
    if "key" in caller:
        if route.ability not in KEY_ABILITIES:
            return 403
        if caller == "key elsewhere":
            return route.elsewhere
        if caller == "key out of scope":
            return route.good if route.unscoped is None else route.unscoped
        return route.by_key or route.good
    if caller == "owner elsewhere":
        return route.elsewhere
    settings = WorkspaceSettings()
    return route.good if may(caller, route.ability, settings) else 403  # type: ignore[arg-type]


@dataclass
class World:
    """A service with everybody in it."""

    it: Served
    clients: dict[str, httpx.AsyncClient]
    ids: dict[str, str]

    async def fresh(self) -> None:
        """Make a run of the key in scope that waits for a person."""
        path = f"/v1/agents/{self.ids['agentId']}/runs?wait=20"
        begun = (await self.clients["key in scope"].post(path, json={})).json()
        self.ids |= {"runId": begun["runId"], "sessionId": begun["sessionId"]}
        self.ids["taskId"] = begun["pendingUserTasks"][0]["id"]

    async def ask(self, method: str, path: str, route: Route, caller: str) -> int:
        address = path.format(**self.ids)
        body = _filled(route.body, self.ids)
        client = self.clients[caller]
        sent: dict[str, Any] = {} if body is None else {"json": body}
        return (await client.request(method, address, params=route.query, **sent)).status_code


def _filled(body: Any, ids: dict[str, str]) -> Any:
    match body:
        case str():
            return body.format(**ids)
        case dict():
            return {name: _filled(value, ids) for name, value in body.items()}
        case list():
            return [_filled(value, ids) for value in body]
        case _:
            return body


async def _person_elsewhere(it: Served) -> tuple[Principal, str]:
    """Return the owner of another workspace, and a token of theirs."""
    directory, root = it.service.directory, await it.root()
    workspace = await directory.workspaces.create(root, name="Elsewhere")
    there = await directory.local("root", workspace.id)
    await directory.people.add(there, email="stranger@example.com", role="owner")
    member = await directory.people.find(there, "stranger@example.com")
    assert member is not None
    link = await directory.sign_in.make_link(there, member.person.id)
    signed = await directory.sign_in.by_link(link.text)
    return there, (await directory.tokens.create(signed.principal, name="t")).text


async def _secrets(it: Served) -> dict[str, dict[str, str]]:
    """Return what each caller presents."""
    directory, root = it.service.directory, await it.root()
    tokens: dict[str, str] = {role: await it.token(role) for role in ROLES}
    for name, end in (("disabled person", directory.people.disable), ("removed member", directory.people.remove)):
        email = f"{name.split()[0]}@example.com"
        tokens[name] = await it.token("owner", email)
        member = await directory.people.find(root, email)
        assert member is not None
        await end(root, member.person.id)
    there, tokens["owner elsewhere"] = await _person_elsewhere(it)
    keys = {"key in scope": await it.key(), "key out of scope": await it.key(Scope(agent_id="agt_other"))}
    scope = [Scope(agent_id=await it.agent_id())]
    keys["key elsewhere"] = (await directory.keys.create(there, name="k", scopes=scope)).text
    revoked = await directory.keys.create(root, name="revoked", scopes=scope)
    await directory.keys.revoke(root, revoked.key.id)
    keys["revoked key"] = revoked.text
    soon = it.service.clock.now() + timedelta(seconds=0.5)
    expired = await directory.keys.create(root, name="expired", scopes=scope, expires_at=soon)
    await asyncio.sleep(max((soon - it.service.clock.now()).total_seconds(), 0) + 0.01)
    keys["expired key"] = expired.text
    keys["a key that never was"] = expired.text[:-6] + "AAAAAA"
    return {
        "anonymous": {},
        **{name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()},
        **{name: {"X-API-Key": key} for name, key in keys.items()},
    }


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    async with served(folder) as it:
        it = Served(it.db, replace(it.service, guesses=Patient()), it.paid)
        given = await _secrets(it)
        assert given.keys() == set(CALLERS)
        clients = {}
        for name, headers in given.items():
            clients[name] = it.client()
            clients[name].headers.update(headers)
        try:
            yield World(it, clients, {"agentId": await it.agent_id(), "workflow": "flow"})
        finally:
            it.service.stopping.set()
            for client in clients.values():
                await client.aclose()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_every_route_answers_everybody_as_the_table_says(tmp_path: Path) -> None:
    mismatches, cells = [], 0
    async with world(tmp_path) as all_:
        for (method, path), route in TABLE.items():
            await all_.fresh()
            if path.endswith("/stream"):  # it would wait for the end
                await all_.clients["owner"].post(f"/v1/runs/{all_.ids['runId']}/cancel", json={})
            for caller in sorted(CALLERS, key=lambda name: expected(route, name), reverse=True):
                if "{" in path and method == "POST" and expected(route, caller) < 300:
                    await all_.fresh()
                cells += 1
                status = await all_.ask(method, path, route, caller)
                if status != expected(route, caller):
                    mismatches.append(f"{method} {path} by {caller}: {status}, not {expected(route, caller)}")
    print(f"\nauth matrix: {cells} cells, {len(mismatches)} mismatches")
    assert not mismatches, "\n".join(mismatches)


async def test_every_route_is_in_the_table(tmp_path: Path) -> None:
    async with served(tmp_path, worker=False) as it:
        paths = plain_app(it.service, [router]).openapi()["paths"]
    found = {
        (method.upper(), path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if not MANAGEMENT & set(operation.get("tags", ()))
    }
    assert found == set(TABLE), "Expected an entry for every route. Hint: name its ability in TABLE."
