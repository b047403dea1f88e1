"""API triggers as data (platform.md 12, as far as they are saved and start runs)."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.core.triggers import settings_wire, trigger_settings
from sayso.model import errors, registryerrors
from sayso.model.registry import ApiTriggerSettings
from sayso.runtime.starting import Begin, Wanted
from sayso.runtime.triggers import TriggerChange
from sayso.stores.driver import sqlite_module
from tests.service.registrykit import ANA, HERE, House

DEFAULTS = {
    "exposeStepTimelineToApi": True,
    "rpmLimit": 0,
    "rpdLimit": 0,
    "maxConcurrentRuns": 0,
    "maxInputTokens": 0,
    "ipWhitelist": [],
    "apiCompletableKinds": [],
}


@pytest.fixture
def house(tmp_path: Path) -> Any:
    made = House(tmp_path)
    yield made
    made.db.close()


def create(house: House, agent: Any, name: str = "api", **change: Any) -> Any:
    return house.do(house.registry.create_trigger(HERE, agent.id, TriggerChange(name=name, **change), by=ANA))


def edit(house: House, trigger: Any, **change: Any) -> Any:
    act = house.registry.edit_trigger(HERE, trigger.agent_id, trigger.id, TriggerChange(**change), by=ANA)
    return house.do(act)


def test_a_trigger_is_active_exposes_the_timeline_and_has_no_limits_by_default(house: House) -> None:
    agent = house.agent()
    made = create(house, agent)
    assert (made.active, made.last_fired_at, settings_wire(made.settings)) == (True, None, DEFAULTS)
    assert house.do(house.registry.load_trigger(HERE, agent.id, made.id)) == made
    assert house.do(house.registry.list_triggers(HERE, agent.id)) == [made]


def test_an_agent_has_at_most_one_api_trigger_item_234(house: House) -> None:
    agent = house.agent()
    create(house, agent)
    with pytest.raises(registryerrors.ApiTriggerExists) as refused:
        create(house, agent, "other")
    assert (refused.value.code, refused.value.status) == ("api_trigger_exists", 409)
    assert create(house, house.agent("other")), "Expected every agent to have its own."


def test_a_sub_agent_has_no_triggers_and_is_not_started_item_198(house: House) -> None:
    agent = house.live(mode="sub_agent")
    with pytest.raises(registryerrors.SubAgentNotStartable) as refused:
        create(house, agent)
    assert (refused.value.code, refused.value.status) == ("sub_agent_not_startable", 409)
    wanted = Wanted(workspace_id=HERE, agent_id=agent.id)
    with pytest.raises(registryerrors.SubAgentNotStartable):
        house.do(house.registry.start(house.runtime, Begin(wanted=wanted)))
    test_run = Wanted(workspace_id=HERE, agent_id=agent.id, test_version=agent.deployed_version_id)
    assert house.do(house.registry.start(house.runtime, Begin(wanted=test_run)))


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\nb"])
def test_a_trigger_needs_a_name_that_people_can_read(house: House, name: str) -> None:
    with pytest.raises(registryerrors.InvalidTrigger) as refused:
        create(house, house.agent(), name)
    assert [item.pointer for item in refused.value.problems] == ["/name"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("exposeStepTimelineToApi", "false", "wrong_type"),
        ("exposeStepTimelineToApi", None, "wrong_type"),
        ("exposeStepTimelineToApi", 0, "wrong_type"),
        ("rpmLimit", -1, "out_of_bounds"),
        ("rpmLimit", 1.5, "wrong_type"),
        ("rpdLimit", "10", "wrong_type"),
        ("maxConcurrentRuns", True, "wrong_type"),
        ("maxInputTokens", 2**53, "out_of_bounds"),
        ("ipWhitelist", "10.0.0.1", "wrong_type"),
        ("ipWhitelist", ["10.0.0.300"], "invalid_network"),
        ("ipWhitelist", ["example.com"], "invalid_network"),
        ("ipWhitelist", [167772161], "invalid_network"),
        ("ipWhitelist", [""], "invalid_network"),
        ("ipWhitelist", None, "wrong_type"),
        ("ipWhitelist", ["10.0.0.1"] * 1001, "too_many"),
        ("apiCompletableKinds", ["all"], "unknown_kind"),
        ("apiCompletableKinds", "anomaly_review", "unknown_kind"),
        ("rpmlimit", 1, "unknown_key"),
        ("ip_whitelist", ["10.0.0.1"], "unknown_key"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_where_it_is(house: House, name: str, value: Any, code: str) -> None:
    """T55: nothing that is misspelt or of a wrong type may leave a trigger more open than it was meant."""
    agent = house.agent()
    with pytest.raises(registryerrors.InvalidTrigger) as refused:
        create(house, agent, settings={name: value})
    assert [(item.pointer, item.code) for item in refused.value.problems] == [(f"/settings/{name}", code)]
    assert (refused.value.code, refused.value.status) == ("invalid_trigger", 422)
    assert house.do(house.registry.list_triggers(HERE, agent.id)) == []


def test_settings_are_kept_and_edited_one_by_one(house: House) -> None:
    given = {
        "exposeStepTimelineToApi": False,
        "rpmLimit": 2,
        "rpdLimit": 100,
        "maxConcurrentRuns": 1,
        "maxInputTokens": 4000,
        "ipWhitelist": ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"],
        "apiCompletableKinds": ["anomaly_review"],
    }
    trigger = create(house, house.agent(), settings=given)
    assert settings_wire(trigger.settings) == given
    after = edit(house, trigger, settings={"rpmLimit": 0, "rpdLimit": None})
    assert settings_wire(after.settings) == {**given, "rpmLimit": 0, "rpdLimit": 0}
    assert edit(house, trigger, name="renamed", active=False).active is False
    found = house.do(house.registry.load_trigger(HERE, trigger.agent_id, trigger.id))
    assert (found.name, found.active, settings_wire(found.settings)) == (
        "renamed",
        False,
        settings_wire(after.settings),
    )


def test_changing_nothing_writes_nothing(house: House) -> None:
    trigger = create(house, house.agent())
    rows = len(house.audit())
    assert edit(house, trigger, name="api", active=True, settings={"rpmLimit": 0}) == trigger
    assert len(house.audit()) == rows


def test_an_inactive_trigger_starts_nothing_item_237(house: House) -> None:
    agent = house.live()
    trigger = create(house, agent, active=False)
    wanted = Wanted(workspace_id=HERE, agent_id=agent.id, trigger_id=trigger.id)
    with pytest.raises(registryerrors.TriggerInactive) as refused:
        house.do(house.registry.start(house.runtime, Begin(wanted=wanted)))
    assert (refused.value.code, refused.value.status) == ("trigger_inactive", 409)
    assert house.do(house.registry.load_trigger(HERE, agent.id, trigger.id)).last_fired_at is None


def test_a_start_is_noted_on_its_trigger_and_the_session_knows_it_items_35_and_242(house: House) -> None:
    agent = house.live()
    trigger = create(house, agent)
    wanted = Wanted(workspace_id=HERE, agent_id=agent.id, trigger_id=trigger.id)
    begun = house.do(
        house.registry.start(house.runtime, Begin(wanted=wanted, trigger_type="api", started_by="key_1"))
    ).run
    assert house.do(house.registry.load_trigger(HERE, agent.id, trigger.id)).last_fired_at == begun.created_at
    origin = house.do(house.runtime.load_listed_session(begun.session_id)).origin
    assert (origin.version_id, origin.version) == (agent.deployed_version_id, "v1")
    assert (origin.trigger_id, origin.trigger_type, origin.started_by) == (trigger.id, "api", "key_1")
    assert origin.workspace_id == HERE


def test_settings_that_cannot_be_read_refuse_and_do_not_open_up(house: House, tmp_path: Path) -> None:
    """A row changed by hand: an unreadable allow-list must not become one that lets everybody in."""
    agent = house.live()
    trigger = create(house, agent, settings={"ipWhitelist": ["10.0.0.1"]})
    connection = sqlite_module().connect(tmp_path / "sayso.db")
    connection.execute("UPDATE triggers SET settings = ?", (json.dumps({"ipWhitelist": ["10.0.0"]}).encode(),))
    connection.commit()
    connection.close()
    wanted = Wanted(workspace_id=HERE, agent_id=agent.id, trigger_id=trigger.id)
    with pytest.raises(errors.UnreadableValue):
        house.do(house.registry.startable(wanted))


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*DEFAULTS, "rpm", ""]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(max_size=9), max_size=3),
    )
)
def test_whatever_is_sent_is_kept_or_refused_but_never_breaks(fields: dict[str, Any]) -> None:
    kept, problems = trigger_settings(fields)
    assert {item.pointer for item in problems} <= {f"/settings/{name}" for name in fields}
    wire = settings_wire(kept)
    assert trigger_settings(wire) == (kept, [])
    if not problems:
        assert wire == {**DEFAULTS, **{name: 0 if item is None else item for name, item in fields.items()}}


def test_the_defaults_are_those_of_the_value() -> None:
    assert settings_wire(ApiTriggerSettings()) == DEFAULTS
