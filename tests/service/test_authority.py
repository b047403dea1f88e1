"""Every act of the directory by every role, a key, and nobody: what the table says is what happens."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from sayso.core.roles import TABLE, Ability, may
from sayso.model.directoryerrors import Forbidden
from sayso.model.errors import NotFound
from sayso.model.workspaces import ROLES, KeyId, PersonId, Principal, Role, Scope, WorkspaceSettings
from sayso.runtime.directory import Directory
from tests.service.world import World

Act = Callable[[Directory, Principal, PersonId], Coroutine[Any, Any, Any]]
SCOPES = [Scope(agent_id="a")]

ACTS: dict[str, tuple[Ability, Act]] = {
    "workspaces.create": ("manage_workspace", lambda d, by, _: d.workspaces.create(by, name="Another")),
    "workspaces.rename": ("manage_workspace", lambda d, by, _: d.workspaces.rename(by, "New name")),
    "workspaces.suspend": ("manage_workspace", lambda d, by, _: d.workspaces.suspend(by)),
    "workspaces.activate": ("manage_workspace", lambda d, by, _: d.workspaces.activate(by)),
    "workspaces.change_settings": (
        "manage_workspace",
        lambda d, by, _: d.workspaces.change_settings(by, WorkspaceSettings(developers_manage_secrets=True)),
    ),
    "people.list": ("see_people", lambda d, by, _: d.people.list(by)),
    "people.find": ("see_people", lambda d, by, _: d.people.find(by, "x@example.com")),
    "people.add": ("manage_people", lambda d, by, _: d.people.add(by, email="new@example.com", role="auditor")),
    "people.change_role": ("manage_people", lambda d, by, who: d.people.change_role(by, who, "developer")),
    "people.remove": ("manage_people", lambda d, by, who: d.people.remove(by, who)),
    "people.disable": ("manage_people", lambda d, by, who: d.people.disable(by, who)),
    "people.enable": ("manage_people", lambda d, by, who: d.people.enable(by, who)),
    "invitations.create": (
        "manage_people",
        lambda d, by, _: d.invitations.create(by, email="invited@example.com", role="operator"),
    ),
    "invitations.list": ("see_people", lambda d, by, _: d.invitations.list(by)),
    "invitations.revoke": ("manage_people", lambda d, by, _: d.invitations.revoke(by, "inv_none")),
    "sign_in.make_link": ("make_sign_in_links", lambda d, by, who: d.sign_in.make_link(by, who)),
    "sign_in.end_all": ("manage_people", lambda d, by, who: d.sign_in.end_all(by, who)),
    "tokens.list": ("manage_people", lambda d, by, who: d.tokens.list(by, who)),
    "keys.create": ("manage_keys", lambda d, by, _: d.keys.create(by, name="k", scopes=SCOPES)),
    "keys.list": ("see_keys", lambda d, by, _: d.keys.list(by)),
    "keys.revoke": ("manage_keys", lambda d, by, _: d.keys.revoke(by, KeyId("key_none"))),
}


def _refusal(world: World, by: Principal, act: Act, who: PersonId) -> Forbidden | None:
    """Carry an act out; that nothing has an id is found after the refusal that is asked for."""
    try:
        world.do(act(world.directory, by, who))
    except Forbidden as exc:
        return exc
    except NotFound:
        return None
    return None


@pytest.mark.parametrize("role", ROLES)
def test_each_act_is_open_to_the_roles_of_its_ability_and_to_no_other(world: World, role: Role) -> None:
    by = world.person(role)
    world.person("owner", "another@example.com")
    for number, (name, (ability, act)) in enumerate(ACTS.items()):
        who = world.add(f"target{number}@example.com", "operator").person.id
        before = len(world.audit())
        refused = _refusal(world, by, act, who)
        assert (refused is None) is may(role, ability, WorkspaceSettings()), name
        if refused is not None:
            assert (refused.ability, refused.code, refused.status) == (ability, "forbidden", 403)
            assert ability in str(refused)
            assert len(world.audit()) == before, f"{name} was refused and has changed something"


def test_no_key_carries_out_any_act_of_the_directory(world: World) -> None:
    made = world.do(world.directory.keys.create(world.local, name="k", scopes=SCOPES))
    by = world.do(world.directory.authenticate_key(made.text))
    who = world.add("target@example.com", "operator").person.id
    for name, (_, act) in ACTS.items():
        assert _refusal(world, by, act, who) is not None, name
    with pytest.raises(Forbidden):
        world.do(world.directory.tokens.create(by, name="mine"))


def test_who_holds_the_database_may_do_each_act(world: World) -> None:
    for number, (name, (_, act)) in enumerate(ACTS.items()):
        who = world.add(f"target{number}@example.com", "operator").person.id
        assert _refusal(world, world.local, act, who) is None, name


def test_every_ability_that_the_directory_needs_is_in_the_table() -> None:
    assert {ability for ability, _ in ACTS.values()} <= set(TABLE)
