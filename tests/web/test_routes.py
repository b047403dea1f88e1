"""What holds for every route of the pages, whoever adds it: who may come in, whose things are there, who sends forms.

The routes are taken from the router: a new page that is not in tests/web/routes.py fails here.
"""

from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest

from tests.service.served import desk, flow
from tests.web.routes import FORMS, NO_PAGES, OPEN, OPEN_PAGES, PAGES, Ids, Route, known, routes
from tests.web.site import COOKIE, Site, site

ALL = sorted(routes(), key=lambda route: (route.path, route.method))
CLOSED = [route for route in ALL if route.path not in OPEN]
FOREIGN = {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://evil.example"}
NOWHERE = {"Origin": "null"}, {}
"""From a page whose origin is hidden, and by something that does not say where it comes from."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    paid: list[float] = []
    with site(tmp_path_factory.mktemp("routes"), lambda db: [desk(db, paid), flow(db)]) as found:
        yield found


@pytest.fixture(scope="module")
def ids(place: Site) -> Ids:
    return known(place)


@pytest.fixture(scope="module")
def elsewhere(place: Site) -> str:
    """Return the browser session of an owner of another workspace."""
    directory = place.service.directory

    async def entered() -> str:
        made = await directory.workspaces.create(place.root, name="Elsewhere")
        there = await directory.local("root", made.id)
        member = await directory.people.add(there, email="eve@example.com", role="owner")
        return (await directory.sign_in.by_link((await directory.sign_in.make_link(there, member.person.id)).text)).text

    return place.do(entered())


def asked(client: httpx.Client, route: Route, ids: Ids, headers: dict[str, str] | None = None) -> httpx.Response:
    """Ask as a browser would: a form without fields is a form, too."""
    if route.method == "GET":
        return client.get(route.address(ids), headers=headers)
    form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    return client.post(route.address(ids), content=urlencode(FORMS.get(route.path, {})), headers=form)


def test_every_page_is_in_the_list() -> None:
    read = {route.path for route in ALL if route.method == "GET"}
    assert read == PAGES.keys() | OPEN_PAGES.keys() | NO_PAGES, (
        "Hint: add the new page to PAGES in tests/web/routes.py."
    )
    assert {route.method for route in ALL} == {"GET", "POST"}
    assert len(CLOSED) > 30


@pytest.mark.parametrize("route", CLOSED, ids=str)
def test_who_is_not_signed_in_sees_and_does_nothing(place: Site, ids: Ids, route: Route) -> None:
    with place.client(None) as client:
        answer = asked(client, route, ids)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
        part = asked(client, route, ids, headers={"HX-Request": "true"})
        assert (part.status_code, part.content) == (204, b"")
        assert part.headers["hx-redirect"].startswith("/login")
        program = asked(client, route, ids, headers={"Accept": "application/json"})
        assert program.json()["code"] == "unauthenticated"


@pytest.mark.parametrize("route", CLOSED, ids=str)
def test_a_page_takes_no_key_and_no_token(place: Site, ids: Ids, route: Route) -> None:
    secrets = {"X-API-Key": "sayso_key_x", "Authorization": "Bearer sayso_cli_x"}
    with place.client(None) as client:
        assert asked(client, route, ids, headers=secrets).status_code == 303


@pytest.mark.parametrize("route", [route for route in CLOSED if route.names_something], ids=str)
def test_what_belongs_to_another_workspace_is_not_there(place: Site, ids: Ids, elsewhere: str, route: Route) -> None:
    """T77: 404, not 403."""
    with place.client(None) as client:
        client.cookies.set(COOKIE, elsewhere)
        answer = asked(client, route, ids)
        assert answer.status_code == 404, answer.text
        assert not any(name in answer.text for name in ("Pay 5", "owner@example.com", "inv@example.com"))


@pytest.mark.parametrize("route", [route for route in ALL if route.method == "POST"], ids=str)
def test_no_form_of_another_site_is_taken(place: Site, ids: Ids, route: Route) -> None:
    """T79: whoever is signed in, and whatever the browser says of where the form comes from."""
    cookies = {COOKIE: place.session("owner")}
    with httpx.Client(base_url=place.url, cookies=cookies, headers={"Accept": "text/html"}) as client:
        for headers in (*FOREIGN, *NOWHERE):
            answer = asked(client, route, ids, headers=headers)
            assert answer.status_code == 403, headers
            assert "cross_site" in answer.text
        for name in ("text/plain", "multipart/form-data; boundary=x"):
            headers = {"Sec-Fetch-Site": "cross-site", "Content-Type": name}
            assert client.post(route.address(ids), content=b"{}", headers=headers).status_code == 403
        assert client.get("/review").status_code == 200


@pytest.mark.parametrize("route", [route for route in ALL if route.method == "POST"], ids=str)
def test_what_changes_something_is_never_a_get(place: Site, ids: Ids, route: Route) -> None:
    read = {each.path for each in ALL if each.method == "GET"}
    with place.client() as client:
        if route.path not in read:
            assert client.get(route.address(ids)).status_code in {404, 405, 422}
        override = {"X-HTTP-Method-Override": "POST"}
        assert client.get(route.address(ids), headers=override).status_code == 400


@pytest.mark.parametrize("path", sorted(PAGES))
def test_every_page_is_kept_by_nobody_and_framed_by_nobody(place: Site, ids: Ids, path: str) -> None:
    with place.client() as client:
        answer = client.get(PAGES[path].format_map(ids))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not any(name.startswith("access-control-") for name in answer.headers)


def test_a_page_that_is_called_by_a_foreign_name_is_refused(place: Site) -> None:
    """DNS rebinding."""
    with place.client() as client:
        assert client.get("/review", headers={"Host": "evil.example"}).status_code == 421
