"""Signing in by an identity provider over HTTP: there and back, once, and only for the browser that began."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from sayso.app.settings import Settings
from sayso.app.signingin import make_provider
from sayso.connect.oidc import OidcConfig, OidcSignIn
from sayso.model.workspaces import JoinRules
from sayso.server.handshakes import ProviderSignIn
from sayso.testing import CountingSecrets
from tests.service.provider import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Provider, provider
from tests.service.served import Served, served
from tests.service.test_management import refused

pytestmark = pytest.mark.anyio
COOKIE = "sayso_handshake"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def providing(folder: Path, **rules: Any) -> AsyncIterator[tuple[Served, Provider]]:
    async with served(folder, worker=False) as it:
        clock = it.service.clock
        with provider(clock.now) as other:
            config = OidcConfig(
                issuer=other.issuer, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uri=REDIRECT_URI
            )
            sign_in = OidcSignIn(config, now=clock.now, chance=CountingSecrets().new)
            made = ProviderSignIn(oidc=sign_in, rules=JoinRules(**rules), key=b"k" * 32)
            object.__setattr__(it.service, "provider", made)
            yield it, other


def browser_of(it: Served) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(it.app), base_url="http://127.0.0.1:8787")


async def begun(browser: httpx.AsyncClient, other: Provider) -> dict[str, str]:
    answer = await browser.get("/auth/start")
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{other.issuer}/authorize?")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    return other.visit(answer.headers["location"])


async def test_who_is_a_member_comes_in_by_the_provider(tmp_path: Path) -> None:
    async with providing(tmp_path) as (it, other), browser_of(it) as browser:
        await it.service.directory.people.add(await it.root(), email="ana@example.com", role="operator")
        assert "/auth/start" in (await browser.get("/login")).text
        back = await browser.get(urlsplit(REDIRECT_URI).path, params=await begun(browser, other))
        assert (back.status_code, back.headers["location"]) == (303, "/")
        assert COOKIE not in browser.cookies
        me = (await browser.get("/v1/me")).json()
        assert (me["email"], me["via"], me["role"]) == ("ana@example.com", "ui", "operator")


async def test_whose_domain_may_join_joins_and_others_do_not(tmp_path: Path) -> None:
    async with providing(tmp_path, domains=frozenset({"example.com"})) as (it, other), browser_of(it) as browser:
        back = await browser.get("/auth/callback", params=await begun(browser, other))
        assert back.status_code == 303
        other.claims = {"email": "eve@elsewhere.example", "sub": "2"}
        async with browser_of(it) as stranger:
            params = await begun(stranger, other)
            refused(await stranger.get("/auth/callback", params=params), 403, "not_invited")
            assert COOKIE not in stranger.cookies
            params = await begun(stranger, other)
            page = await stranger.get("/auth/callback", params=params, headers={"Accept": "text/html"})
            assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
            refused(await stranger.get("/v1/me"), 401, "unauthenticated")


async def test_an_answer_counts_once_and_only_for_the_browser_that_began(tmp_path: Path) -> None:
    async with providing(tmp_path, domains=frozenset({"example.com"})) as (it, other), browser_of(it) as browser:
        params = await begun(browser, other)
        async with browser_of(it) as victim:
            refused(await victim.get("/auth/callback", params=params), 401, "sign_in_refused")
            await begun(victim, other)
            refused(await victim.get("/auth/callback", params=params), 401, "sign_in_refused")
        handshake = browser.cookies[COOKIE]
        assert (await browser.get("/auth/callback", params=params)).status_code == 303
        refused(await browser.get("/auth/callback", params=params), 401, "sign_in_refused")
        replayed = {"Cookie": f"{COOKIE}={handshake}"}
        refused(await browser.get("/auth/callback", params=params, headers=replayed), 401, "sign_in_refused")


@pytest.mark.parametrize(
    "change", [lambda text: text + "0", lambda text: "A" + text[1:], lambda text: text[:-65], str.upper]
)
async def test_a_handshake_that_was_changed_is_none(tmp_path: Path, change: Any) -> None:
    async with providing(tmp_path, domains=frozenset({"example.com"})) as (it, other), browser_of(it) as browser:
        params = await begun(browser, other)
        text = browser.cookies[COOKIE]
        browser.cookies.clear()
        headers = {"Cookie": f"{COOKIE}={change(text)}"}
        refused(await browser.get("/auth/callback", params=params, headers=headers), 401, "sign_in_refused")


async def test_without_a_provider_there_is_no_way_in_by_one(tmp_path: Path) -> None:
    async with served(tmp_path, worker=False) as it, it.client() as browser:
        refused(await browser.get("/auth/start"), 404, "route_unknown")
        refused(await browser.get("/auth/callback"), 404, "route_unknown")
        assert "/auth/start" not in (await browser.get("/login")).text


async def test_a_provider_that_is_down_is_told_as_such(tmp_path: Path) -> None:
    async with providing(tmp_path) as (it, other), browser_of(it) as browser:
        other.bodies["/.well-known/openid-configuration"] = b"no"
        refused(await browser.get("/auth/start"), 503, "identity_provider_down")


async def test_the_settings_make_the_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with providing(tmp_path) as (it, other):
        assert make_provider(Settings(), it.service.clock) is None
        oidc: Any = {
            "issuer": other.issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "allowed_domains": ("example.com",),
            "roles": {"builders": "developer"},
        }
        made = make_provider(Settings(oidc=oidc, secret_key="s" * 32), it.service.clock)
        again = make_provider(Settings(oidc=oidc, secret_key="s" * 32), it.service.clock)
        other_key = make_provider(Settings(oidc=oidc), it.service.clock)
        assert made is not None
        assert again is not None
        assert other_key is not None
        assert made.key == again.key != other_key.key
        assert (made.rules.domains, made.rules.by_groups) == (frozenset({"example.com"}), True)
        object.__setattr__(it.service, "provider", made)
        other.claims = {"groups": ["builders"]}
        async with browser_of(it) as browser:
            back = await browser.get("/auth/callback", params=await begun(browser, other))
            assert back.status_code == 303, back.text
            assert (await browser.get("/v1/me")).json()["role"] == "developer"
