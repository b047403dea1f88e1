"""Who one is, members, invitations, keys, tokens and the workspace over HTTP."""

from pathlib import Path

import pytest

from sayso.model.workspaces import Role
from tests.service.served import served
from tests.service.test_management import SAME, actions, made, refused, signed_in

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_everybody_learns_who_they_are_and_what_they_may_do(tmp_path: Path) -> None:
    async with signed_in(tmp_path, "operator") as (it, client), it.client(key=await it.key()) as program:
        me = (await client.get("/v1/me")).json()
        assert (me["type"], me["email"], me["role"]) == ("person", "operator@example.com", "operator")
        assert "decide_tasks" in me["abilities"]
        assert "see_agents" not in me["abilities"]
        assert [(place["id"], place["role"]) for place in me["workspaces"]] == [("default", "operator")]
        key = (await program.get("/v1/me")).json()
        assert (key["type"], key["role"], key["workspaces"]) == ("api_key", None, [])
        assert key["scopes"] == [{"agentId": await it.agent_id(), "triggerId": None}]
        assert key["abilities"] == [
            "see_sessions",
            "skip_waits",
            "start_runs",
            "see_tasks",
            "decide_tasks",
            "see_runs_of_tasks",
        ]


async def test_members_are_added_changed_disabled_and_removed(tmp_path: Path) -> None:
    async with signed_in(tmp_path, "owner") as (it, client):
        bo = await made(client, "/v1/members", {"email": "Bo@example.com", "role": "operator", "name": "Bo"})
        assert (bo["email"], bo["role"], bo["name"]) == ("bo@example.com", "operator", "Bo")
        body = {"email": "bo@example.com", "role": "operator"}
        refused(await client.post("/v1/members", json=body), 409, "already_member")
        path = f"/v1/members/{bo['id']}"
        async with it.client(token=await it.token("operator", "bo@example.com")) as theirs:
            assert (await theirs.get("/v1/me")).status_code == 200
            assert (await client.patch(path, json={"role": "developer"})).json()["role"] == "developer"
            assert (await theirs.get("/v1/me")).json()["role"] == "developer"
            assert (await client.post(f"{path}/disable")).json()["disabledAt"] is not None
            refused(await theirs.get("/v1/me"), 401, "unauthenticated")
            assert (await client.post(f"{path}/enable")).json()["disabledAt"] is None
            refused(await theirs.get("/v1/me"), 401, "unauthenticated")  # what was ended stays ended
        assert (await client.delete(path)).status_code == 204
        refused(await client.delete(path), 404, "person_not_found")
        listed = (await client.get("/v1/members")).json()
        assert ([item["email"] for item in listed["items"]], listed["total"]) == (["owner@example.com"], 1)
        mine = (await client.get("/v1/me")).json()["id"]
        refused(await client.patch(f"/v1/members/{mine}", json={"role": "admin"}), 409, "last_owner")
        assert {"member.added", "member.role_changed", "person.disabled", "member.removed"} <= set(await actions(it))


async def test_an_admin_neither_makes_nor_unmakes_owners(tmp_path: Path) -> None:
    async with signed_in(tmp_path, "admin") as (it, client):
        await it.token("owner")
        owner = next(m for m in (await client.get("/v1/members")).json()["items"] if m["role"] == "owner")
        refused(await client.patch(f"/v1/members/{owner['id']}", json={"role": "operator"}), 403, "forbidden")
        body = {"email": "x@example.com", "role": "owner"}
        refused(await client.post("/v1/members", json=body), 403, "forbidden")
        refused(await client.post("/v1/invitations", json=body), 403, "forbidden")


async def test_an_invitation_is_shown_once_and_works_once(tmp_path: Path) -> None:
    async with signed_in(tmp_path, "owner") as (it, client), it.client() as nobody:
        asked = {"email": "bo@example.com", "role": "operator", "expiresInHours": 2}
        invited = await made(client, "/v1/invitations", asked)
        secret = invited["secret"]
        assert invited["link"] == f"http://localhost/join?once={secret}"
        listed = await client.get("/v1/invitations")
        assert (listed.json()["total"], listed.json()["items"][0]["status"]) == (1, "open")
        assert secret not in listed.text
        accepted = await nobody.post("/v1/invitations/accept", json={"secret": secret, "name": "Bo"})
        assert (accepted.status_code, accepted.json()["role"]) == (200, "operator")
        assert accepted.json()["signedIn"] is True
        assert (await nobody.get("/v1/me")).json()["email"] == "bo@example.com"
        async with it.client() as late:
            again = await late.post("/v1/invitations/accept", json={"secret": secret})
            refused(again, 401, "unauthenticated")
        assert (await client.get("/v1/invitations")).json()["items"][0]["status"] == "accepted"


