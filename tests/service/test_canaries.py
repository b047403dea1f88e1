"""T85 over HTTP: secrets, and what hostile clients send, turn up nowhere that they do not belong.

Canaries go into headers, queries, paths and bodies; secrets are those that the service
gives out itself. Then the database with its WAL, the log, every answer and the OpenAPI are searched, in five forms.
"""

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from structlog.testing import capture_logs

from tests.service.provider import CLIENT_SECRET
from tests.service.served import Served, served
from tests.service.test_api import pending, start
from tests.service.test_management_oidc import begun, browser_of, providing

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def forms(secret: str) -> dict[str, bytes]:
    """Return a text in the forms that it may hide in; base64 at each of three offsets."""
    raw = secret.encode()
    found = {
        "raw": raw,
        "hex": raw.hex().encode(),
        "url": quote(secret, safe="").encode(),
        "json": json.dumps(secret)[1:-1].encode(),
        "escaped": "".join(f"\\u{ord(letter):04x}" for letter in secret).encode(),
    }
    for offset in range(3):
        coded = base64.b64encode(b"x" * offset + raw)
        found[f"base64+{offset}"] = coded[4 if offset else 0 : -4]
    return found


def hits(place: bytes, canaries: dict[str, str]) -> list[str]:
    lowered = place.lower()
    return [
        f"{name} as {form}"
        for name, secret in canaries.items()
        for form, text in forms(secret).items()
        if (text in place or (form == "hex" and text in lowered))
    ]


def stored(folder: Path) -> bytes:
    """Return the database and what lies beside it; the WAL is still there while it is open."""
    files = [path for path in folder.iterdir() if path.name.startswith("sayso.db")]
    assert any(path.name.endswith("-wal") for path in files)
    return b"\n".join(path.read_bytes() for path in files)


JSON = {"Content-Type": "application/json"}
CANARIES = {
    name: f"CANARY-{number}-Zq/{name}+é"
    for number, name in enumerate(
        (
            "agent header", "cookie", "query", "unknown query", "unknown field", "wrong value", "path", "method body",
            "key", "token", "last event", "request id", "no json", "host",
        )
    )
}  # fmt: skip
ASCII = {name: text.replace("é", "e").replace("/", "_") for name, text in CANARIES.items()}


async def attack(client: httpx.AsyncClient, run: str, agent: str, task: str) -> list[httpx.Response]:
    """Send every canary where it will be refused, or must not be kept."""
    c = ASCII
    headers = {"User-Agent": c["agent header"], "X-Forwarded-For": c["agent header"], "Referer": c["agent header"]}
    return [
        await client.get("/v1/sessions", headers=headers),
        await client.get("/v1/sessions", headers={"Cookie": f"other={c['cookie']}"}),
        await client.get("/v1/sessions", params={"status": c["query"]}),
        await client.get("/v1/user-tasks", params={"cursor": c["query"], "take": c["query"]}),
        await client.get("/v1/sessions", params={c["unknown query"]: c["unknown query"]}),
        await client.post(f"/v1/agents/{agent}/runs", json={c["unknown field"]: 1}),
        await client.post(f"/v1/user-tasks/{task}/complete", json={"approved": c["wrong value"]}),
        await client.post(f"/v1/user-tasks/{task}/complete", json={"selectedOptionIds": {"a": c["wrong value"]}}),
        await client.post(f"/v1/user-tasks/{task}/assign", json={"assignee": c["wrong value"]}),
        await client.post(f"/v1/user-tasks/{task}/extend", json={"dueAt": c["wrong value"]}),
        await client.get(f"/nothing/{c['path']}?{c['query']}"),
        await client.request("PATCH", "/v1/sessions", content=c["method body"]),
        await client.get(f"/v1/runs/{run}/stream", headers={"Last-Event-ID": c["last event"]}),
        await client.get("/v1/sessions", headers={"X-Request-ID": f"{c['request id']}\\n"}),
        await client.post(
            f"/v1/agents/{agent}/runs",
            content=f'{{"{c["no json"]}": NaN}}',
            headers={"Content-Type": "application/json"},
        ),
        await client.get("/v1/sessions", headers={"Host": f"{c['host']}.example"}),
        await client.get("/v1/sessions", headers={"Authorization": f"Bearer {c['token']}"}),
        await client.get("/v1/sessions", headers={"X-API-Key": c["key"]}),
    ]


async def secrets(it: Served) -> dict[str, str]:
    """Return secrets of every kind that the service gives out."""
    root, directory = await it.root(), it.service.directory
    member = await directory.people.add(root, email="canary@example.com", role="operator")
    link = await directory.sign_in.make_link(root, member.person.id)
    signed = await directory.sign_in.by_link(link.text)
    invitation = await directory.invitations.create(root, email="guest@example.com", role="auditor")
    return {
        "an API key": await it.key(),
        "a token": await it.token("owner"),
        "a used link": link.text,
        "a link": (await directory.sign_in.make_link(root, member.person.id)).text,
        "a browser session": signed.text,
        "an invitation": invitation.text,
    }


