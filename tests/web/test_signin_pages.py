"""Signing in as a person does it: by link, by invitation and by provider, in words, and on to the page one wanted."""

import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from sayso.connect.oidc import OidcConfig, OidcSignIn
from sayso.model.workspaces import JoinRules
from sayso.server.handshakes import ProviderSignIn
from sayso.server.options import Options
from sayso.testing import CountingSecrets
from sayso.web.landing import local_path
from tests.service.provider import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Provider, provider
from tests.service.served import desk, flow
from tests.web.conftest import Opening
from tests.web.site import COOKIE, Site, site

ELSEWHERE = [
    "https://evil.example", "http://evil.example/", "//evil.example", "///evil.example", "////evil.example/a",
    "/\\evil.example", "\\/evil.example", "\\\\evil.example", "/\\/evil.example", "/a//evil.example",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd",
    "evil.example", "@evil.example", ".evil.example", "?x", "#x",
    "/\t/evil.example", "/\n/evil.example", "/\r\nLocation: https://evil.example", "\t//evil.example",
    " //evil.example",
    "/ /evil.example", "/\x00/evil.example", "/\u2028/evil.example", "/\uff0fevil.example", "http:evil.example",
    "https:/evil.example", "/.//evil.example", "", "/login?next=/x", "/auth/start", "/" + "a" * 2_000,
]  # fmt: skip
"""What is no page of this service, or may be read as another site's."""
HERE = ["/", "/review", "/review?kind=approval&q=a%20b", "/sessions/ses_1#steps", "/audit?from=2026-01-01&q=//x"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    paid: list[float] = []
    with site(tmp_path_factory.mktemp("signin"), lambda db: [desk(db, paid), flow(db)]) as found:
        yield found


class Form(HTMLParser):
    """The last form of a page, as a browser without scripts would send it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.action, self.fields = found["action"] or "", {}
        if tag == "input":
            self.fields[found["name"] or ""] = found.get("value") or ""


def link_of(place: Site, email: str = "ana@example.com") -> str:
    directory = place.service.directory

    async def made() -> str:
        member = await directory.people.find(place.root, email) or await directory.people.add(
            place.root, email=email, role="operator"
        )
        return (await directory.sign_in.make_link(place.root, member.person.id)).text

    return place.do(made())


def entered(place: Site, browser: httpx.Client) -> httpx.Response:
    page = browser.get("/login", params={"once": link_of(place)})
    form = Form(page.text)
    return browser.post(form.action, data=form.fields)


def test_the_addresses_that_are_followed_are_those_of_this_service() -> None:
    assert len(set(ELSEWHERE)) >= 30
    assert [text for text in ELSEWHERE if local_path(text) is not None] == []
    assert [local_path(text) for text in HERE] == HERE


def test_the_page_one_wanted_survives_signing_in_by_a_link_that_is_opened_elsewhere(place: Site) -> None:
    with place.client(None) as browser:
        led = browser.get("/review?kind=approval")
        assert led.headers["location"] == "/login?next=%2Freview%3Fkind%3Dapproval"
        assert "printed" in browser.get(led.headers["location"]).text
        into = entered(place, browser)
        assert (into.status_code, into.headers["location"]) == (303, "/review?kind=approval")
        assert browser.get(into.headers["location"]).status_code == 200
        assert entered(place, browser).headers["location"] == "/"


@pytest.mark.parametrize("text", ELSEWHERE)
def test_signing_in_leads_nowhere_else(place: Site, text: str) -> None:
    with place.client(None) as browser:
        browser.get("/login", params={"next": text})
        into = entered(place, browser)
        assert (into.status_code, into.headers["location"]) == (303, "/")
        on = browser.get("/login", params={"next": text})
        assert (on.status_code, on.headers["location"]) == (303, "/")
        browser.cookies.set("sayso_next", text.encode("unicode_escape").decode())
        assert entered(place, browser).headers["location"] == "/"


def test_who_is_signed_in_is_led_on(place: Site) -> None:
    with place.client() as browser:
        on = browser.get("/login", params={"next": "/audit?action=task.*"})
        assert (on.status_code, on.headers["location"]) == (303, "/audit?action=task.*")


def test_a_session_that_has_ended_is_forgotten_by_the_sign_in_page(place: Site) -> None:
    with place.client(None) as browser:
        browser.cookies.set(COOKIE, "sayso_ses_" + "A" * 43)
        page = browser.get("/login")
        assert page.status_code == 200
        assert f'{COOKIE}=""' in page.headers["set-cookie"]


def test_what_the_service_prints_at_its_start_opens_on_the_inbox(place: Site) -> None:
    link = place.do(place.service.directory.first_link("root")).text
    with place.client(None) as browser:
        form = Form(browser.get("/login", params={"once": link}).text)
        into = browser.post(form.action, data=form.fields, follow_redirects=True)
        assert into.url.path == "/review"
        assert "<h1>Review</h1>" in into.text


def test_a_link_that_does_not_count_says_so_in_words(place: Site) -> None:
    with place.client(None) as browser:
        link = link_of(place)
        assert browser.post("/login", data={"once": link}).status_code == 303
        browser.cookies.clear()
        again = browser.post("/login", data={"once": link})
        assert again.status_code == 401
        assert "has been used, has expired" in again.text
        assert link not in again.text
        invited = browser.post("/join", data={"once": "nothing"})
        assert invited.status_code == 401
        assert "This invitation has been used" in invited.text
        assert "once" not in Form(browser.get("/join").text).fields


def test_an_invitation_for_somebody_who_is_here_says_what_to_do(place: Site) -> None:
    directory = place.service.directory
    with place.client("operator") as browser:
        there = place.do(directory.workspaces.create(place.root, name="There"))
        other = place.do(directory.local("root", there.id))
        made = place.do(directory.invitations.create(other, email="operator@example.com", role="operator"))
        with place.client(None) as stranger:
            told = stranger.post("/join", data={"once": made.text})
        assert told.status_code == 403
        assert "Sign in as the person who is invited" in told.text
        assert browser.post("/join", data={"once": made.text}).headers["location"] == "/"


@pytest.fixture
def by_provider(place: Site, request: pytest.FixtureRequest) -> Iterator[Provider]:
    clock = place.service.clock
    before = place.service.provider
    with provider(clock.now) as other:
        who = f"{zlib.crc32(request.node.name.encode())}"  # each provider is a new one, which nobody has signed in by
        other.claims = {"sub": who, "email": f"{who}@example.com"}
        config = OidcConfig(
            issuer=other.issuer,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            redirect_uri=REDIRECT_URI,
        )
        sign_in = OidcSignIn(config, now=clock.now, chance=CountingSecrets().new)
        rules = JoinRules(domains=frozenset({"example.com"}))
        made = ProviderSignIn(oidc=sign_in, rules=rules, key=b"k" * 32)
        object.__setattr__(place.service, "provider", made)
        yield other
        object.__setattr__(place.service, "provider", before)


def test_the_page_one_wanted_survives_signing_in_by_the_provider(place: Site, by_provider: Provider) -> None:
    with place.client(None) as browser:
        page = browser.get(browser.get("/review?tab=completed").headers["location"])
        assert 'href="/auth/start"' in page.text
        params = by_provider.visit(browser.get("/auth/start").headers["location"])
        back = browser.get("/auth/callback", params=params)
        assert (back.status_code, back.headers["location"]) == (303, "/review?tab=completed")
        assert "sayso_next" not in browser.cookies


@pytest.mark.parametrize("text", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_the_provider_leads_nowhere_else_either(place: Site, by_provider: Provider, text: str) -> None:
    with place.client(None) as browser:
        browser.get("/login", params={"next": text})
        params = by_provider.visit(browser.get("/auth/start").headers["location"])
        assert browser.get("/auth/callback", params=params).headers["location"] == "/"


def test_an_answer_of_the_provider_that_does_not_hold_says_so_in_words(place: Site, by_provider: Provider) -> None:
    with place.client(None) as browser:
        told = browser.get("/auth/callback", params={"code": "x", "state": "y"})
    assert told.status_code == 401
    assert "That did not work" in told.text
    assert "Begin the sign-in again" in told.text


def test_every_page_names_the_installation(place: Site) -> None:
    before = place.service.options
    object.__setattr__(place.service, "options", Options(version="test", environment="<PROD>"))
    try:
        with place.client() as browser:
            pages = [browser.get(path) for path in ("/review", "/nothing")]
        with place.client(None) as stranger:
            pages.append(stranger.get("/login"))
        assert all("&lt;PROD&gt;" in page.text for page in pages)
    finally:
        object.__setattr__(place.service, "options", before)


def test_a_person_signs_in_and_out_in_a_browser_without_scripts(place: Site, opening: Opening) -> None:
    page: Any = opening(place, None, java_script_enabled=False).new_page()
    page.goto("/review?kind=approval")
    assert urlsplit(page.url).path == "/login"
    page.goto(f"/login?once={link_of(place, 'bo@example.com')}")
    page.get_by_role("button", name="Sign in").click()
    assert page.url.endswith("/review?kind=approval")
    page.get_by_text("bo@example.com").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/review")
    assert urlsplit(page.url).path == "/login"


def test_settings_refuse_a_tag_that_nobody_could_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sayso.app.settings import load_settings
    from sayso.model.requesterrors import SettingRefused

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAYSO_ENVIRONMENT", " PROD ")
    assert load_settings().environment == "PROD"
    for text in ("x" * 25, "a\u202eb", "\t"):
        monkeypatch.setenv("SAYSO_ENVIRONMENT", text)
        with pytest.raises(SettingRefused):
            load_settings()