async def test_a_revoked_invitation_opens_nothing(tmp_path: Path) -> None:
    async with signed_in(tmp_path, "owner") as (it, client), it.client() as nobody:
        invited = await made(client, "/v1/invitations", {"email": "bo@example.com", "role": "operator"})
        assert (await client.delete(f"/v1/invitations/{invited['id']}")).status_code == 204
        answer = await nobody.post("/v1/invitations/accept", json={"secret": invited["secret"]})
        refused(answer, 401, "unauthenticated")
        refused(await client.delete(f"/v1/invitations/{invited['id']}"), 404, "invitation_not_found")


async def test_a_key_is_shown_once_and_revoked_at_once(tmp_path: Path) -> None:
    """Item 280."""
    async with signed_in(tmp_path, "owner") as (it, client):
        agent = await it.agent_id()
        key = await made(client, "/v1/keys", {"name": "shop", "scopes": [{"agentId": agent}]})
        assert key["scopes"] == [{"agentId": agent, "triggerId": None}]
        listed = await client.get("/v1/keys")
        assert (listed.json()["items"][0]["status"], listed.json()["total"]) == ("active", 1)
        assert key["key"] not in listed.text
        assert listed.json()["items"][0]["shown"].endswith(key["key"][-4:])
        async with it.client(key=key["key"]) as program:
            assert (await program.get("/v1/me")).json()["name"] == "shop"
            assert (await client.delete(f"/v1/keys/{key['id']}")).status_code == 204
            refused(await program.get("/v1/me"), 401, "unauthenticated")
        assert (await client.delete(f"/v1/keys/{key['id']}")).status_code == 204
        refused(await client.delete("/v1/keys/key_nothing"), 404, "key_not_found")


async def test_a_key_reaches_only_what_there_is_and_expires_in_the_future(tmp_path: Path) -> None:
    async with signed_in(tmp_path, "owner") as (it, client):
        agent = await it.agent_id()
        unknown = {"name": "k", "scopes": [{"agentId": "agt_nothing"}]}
        refused(await client.post("/v1/keys", json=unknown), 404, "agent_not_found")
        unknown = {"name": "k", "scopes": [{"agentId": agent, "triggerId": "trg_nothing"}]}
        refused(await client.post("/v1/keys", json=unknown), 404, "trigger_not_found")
        refused(await client.post("/v1/keys", json={"name": "k", "scopes": []}), 422, "invalid_request")
        for expiry in ("2020-01-01T00:00:00Z", "2099-01-01T00:00:00"):
            body = {"name": "k", "scopes": [{"agentId": agent}], "expiresAt": expiry}
            assert (await client.post("/v1/keys", json=body)).status_code == 422
        body = {"name": "k", "scopes": [{"agentId": agent}], "expiresAt": "2099-01-01T00:00:00+00:00"}
        assert (await made(client, "/v1/keys", body))["expiresAt"] == "2099-01-01T00:00:00Z"


@pytest.mark.parametrize("role", ["developer", "auditor"])
async def test_who_may_only_see_people_and_keys_changes_none(tmp_path: Path, role: Role) -> None:
    """Item 7."""
    async with signed_in(tmp_path, role) as (it, client):
        for path in ("/v1/members", "/v1/invitations", "/v1/keys", "/v1/workspace"):
            assert (await client.get(path)).status_code == 200, path
        scopes = [{"agentId": await it.agent_id()}]
        refused(await client.post("/v1/keys", json={"name": "k", "scopes": scopes}), 403, "forbidden")
        body = {"email": "x@example.com", "role": "operator"}
        refused(await client.post("/v1/members", json=body), 403, "forbidden")
        refused(await client.post("/v1/invitations", json=body), 403, "forbidden")
        refused(await client.patch("/v1/workspace", json={"name": "x"}), 403, "forbidden")
        refused(await client.post("/v1/workspace/suspend"), 403, "forbidden")
        refused(await client.post("/v1/workspaces", json={"name": "x"}), 403, "forbidden")