async def test_no_secret_and_no_canary_is_stored_logged_or_answered(tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with served(tmp_path) as it:
            given = await secrets(it)
            async with it.client(token=given["a token"]) as client, it.client(key=given["an API key"]) as keyed:
                begun = await start(keyed, it)
                task = await pending(client, begun["runId"])
                answers = await attack(client, begun["runId"], await it.agent_id(), task["id"])
                answers.append(await client.get("/openapi.json"))
                answers.append(await client.get("/v1/sessions", headers={"Cookie": f"sayso_session={given['a link']}"}))
                paths = ("", "/conversation", "/user-tasks")
                answers += [await client.get(f"/v1/runs/{begun['runId']}{path}") for path in paths]
                places = {"the database": stored(tmp_path), "the log": repr(logs).encode()}
    for answer in answers:
        head = " ".join(f"{name}: {value}" for name, value in answer.headers.items())
        places[f"{answer.request.method} {answer.request.url.path[:40]}"] = head.encode() + answer.content
    refused = [answer.status_code for answer in answers]
    assert {401, 404, 405, 421, 422, 400} <= set(refused), refused
    searched = {**given, **ASCII}
    found = {name: hits(place, searched) for name, place in places.items()}
    # A path is logged as it was asked for: who puts a secret there has published it anyway.
    found["the log"] = [hit for hit in found["the log"] if not re.match("path as", hit)]
    print(f"\ncanaries: {len(searched)} in {len(forms('x' * 9))} forms and {len(places)} places")
    assert not {name: what for name, what in found.items() if what}


async def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """The input of a run is stored, so it is found; otherwise the search above would prove nothing."""
    async with served(tmp_path) as it, it.client(key=await it.key()) as client:
        await start(client, it, input={"note": "FOUND-canary-0123456789"})
        found = hits(stored(tmp_path), {"the input": "FOUND-canary-0123456789"})
        assert "the input as raw" in found
    for form, text in forms("FOUND-canary-0123456789").items():
        assert any(form in hit for hit in hits(b"--" + text + b"--", {"x": "FOUND-canary-0123456789"})), form


async def test_what_a_provider_fails_with_does_not_carry_credentials(tmp_path: Path) -> None:
    """What a provider's exception says may hold its request, with the credentials in it."""
    canary = "sk-live-CANARY9d81aa0f3c"

    def broken(request: Any) -> Any:
        raise RuntimeError(f"401 from https://user:{canary}@provider.example with Authorization: Bearer {canary}")

    with capture_logs() as logs:
        async with served(tmp_path, broken) as it, it.client(key=await it.key()) as client:
            begun = await start(client, it)
            assert begun["status"] == "Failed"
            paths = ("", "/conversation", "/stream")
            answers = [await client.get(f"/v1/runs/{begun['runId']}{path}") for path in paths]
            assert not [hit for answer in answers for hit in hits(answer.content, {"a credential": canary})]
            assert not hits(stored(tmp_path), {"a credential": canary})
    assert not hits(repr(logs).encode(), {"a credential": canary})


async def test_nothing_of_an_exchange_with_an_identity_provider_is_stored_logged_or_answered(tmp_path: Path) -> None:
    """The client's secret, the code, the handshake's secrets and the provider's tokens: good and refused sign-ins."""
    with capture_logs() as logs:
        async with providing(tmp_path) as (it, other), browser_of(it) as browser:
            await it.service.directory.people.add(await it.root(), email="ana@example.com", role="operator")
            other.token = {"access_token": "CANARY-access-Zq1", "refresh_token": "CANARY-refresh-Zq2"}
            honest, signed = other.sign, []

            def sign(header: dict[str, Any], claims: dict[str, Any]) -> str:
                signed.append(honest(header, claims))
                return signed[-1]

            other.sign = sign
            back = await begun(browser, other)
            answers = [await browser.get("/auth/callback", params=back)]
            assert answers[0].status_code == 303
            me = await browser.get("/v1/me")
            assert me.json()["email"] == "ana@example.com"
            again = await begun(browser, other)
            other.claims = {"aud": "CANARY-audience-Zq3"}
            wrong = {**again, "error_description": "CANARY-description-Zq4"}
            answers += [await browser.get("/auth/callback", params=wrong), me]
            answers += [await browser.get("/auth/callback", params={**again, "state": "CANARY-state-Zq5"})]
            assert [answer.status_code for answer in answers[1:]] == [401, 200, 401]
            searched = {"the client's secret": CLIENT_SECRET, "the access token": "CANARY-access-Zq1"}
            searched |= {"the refresh token": "CANARY-refresh-Zq2", "an audience": "CANARY-audience-Zq3"}
            searched |= {"a description": "CANARY-description-Zq4", "a state": "CANARY-state-Zq5"}
            searched |= {
                f"{name} {number}": each[name]
                for number, each in enumerate((back, again))
                for name in ("code", "state")
            }
            searched |= {f"id token {number}": text for number, text in enumerate(signed)}
            places = {"the database": stored(tmp_path), "the log": repr(logs).encode()}
    assert len(signed) == 2
    for number, answer in enumerate(answers):
        head = " ".join(f"{name}: {value}" for name, value in answer.headers.items())
        places[f"answer {number}"] = head.encode() + answer.content
    found = {name: hits(place, searched) for name, place in places.items()}
    assert not {name: what for name, what in found.items() if what}
