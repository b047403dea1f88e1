"""Workspaces, their members, and invitations: who may, what holds afterwards, and what is written down."""

from datetime import timedelta

import pytest

from sayso.model.directoryerrors import (
    AlreadyMember,
    Forbidden,
    InvitationNotFound,
    LastOwner,
    PersonNotFound,
    Unauthenticated,
    WorkspaceNotFound,
)
from sayso.model.errors import Invalid
from sayso.model.workspaces import DEFAULT_WORKSPACE, WorkspaceId, WorkspaceLimits, WorkspaceSettings
from tests.service.world import World

# -- workspaces ------------------------------------------------------------------------------------------------


def test_the_default_workspace_is_there_at_the_first_use_and_stays_what_it_was_made(world: World) -> None:
    first = world.do(world.directory.workspaces.default())
    world.do(world.directory.workspaces.rename(world.local, "Ours"))
    world.clock.advance(60)
    again = world.do(world.directory.workspaces.default())
    assert (first.id, first.name, first.status) == (DEFAULT_WORKSPACE, "Default", "active")
    assert (again.name, again.created_at) == ("Ours", first.created_at)
    assert again.updated_at == first.created_at


def test_a_workspace_is_renamed_suspended_activated_and_set_up(world: World) -> None:
    owner, offices = world.person("owner"), world.directory.workspaces
    settings = WorkspaceSettings(operators_see_sessions=True, limits=WorkspaceLimits(max_agents=3))
    world.do(offices.rename(owner, "  Payments "))
    world.do(offices.suspend(owner))
    world.do(offices.change_settings(owner, settings))
    found = world.do(offices.load(owner))
    assert (found.name, found.status, found.settings) == ("Payments", "suspended", settings)
    world.do(offices.activate(owner))
    assert world.do(offices.load(owner)).status == "active"
    told = ["workspace.renamed", "workspace.suspended", "workspace.settings_changed", "workspace.activated"]
    assert [action for action in world.actions() if action.startswith("workspace.")] == told


def test_what_changes_nothing_is_not_written_down(world: World) -> None:
    before = len(world.audit())
    world.do(world.directory.workspaces.activate(world.local))
    world.do(world.directory.workspaces.change_settings(world.local, WorkspaceSettings()))
    assert len(world.audit()) == before


def test_every_request_after_a_suspension_sees_it(world: World) -> None:
    owner = world.person("owner")
    session = world.signed_in("owner@example.com")
    world.do(world.directory.workspaces.suspend(owner))
    assert world.do(world.directory.authenticate_session(session.text)).workspace.status == "suspended"


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\nb", "a\u202eb", "a\x00b", "a\ud800b"])
def test_a_workspace_has_a_name_that_can_be_read(world: World, name: str) -> None:
    with pytest.raises(Invalid):
        world.do(world.directory.workspaces.rename(world.local, name))


@pytest.mark.parametrize("limits", [WorkspaceLimits(max_agents=0), WorkspaceLimits(wait_budget_seconds=float("nan"))])
def test_a_limit_is_more_than_nothing(world: World, limits: WorkspaceLimits) -> None:
    with pytest.raises(Invalid):
        world.do(world.directory.workspaces.change_settings(world.local, WorkspaceSettings(limits=limits)))


def test_who_creates_a_workspace_owns_it_and_nobody_else_is_in_it(world: World) -> None:
    ana, bo = world.person("admin", "ana@example.com"), world.person("owner", "bo@example.com")
    made = world.do(world.directory.workspaces.create(ana, name="Second"))
    mine = world.do(world.directory.workspaces.list(ana))
    assert [(each.workspace.id, each.role) for each in mine] == [(DEFAULT_WORKSPACE, "admin"), (made.id, "owner")]
    assert [each.workspace.id for each in world.do(world.directory.workspaces.list(bo))] == [DEFAULT_WORKSPACE]
    assert world.actions(made.id) == ["workspace.created"]


def test_a_workspace_that_is_not_there_is_not_found(world: World) -> None:
    with pytest.raises(WorkspaceNotFound):
        world.do(world.directory.local("root", WorkspaceId("wsp_none")))


# -- members ---------------------------------------------------------------------------------------------------


def test_members_are_listed_by_address_with_their_roles(world: World) -> None:
    world.add("zoe@example.com", "operator")
    world.add("Ana@Example.COM", "owner")
    listed = world.do(world.directory.people.list(world.local))
    assert [(each.person.email, each.role) for each in listed] == [
        ("ana@example.com", "owner"),
        ("zoe@example.com", "operator"),
    ]


