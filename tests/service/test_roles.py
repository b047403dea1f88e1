"""The table of abilities, cell by cell: what each role may, the two switches, and what keys may."""

from datetime import UTC, datetime
from itertools import product
from typing import get_args

import pytest

from sayso.core.roles import KEY_ABILITIES, MEANINGS, SWITCHES, TABLE, Ability, allows, may, outranks, reaches
from sayso.model.workspaces import (
    DEFAULT_WORKSPACE,
    ROLES,
    ApiKey,
    KeyId,
    Principal,
    Role,
    Scope,
    Workspace,
    WorkspaceSettings,
)

AT = datetime(2026, 1, 1, tzinfo=UTC)
PLAIN = WorkspaceSettings()

# Written a second time, by hand, from section 1 of the behaviour: a cell that changes must change here too.
#                       owner admin developer operator auditor
EXPECTED = {
    "see_dashboard":      "✓ ✓ ✓ - ✓",
    "see_sessions":       "✓ ✓ ✓ - ✓",
    "end_sessions":       "✓ ✓ ✓ - -",
    "skip_waits":         "✓ ✓ ✓ - -",
    "see_agents":         "✓ ✓ ✓ - ✓",
    "edit_agents":        "✓ ✓ ✓ - -",
    "start_runs":         "✓ ✓ ✓ - -",
    "see_tasks":          "✓ ✓ ✓ ✓ ✓",
    "decide_tasks":       "✓ ✓ ✓ ✓ -",
    "see_runs_of_tasks":  "✓ ✓ ✓ ✓ ✓",
    "see_guard":          "✓ ✓ ✓ ✓ ✓",
    "see_secret_names":   "✓ ✓ ✓ - ✓",
    "manage_secrets":     "✓ ✓ - - -",
    "see_providers":      "✓ ✓ ✓ - ✓",
    "manage_providers":   "✓ ✓ - - -",
    "see_people":         "✓ ✓ ✓ - ✓",
    "manage_people":      "✓ ✓ - - -",
    "see_keys":           "✓ ✓ ✓ - ✓",
    "manage_keys":        "✓ ✓ - - -",
    "manage_workspace":   "✓ ✓ - - -",
    "see_audit":          "✓ ✓ - - ✓",
    "export_audit":       "✓ ✓ - - ✓",
    "make_sign_in_links": "- - - - -",
}  # fmt: skip
CELLS = [
    (ability, role, mark == "✓")
    for ability, marks in EXPECTED.items()
    for role, mark in zip(ROLES, marks.split(), strict=True)
]


@pytest.mark.parametrize(("ability", "role", "expected"), CELLS)
def test_a_role_may_what_its_cell_says(ability: Ability, role: Role, expected: bool) -> None:
    assert may(role, ability, PLAIN) is expected


def test_every_ability_has_a_row_here_a_row_there_and_a_meaning() -> None:
    assert set(EXPECTED) == set(get_args(Ability)) == set(TABLE) == set(MEANINGS)


@pytest.mark.parametrize(
    ("settings", "role", "ability"),
    [
        (WorkspaceSettings(developers_manage_secrets=True), "developer", "manage_secrets"),
        (WorkspaceSettings(operators_see_sessions=True), "operator", "see_sessions"),
    ],
)
def test_a_switch_changes_its_one_cell_and_no_other(settings: WorkspaceSettings, role: Role, ability: Ability) -> None:
    changed = [
        (each, what) for each, what in product(ROLES, TABLE) if may(each, what, settings) != may(each, what, PLAIN)
    ]
    assert changed == [(role, ability)]
    assert may(role, ability, settings)


def test_the_switches_are_off_until_somebody_turns_them_on() -> None:
    assert not any(switch.on(PLAIN) for switch in SWITCHES)
    assert len(SWITCHES) == 2


def test_an_auditor_changes_nothing() -> None:
    changing = {"end_sessions", "skip_waits", "edit_agents", "start_runs", "decide_tasks"} | {
        ability for ability in TABLE if ability.startswith(("manage_", "make_"))
    }
    assert not [ability for ability in changing if may("auditor", ability, PLAIN)]
    everything_on = WorkspaceSettings(developers_manage_secrets=True, operators_see_sessions=True)
    assert not [ability for ability in changing if may("auditor", ability, everything_on)]


def _principal(**who: object) -> Principal:
    workspace = Workspace(id=DEFAULT_WORKSPACE, name="x", created_at=AT, updated_at=AT)
    return Principal(workspace=workspace, **who)  # pyright: ignore[reportArgumentType]


def test_a_key_may_what_keys_may_whatever_role_is_written_beside_it() -> None:
    key = ApiKey(
        id=KeyId("key_1"),
        workspace_id=DEFAULT_WORKSPACE,
        name="k",
        last4="abcd",
        scopes=(Scope(agent_id="a"),),
        created_by="x",
        created_at=AT,
    )
    assert {ability for ability in TABLE if allows(_principal(key=key, role="owner"), ability)} == KEY_ABILITIES
    assert not {ability for ability in KEY_ABILITIES if ability.startswith(("manage_", "edit_", "export_"))}


def test_a_principal_without_anything_may_nothing() -> None:
    assert not [ability for ability in TABLE if allows(_principal(), ability)]


def test_who_holds_the_database_may_everything() -> None:
    assert all(allows(_principal(local="root"), ability) for ability in TABLE)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("other", ROLES)
def test_owners_are_above_admins_and_admins_above_the_rest(role: Role, other: Role) -> None:
    assert outranks(role, other) is (role == "owner" or (role == "admin" and other != "owner"))
    assert not outranks(None, other)


@pytest.mark.parametrize(
    ("agent", "trigger", "reached"),
    [
        ("whole", None, True),
        ("whole", "t1", True),
        ("part", "t1", True),
        ("part", "t2", False),
        ("part", None, False),
        ("other", "t1", False),
        ("", None, False),
    ],
)
def test_a_scope_reaches_an_agent_or_one_trigger_of_it(agent: str, trigger: str | None, reached: bool) -> None:
    scopes = (Scope(agent_id="whole"), Scope(agent_id="part", trigger_id="t1"))
    assert reaches(scopes, agent, trigger) is reached


def test_no_scopes_reach_nothing() -> None:
    assert not reaches((), "a", None)
