"""The laws, without I/O: the codec, the verdict table, keys, fingerprints and digests."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.core import forms, keys
from sayso.core.codec import decode, encode, from_json
from sayso.core.fingerprint import changes, fingerprint
from sayso.core.instants import from_micros, to_micros
from sayso.core.taskforms import digest_of, spec_bytes, spec_from_bytes
from sayso.core.verdicts import Refused, settle, settle_timeout
from sayso.model import errors
from sayso.model.decisions import Answer, Approve, Cancel, Choose, Edit, Outcome, Reject, Respond, Retry, Skip
from sayso.model.tasks import (
    ApprovalRequest,
    ErrorRequest,
    FormField,
    FormRequest,
    OutputReviewRequest,
    RouteRequest,
    TaskSpec,
)

text = st.text(st.characters(exclude_categories=["Cs"]))
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text | st.binary()
    | st.decimals(allow_nan=False) | st.uuids() | st.datetimes() | st.dates() | st.times() | st.timedeltas()
)  # fmt: skip
hashable = st.none() | st.booleans() | st.integers() | text | st.uuids()
values = st.recursive(
    scalars | st.sets(hashable) | st.frozensets(hashable),
    lambda inner: (
        st.lists(inner) | st.dictionaries(text | st.just("$"), inner) | st.dictionaries(hashable, inner)
        | st.tuples(inner, inner)
    ),
    max_leaves=12,
)  # fmt: skip


@given(values)
def test_what_is_stored_comes_back_with_its_type(value: Any) -> None:
    again = decode(encode(value))
    assert again == value
    assert type(again) is type(value)


@given(st.dictionaries(text, st.text(max_size=3)))
def test_user_data_is_never_taken_for_a_type_mark(value: dict[str, str]) -> None:
    hostile = {"$": "dataclass", "t": "os:system", "v": value}
    assert decode(encode(hostile)) == hostile


@pytest.mark.parametrize(
    "stored",
    [
        {"$": "pickle", "v": "x"},
        {"$": "dataclass", "t": "os:system", "v": {}},
        {"$": "model", "t": "subprocess:Popen", "v": {"args": "id"}},
        {"$": "enum", "t": "nothing:Loaded", "v": "X"},
        {"$": "namedtuple", "t": "builtins:eval", "v": {}},
        {"$": "Decimal", "v": "ten"},
        {"$": "bytes", "v": "?"},
        {"$": "datetime"},
    ],
)
def test_hostile_rows_are_refused(stored: Any) -> None:
    with pytest.raises(errors.UnreadableValue):
        from_json(stored)


def test_the_same_set_has_the_same_bytes() -> None:
    assert encode({"b", "a", "c"}) == encode({"c", "b", "a"})


def test_a_value_that_contains_itself_is_refused() -> None:
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(errors.UnstorableValue, match="contains itself"):
        encode(ring)


@given(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1), timezones=st.just(dt.UTC)))  # noqa: DTZ001 - bounds are naive
def test_instants_keep_microseconds(at: dt.datetime) -> None:
    assert from_micros(to_micros(at)) == at


REQUESTS: dict[str, Any] = {
    "approval": ApprovalRequest(message="go?"),
    "form": FormRequest(message="fill in", fields=(FormField(name="n", field_type="int"),)),
    "form with defaults": FormRequest(message="fill in", fields=(FormField(name="n", field_type="int", value=3),)),
    "output_review": OutputReviewRequest(message="good?", output="x", retry_count=1, max_retries=2),
    "route": RouteRequest(message="which?", choices=("a", "b")),
    "routes": RouteRequest(message="which?", choices=("a", "b"), multiple=True),
    "error": ErrorRequest(message="failed", error_type="E", error_message="m", retry_count=0, max_retries=1),
    "used up": ErrorRequest(message="failed", error_type="E", error_message="m", retry_count=1, max_retries=1),
}
VERDICTS: dict[str, Any] = {
    "approve": Approve(),
    "reject": Reject(note="no"),
    "cancel run": Reject(cancel_run=True),
    "edit": Edit(content="y"),
    "answer": Answer(values={"n": 1}),
    "wrong answer": Answer(values={"n": "x"}),
    "unknown field": Answer(values={"m": 1}),
    "choose": Choose(choices=("a",)),
    "choose both": Choose(choices=("b", "a")),
    "choose unknown": Choose(choices=("z",)),
    "choose twice": Choose(choices=("a", "a")),
    "choose none": Choose(choices=()),
    "respond": Respond(value="x"),
    "retry": Retry(),
    "skip": Skip(),
    "cancel": Cancel(),
}
ACCEPTED = {
    ("approval", "approve"): "proceed",
    ("form", "answer"): "proceed",
    ("form with defaults", "answer"): "proceed",
    ("form with defaults", "approve"): "proceed",
    ("output_review", "approve"): "proceed",
    ("output_review", "edit"): "proceed",
    ("route", "choose"): "proceed",
    ("routes", "choose"): "proceed",
    ("routes", "choose both"): "proceed",
    ("error", "retry"): "retry",
    ("error", "skip"): "skip",
    ("used up", "skip"): "skip",
}


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("request_", REQUESTS)
def test_the_verdict_table(request_: str, verdict: str) -> None:
    spec = TaskSpec(request=REQUESTS[request_], step_name="s", step_type="Step", on_reject="skip")
    outcome = settle(spec, VERDICTS[verdict])
    expected = ACCEPTED.get((request_, verdict))
    if verdict in {"cancel", "cancel run"}:
        expected = "cancel"
    elif verdict == "reject" and not isinstance(spec.request, ErrorRequest):
        expected = "skip"
    assert (outcome.action if isinstance(outcome, Outcome) else None) == expected
    if isinstance(outcome, Refused):
        assert outcome.reason


def test_the_last_rejection_ends_the_run() -> None:
    """max_retries=2: two more executions, and the third rejection ends the run."""
    request = replace(REQUESTS["output_review"], retry_count=2)
    spec = TaskSpec(request=request, step_name="s", step_type="Step", on_reject="retry")
    outcome = settle(spec, Reject())
    assert isinstance(outcome, Outcome)
    assert (outcome.action, outcome.reason) == ("cancel", "Max retries (2) reached for step 's'")


@pytest.mark.parametrize(
    ("request_", "on_timeout", "action"),
    [
        ("approval", "approve", "proceed"), ("approval", "reject", "else"), ("approval", "skip", "skip"),
        ("approval", "cancel", "cancel"), ("form", "approve", "cancel"), ("form with defaults", "approve", "proceed"),
        ("route", "approve", "cancel"), ("output_review", "approve", "proceed"), ("error", "approve", "retry"),
        ("error", "reject", "fail"), ("error", "skip", "skip"), ("error", "cancel", "cancel"),
        ("used up", "approve", "cancel"),
    ],
)  # fmt: skip
def test_what_a_deadline_does(request_: str, on_timeout: Any, action: str) -> None:
    spec = TaskSpec(
        request=REQUESTS[request_],
        step_name="s",
        step_type="Step",
        on_reject="else",
        timeout_seconds=1,
        on_timeout=on_timeout,
    )
    assert settle_timeout(spec).action == action


@pytest.mark.parametrize("request_", REQUESTS.values())
def test_a_request_is_its_bytes(request_: Any) -> None:
    spec = TaskSpec(request=request_, step_name="s", step_type="Step", timeout_seconds=5.0)
    body = spec_bytes(spec)
    assert spec_from_bytes(body) == spec
    assert digest_of(body, run_id="r", key="k") != digest_of(body, run_id="r", key="l")
    assert digest_of(body, run_id="r", key="k") != digest_of(body + b" ", run_id="r", key="k")


def test_an_unknown_kind_of_task_is_refused() -> None:
    with pytest.raises(errors.UnreadableValue):
        spec_from_bytes(b'{"request": {"kind": "riddle"}, "step_name": "s", "step_type": "Step"}')


def test_keys() -> None:
    assert keys.segments(["a", "b", "a", "x/y?"]) == ["a", "b", "a(2)", "x%2Fy%3F"]
    assert keys.attempt("a", 1) == "a"
    assert keys.attempt("a", 3) == "a@3"
    assert keys.static("l#2/a@3?review") == "l/a?review"


def test_a_definition_is_compared_where_a_run_stands() -> None:
    shape = {"a": "Step", "l": "Loop", "l/b": "Step", "l/b?confirm": "approval"}
    assert changes(shape, {**shape, "new": "Step"}, ["a", "l#2/b?confirm"]) == []
    assert changes(shape, {"a": "Step"}, ["a"]) == []
    assert changes(shape, {"a": "Step"}, ["l#1/b"]) == ["'l' (Loop) is gone", "'l/b' (Step) is gone"]
    assert changes(shape, {**shape, "a": "Steps"}, ["a@2"]) == ["'a' was Step and is Steps now"]
    assert fingerprint(shape) == fingerprint(dict(reversed(shape.items())))


@pytest.mark.parametrize(
    ("field_type", "good", "bad"),
    [
        ("str", "x", 1), ("int", 1, True), ("float", 1, "1"), ("bool", True, 1), ("list", [1], "x"), ("dict", {}, []),
    ],
)  # fmt: skip
def test_fields_take_their_type_only(field_type: Any, good: Any, bad: Any) -> None:
    field = FormField(name="f", field_type=field_type)
    assert forms.problems([field], {"f": good}) == [] or good == {}
    assert forms.problems([field], {"f": bad})
    assert forms.problems([field], {}) == [f"f: a {field_type} is required"]


@pytest.mark.parametrize(
    ("field_type", "typed", "value"),
    [
        ("int", "3", 3),
        ("float", "1.5", 1.5),
        ("bool", "Yes", True),
        ("list", "[1]", [1]),
        ("int", "x", "x"),
        ("str", "1", "1"),
    ],
)
def test_typed_text_becomes_a_value(field_type: Any, typed: str, value: Any) -> None:
    assert forms.parse(FormField(name="f", field_type=field_type), typed) == value


def test_every_error_says_what_to_do() -> None:
    leaves = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.SaysoError)]
    assert len({cls.code for cls in leaves}) == len(leaves)
    assert all(cls.hint and 400 <= cls.status < 600 for cls in leaves)
    assert str(errors.Invalid("Expected x.")).startswith("Expected x. Hint: ")