def test_an_address_is_one_person_however_it_is_written(world: World) -> None:
    world.add("ana@example.com", "operator")
    with pytest.raises(AlreadyMember):
        world.add(" ANA@example.com", "admin")


@pytest.mark.parametrize(
    "email",
    [
        "", "ana", "@example.com", "ana@", "a na@example.com", "ana@exa mple.com", "ana@example.com\nbcc: x",
        "\u212a@x.com", "a@b@c", "x" * 65 + "@example.com", "ana@-example.com", "ana@example.com-",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(world: World, email: str) -> None:
    with pytest.raises(Invalid):
        world.add(email, "operator")


def test_an_admin_neither_makes_nor_unmakes_owners(world: World) -> None:
    admin, owner = world.person("admin"), world.person("owner")
    world.person("owner", "second@example.com")
    people, other = world.directory.people, world.add("dev@example.com", "developer").person.id
    assert owner.person is not None
    for work in (
        people.add(admin, email="new@example.com", role="owner"),
        people.change_role(admin, other, "owner"),
        people.change_role(admin, owner.person.id, "admin"),
        people.remove(admin, owner.person.id),
        people.disable(admin, owner.person.id),
        world.directory.invitations.create(admin, email="x@example.com", role="owner"),
        world.directory.sign_in.end_all(admin, owner.person.id),
    ):
        with pytest.raises(Forbidden) as refused:
            world.do(work)
        assert (refused.value.ability, refused.value.status) == ("manage_people", 403)
    world.do(people.change_role(admin, other, "admin"))


def test_the_last_owner_stays(world: World) -> None:
    owner = world.person("owner")
    person = owner.person
    assert person is not None
    people = world.directory.people
    for by in (owner, world.local):
        for work in (
            people.remove(by, person.id),
            people.change_role(by, person.id, "admin"),
            people.disable(by, person.id),
        ):
            with pytest.raises(LastOwner):
                world.do(work)
    second = world.add("second@example.com", "owner").person
    world.do(people.disable(world.local, second.id))
    with pytest.raises(LastOwner):  # the other owner cannot sign in
        world.do(people.remove(owner, person.id))
    world.do(people.enable(world.local, second.id))
    world.do(people.change_role(owner, person.id, "admin"))
    assert [each.role for each in world.do(people.list(world.local))] == ["admin", "owner"]


def test_the_last_owner_of_another_workspace_is_not_disabled_here(world: World) -> None:
    ana = world.person("admin", "ana@example.com")
    assert ana.person is not None
    world.do(world.directory.workspaces.create(ana, name="Hers"))
    with pytest.raises(LastOwner):
        world.do(world.directory.people.disable(world.local, ana.person.id))


def test_a_new_role_counts_at_once_and_ends_the_sessions_of_the_old_one(world: World) -> None:
    owner, dev = world.person("owner"), world.person("developer")
    session = world.signed_in("developer@example.com")
    assert dev.person is not None
    world.do(world.directory.people.change_role(owner, dev.person.id, "operator"))
    with pytest.raises(Unauthenticated):
        world.do(world.directory.authenticate_session(session.text))
    assert world.signed_in("developer@example.com").principal.role == "operator"
    row = next(row for row in world.audit() if row.action == "member.role_changed")
    assert (row.target, row.by.id) == (dev.person.id, "owner@example.com")
    assert b'"from":"developer"' in row.data
    assert b'"to":"operator"' in row.data


def test_who_was_demoted_gets_nothing_done_by_what_was_found_before(world: World) -> None:
    admin = world.person("admin")
    assert admin.person is not None
    world.do(world.directory.people.change_role(world.local, admin.person.id, "operator"))
    with pytest.raises(Forbidden):
        world.do(world.directory.people.add(admin, email="friend@example.com", role="admin"))
    world.do(world.directory.people.remove(world.local, admin.person.id))
    with pytest.raises(Unauthenticated):
        world.do(world.directory.people.add(admin, email="friend@example.com", role="admin"))


def test_a_removed_member_is_out_at_once_and_may_come_back(world: World) -> None:
    dev = world.person("developer")
    assert dev.person is not None
    session = world.signed_in("developer@example.com")
    token = world.do(world.directory.tokens.create(session.principal, name="laptop"))
    world.do(world.directory.people.remove(world.local, dev.person.id))
    for check in (
        world.directory.authenticate_session(session.text),
        world.directory.authenticate_token(token.text),
    ):
        with pytest.raises(Unauthenticated):
            world.do(check)
    with pytest.raises(PersonNotFound):
        world.do(world.directory.people.remove(world.local, dev.person.id))
    assert world.add("developer@example.com", "operator").person.id == dev.person.id
    with pytest.raises(Unauthenticated):  # what was ended stays ended
        world.do(world.directory.authenticate_token(token.text))


def test_who_leaves_leaves_no_invitation_behind(world: World) -> None:
    admin = world.person("admin")
    assert admin.person is not None
    back = world.do(world.directory.invitations.create(admin, email="private@example.net", role="admin"))
    other = world.do(world.directory.invitations.create(world.local, email="new@example.com", role="operator"))
    world.do(world.directory.people.remove(world.local, admin.person.id))
    assert [each.id for each in world.do(world.directory.invitations.list(world.local))] == [other.invitation.id]
    with pytest.raises(Unauthenticated):
        world.do(world.directory.invitations.accept(back.text))
    assert "invitations.revoked" in world.actions()


def test_a_disabled_person_is_out_everywhere_until_enabled(world: World) -> None:
    ana = world.person("operator", "ana@example.com")
    world.person("owner")
    person = ana.person
    assert person is not None
    session = world.signed_in("ana@example.com")
    link = world.do(world.directory.sign_in.make_link(world.local, person.id))
    world.do(world.directory.people.disable(world.local, person.id))
    for work in (world.directory.authenticate_session(session.text), world.directory.sign_in.by_link(link.text)):
        with pytest.raises(Unauthenticated):
            world.do(work)
    late = world.do(world.directory.sign_in.make_link(world.local, person.id))
    with pytest.raises(Unauthenticated):
        world.do(world.directory.sign_in.by_link(late.text))
    world.do(world.directory.people.enable(world.local, person.id))
    with pytest.raises(Unauthenticated):
        world.do(world.directory.authenticate_session(session.text))
    assert world.signed_in("ana@example.com").principal.person == person
    told = [action for action in world.actions() if action in {"person.disabled", "person.enabled"}]
    assert told == ["person.disabled", "person.enabled"]


def test_an_admin_here_does_not_disable_who_works_elsewhere(world: World) -> None:
    admin, ana = world.person("admin"), world.person("operator", "ana@example.com")
    assert ana.person is not None
    elsewhere = world.do(world.directory.workspaces.create(world.local, name="Elsewhere"))
    there = world.do(world.directory.local("root", elsewhere.id))
    world.add("boss@example.com", "owner", by=there)
    world.add("ana@example.com", "admin", by=there)
    with pytest.raises(Forbidden) as refused:
        world.do(world.directory.people.disable(admin, ana.person.id))
    assert "Elsewhere" not in str(refused.value)
    world.do(world.directory.people.remove(admin, ana.person.id))
    assert world.do(world.directory.people.find(there, "ana@example.com")) is not None
    world.do(world.directory.people.disable(there, ana.person.id))


# -- two workspaces (item 1) -----------------------------------------------------------------------------------


def test_what_belongs_to_another_workspace_is_not_there(world: World) -> None:
    elsewhere = world.do(world.directory.workspaces.create(world.local, name="Elsewhere"))
    there = world.do(world.directory.local("root", elsewhere.id))
    stranger = world.add("stranger@example.com", "operator", by=there).person.id
    invitation = world.do(world.directory.invitations.create(there, email="x@example.com", role="operator")).invitation
    owner, people = world.person("owner"), world.directory.people
    for work in (
        people.change_role(owner, stranger, "admin"),
        people.remove(owner, stranger),
        people.disable(owner, stranger),
        people.enable(owner, stranger),
        world.directory.sign_in.end_all(owner, stranger),
        world.directory.sign_in.make_link(world.local, stranger),
        world.directory.tokens.list(owner, stranger),
        world.directory.tokens.create(world.local, name="x", person_id=stranger),
    ):
        with pytest.raises(PersonNotFound) as missing:
            world.do(work)
        assert missing.value.status == 404
        assert "stranger" not in str(missing.value)
    with pytest.raises(InvitationNotFound):
        world.do(world.directory.invitations.revoke(owner, invitation.id))
    assert world.do(people.find(owner, "stranger@example.com")) is None
    assert [each.person.email for each in world.do(people.list(owner))] == ["owner@example.com"]
    assert world.do(world.directory.invitations.list(owner)) == []
    assert not [row for row in world.audit() if stranger in row.target]


# -- invitations -----------------------------------------------------------------------------------------------


def test_an_invitation_makes_a_new_person_a_member_and_signs_them_in(world: World) -> None:
    admin = world.person("admin")
    made = world.do(world.directory.invitations.create(admin, email="New@example.com", role="developer"))
    accepted = world.do(world.directory.invitations.accept(made.text, name="Nia New"))
    assert accepted.signed_in is not None
    principal = world.do(world.directory.authenticate_session(accepted.signed_in.text))
    assert principal.person is not None
    assert (principal.person.email, principal.person.name, principal.role) == (
        "new@example.com",
        "Nia New",
        "developer",
    )
    (listed,) = world.do(world.directory.invitations.list(admin))
    assert listed.accepted_at == world.clock.now()
    told = world.actions()
    order = ["invitation.created", "person.created", "invitation.accepted", "member.added", "person.signed_in"]
    assert [action for action in told[-5:] if action in order] == order


def test_an_invitation_works_once(world: World) -> None:
    made = world.do(world.directory.invitations.create(world.local, email="new@example.com", role="operator"))
    world.do(world.directory.invitations.accept(made.text))
    with pytest.raises(Unauthenticated):
        world.do(world.directory.invitations.accept(made.text))


def test_an_invitation_ends_when_it_says_and_when_it_is_revoked(world: World) -> None:
    create, accept = world.directory.invitations.create, world.directory.invitations.accept
    short = world.do(create(world.local, email="a@example.com", role="operator", expires_in=timedelta(hours=1)))
    other = world.do(create(world.local, email="b@example.com", role="operator"))
    world.do(world.directory.invitations.revoke(world.local, other.invitation.id))
    world.clock.advance(hours=1)
    for made in (short, other):
        with pytest.raises(Unauthenticated):
            world.do(accept(made.text))
    with pytest.raises(InvitationNotFound):
        world.do(world.directory.invitations.revoke(world.local, other.invitation.id))


@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(seconds=-1), timedelta(days=31)])
def test_an_invitation_lasts_a_sensible_time(world: World, lasts: timedelta) -> None:
    with pytest.raises(Invalid):
        world.do(
            world.directory.invitations.create(world.local, email="a@example.com", role="operator", expires_in=lasts)
        )


