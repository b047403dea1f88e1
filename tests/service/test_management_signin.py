"""Signing in and out with a browser (T52, T78): links by POST alone, cookies that nobody else reads or plants."""

from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from sayso import web
from sayso.api.v1 import router
from sayso.server.application import create_app
from sayso.server.options import Options
from tests.service.served import Served, served
from tests.service.test_management import SAME, actions, made, refused

pytestmark = pytest.mark.anyio
HTML = {"Accept": "text/html"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Form(HTMLParser):
    """The form of a page, as a browser without JavaScript would send it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.method = self.action = ""
        self.fields: dict[str, str] = {}
        self.scripts = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.method, self.action = found["method"] or "", found["action"] or ""
        if tag == "input":
            self.fields[found["name"] or ""] = found.get("value") or ""
        self.scripts += tag == "script" or any(name.startswith("on") or name == "style" for name in found)


async def link_of(it: Served, email: str = "ana@example.com") -> str:
    people, root = it.service.directory.people, await it.root()
    member = await people.find(root, email) or await people.add(root, email=email, role="operator")
    return (await it.service.directory.sign_in.make_link(root, member.person.id)).text


async def enter(it: Served, browser: httpx.AsyncClient, email: str = "ana@example.com") -> httpx.Response:
    return await browser.post("/login", data={"once": await link_of(it, email)}, headers=SAME)


async def test_looking_at_a_link_uses_nothing_up_and_the_button_does(tmp_path: Path) -> None:
    """T52: a mail scanner's GET and HEAD."""
    async with served(tmp_path, worker=False) as it, it.client() as browser:
        link = await link_of(it)
        for _ in range(3):
            page = await browser.get("/login", params={"once": link})
            assert (await browser.head("/login", params={"once": link})).status_code == 200
        assert page.status_code == 200
        assert "set-cookie" not in page.headers
        csp = page.headers["content-security-policy"]
        assert "default-src 'none'" in csp
        assert "unsafe" not in csp
        assert page.headers["cache-control"] == "no-store"
        form = Form(page.text)
        assert (form.method, form.action, form.fields, form.scripts) == ("post", "/login", {"once": link}, 0)
        entered = await browser.post(form.action, data=form.fields, headers=SAME)
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        cookie = entered.headers["set-cookie"].lower()
        assert cookie.startswith("sayso_session=sayso_ses_")
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "path=/" in cookie
        assert "secure" not in cookie
        assert (await browser.get("/v1/me")).json()["via"] == "ui"
        refused(await browser.post("/login", data={"once": link}, headers=SAME), 401, "unauthenticated")


async def test_a_used_link_is_told_to_people_as_a_page(tmp_path: Path) -> None:
    async with served(tmp_path, worker=False) as it, it.client() as browser:
        answer = await browser.post("/login", data={"once": "<script>"}, headers=HTML)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
        assert "<script" not in answer.text
        page = await browser.get("/login", params={"once": '"><script>alert(1)</script>'})
        assert Form(page.text).scripts == 0
        assert Form(page.text).fields == {"once": '"><script>alert(1)</script>'}
        assert "once" not in Form((await browser.get("/login")).text).fields
        del it


async def test_behind_tls_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    async with served(tmp_path, worker=False) as it:
        object.__setattr__(it.service, "options", Options(secure=True))
        transport = httpx.ASGITransport(create_app(it.service, [router, web.router]))
        async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as browser:
            entered = await enter(it, browser)
            cookie = entered.headers["set-cookie"]
            assert cookie.startswith("__Host-sayso_session=")
            assert "secure" in cookie.lower()
            assert "domain" not in cookie.lower()
            assert (await browser.get("/v1/me")).status_code == 200
            secret = browser.cookies["__Host-sayso_session"]
            planted = {"Cookie": f"sayso_session={secret}"}
            browser.cookies.clear()
            refused(await browser.get("/v1/me", headers=planted), 401, "unauthenticated")


async def test_signing_in_again_ends_the_session_before(tmp_path: Path) -> None:
    async with served(tmp_path, worker=False) as it, it.client() as browser:
        await enter(it, browser)
        first = browser.cookies["sayso_session"]
        await enter(it, browser, "bo@example.com")
        assert browser.cookies["sayso_session"] != first
        assert (await browser.get("/v1/me")).json()["email"] == "bo@example.com"
        async with it.client() as thief:
            refused(await thief.get("/v1/me", headers={"Cookie": f"sayso_session={first}"}), 401, "unauthenticated")


async def test_signing_out_ends_the_session_on_the_server(tmp_path: Path) -> None:
    async with served(tmp_path, worker=False) as it, it.client() as browser:
        await enter(it, browser)
        copy = {"Cookie": f"sayso_session={browser.cookies['sayso_session']}"}
        left = await browser.post("/logout", headers=SAME)
        assert (left.status_code, left.headers["location"]) == (303, "/login")
        assert "sayso_session" not in browser.cookies
        async with it.client() as thief:
            refused(await thief.get("/v1/me", headers=copy), 401, "unauthenticated")
        assert (await browser.post("/logout", headers=SAME)).status_code == 303
        assert (await actions(it)).count("person.signed_out") == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://localhost"}, 303),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"}, 403),
        ({}, 403),
    ],
)
async def test_what_a_cookie_changes_comes_from_our_own_pages(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    """T78: unsafe methods by cookie, from another site or from nobody knows where, are refused."""
    async with served(tmp_path, worker=False) as it, it.client() as browser:
        await enter(it, browser)
        answer = await browser.post("/logout", headers=headers)
        assert answer.status_code == status
        if status == 403:
            refused(answer, 403, "cross_site")
            assert (await browser.get("/v1/me")).status_code == 200


async def test_another_site_cannot_sign_a_browser_in(tmp_path: Path) -> None:
    async with served(tmp_path, worker=False) as it, it.client() as browser:
        link = await link_of(it)
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
            refused(await browser.post("/login", data={"once": link}, headers=headers), 403, "cross_site")
        assert (await browser.post("/login", data={"once": link}, headers=SAME)).status_code == 303


async def test_what_is_no_form_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path, worker=False) as it, it.client() as browser:
        refused(await browser.post("/login", json={"once": await link_of(it)}), 415, "unsupported_media_type")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for content in (b"once=a&once=b", b"once=%ff", b"\xff", b"&".join(b"a%d=1" % n for n in range(20))):
            refused(await browser.post("/login", content=content, headers=form), 400, "bad_request")
        refused(await browser.post("/login", headers=form), 401, "unauthenticated")


