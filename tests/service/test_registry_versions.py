"""Versions as data: fields, bounds, defaults, every check at saving, and deploying (platform.md 4)."""

import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.core import schemas
from sayso.core.triggers import settings_wire
from sayso.core.versionfields import FIELDS
from sayso.core.versions import Around, Peer, body_of, check_version, stricter, version_digest, version_of
from sayso.model import registryerrors
from sayso.model.agents import AgentVersion, Limits
from sayso.model.registry import ApiTriggerSettings
from sayso.model.workspaces import WorkspaceLimits
from sayso.runtime import versions
from sayso.runtime.agents import AgentChange
from sayso.runtime.starting import Begin, Wanted
from sayso.runtime.versions import VersionChange
from tests.service.registrykit import ANA, HERE, House

PAUSE = {"id": "big", "when": {"arg_gt": {"path": "amount", "value": 10}}, "then": "pause"}
LEAST = {"versionLabel": "v1", "llmModel": "openai:gpt-5"}
AROUND = Around(
    agent_id="agt_me",
    mode="hitl",
    labels={"taken"},
    operations={"refund", "look"},
    agents={"agt_me": Peer("me", "hitl"), "agt_sub": Peer("sub", "sub_agent"), "agt_other": Peer("other", "hitl")},
)


@pytest.fixture
def house(tmp_path: Path) -> Any:
    made = House(tmp_path)
    yield made
    made.db.close()


def found(around: Around = AROUND, **fields: Any) -> set[tuple[str, str]]:
    """Return where and why a version of these fields is refused."""
    checked = check_version({**LEAST, **fields}, around)
    return {(problem.pointer, problem.code) for problem in checked.problems}


def around(mode: Any) -> Around:
    return Around(
        agent_id="agt_me", mode=mode, labels={"taken"}, operations=AROUND.operations, agents=AROUND.agents
    )  # fmt: skip


# -- fields ----------------------------------------------------------------------------------------------------


def test_omitted_fields_have_the_documented_defaults_item_33() -> None:
    body, problems, warnings = check_version(LEAST, AROUND)
    assert (problems, warnings) == ([], [])
    assert body == {
        **LEAST,
        "instructions": "",
        "description": None,
        "inputSchema": {},
        "outputSchema": {},
        "temperature": 1,
        "topP": None,
        "topK": None,
        "maxIterations": 10,
        "maxTokensPerRun": 400000,
        "maxToolCalls": 32,
        "anomalyControl": False,
        "rules": [],
        "allowedOperationIds": [],
        "canExecuteSubAgents": False,
        "allowedSubAgentIds": [],
        "subAgentExecutionModel": "sequential",
        "maxSessionTokens": None,
        "maxSessionDurationSec": None,
        "maxActiveDurationSec": None,
        "waitBudgetSec": 604800,
        "questionTimeoutSec": None,
        "onQuestionTimeout": "skip",
        "questionExtensions": 10,
        "historyRuns": 3,
    }


