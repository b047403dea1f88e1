"""A service with everybody in it who may come, and what the table of tests/service/authtable.py names, made anew."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from sayso import web
from sayso.api.v1 import router
from sayso.model.workspaces import DEFAULT_WORKSPACE, Principal, Scope
from sayso.server.application import create_app
from tests.service.authtable import BROWSER, CALLERS, ROLES, Route
from tests.service.process import Patient
from tests.service.served import Served, served

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class World:
    """A service with everybody in it."""

    it: Served
    clients: dict[str, httpx.AsyncClient]
    ids: dict[str, str]
    serial: int = 0
    answers: dict[tuple[str, str], httpx.Response] = field(default_factory=dict)
    """A good answer of each route to the owner."""

    async def fresh(self, wanted: str) -> None:
        """Make anew what a request names."""
        self.serial += 1
        self.ids["serial"] = str(self.serial)
        makers = {
            ("{runId}", "{sessionId}", "{taskId}"): self._run,
            ("{dataAgentId}", "{dataVersionId}", "{triggerId}"): self._agent,
            ("{personId}", "{tokenId}"): self._person,
            ("{invitationId}", "{invitation}"): self._invitation,
            ("{keyId}",): self._key,
        }
        for names, maker in makers.items():
            if any(name in wanted for name in names):
                await maker(wanted)

    async def ask(self, method: str, path: str, route: Route, caller: str) -> int:
        address = path.format(**self.ids)
        sent: dict[str, Any] = {} if route.body is None else {"json": filled(route.body, self.ids)}
        if method != "GET" and caller == BROWSER:
            sent["headers"] = SAME_SITE
        client = self.clients[caller]
        answer = await client.request(method, address, **sent)
        client.cookies.clear()
        if caller == BROWSER and "set-cookie" in answer.headers:  # the session that it came with is over
            client.headers["Cookie"] = await cookie(self.it)
        if answer.status_code == route.good and caller in {"owner", BROWSER}:
            self.answers[method, path] = answer
        return answer.status_code

    # -- makers --------------------------------------------------------------------------------------------

    async def _run(self, wanted: str) -> None:
        """A run of the key in scope that waits for a person."""
        del wanted
        path = f"/v1/agents/{self.ids['agentId']}/runs?wait=20"
        begun = (await self.clients["key in scope"].post(path, json={})).json()
        self.ids |= {"runId": begun["runId"], "sessionId": begun["sessionId"]}
        self.ids["taskId"] = begun["pendingUserTasks"][0]["id"]

    async def _made(self, path: str, body: Any) -> dict[str, Any]:
        answer = await self.clients["owner"].post(path, json=body)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    async def _agent(self, wanted: str) -> None:
        """An agent made as data, with a version, which is deployed where that is to be taken back, and a trigger."""
        agent = (await self._made("/v1/agents", {"name": f"data {self.serial}"}))["id"]
        version = await self._made(f"/v1/agents/{agent}/versions", {"versionLabel": "v0", "llmModel": "stub:none"})
        self.ids |= {"dataAgentId": agent, "dataVersionId": version["id"]}
        if "retract" in wanted or "rollback" in wanted:
            await self._made(f"/v1/agents/{agent}/versions/{version['id']}/deploy", {})
        if "{triggerId}" in wanted:
            self.ids["triggerId"] = (await self._made(f"/v1/agents/{agent}/triggers", {"name": "api"}))["id"]

    async def _person(self, wanted: str) -> None:
        """An operator with a token."""
        directory, root = self.it.service.directory, await self.it.root()
        email = f"p{self.serial}@example.com"
        if "{tokenId}" in wanted:
            await self.it.token("operator", email)
        else:
            await directory.people.add(root, email=email, role="operator")
        member = await directory.people.find(root, email)
        assert member is not None
        self.ids["personId"] = member.person.id
        if "{tokenId}" in wanted:
            self.ids["tokenId"] = (await directory.tokens.list(root, member.person.id))[0].id

    async def _invitation(self, wanted: str) -> None:
        del wanted
        directory, root = self.it.service.directory, await self.it.root()
        made = await directory.invitations.create(root, email=f"g{self.serial}@example.com", role="auditor")
        self.ids |= {"invitationId": made.invitation.id, "invitation": made.text}

    async def _key(self, wanted: str) -> None:
        del wanted
        root = await self.it.root()
        scope = Scope(agent_id=self.ids["agentId"])
        self.ids["keyId"] = (await self.it.service.directory.keys.create(root, name="k", scopes=[scope])).key.id


def filled(body: Any, ids: dict[str, str]) -> Any:
    match body:
        case str():
            return body.format(**ids)
        case dict():
            return {name: filled(value, ids) for name, value in body.items()}
        case list():
            return [filled(value, ids) for value in body]
        case _:
            return body


async def link(it: Served) -> str:
    """Return a link by which the owner signs in."""
    directory, root = it.service.directory, await it.root()
    member = await directory.people.find(root, "owner@example.com")
    assert member is not None
    return (await directory.sign_in.make_link(root, member.person.id)).text


async def cookie(it: Served) -> str:
    """Return the cookie of a new browser session of the owner's."""
    return f"sayso_session={(await it.service.directory.sign_in.by_link(await link(it))).text}"


async def _person_elsewhere(it: Served) -> tuple[Principal, str]:
    """Return the owner of another workspace, and a token of theirs."""
    directory, root = it.service.directory, await it.root()
    workspace = await directory.workspaces.create(root, name="Elsewhere")
    there = await directory.local("root", workspace.id)
    await directory.people.add(there, email="stranger@example.com", role="owner")
    member = await directory.people.find(there, "stranger@example.com")
    assert member is not None
    made = await directory.sign_in.make_link(there, member.person.id)
    signed = await directory.sign_in.by_link(made.text)
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
        BROWSER: {"Cookie": await cookie(it)},
        **{name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()},
        **{name: {"X-API-Key": key} for name, key in keys.items()},
    }


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    async with served(folder) as it:
        it = Served(it.db, replace(it.service, guesses=Patient()), it.paid)
        it.app = create_app(it.service, [router, web.router], refused=web.refused)
        given = await _secrets(it)
        assert given.keys() == set(CALLERS)
        clients = {}
        for name, headers in given.items():
            clients[name] = it.client()
            clients[name].headers.update(headers)
        ids = {"agentId": await it.agent_id(), "workflow": "flow", "tenantId": DEFAULT_WORKSPACE}
        try:
            yield World(it, clients, ids)
        finally:
            it.service.stopping.set()
            for client in clients.values():
                await client.aclose()