async def test_guessing_links_is_not_listened_to_for_long(tmp_path: Path) -> None:
    """T95."""
    async with served(tmp_path, worker=False) as it, it.client() as browser:
        answers = [await browser.post("/login", data={"once": "x"}, headers=SAME) for _ in range(25)]
        assert [answer.status_code for answer in answers] == [401] * 20 + [429] * 5
        refused(await enter(it, browser), 429, "too_many_guesses")


async def test_an_invitation_is_taken_up_by_its_page(tmp_path: Path) -> None:
    async with (
        served(tmp_path, worker=False) as it,
        it.client(token=await it.token("owner")) as owner,
        it.client() as browser,
    ):
        invited = await made(owner, "/v1/invitations", {"email": "bo@example.com", "role": "developer"})
        page = await browser.get(invited["link"])
        form = Form(page.text)
        assert (form.action, form.scripts, form.fields) == ("/join", 0, {"once": invited["secret"], "name": ""})
        entered = await browser.post("/join", data={**form.fields, "name": "Bo"}, headers={**SAME, **HTML})
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        me = (await browser.get("/v1/me")).json()
        assert (me["email"], me["name"], me["role"]) == ("bo@example.com", "Bo", "developer")
        again = await browser.post("/join", data=form.fields, headers={**SAME, **HTML})
        assert again.status_code == 401