def test_the_link_of_an_invitation_never_opens_what_a_person_has_elsewhere(world: World) -> None:
    """An admin of one workspace invites the owner of another, and keeps the link."""
    ana = world.person("owner", "ana@example.com")
    elsewhere = world.do(world.directory.workspaces.create(world.local, name="Elsewhere"))
    there = world.do(world.directory.local("root", elsewhere.id))
    made = world.do(world.directory.invitations.create(there, email="ana@example.com", role="operator"))
    mallory = world.person("admin", "mallory@example.com")
    for by in (None, mallory):
        with pytest.raises(Forbidden) as refused:
            world.do(world.directory.invitations.accept(made.text, by=by))
        assert "Sign in as the person" in refused.value.hint
    accepted = world.do(world.directory.invitations.accept(made.text, by=ana))
    assert accepted.signed_in is None
    assert (accepted.member.workspace_id, accepted.member.role) == (elsewhere.id, "operator")


def test_who_was_removed_everywhere_comes_back_by_an_invitation(world: World) -> None:
    dev = world.person("developer")
    assert dev.person is not None
    world.do(world.directory.people.remove(world.local, dev.person.id))
    made = world.do(world.directory.invitations.create(world.local, email=dev.person.email, role="operator"))
    accepted = world.do(world.directory.invitations.accept(made.text))
    assert accepted.signed_in is not None
    assert accepted.member.person.id == dev.person.id
    assert accepted.signed_in.principal.role == "operator"


def test_a_disabled_person_does_not_come_back_by_an_invitation(world: World) -> None:
    dev = world.person("developer")
    assert dev.person is not None
    world.do(world.directory.people.disable(world.local, dev.person.id))
    world.do(world.directory.people.remove(world.local, dev.person.id))
    made = world.do(world.directory.invitations.create(world.local, email=dev.person.email, role="operator"))
    for by in (None, dev):
        with pytest.raises(Forbidden):
            world.do(world.directory.invitations.accept(made.text, by=by))


def test_members_are_not_invited_again(world: World) -> None:
    world.person("operator")
    with pytest.raises(AlreadyMember):
        world.do(world.directory.invitations.create(world.local, email="operator@example.com", role="admin"))


def test_who_became_a_member_meanwhile_is_not_made_one_twice(world: World) -> None:
    made = world.do(world.directory.invitations.create(world.local, email="ana@example.com", role="admin"))
    ana = world.person("operator", "ana@example.com")
    with pytest.raises(AlreadyMember):
        world.do(world.directory.invitations.accept(made.text, by=ana))
    (listed,) = world.do(world.directory.invitations.list(world.local))
    assert listed.accepted_at is None  # refused, so nothing of it happened