WRONG: dict[str, list[Any]] = {
    "versionLabel": ["", " ", None, 1, "x" * 201, "a\nb", ["v"]],
    "llmModel": ["", "\t", None, {}],
    "instructions": [None, 1, ["x"]],
    "description": ["x" * 513, 1, False],
    "inputSchema": [None, [], "object", True, {"type": "strng"}, {"$ref": "https://evil.example/s.json"}],
    "outputSchema": [None, {"properties": []}, {"$ref": "#/$defs/none"}, {"pattern": "("}],
    "temperature": [None, -0.01, 1.01, "1", True, 10**400],
    "topP": [0, 0.09, 1.1, "0.5", False],
    "topK": [0, 101, 1.5, "5", True, 10.0],
    "maxIterations": [0, -1, None, 1.0, "10", True, 2**53],
    "maxTokensPerRun": [0, None, "400000"],
    "maxToolCalls": [0, None, 3.5],
    "anomalyControl": [None, 0, 1, "true"],
    "rules": [None, {}, "none"],
    "allowedOperationIds": [None, "refund", [1], [""], ["refund", "refund"], ["nothing"], [None]],
    "canExecuteSubAgents": [None, 1, "yes"],
    "allowedSubAgentIds": [None, "agt_sub", ["agt_none"], ["agt_sub", "agt_sub"]],
    "subAgentExecutionModel": [None, "", "Sequential", "both", ["parallel"], {}],
    "maxSessionTokens": [0, -5, 1.5],
    "maxSessionDurationSec": [0, "60", 10**12],
    "maxActiveDurationSec": [0, 0.5],
    "waitBudgetSec": [-1, None],
    "questionTimeoutSec": [0],
    "onQuestionTimeout": ["approve", None, ""],
    "questionExtensions": [-1, 11, None, 2.5],
    "historyRuns": [-1, 101, None],
}
RIGHT: dict[str, list[Any]] = {
    "description": ["", "x" * 512, None],
    "inputSchema": [{"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}}],
    "temperature": [0, 1, 0.5],
    "topP": [0.1, 1, None],
    "topK": [1, 100, None],
    "maxIterations": [1, 2**53 - 1],
    "maxSessionTokens": [1, None],
    "maxSessionDurationSec": [1, None, 3_153_600_000],
    "subAgentExecutionModel": ["parallel"],
    "allowedOperationIds": [["look", "refund"]],
    "allowedSubAgentIds": [["agt_sub"]],
    "onQuestionTimeout": ["reject", "cancel"],
    "waitBudgetSec": [0],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_value_out_of_its_bounds_is_refused_where_it_is(name: str, value: Any) -> None:
    problems = found(**{name: value})
    assert problems, "Expected a problem."
    assert {pointer.split("/")[1] for pointer, _ in problems} == {name}


def test_every_field_has_values_that_are_refused() -> None:
    assert set(WRONG) == set(FIELDS)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in RIGHT.items() for value in values])
def test_a_value_at_its_bounds_is_saved_as_it_is(name: str, value: Any) -> None:
    body, problems, _ = check_version({**LEAST, name: value}, AROUND)
    assert problems == []
    assert body[name] == value


def test_required_fields_are_required() -> None:
    checked = check_version({}, AROUND)
    assert {(item.pointer, item.code) for item in checked.problems} == {
        ("/versionLabel", "required"),
        ("/llmModel", "required"),
    }


@pytest.mark.parametrize(
    ("key", "pointer"),
    [("temprature", "/temprature"), ("max_iterations", "/max_iterations"), ("a/b~c", "/a~1b~0c"), ("", "/")],
)
def test_a_key_that_nobody_knows_is_an_error(key: str, pointer: str) -> None:
    assert found(**{key: 1}) == {(pointer, "unknown_key")}


def test_a_misspelt_key_is_told_what_was_probably_meant() -> None:
    (problem,) = check_version({**LEAST, "max_iterations": 3}, AROUND).problems
    assert "maxIterations" in problem.message


@pytest.mark.parametrize(
    "whole", [None, [], "x", 1, {"instructions": "\ud800"}, {"inputSchema": {"const": float("nan")}}]
)
def test_what_is_no_json_object_is_refused(whole: Any) -> None:
    assert check_version(whole, AROUND).problems


def test_a_version_beyond_a_mebibyte_is_refused() -> None:
    assert found(instructions="x" * 2**20) == {("", "too_large")}


def test_a_schema_beyond_64_kib_is_refused() -> None:
    """Holding a megabyte against the metaschema takes seconds, and so does holding values against it."""
    assert found(inputSchema={"description": "x" * 65_536}) == {("/inputSchema", "too_large")}
    assert found(outputSchema={"description": "x" * 65_000}) == set()


def test_schemas_are_looked_at_outside_of_the_transaction(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one writing thread of the store, which also renews leases, never waits for a metaschema."""
    where: set[str] = set()
    looked_at = schemas._validator

    def watched(text: str) -> Any:
        where.add(threading.current_thread().name)
        return looked_at(text)

    writing: list[str] = []
    house.do(house.runtime.store.run(lambda tx: writing.append(threading.current_thread().name)))
    monkeypatch.setattr(schemas, "_validator", watched)
    schemas._looked_at.cache_clear()
    agent = house.agent()
    version = house.version(agent, inputSchema={"title": "one"})
    edit(house, version, outputSchema={"title": "two"})
    assert where, "Expected the schemas to be looked at."
    schemas._looked_at.cache_clear()  # as in a process that has not saved them
    house.deploy(agent, version)
    house.do(house.registry.clone_version(HERE, agent.id, version.id, label="copy", by=ANA))
    start = Begin(wanted=Wanted(workspace_id=HERE, agent_id=agent.id), input={})
    house.do(house.registry.start(house.runtime, start))
    assert not where & {*writing, threading.main_thread().name}


deep: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from([*FIELDS, "allowedOperations", "allowedSubAgents", "x"]), deep, max_size=6))
def test_whatever_is_sent_is_saved_or_refused_but_never_breaks(fields: dict[str, Any]) -> None:
    """T55: what is accepted is complete, within its bounds, and becomes a version that runs can follow."""
    body, problems, _ = check_version({**LEAST, **fields}, AROUND)
    if problems:
        assert all(item.code and item.message for item in problems)
        return
    assert set(body) == set(FIELDS)
    assert check_version(body, AROUND).problems == []
    made = version_of(json.loads(json.dumps(body)), name="me", mode="hitl")
    assert version_of(body_of(made), name="me", mode="hitl") == made
    assert 0 <= (made.temperature or 0) <= 1
    assert set(made.tools) <= set(AROUND.operations)


# -- between fields --------------------------------------------------------------------------------------------


def test_a_taken_label_is_a_problem_item_30() -> None:
    assert found(versionLabel="taken") == {("/versionLabel", "duplicate_label")}


@pytest.mark.parametrize("description", [None, "", "   "])
def test_a_sub_agent_needs_a_description_item_31(description: Any) -> None:
    assert found(around("sub_agent"), description=description) == {("/description", "description_required")}
    assert found(around("sub_agent"), description="Counts beans.") == set()


def test_a_description_of_513_characters_is_refused_item_32() -> None:
    assert found(description="é" * 513) == {("/description", "too_long")}
    assert found(description="é" * 512) == set()


def test_sub_agents_must_be_sub_agents_and_not_oneself_item_199() -> None:
    assert found(allowedSubAgentIds=["agt_sub", "agt_me", "agt_other", "agt_none"]) == {
        ("/allowedSubAgentIds/1", "self_as_sub_agent"),
        ("/allowedSubAgentIds/2", "not_a_sub_agent"),
        ("/allowedSubAgentIds/3", "unknown_agent"),
    }
    assert found(allowedSubAgents=["sub"]) == set()
    assert found(allowedSubAgents=["nobody", 1]) == {
        ("/allowedSubAgents/0", "unknown_agent"),
        ("/allowedSubAgents/1", "wrong_type"),
    }
    assert found(allowedSubAgents=["me"]) == {("/allowedSubAgentIds/0", "self_as_sub_agent")}


def test_operations_may_be_named_in_both_ways() -> None:
    named = [{"serviceName": "python", "operationName": "refund"}]
    body, problems, _ = check_version({**LEAST, "allowedOperations": named}, AROUND)
    assert (problems, body["allowedOperationIds"]) == ([], ["refund"])
    assert found(allowedOperations=named, allowedOperationIds=["refund"]) == set()
    assert found(allowedOperations=named, allowedOperationIds=["look"]) == {("/allowedOperations", "contradiction")}
    assert found(allowedOperations=[{"serviceName": "smtp", "operationName": "send"}]) == {
        ("/allowedOperations/0/serviceName", "unknown_operation")
    }
    assert found(allowedOperations=["refund"]) == {("/allowedOperations/0", "wrong_type")}
    assert found(allowedOperations=[{"serviceName": "python", "operationName": 7}]) == {
        ("/allowedOperationIds", "wrong_type")
    }


def test_an_operation_that_does_not_exist_is_refused() -> None:
    assert found(allowedOperationIds=["look", "gone"]) == {("/allowedOperationIds/1", "unknown_operation")}


@pytest.mark.parametrize("control", [True, False])
def test_a_rule_that_pauses_is_refused_without_people_item_46_and_t53(control: bool) -> None:
    for mode in ("hitl", "sub_agent", "request"):
        for then in ("allow", "block", "pause", "terminate_session"):
            rule = {**PAUSE, "then": then}
            refused = found(around(mode), description="d", anomalyControl=control, rules=[rule])
            expected = {("/rules/0/then", "pause_rule_on_request")} if (mode, then) == ("request", "pause") else set()
            assert refused == expected, (mode, then)


RULES: list[tuple[Any, str, str]] = [
    ("x", "/rules/0", "wrong_type"),
    ({**PAUSE, "id": ""}, "/rules/0/id", "required"),
    ({**PAUSE, "id": 1}, "/rules/0/id", "required"),
    ({**PAUSE, "then": "Pause"}, "/rules/0/then", "unknown_outcome"),
    ({**PAUSE, "then": ["pause"]}, "/rules/0/then", "unknown_outcome"),
    ({**PAUSE, "reason": 1}, "/rules/0/reason", "wrong_type"),
    ({**PAUSE, "thn": 1}, "/rules/0/thn", "unknown_key"),
    ({"id": "a", "then": "block"}, "/rules/0/when", "required"),
    ({**PAUSE, "when": []}, "/rules/0/when", "wrong_type"),
    ({**PAUSE, "when": {"arg_gtt": {"path": "a", "value": 1}}}, "/rules/0/when/arg_gtt", "unknown_predicate"),
    ({**PAUSE, "when": {"arg_gt": {"path": "a"}}}, "/rules/0/when/arg_gt/value", "required"),
    ({**PAUSE, "when": {"arg_gt": {"path": "a", "value": "9"}}}, "/rules/0/when/arg_gt/value", "wrong_type"),
    ({**PAUSE, "when": {"arg_gt": {"path": "a", "value": 1, "x": 1}}}, "/rules/0/when/arg_gt/x", "unknown_key"),
    ({**PAUSE, "when": {"arg_gt": 5}}, "/rules/0/when/arg_gt", "wrong_type"),
    ({**PAUSE, "when": {"tool_name_in": "refund"}}, "/rules/0/when/tool_name_in", "wrong_type"),
    ({**PAUSE, "when": {"tool_name_in": []}}, "/rules/0/when/tool_name_in", "wrong_type"),
    ({**PAUSE, "when": {"tool_name_regex": "("}}, "/rules/0/when/tool_name_regex", "invalid_regex"),
    (
        {**PAUSE, "when": {"arg_regex": {"path": "a", "pattern": "["}}},
        "/rules/0/when/arg_regex/pattern",
        "invalid_regex",
    ),
    (
        {**PAUSE, "when": {"arg_regex": {"path": "a", "pattern": "a" * 513}}},
        "/rules/0/when/arg_regex/pattern",
        "invalid_regex",
    ),
    ({**PAUSE, "when": {"all_of": []}}, "/rules/0/when/all_of", "empty"),
    ({**PAUSE, "when": {"any_of": {}}}, "/rules/0/when/any_of", "wrong_type"),
    ({**PAUSE, "when": {"not": {}}}, "/rules/0/when/not", "empty"),
    ({**PAUSE, "when": {"any_of": [{}]}}, "/rules/0/when/any_of/0", "empty"),
    (
        {**PAUSE, "when": {"call_count_in_run_gt": {"value": -1}}},
        "/rules/0/when/call_count_in_run_gt/value",
        "wrong_type",
    ),
    (
        {**PAUSE, "when": {"call_count_in_window_gt": {"value": 1}}},
        "/rules/0/when/call_count_in_window_gt/windowSeconds",
        "required",
    ),
]


@pytest.mark.parametrize(("rule", "pointer", "code"), RULES)
def test_a_rule_that_would_protect_nothing_is_refused(rule: Any, pointer: str, code: str) -> None:
    """T55: a misspelt rule is a problem at its pointer, never a rule that silently matches nothing."""
    assert found(rules=[rule]) == {(pointer, code)}


def test_rules_are_bounded_in_number_depth_and_ids() -> None:
    assert found(rules=[PAUSE, PAUSE]) == {("/rules/1/id", "duplicate")}
    assert found(rules=[{**PAUSE, "id": str(number)} for number in range(201)]) == {("/rules", "too_many")}
    when: Any = {"arg_exists": {"path": "a"}}
    for _ in range(7):
        when = {"not": when}
    assert found(rules=[{**PAUSE, "when": when}]) == set()
    assert {code for _, code in found(rules=[{**PAUSE, "when": {"not": when}}])} == {"too_deep"}
    assert found(rules=[{**PAUSE, "when": {}}]) == set(), (
        "Expected an empty condition, which matches nothing, to be legal."
    )


def test_every_documented_predicate_is_known() -> None:
    number = {"path": "a.0.b", "value": 1}
    several = {"path": "a", "values": [1, "x"]}
    when: dict[str, Any] = {
        "tool_name_in": ["refund"],
        "tool_name_regex": "^re",
        "arg_eq": {"path": "a", "value": None},
        "arg_neq": {"path": "a", "value": {}},
        **{f"arg_{name}": number for name in ("gt", "gte", "lt", "lte", "length_gt")},
        "arg_between": {"path": "a", "min": 0, "max": 1.5},
        "arg_in": several,
        "arg_not_in": several,
        "arg_regex": {"path": "a", "pattern": "x+", "flags": "i"},
        "arg_exists": {"path": "a"},
        "arg_missing": {"path": "a"},
        "call_count_in_run_gt": {"value": 2},
        "call_count_in_session_gt": {"value": 2, "tool": "refund"},
        "call_count_in_window_gt": {"value": 2, "windowSeconds": 60},
    }
    combined = {"all_of": [when, {"any_of": [when]}], "not": when}
    assert found(rules=[{"id": "all", "when": combined, "then": "block", "reason": "why"}]) == set()


def test_all_problems_are_told_at_once() -> None:
    assert found(temperature=2, topK=0, llmModel="", rules=[{}], x=1) == {
        ("/temperature", "out_of_bounds"),
        ("/topK", "out_of_bounds"),
        ("/llmModel", "required"),
        ("/rules/0/id", "required"),
        ("/rules/0/then", "unknown_outcome"),
        ("/rules/0/when", "required"),
        ("/x", "unknown_key"),
    }


# -- the way to a run and back ---------------------------------------------------------------------------------


def test_a_version_of_code_survives_its_way_through_the_wire_form() -> None:
    version = AgentVersion(
        name="n",
        label="code",
        mode="sub_agent",
        model="m",
        instructions="i",
        description="d",
        input_schema={"type": "object"},
        output_schema={"type": "string"},
        temperature=None,
        top_p=0.5,
        top_k=500,
        tools=("a", "b"),
        limits=Limits(
            max_iterations=1,
            max_tool_calls=2,
            max_tokens_per_run=3,
            max_session_seconds=0.5,
            max_session_tokens=5,
            max_active_seconds=6.5,
            wait_budget_seconds=7,
        ),
        question_timeout=8.5,
        on_question_timeout="cancel",
        question_extensions=4,
        history_runs=0,
    )
    assert version_of(json.loads(json.dumps(body_of(version))), name="n", mode="sub_agent") == version


def test_the_digest_tells_versions_apart_and_not_their_order_of_keys() -> None:
    body, _, _ = check_version(LEAST, AROUND)
    assert version_digest(body) == version_digest(dict(reversed(body.items())))
    for name in FIELDS:
        assert version_digest({**body, name: "other"}) != version_digest(body), name


def test_of_two_limits_the_stricter_counts() -> None:
    mine = Limits(max_tool_calls=10, max_active_seconds=None, wait_budget_seconds=100)
    assert stricter(mine, WorkspaceLimits()) == {}
    assert stricter(
        mine, WorkspaceLimits(max_tool_calls_ceiling=6, max_active_seconds=60, wait_budget_seconds=50)
    ) == {"max_tool_calls": 6, "max_active_seconds": 60, "wait_budget_seconds": 50}  # fmt: skip
    loose = WorkspaceLimits(max_tool_calls_ceiling=32, max_active_seconds=60, wait_budget_seconds=604_800)
    assert stricter(Limits(max_tool_calls=3, max_active_seconds=5, wait_budget_seconds=0), loose) == {}


# -- saving ----------------------------------------------------------------------------------------------------


def edit(house: House, version: Any, expected: str | None = None, **changes: Any) -> Any:
    change = VersionChange(changes=changes, expected=expected)
    return house.do(house.registry.edit_version(HERE, version.agent_id, version.id, change, by=ANA))


def test_a_version_is_stored_complete_and_testing(house: House) -> None:
    agent = house.agent()
    saved = house.saved(agent, instructions="Be kind.", rules=[PAUSE], anomalyControl=True, canExecuteSubAgents=True)
    found = house.do(house.registry.load_version(HERE, agent.id, saved.version.id))
    assert found == saved.version
    assert found.status == "testing"
    assert set(found.body) == set(FIELDS)
    assert (found.body["rules"], found.body["canExecuteSubAgents"]) == ([PAUSE], True)
    assert found.created_by == "ana@example.com"
    assert house.load(agent).deployed_version_id is None


def test_a_refused_version_is_not_stored_and_names_every_problem(house: House) -> None:
    agent = house.agent()
    with pytest.raises(registryerrors.InvalidVersion) as refused:
        house.saved(agent, temperature=3, nothing=1)
    assert (refused.value.code, refused.value.status) == ("invalid_version", 422)
    assert [item.pointer for item in refused.value.problems] == ["/nothing", "/temperature"]
    assert house.do(house.registry.list_versions(HERE, agent.id)) == []


def test_a_label_is_unique_in_its_agent_item_30(house: House) -> None:
    agent = house.agent()
    first = house.version(agent, "v1")
    second = house.version(agent, "v2")
    for act in (
        lambda: house.version(agent, "v1"),
        lambda: edit(house, second, versionLabel="v1"),
        lambda: house.do(house.registry.clone_version(HERE, agent.id, first.id, label="v2", by=ANA)),
    ):
        with pytest.raises(registryerrors.DuplicateLabel) as refused:
            act()
        assert (refused.value.code, refused.value.status) == ("duplicate_label", 409)
    assert edit(house, first, versionLabel="v1", topK=3).version.label == "v1", "Expected its own label to be no clash."
    assert house.version(house.agent("other"), "v1").label == "v1"


def test_the_ceiling_of_a_workspace_clips_and_tells_item_43(house: House) -> None:
    house.limit(max_tool_calls_ceiling=6)
    agent = house.agent()
    saved = house.saved(agent, maxToolCalls=32)
    assert saved.version.body["maxToolCalls"] == 6
    assert [(item.pointer, item.code) for item in saved.warnings] == [("/maxToolCalls", "clipped")]
    assert house.saved(agent, versionLabel="v2", maxToolCalls=5).warnings == ()
    assert edit(house, saved.version, maxToolCalls=7).warnings[0].code == "clipped"


def test_a_ceiling_lowered_later_still_counts_when_a_run_starts_item_43(house: House) -> None:
    agent = house.live(maxToolCalls=32)
    house.limit(max_tool_calls_ceiling=4, max_active_seconds=60, wait_budget_seconds=10)
    found = house.do(house.registry.startable(Wanted(workspace_id=HERE, agent_id=agent.id)))
    limits = found.version.limits
    assert (limits.max_tool_calls, limits.max_active_seconds, limits.wait_budget_seconds) == (4, 60, 10)


def test_a_deployed_version_is_not_edited_item_25(house: House) -> None:
    agent = house.agent()
    version = house.version(agent)
    house.deploy(agent, version)
    with pytest.raises(registryerrors.VersionDeployed) as refused:
        edit(house, version, instructions="else")
    assert (refused.value.code, refused.value.status) == ("version_deployed", 409)
    stored = house.do(house.registry.load_version(HERE, agent.id, version.id))
    assert (stored.body, stored.digest, stored.status) == (version.body, version.digest, "deployed")


def test_an_edit_changes_what_it_names_and_nothing_else(house: House) -> None:
    version = house.version(house.agent(), instructions="old", allowedOperationIds=["refund"])
    after = edit(house, version, instructions="new").version
    assert after.body == {**version.body, "instructions": "new"}
    named = [{"serviceName": "python", "operationName": "look"}]
    assert edit(house, version, allowedOperations=named).version.body["allowedOperationIds"] == ["look"]


def test_an_edit_of_what_has_changed_is_refused(house: House) -> None:
    version = house.version(house.agent())
    mine = edit(house, version, expected=version.digest, instructions="mine").version
    with pytest.raises(registryerrors.ChangedMeanwhile):
        edit(house, version, expected=version.digest, instructions="yours")
    assert house.do(house.registry.load_version(HERE, version.agent_id, version.id)).digest == mine.digest


@pytest.mark.parametrize("changes", [None, [], "x", 5])
def test_changes_that_are_no_object_are_refused(house: House, changes: Any) -> None:
    version = house.version(house.agent())
    with pytest.raises(registryerrors.InvalidVersion):
        house.do(
            house.registry.edit_version(HERE, version.agent_id, version.id, VersionChange(changes=changes), by=ANA)
        )


def test_a_clone_is_a_testing_copy(house: House) -> None:
    agent = house.live(instructions="Be kind.", topK=7)
    source = house.do(house.registry.list_versions(HERE, agent.id))[0]
    copy = house.do(house.registry.clone_version(HERE, agent.id, source.id, label="copy", by=ANA)).version
    assert copy.body == {**source.body, "versionLabel": "copy"}
    assert (copy.status, source.status) == ("testing", "deployed")


def test_testing_versions_are_deleted_and_the_deployed_one_is_not_item_29(house: House) -> None:
    agent = house.live()
    live = house.do(house.registry.list_versions(HERE, agent.id))[0]
    other = house.version(agent, "v2")
    house.do(house.registry.delete_version(HERE, agent.id, other.id, by=ANA))
    assert [item.label for item in house.do(house.registry.list_versions(HERE, agent.id))] == ["v1"]
    with pytest.raises(registryerrors.VersionDeployed):
        house.do(house.registry.delete_version(HERE, agent.id, live.id, by=ANA))
    with pytest.raises(registryerrors.VersionNotFound):
        house.do(house.registry.load_version(HERE, agent.id, other.id))


# -- deploying -------------------------------------------------------------------------------------------------


def statuses(house: House, agent: Any) -> dict[str, str]:
    return {item.label: item.status for item in house.do(house.registry.list_versions(HERE, agent.id))}


def test_one_version_is_deployed_and_the_one_before_is_testing_again_items_24_26_27(house: House) -> None:
    agent = house.agent()
    first, second = house.version(agent, "v1"), house.version(agent, "v2")
    assert statuses(house, agent) == {"v1": "testing", "v2": "testing"}
    assert house.deploy(agent, first).deployed_label == "v1"
    assert house.deploy(agent, second).deployed_label == "v2"
    assert statuses(house, agent) == {"v1": "testing", "v2": "deployed"}
    back = house.do(house.registry.rollback(HERE, agent.id, first.id, by=ANA))
    assert back.deployed_label == "v1"
    assert statuses(house, agent) == {"v1": "deployed", "v2": "testing"}
    gone = house.do(house.registry.retract(HERE, agent.id, by=ANA))
    assert (gone.deployed_version_id, gone.deployed_label) == (None, None)
    assert statuses(house, agent) == {"v1": "testing", "v2": "testing"}
    with pytest.raises(registryerrors.NoDeployedVersion):
        house.do(house.registry.retract(HERE, agent.id, by=ANA))


def test_deploying_twice_changes_nothing(house: House) -> None:
    agent = house.agent()
    version = house.version(agent)
    first = house.deploy(agent, version)
    rows = len(house.audit())
    assert house.deploy(agent, version) == first
    assert len(house.audit()) == rows


def test_what_is_deployed_is_what_was_seen(house: House) -> None:
    agent = house.agent()
    seen = house.version(agent)
    edit(house, seen, instructions="something else")
    with pytest.raises(registryerrors.ChangedMeanwhile):
        house.do(house.registry.deploy(HERE, agent.id, seen.id, expected=seen.digest, by=ANA))
    assert house.load(agent).deployed_version_id is None


def test_a_version_is_checked_again_when_it_is_deployed(house: House) -> None:
    """Between saving and deploying its operation is gone, its sub-agent is none any more, or people are."""
    agent, sub = house.agent(), house.agent("sub", "sub_agent")
    with_operation = house.version(agent, "op", allowedOperationIds=["refund"])
    with_sub = house.version(agent, "sub", allowedSubAgents=["sub"])
    undescribed = house.version(agent, "plain")
    house.operations.remove("refund")
    house.do(house.registry.edit_agent(HERE, sub.id, AgentChange(mode="request"), by=ANA))
    for version, pointer in ((with_operation, "/allowedOperationIds/0"), (with_sub, "/allowedSubAgentIds/0")):
        with pytest.raises(registryerrors.InvalidVersion) as refused:
            house.deploy(agent, version)
        assert [item.pointer for item in refused.value.problems] == [pointer]
    house.do(house.registry.edit_agent(HERE, agent.id, AgentChange(mode="sub_agent"), by=ANA))
    with pytest.raises(registryerrors.InvalidVersion) as refused:
        house.deploy(agent, undescribed)
    assert [item.code for item in refused.value.problems] == ["description_required"]
    assert house.load(agent).deployed_version_id is None


@pytest.mark.parametrize(
    ("fields", "runs"),
    [
        ({"anomalyControl": True, "rules": [PAUSE]}, False),
        ({"canExecuteSubAgents": True}, False),
        ({"anomalyControl": True}, True),
        ({"rules": [PAUSE]}, True),
        ({"canExecuteSubAgents": False, "subAgentExecutionModel": "parallel"}, True),
    ],
)
def test_a_version_does_not_run_without_what_it_relies_on(house: House, fields: dict[str, Any], runs: bool) -> None:
    """Rules that are in effect, and delegation, are not carried out yet: saved, but neither deployed nor run."""
    agent = house.agent()
    version = house.version(agent, **fields)
    test_run = Begin(wanted=Wanted(workspace_id=HERE, agent_id=agent.id, test_version=version.id))
    if runs:
        assert house.deploy(agent, version).deployed_label == "v1"
        assert house.do(house.registry.start(house.runtime, test_run))
        return
    for act in (
        lambda: house.deploy(agent, version),
        lambda: house.do(house.registry.rollback(HERE, agent.id, version.id, by=ANA)),
        lambda: house.do(house.registry.start(house.runtime, test_run)),
    ):
        with pytest.raises(registryerrors.NotSupportedYet) as refused:
            act()
        assert refused.value.code == "not_supported_yet"
        assert refused.value.facts["missing"]
    assert house.load(agent).deployed_version_id is None
    assert house.do(house.runtime.list_runs()) == []


def test_every_field_setting_and_act_is_in_the_reference() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "registry.md").read_text("utf-8")
    for name, item in FIELDS.items():
        default = "required" if item.required else f"`{json.dumps(item.default)}`"
        assert re.search(rf"^\| `{name}` \|.*\| {re.escape(default)} \|$", page, re.MULTILINE), name
    for name, value in settings_wire(ApiTriggerSettings()).items():
        assert re.search(rf"^\| `{name}` \|.*\| `{re.escape(json.dumps(value))}` \|$", page, re.MULTILINE), name
    source = "".join(path.read_text("utf-8") for path in Path(versions.__file__).parent.glob("*.py"))
    acts = set(re.findall(r'"((?:agent|version|trigger)\.[a-z_]+)"', source))
    assert len(acts) > 10
    assert not [act for act in acts if f"`{act}`" not in page]
