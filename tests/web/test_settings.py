"""The settings as people use them: preferences, sign-ins, tokens, people, keys, the workspace, the system."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from sayso.model.workspaces import ROLES, Role
from sayso.server.about import About
from tests.service.served import desk, flow
from tests.web.conftest import Opening
from tests.web.site import Site, site


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    paid: list[float] = []
    with site(tmp_path_factory.mktemp("settings"), lambda db: [desk(db, paid), flow(db)]) as found:
        yield found


def once(page: str) -> str:
    """Return what a page shows once."""
    found = re.search(r'<input id="once"[^>]* value="([^"]+)"', page)
    assert found is not None, page
    return found[1]


def person(place: Site, email: str, role: Role = "operator") -> str:
    place.session(role, email)
    found = place.do(place.service.directory.people.find(place.root, email))
    assert found is not None
    return found.person.id


def said(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?done=")[2]


# -- me ----------------------------------------------------------------------------------------------------------


def test_what_one_prefers_is_kept_in_the_browser_and_holds_on_every_page(place: Site) -> None:
    with place.client("operator") as browser:
        page = browser.get("/settings/me").text
        assert "Pacific/Auckland" in page
        chosen = {"theme": "dark", "zone": "Asia/Kathmandu", "layout": "advanced"}
        assert said(browser.post("/settings/me", data=chosen)) == "saved"
        after = browser.get("/settings/me?done=saved").text
        assert 'data-theme="dark"' in after
        assert 'data-shortcuts="off"' in after
        assert "+0545" in after
        assert re.search(r'value="advanced" checked', after)
        assert "Saved." in after
        assert 'data-theme="dark"' in browser.get("/login?once=x").text


@pytest.mark.parametrize("wrong", [{"theme": "blue", "zone": "UTC"}, {"theme": "dark", "zone": "../../etc/passwd"}])
def test_a_preference_that_is_none_is_refused_in_words(place: Site, wrong: dict[str, str]) -> None:
    with place.client("operator") as browser:
        answer = browser.post("/settings/me", data=wrong)
        assert answer.status_code == 422
        assert "Choose a t" in answer.text


def test_the_tabs_are_those_that_one_may_see(place: Site) -> None:
    seen: dict[str, list[str]] = {}
    for role in ROLES:
        with place.client(role) as browser:
            seen[role] = re.findall(r'<a href="/settings/([\w-]+)"', browser.get("/settings/me").text)
    everything = ["me", "sign-ins", "people", "roles", "keys", "workspace", "system"]
    assert [name for name in everything if name in seen["owner"]] == everything
    assert not {"people", "keys", "system"} & set(seen["operator"])
    assert "system" not in seen["auditor"]
    for role in ROLES:
        with place.client(role) as browser:
            for name in everything:
                assert browser.get(f"/settings/{name}").status_code == (200 if name in seen[role] else 403)


# -- sign-ins and tokens -------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_works_and_ends_when_it_is_revoked(place: Site) -> None:
    with place.client("developer", "tok@example.com") as browser:
        made = browser.post("/settings/sign-ins/tokens", data={"name": "laptop", "days": "30"})
        assert (made.status_code, made.headers["cache-control"]) == (200, "no-store")
        token = once(made.text)
        listed = browser.get("/settings/sign-ins").text
        assert "laptop" in listed
        assert token not in listed
        with httpx.Client(base_url=place.url, headers={"Authorization": f"Bearer {token}"}) as program:
            assert program.get("/v1/me").json()["email"] == "tok@example.com"
            token_id = re.search(r"/tokens/([^/]+)/revoke", listed)
            assert token_id is not None
            assert said(browser.post(f"/settings/sign-ins/tokens/{token_id[1]}/revoke")) == "revoked"
            assert program.get("/v1/me").status_code == 401
        assert browser.post(f"/settings/sign-ins/tokens/{token_id[1]}/revoke").status_code == 404
        refused = browser.post("/settings/sign-ins/tokens", data={"name": "  ", "days": "30"})
        assert refused.status_code == 422
        assert "a name of 1 to 100 visible characters" in refused.text


def test_signing_out_everywhere_else_leaves_this_browser_signed_in(place: Site) -> None:
    email = "two@example.com"
    with place.client("operator", email) as first:
        del place.sessions[email]
        with place.client("operator", email) as second:
            assert first.get("/settings/me").status_code == second.get("/settings/me").status_code == 200
            assert second.get("/settings/sign-ins").text.count('/end"') == 3  # two browsers, and all others
            assert said(second.post("/settings/sign-ins/others/end")) == "ended-others"
            assert second.get("/settings/me").status_code == 200
            assert first.get("/settings/me").headers["location"].startswith("/login")


def test_one_browser_is_signed_out_and_nobody_elses(place: Site) -> None:
    email = "three@example.com"
    with place.client("operator", email) as first:
        del place.sessions[email]
        with place.client("operator", email) as second, place.client("owner") as other:
            ids = re.findall(r"/sessions/([^/]+)/end", second.get("/settings/sign-ins").text)
            assert len(ids) == 2
            assert other.post(f"/settings/sign-ins/sessions/{ids[1]}/end").status_code == 404
            assert said(second.post(f"/settings/sign-ins/sessions/{ids[1]}/end")) == "ended"
            assert first.get("/settings/me").headers["location"].startswith("/login")
            assert second.get("/settings/me").status_code == 200


# -- people --------------------------------------------------------------------------------------------------------


def test_an_invitation_is_shown_once_and_lets_one_person_in(place: Site) -> None:
    with place.client("admin") as browser, place.client(None) as guest:
        made = browser.post(
            "/settings/invitations", data={"email": "new@example.com", "role": "developer", "days": "7"}
        )
        link = once(made.text)
        assert link.startswith(f"{place.url}/join?once=sayso_")
        assert link not in browser.get("/settings/people").text
        secret = link.partition("once=")[2]
        assert guest.post("/join", data={"once": secret, "name": "New"}).headers["location"] == "/"
        assert "developer" in guest.get("/settings/me").text
        page = browser.get("/settings/people").text
        assert "accepted" in page


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"email": "operator@example.com", "role": "operator"}, 409, "is in it"),
        ({"email": "no address", "role": "operator"}, 422, "a plain e-mail address"),
        ({"email": "x@example.com", "role": "king"}, 422, "Expected a role"),
        ({"email": "x@example.com", "role": "owner"}, 403, "by owners alone"),
        ({"email": "x@example.com", "role": "operator", "days": "99999999999"}, 422, "number of days"),
        ({"email": "x@example.com", "role": "operator", "days": "31"}, 422, "at most 30 days"),
    ],
)
def test_an_invitation_that_cannot_be_is_refused_in_words_and_keeps_what_was_written(
    place: Site, sent: dict[str, str], status: int, words: str
) -> None:
    place.session("operator")
    with place.client("admin") as browser:
        answer = browser.post("/settings/invitations", data=sent)
    assert answer.status_code == status
    assert words in answer.text
    assert f'value="{sent["email"]}"' in answer.text


def test_an_open_invitation_is_withdrawn(place: Site) -> None:
    with place.client("admin") as browser, place.client(None) as guest:
        made = browser.post("/settings/invitations", data={"email": "late@example.com", "role": "operator"})
        open_ = re.search(r"/settings/invitations/([^/]+)/withdraw", made.text)
        assert open_ is not None
        assert said(browser.post(f"/settings/invitations/{open_[1]}/withdraw")) == "withdrawn"
        assert browser.post(f"/settings/invitations/{open_[1]}/withdraw").status_code == 404
        assert guest.post("/join", data={"once": once(made.text).partition("once=")[2]}).status_code == 401


def test_a_member_gets_another_role_is_disabled_enabled_signed_out_and_removed(place: Site) -> None:
    email = "moved@example.com"
    at = f"/settings/people/{person(place, email)}"
    with place.client("admin") as browser, place.client("operator", email) as theirs:
        assert theirs.get("/review").status_code == 200
        assert said(browser.post(f"{at}/sign-out")) == "signed-out"
        assert theirs.get("/review").status_code == 303
        assert said(browser.post(f"{at}/role", data={"role": "developer"})) == "role"
        assert "developer in" in browser.get(at).text
        assert said(browser.post(f"{at}/disable")) == "disabled"
        assert "Enable…" in browser.get(at).text
        assert said(browser.post(f"{at}/enable")) == "enabled"
        assert said(browser.post(f"{at}/remove")) == "removed"
        assert browser.get(at).status_code == 404
        assert browser.post(f"{at}/role", data={"role": "developer"}).status_code == 404


def test_the_last_owner_and_owners_before_admins_are_refused_in_words(place: Site) -> None:
    owner = person(place, "owner@example.com", "owner")
    with place.client("admin") as browser:
        refused = browser.post(f"/settings/people/{owner}/remove")
        assert refused.status_code == 403
        assert "Owners are made, changed and removed by owners alone" in refused.text
        assert 'value="owner"' not in browser.get("/settings/people").text
    with place.client("owner") as browser:
        refused = browser.post(f"/settings/people/{owner}/role", data={"role": "admin"})
        assert refused.status_code == 409
        assert "Expected another owner" in refused.text


# -- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_is_shown_once_reaches_its_scope_and_is_revoked(place: Site) -> None:
    with place.client("admin") as browser:
        page = browser.get("/settings/keys").text
        scope = re.search(r'name="scope" value="([^":]+)"', page)
        assert scope is not None
        made = browser.post("/settings/keys", data={"name": "shop", "scope": scope[1], "days": "30"})
        assert (made.status_code, made.headers["cache-control"]) == (200, "no-store")
        key = once(made.text)
        listed = browser.get("/settings/keys").text
        assert key not in listed
        assert f"…{key[-4:]}" in listed
        assert "desk" in listed
        with httpx.Client(base_url=place.url, headers={"X-API-Key": key}) as program:
            assert program.get(f"/v1/agents/{scope[1]}/sessions").status_code == 200
            key_id = re.search(r"/settings/keys/([^/]+)/revoke", listed)
            assert key_id is not None
            assert said(browser.post(f"/settings/keys/{key_id[1]}/revoke")) == "revoked"
            assert program.get(f"/v1/agents/{scope[1]}/sessions").status_code == 401
        assert ">revoked<" in browser.get("/settings/keys").text


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"name": "k"}, 422, "a key without scopes reaches nothing"),
        ({"name": "k", "scope": "agt_nothing"}, 404, "agt_nothing"),
        ({"name": "\u202e", "scope": "agt_nothing"}, 404, "agt_nothing"),
    ],
)
def test_a_key_that_cannot_be_is_refused_in_words(place: Site, sent: dict[str, str], status: int, words: str) -> None:
    with place.client("admin") as browser:
        answer = browser.post("/settings/keys", data=sent)
    assert answer.status_code == status
    assert words in answer.text


def test_a_developer_sees_the_keys_and_makes_none(place: Site) -> None:
    with place.client("developer") as browser:
        page = browser.get("/settings/keys")
        assert page.status_code == 200
        assert "Create a key" not in page.text
        assert browser.post("/settings/keys", data={"name": "k"}).status_code == 403


# -- the workspace, and the system ------------------------------------------------------------------------------------


def test_the_workspace_is_named_limited_and_switched(place: Site) -> None:
    with place.client("owner") as browser:
        sent = {"name": "Refunds <b>", "starters_may_decide": "1", "operators_see_sessions": "1", "max_agents": "20"}
        assert said(browser.post("/settings/workspace", data=sent)) == "saved"
        page = browser.get("/settings/workspace").text
        assert "Refunds &lt;b&gt;" in page
        assert re.search(r'name="max_agents"[^>]* value="20"', page)
        found = place.do(place.service.directory.workspaces.load(place.root))
        assert (found.settings.operators_see_sessions, found.settings.limits.max_agents) == (True, 20)
        wrong = browser.post("/settings/workspace", data={**sent, "max_agents": "1.5"})
        assert wrong.status_code == 422
        assert "a whole number" in wrong.text
        assert re.search(r'name="max_agents"[^>]* value="1.5"', wrong.text)
        for text in ("0", "-1", "nan", "inf", "1e400"):
            assert browser.post("/settings/workspace", data={**sent, "max_active_seconds": text}).status_code == 422
        assert (
            said(browser.post("/settings/workspace", data={"name": "Default", "starters_may_decide": "1"})) == "saved"
        )


def test_a_suspended_workspace_says_so_and_is_activated(place: Site) -> None:
    with place.client("owner") as browser:
        assert said(browser.post("/settings/workspace/suspend")) == "suspended"
        assert "This workspace is suspended." in browser.get("/settings/workspace").text
        assert said(browser.post("/settings/workspace/activate")) == "activated"
    with place.client("developer") as browser:
        assert browser.post("/settings/workspace/suspend").status_code == 403


def test_switching_shows_the_other_workspace_alone(place: Site) -> None:
    """Item 2."""
    with place.client("owner", "both@example.com") as browser:
        assert "desk" in browser.get("/settings/keys").text
        assert said(browser.post("/settings/workspace/create", data={"new_name": "Second"})) == "created"
        page = browser.get("/settings/workspace").text
        other = re.search(r'name="workspace_id" value="([^"]+)"', page)
        assert other is not None
        assert said(browser.post("/settings/workspace/switch", data={"workspace_id": other[1]})) == "switched"
        assert "desk" not in browser.get("/settings/keys").text
        assert "owner@example.com" not in browser.get("/settings/people").text
        foreign = person(place, "owner@example.com", "owner")
        assert browser.get(f"/settings/people/{foreign}").status_code == 404
        assert browser.post(f"/settings/people/{foreign}/remove").status_code == 404
        nowhere = browser.post("/settings/workspace/switch", data={"workspace_id": "wsp_nothing"})
        assert nowhere.status_code == 404


def test_the_system_shows_settings_with_secrets_masked(place: Site) -> None:
    about = About(
        database="/data/sayso.db",
        started_at=datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
        worker=True,
        programs=("desk",),
        settings=(("secret_key", "********"), ("port", 8787), ("oidc.roles", {"a": "operator"}), ("url", None)),
    )
    object.__setattr__(place.service, "about", about)
    with place.client("admin") as browser:
        page = browser.get("/settings/system").text
    for words in ("/data/sayso.db", "********", "8787", "advances runs itself", "not set"):
        assert words in page


def test_what_is_served_from_settings_tells_them(tmp_path: Path) -> None:
    from sayso.app.serving import make_about
    from sayso.app.settings import Settings

    secret = "CANARY" * 8
    settings = Settings.model_validate({"secret_key": secret, "metrics_token": secret, "environment": "PROD"})
    found = make_about(settings, [], datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
    assert dict(found.settings)["environment"] == "PROD"
    assert dict(found.settings)["secret_key"] == "********"
    assert secret not in repr(found)


def test_a_person_makes_a_token_in_a_browser_and_copies_it(place: Site, opening: Opening) -> None:
    context = opening(place, "developer")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto("/settings/sign-ins")
    page.get_by_label("Name of a new token").fill("phone")
    page.get_by_role("button", name="Create a token").click()
    shown = page.get_by_label("Your new token").input_value()
    assert shown.startswith("sayso_cli_")
    assert shown not in page.url
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == shown
    page.get_by_text("Revoke… phone").click()
    page.get_by_role("button", name="Revoke phone").click()
    expect(page.get_by_role("status").filter(has_text="Revoked")).to_be_visible()