async def test_the_workspace_is_changed_field_by_field(tmp_path: Path) -> None:
    async with signed_in(tmp_path, "owner") as (it, client):
        first = await client.patch("/v1/workspace", json={"settings": {"limits": {"maxAgents": 2}}})
        assert first.status_code == 200, first.text
        body = {"name": "Desk", "settings": {"operatorsSeeSessions": True, "limits": {"waitBudgetSeconds": 60}}}
        second = (await client.patch("/v1/workspace", json=body)).json()
        assert (second["name"], second["settings"]["operatorsSeeSessions"]) == ("Desk", True)
        assert second["settings"]["startersMayDecide"] is True
        assert (second["settings"]["limits"]["maxAgents"], second["settings"]["limits"]["waitBudgetSeconds"]) == (2, 60)
        async with it.client(token=await it.token("operator")) as operator:
            assert (await operator.get("/v1/sessions")).status_code == 200
        third = (await client.patch("/v1/workspace", json={"settings": {"limits": {"maxAgents": None}}})).json()
        assert third["settings"]["limits"]["maxAgents"] is None
        refused(
            await client.patch("/v1/workspace", json={"settings": {"limits": {"maxAgents": 0}}}), 422, "invalid_request"
        )
        wrong = {"name": " ", "settings": {"operatorsSeeSessions": False}}
        assert (await client.patch("/v1/workspace", json=wrong)).status_code == 422
        assert (await client.get("/v1/workspace")).json() == third
        assert (await actions(it)).count("workspace.settings_changed") == 3


async def test_a_switch_of_workspaces_shows_the_other_one_alone(tmp_path: Path) -> None:
    """Item 2."""
    async with signed_in(tmp_path, "owner") as (it, client), it.client() as browser:
        other = (await made(client, "/v1/workspaces", {"name": "Other"}))["id"]
        refused(await client.post("/v1/me/workspace", json={"workspaceId": other}), 400, "bad_request")
        link = await it.service.directory.sign_in.make_link(await it.root(), (await client.get("/v1/me")).json()["id"])
        await browser.post("/login", data={"once": link.text})
        before = browser.cookies["sayso_session"]
        assert (await browser.get("/v1/members")).json()["items"][0]["email"] == "owner@example.com"
        switched = await browser.post("/v1/me/workspace", json={"workspaceId": other}, headers=SAME)
        assert switched.json()["workspace"] == {"id": other, "name": "Other"}
        assert browser.cookies["sayso_session"] != before
        assert (await browser.get("/v1/agents")).json()["total"] == 0
        unknown = await browser.post("/v1/me/workspace", json={"workspaceId": "wsp_nothing"}, headers=SAME)
        refused(unknown, 404, "workspace_not_found")


async def test_a_browser_makes_tokens_and_a_token_makes_none(tmp_path: Path) -> None:
    async with signed_in(tmp_path, "developer") as (it, client), it.client() as browser:
        refused(await client.post("/v1/me/tokens", json={"name": "t"}), 403, "forbidden")
        member = await it.service.directory.people.find(await it.root(), "developer@example.com")
        assert member is not None
        link = await it.service.directory.sign_in.make_link(await it.root(), member.person.id)
        await browser.post("/login", data={"once": link.text})
        answer = await browser.post("/v1/me/tokens", json={"name": "laptop", "expiresInDays": 1}, headers=SAME)
        assert answer.status_code == 201, answer.text
        token = answer.json()
        listed = await browser.get("/v1/me/tokens")
        assert token["token"] not in listed.text
        assert "laptop" in [item["name"] for item in listed.json()["items"]]
        assert [item["current"] for item in (await browser.get("/v1/me/sessions")).json()["items"]] == [True, False]
        async with it.client(token=token["token"]) as fresh:
            assert (await fresh.get("/v1/me")).json()["via"] == "cli"
            assert (await browser.delete(f"/v1/me/tokens/{token['id']}", headers=SAME)).status_code == 204
            refused(await fresh.get("/v1/me"), 401, "unauthenticated")
        refused(await browser.delete(f"/v1/me/tokens/{token['id']}", headers=SAME), 404, "token_not_found")


async def test_all_of_ones_own_sign_ins_end_at_once(tmp_path: Path) -> None:
    async with served(tmp_path, worker=False) as it, it.client(token=await it.token("operator")) as client:
        mine = (await client.get("/v1/me")).json()["id"]
        assert (await client.post(f"/v1/members/{mine}/sign-out")).json()["ended"] >= 1
        refused(await client.get("/v1/me"), 401, "unauthenticated")
