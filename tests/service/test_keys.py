"""API keys: shown once, bound to their scopes, refused the moment they are revoked (item 280)."""

from datetime import timedelta

import pytest

from sayso.core.secrets import shown
from sayso.model.directoryerrors import KeyNotFound, Unauthenticated
from sayso.model.errors import Invalid
from sayso.model.workspaces import ApiKey, KeyId, Principal, Scope
from sayso.runtime.apikeys import NewKey
from tests.service.world import World

SCOPES = [Scope(agent_id="agt_1"), Scope(agent_id="agt_2", trigger_id="trg_9")]


def _key(world: World, by: Principal | None = None) -> NewKey:
    return world.do(world.directory.keys.create(by or world.local, name="billing", scopes=SCOPES))


def _listed(world: World) -> ApiKey:
    (found,) = world.do(world.directory.keys.list(world.local))
    return found


def test_a_key_stands_for_itself_with_its_scopes(world: World) -> None:
    made = _key(world)
    principal = world.do(world.directory.authenticate_key(made.text))
    assert principal.key is not None
    assert (principal.key.id, principal.key.scopes, principal.role) == (made.key.id, tuple(SCOPES), None)
    assert (principal.id, principal.actor.type, principal.actor.via) == (made.key.id, "api_key", "api")


def test_lists_show_what_tells_keys_apart_and_never_the_secret(world: World) -> None:
    made = _key(world)
    found = _listed(world)
    assert found.last4 == made.text[-4:]
    assert shown(found).endswith(f"…{found.last4}")
    assert made.text.startswith(shown(found).partition("…")[0])
    assert made.text[-43:-4] not in repr(found)
    assert made.text[-43:] not in repr(world.audit())


def test_a_revoked_key_is_refused_at_the_next_call(world: World) -> None:
    made = _key(world)
    world.do(world.directory.authenticate_key(made.text))
    world.do(world.directory.keys.revoke(world.local, made.key.id))
    with pytest.raises(Unauthenticated):
        world.do(world.directory.authenticate_key(made.text))
    assert _listed(world).revoked_at == world.clock.now()


def test_revoking_twice_changes_nothing_more(world: World) -> None:
    made = _key(world)
    world.do(world.directory.keys.revoke(world.local, made.key.id))
    first = _listed(world).revoked_at
    world.clock.advance(60)
    world.do(world.directory.keys.revoke(world.local, made.key.id))
    assert _listed(world).revoked_at == first
    assert world.actions().count("key.revoked") == 1


def test_a_key_ends_when_it_says(world: World) -> None:
    at = world.clock.now() + timedelta(days=1)
    made = world.do(world.directory.keys.create(world.local, name="short", scopes=SCOPES, expires_at=at))
    world.clock.advance(hours=23, minutes=59)
    world.do(world.directory.authenticate_key(made.text))
    world.clock.advance(60)
    with pytest.raises(Unauthenticated):
        world.do(world.directory.authenticate_key(made.text))


def test_the_last_use_is_written_once_a_minute_at_most(world: World) -> None:
    made, began = _key(world), world.clock.now()
    assert _listed(world).last_used_at is None
    for _ in range(6):
        world.do(world.directory.authenticate_key(made.text))
        world.clock.advance(10)
    assert _listed(world).last_used_at == began
    world.do(world.directory.authenticate_key(made.text))
    assert _listed(world).last_used_at == began + timedelta(seconds=60)


@pytest.mark.parametrize(
    "scopes",
    [[], [Scope(agent_id="")], [Scope(agent_id="a", trigger_id="")], [Scope(agent_id="a\n")], [SCOPES[0]] * 201],
)
def test_a_key_has_scopes_that_name_something(world: World, scopes: list[Scope]) -> None:
    with pytest.raises(Invalid):
        world.do(world.directory.keys.create(world.local, name="k", scopes=scopes))


def test_a_key_is_not_born_expired(world: World) -> None:
    with pytest.raises(Invalid):
        world.do(world.directory.keys.create(world.local, name="k", scopes=SCOPES, expires_at=world.clock.now()))


def test_keys_of_another_workspace_are_not_there(world: World) -> None:
    elsewhere = world.do(world.directory.workspaces.create(world.local, name="Elsewhere"))
    there = world.do(world.directory.local("root", elsewhere.id))
    made = _key(world, there)
    owner = world.person("owner")
    assert world.do(world.directory.keys.list(owner)) == []
    for wanted in (made.key.id, KeyId("key_none")):
        with pytest.raises(KeyNotFound) as missing:
            world.do(world.directory.keys.revoke(owner, wanted))
        assert missing.value.status == 404
    assert world.do(world.directory.authenticate_key(made.text)).workspace.id == elsewhere.id


def test_a_key_outlives_who_made_it_and_says_who_that_was(world: World) -> None:
    admin = world.person("admin")
    assert admin.person is not None
    made = _key(world, admin)
    world.do(world.directory.people.remove(world.local, admin.person.id))
    principal = world.do(world.directory.authenticate_key(made.text))
    assert principal.key is not None
    assert principal.key.created_by == "admin@example.com"
