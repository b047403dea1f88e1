"""Links, sessions and tokens: what they open, for how long, and everything that ends them (T78)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sayso.model.directoryerrors import Forbidden, TokenNotFound, Unauthenticated, WorkspaceNotFound
from sayso.model.errors import Invalid
from sayso.model.workspaces import DEFAULT_WORKSPACE, Credential, WorkspaceId
from sayso.runtime.browsers import SignedIn
from tests.service.world import World


def _session(world: World, text: str) -> bool:
    try:
        world.do(world.directory.authenticate_session(text))
    except Unauthenticated:
        return False
    return True


def _seen(world: World, signed_in: SignedIn) -> Credential:
    found = world.do(world.store.read(lambda tx: tx.credentials.find_by_id(signed_in.credential.id)))
    assert found is not None
    return found


# -- links -----------------------------------------------------------------------------------------------------


def test_the_first_link_signs_the_owner_of_the_machine_in(world: World) -> None:
    link = world.do(world.directory.first_link("ana"))
    signed_in = world.do(world.directory.sign_in.by_link(link.text))
    assert signed_in.principal.person is not None
    assert (signed_in.principal.person.email, signed_in.principal.role) == ("ana@localhost", "owner")
    again = world.do(world.directory.first_link("ana"))
    assert again.credential.person_id == link.credential.person_id
    assert world.actions().count("person.created") == 1


@pytest.mark.parametrize("login", ["José", "CORP\\ana", "", "a b", "x" * 200, "\x1b[31m"])
def test_the_first_link_is_made_whatever_the_machine_calls_its_user(world: World, login: str) -> None:
    link = world.do(world.directory.first_link(login))
    assert world.do(world.directory.sign_in.by_link(link.text)).principal.role == "owner"


def test_a_link_works_once(world: World) -> None:
    link = world.do(world.directory.first_link("ana"))
    world.do(world.directory.sign_in.by_link(link.text))
    with pytest.raises(Unauthenticated):
        world.do(world.directory.sign_in.by_link(link.text))


@pytest.mark.parametrize(("after", "works"), [(599.999, True), (600, False), (3600, False)])
def test_a_link_works_within_ten_minutes(world: World, after: float, works: bool) -> None:
    link = world.do(world.directory.first_link("ana"))
    world.clock.advance(after)
    if works:
        world.do(world.directory.sign_in.by_link(link.text))
    else:
        with pytest.raises(Unauthenticated):
            world.do(world.directory.sign_in.by_link(link.text))


def test_one_kind_of_secret_is_not_taken_for_another(world: World) -> None:
    link = world.do(world.directory.first_link("ana"))
    other = world.do(world.directory.first_link("ana"))
    session = world.do(world.directory.sign_in.by_link(other.text))
    token = world.do(world.directory.tokens.create(session.principal, name="t"))
    d = world.directory
    texts = {"link": link.text, "session": session.text, "token": token.text}
    doors = {"link": d.sign_in.by_link, "session": d.authenticate_session, "token": d.authenticate_token}
    for kind, text in texts.items():
        for name, door in doors.items():
            if name != kind:
                with pytest.raises(Unauthenticated):
                    world.do(door(text))
                with pytest.raises(Unauthenticated):  # nor with the other's prefix
                    world.do(door(texts[name][:-43] + text[-43:]))


# -- sessions --------------------------------------------------------------------------------------------------


def test_a_session_is_never_the_one_that_the_browser_came_with(world: World) -> None:
    """Fixation: an id that was planted before the sign-in opens nothing after it."""
    world.add("ana@example.com", "operator")
    planted = "sayso_ses_" + "A" * 43
    first = world.signed_in("ana@example.com", previous=planted)
    assert first.text != planted
    assert not _session(world, planted)


def test_signing_in_again_ends_the_session_that_the_browser_had(world: World) -> None:
    world.add("ana@example.com", "operator")
    world.add("bo@example.com", "operator")
    first = world.signed_in("ana@example.com")
    second = world.signed_in("ana@example.com", previous=first.text)
    third = world.signed_in("bo@example.com", previous=second.text)
    assert [_session(world, each.text) for each in (first, second, third)] == [False, False, True]


def test_signing_out_ends_the_session_on_the_server(world: World) -> None:
    world.add("ana@example.com", "operator")
    here, there = world.signed_in("ana@example.com"), world.signed_in("ana@example.com")
    assert world.do(world.directory.sign_in.sign_out(here.text))
    assert not _session(world, here.text)
    assert _session(world, there.text)
    assert not world.do(world.directory.sign_in.sign_out(here.text))
    assert not world.do(world.directory.sign_in.sign_out("nonsense"))
    assert world.actions().count("person.signed_out") == 1


def test_a_session_that_nobody_uses_ends_after_twelve_hours(world: World) -> None:
    world.add("ana@example.com", "operator")
    used, unused = world.signed_in("ana@example.com"), world.signed_in("ana@example.com")
    world.clock.advance(hours=11)
    assert _session(world, used.text)
    world.clock.advance(hours=1)
    assert _session(world, used.text)
    assert not _session(world, unused.text)


def test_a_session_ends_after_seven_days_however_much_it_is_used(world: World) -> None:
    world.add("ana@example.com", "operator")
    signed_in = world.signed_in("ana@example.com")
    for _ in range(7 * 4 - 1):
        world.clock.advance(hours=6)
        assert _session(world, signed_in.text)
    world.clock.advance(hours=6)
    assert not _session(world, signed_in.text)


def test_the_last_use_is_written_once_a_minute_at_most(world: World) -> None:
    world.add("ana@example.com", "operator")
    signed_in, began = world.signed_in("ana@example.com"), world.clock.now()
    for _ in range(5):
        world.clock.advance(11)
        assert _session(world, signed_in.text)
    assert _seen(world, signed_in).seen_at == began
    world.clock.advance(5)
    assert _session(world, signed_in.text)
    assert _seen(world, signed_in).seen_at == began + timedelta(seconds=60)


def test_ending_everything_of_oneself_ends_sessions_links_and_tokens(world: World) -> None:
    world.add("ana@example.com", "operator")
    one, two = world.signed_in("ana@example.com"), world.signed_in("ana@example.com")
    person = one.principal.person
    assert person is not None
    token = world.do(world.directory.tokens.create(one.principal, name="t"))
    link = world.do(world.directory.sign_in.make_link(world.local, person.id))
    assert world.do(world.directory.sign_in.end_all(two.principal, person.id)) == 4
    assert not _session(world, one.text)
    assert not _session(world, two.text)
    for work in (world.directory.authenticate_token(token.text), world.directory.sign_in.by_link(link.text)):
        with pytest.raises(Unauthenticated):
            world.do(work)


def test_an_admin_ends_what_a_member_has_here_and_nothing_elsewhere(world: World) -> None:
    admin = world.person("admin")
    world.add("ana@example.com", "operator")
    here = world.signed_in("ana@example.com")
    person = here.principal.person
    assert person is not None
    elsewhere = world.do(world.directory.workspaces.create(world.local, name="Elsewhere"))
    world.add("ana@example.com", "owner", by=world.do(world.directory.local("root", elsewhere.id)))
    there = world.do(world.directory.sign_in.switch(world.signed_in("ana@example.com").text, elsewhere.id))
    world.do(world.directory.sign_in.end_all(admin, person.id))
    assert not _session(world, here.text)
    assert _session(world, there.text)


def test_the_sessions_of_a_person_are_listed_without_those_that_ended(world: World) -> None:
    world.add("ana@example.com", "operator")
    one = world.signed_in("ana@example.com")
    world.clock.advance(hours=11)
    two = world.signed_in("ana@example.com")
    three = world.signed_in("ana@example.com")
    world.do(world.directory.sign_in.sign_out(three.text))
    world.clock.advance(hours=2)
    listed = world.do(world.directory.sign_in.list(two.principal))
    assert [each.id for each in listed] == [two.credential.id]
    assert one.credential.id not in {each.id for each in listed}


def test_what_expired_long_ago_is_deleted_when_the_person_signs_in(world: World) -> None:
    world.add("ana@example.com", "operator")
    old = world.signed_in("ana@example.com")
    world.clock.advance(days=38)
    world.signed_in("ana@example.com")
    found = world.do(world.store.read(lambda tx: tx.credentials.find_by_id(old.credential.id)))
    assert found is None


def test_fifty_sessions_at_once_are_fifty_sessions(world: World) -> None:
    link_of = world.directory.first_link

    async def all_at_once() -> list[SignedIn]:
        links = [await link_of("ana") for _ in range(50)]
        return await asyncio.gather(*(world.directory.sign_in.by_link(link.text) for link in links))

    made = world.do(all_at_once())
    assert len({each.text for each in made}) == 50
    assert all(_session(world, each.text) for each in made)
    world.do(world.directory.sign_in.sign_out(made[0].text))
    assert [_session(world, each.text) for each in made] == [False] + [True] * 49


# -- the active workspace (item 2) -----------------------------------------------------------------------------


def _two_workspaces(world: World) -> tuple[SignedIn, WorkspaceId]:
    elsewhere = world.do(world.directory.workspaces.create(world.local, name="Elsewhere"))
    world.add("ana@example.com", "operator")
    there = world.do(world.directory.local("root", elsewhere.id))
    world.add("ana@example.com", "owner", by=there)
    world.add("colleague@example.com", "developer", by=there)
    return world.signed_in("ana@example.com"), elsewhere.id


def test_switching_makes_the_other_workspace_and_its_role_the_active_ones(world: World) -> None:
    here, elsewhere = _two_workspaces(world)
    assert (here.principal.workspace.id, here.principal.role) == (DEFAULT_WORKSPACE, "operator")
    there = world.do(world.directory.sign_in.switch(here.text, elsewhere))
    principal = world.do(world.directory.authenticate_session(there.text))
    assert (principal.workspace.id, principal.role) == (elsewhere, "owner")
    listed = world.do(world.directory.people.list(principal))
    assert [each.person.email for each in listed] == ["ana@example.com", "colleague@example.com"]
    assert not _session(world, here.text)  # the role has changed, and the secret with it


def test_switching_lengthens_nothing(world: World) -> None:
    here, elsewhere = _two_workspaces(world)
    world.clock.advance(hours=6)
    there = world.do(world.directory.sign_in.switch(here.text, elsewhere))
    assert there.credential.expires_at == here.credential.expires_at


def test_switching_to_where_one_is_not_is_not_found_and_changes_nothing(world: World) -> None:
    here, _ = _two_workspaces(world)
    foreign = world.do(world.directory.workspaces.create(world.local, name="Foreign"))
    for wanted in (foreign.id, WorkspaceId("wsp_none")):
        with pytest.raises(WorkspaceNotFound):
            world.do(world.directory.sign_in.switch(here.text, wanted))
    assert _session(world, here.text)


def test_an_ended_idle_or_foreign_session_switches_nothing(world: World) -> None:
    here, elsewhere = _two_workspaces(world)
    with pytest.raises(Unauthenticated):
        world.do(world.directory.sign_in.switch("nonsense", elsewhere))
    world.clock.advance(hours=12)
    with pytest.raises(Unauthenticated):
        world.do(world.directory.sign_in.switch(here.text, elsewhere))


@pytest.mark.parametrize("how", ["disabled", "removed"])
def test_what_was_left_in_force_opens_nothing_for_who_is_out(world: World, how: str) -> None:
    """Ending what somebody has is one wall; looking at the person at each request is the other."""
    here, elsewhere = _two_workspaces(world)
    token = world.do(world.directory.tokens.create(here.principal, name="t"))
    person = here.principal.person
    assert person is not None
    link = world.do(world.directory.sign_in.make_link(world.local, person.id))
    if how == "disabled":
        gone = replace(person, disabled_at=world.clock.now())
        world.do(world.store.run(lambda tx: tx.directory.update_person(gone)))
    else:
        world.do(world.store.run(lambda tx: tx.directory.delete_member(DEFAULT_WORKSPACE, person.id)))
    for work in (
        world.directory.authenticate_session(here.text),
        world.directory.authenticate_token(token.text),
        world.directory.sign_in.switch(here.text, elsewhere),
        world.directory.people.list(here.principal),
    ):
        with pytest.raises(Unauthenticated):
            world.do(work)
    if how == "disabled":
        with pytest.raises(Unauthenticated):
            world.do(world.directory.sign_in.by_link(link.text))
    else:  # still a member of the other workspace, and signed in there
        assert world.do(world.directory.sign_in.by_link(link.text)).principal.workspace.id == elsewhere


# -- tokens ----------------------------------------------------------------------------------------------------


def test_a_token_stands_for_its_person_until_it_ends(world: World) -> None:
    world.add("ana@example.com", "developer")
    signed_in = world.signed_in("ana@example.com")
    made = world.do(world.directory.tokens.create(signed_in.principal, name="laptop", expires_in=timedelta(days=30)))
    principal = world.do(world.directory.authenticate_token(made.text))
    assert (principal.id, principal.role, principal.via) == ("ana@example.com", "developer", "cli")
    assert [each.name for each in world.do(world.directory.tokens.list(principal))] == ["laptop"]
    world.clock.advance(days=30)
    with pytest.raises(Unauthenticated):
        world.do(world.directory.authenticate_token(made.text))


def test_a_revoked_token_is_refused_at_once(world: World) -> None:
    world.add("ana@example.com", "developer")
    signed_in = world.signed_in("ana@example.com")
    made = world.do(world.directory.tokens.create(signed_in.principal, name="laptop"))
    world.do(world.directory.tokens.revoke(signed_in.principal, made.credential.id))
    with pytest.raises(Unauthenticated):
        world.do(world.directory.authenticate_token(made.text))
    assert world.do(world.directory.tokens.list(signed_in.principal)) == []
    with pytest.raises(TokenNotFound):
        world.do(world.directory.tokens.revoke(signed_in.principal, made.credential.id))
    assert world.actions()[-2:] == ["token.created", "token.revoked"]


def test_a_token_makes_no_tokens_and_nobody_makes_one_for_another(world: World) -> None:
    admin = world.person("admin")
    other = world.add("ana@example.com", "operator").person
    made = world.do(world.directory.tokens.create(admin, name="mine"))
    by_token = world.do(world.directory.authenticate_token(made.text))
    for work in (
        world.directory.tokens.create(by_token, name="more"),
        world.directory.tokens.create(admin, name="theirs", person_id=other.id),
    ):
        with pytest.raises(Forbidden):
            world.do(work)
    by_hand = world.do(world.directory.tokens.create(world.local, name="by hand", person_id=other.id))
    assert world.do(world.directory.authenticate_token(by_hand.text)).person == other


def test_an_admin_ends_the_tokens_of_members_and_a_member_only_their_own(world: World) -> None:
    admin, owner, dev = world.person("admin"), world.person("owner"), world.person("developer")
    of_dev = world.do(world.directory.tokens.create(dev, name="d")).credential
    of_owner = world.do(world.directory.tokens.create(owner, name="o")).credential
    for by, token in ((dev, of_owner), (admin, of_owner)):
        with pytest.raises(TokenNotFound):
            world.do(world.directory.tokens.revoke(by, token.id))
    with pytest.raises(TokenNotFound):  # a session is no token
        world.do(world.directory.tokens.revoke(admin, dev.credential_id or ""))
    assert [each.id for each in world.do(world.directory.tokens.list(admin, of_dev.person_id))] == [of_dev.id]
    world.do(world.directory.tokens.revoke(admin, of_dev.id))


@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(days=-1), timedelta(days=367)])
def test_a_token_lasts_a_sensible_time(world: World, lasts: timedelta) -> None:
    dev = world.person("developer")
    with pytest.raises(Invalid):
        world.do(world.directory.tokens.create(dev, name="x", expires_in=lasts))


# -- what is stored --------------------------------------------------------------------------------------------


def test_no_secret_is_in_the_file(world: World, tmp_path: Path) -> None:
    from sayso.model.workspaces import Scope

    texts = [world.do(world.directory.first_link("ana")).text]
    signed_in = world.do(world.directory.sign_in.by_link(texts[0]))
    texts += [
        signed_in.text,
        world.do(world.directory.tokens.create(signed_in.principal, name="t")).text,
        world.do(world.directory.keys.create(world.local, name="k", scopes=[Scope(agent_id="a")])).text,
        world.do(world.directory.invitations.create(world.local, email="x@example.com", role="operator")).text,
    ]
    world.do(world.directory.authenticate_session(signed_in.text))
    world.store.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for text in texts:
        assert text.encode() not in stored
        assert text[-43:].encode() not in stored
