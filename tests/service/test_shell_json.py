"""Strict JSON: whatever two parsers could read differently is refused, with what and where, and without an echo."""

import contextlib
import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.model.requesterrors import BodyTooLarge, InvalidJson
from sayso.server.strict import JsonLimits, parse

CANARY = "CANARY"
TRAPS = {
    "NaN": b'{"CANARY": NaN}',
    "Infinity": b'[1, -Infinity, "CANARY"]',
    "a float that overflows": b'{"CANARY": 1e999}',
    "duplicate keys": b'{"CANARY": 1, "CANARY": 2}',
    "duplicate keys, one escaped": b'{"CANARY": 1, "\\u0043ANARY": 2}',
    "a lone high surrogate": b'{"CANARY": "\\ud800"}',
    "a lone low surrogate as a key": b'{"\\uDC00CANARY": 1}',
    "a raw surrogate": b'"CANARY\xed\xa0\x80"',
    "invalid UTF-8": b'"CANARY\xff"',
    "65 levels": b"[" * 65 + b'"CANARY"' + b"]" * 65,
    "100,000 levels": b"[" * 100_000 + b'"CANARY"',
    "a huge whole number": b'{"CANARY": ' + b"9" * 4301 + b"}",
    "text behind the value": b'{"a": 1} CANARY',
    "two values": b'{"a": 1}{"CANARY": 1}',
    "nothing": b" \n",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "single quotes": b"{'CANARY': 1}",
    "a comment": b'{"a": 1 /* CANARY */}',
    "a trailing comma": b'["CANARY",]',
    "a raw newline in a string": b'"CANARY\n"',
    "a NUL": b'{"a": 1}\x00CANARY',
    "a string without an end": b'{"CANARY',
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_refused_without_an_echo(trap: str) -> None:
    with pytest.raises(InvalidJson) as refused:
        parse(TRAPS[trap])
    assert CANARY not in str(refused.value)
    assert CANARY not in str(refused.value.facts)


@pytest.mark.parametrize(
    ("data", "line", "column", "what"),
    [
        (b'{"a": 1,\n "b": {"c": 1, "c": 2}}', 2, 16, "repeated"),
        (b'{"a": [1, 2,\n\n  NaN]}', 3, 3, "NaN"),
        (b'["\\\\ud800", "\\uD83D\\uDE00", "x\\udfff"]', 1, 31, "surrogate"),
        (b'["' + b"[" * 70 + b'", ' + b"[" * 64 + b"]" * 64 + b"]", 1, 139, "deeper"),
        (b'{"a": 1, }', 1, 10, "property name"),
    ],
)
def test_a_refusal_says_where(data: bytes, line: int, column: int, what: str) -> None:
    with pytest.raises(InvalidJson, match=f"line {line}, column {column}: .*{what}"):
        parse(data)


def test_what_only_looks_like_a_trap_is_taken() -> None:
    assert parse(b'"\\\\ud800"') == "\\ud800"
    assert parse(b'"\\ud83d\\ude00"') == "\U0001f600"
    assert parse(b'["NaN", "Infinity"]') == ["NaN", "Infinity"]
    assert parse(b'[{"a": 1}, {"a": 2}]') == [{"a": 1}, {"a": 2}]
    assert parse(b"[" * 64 + b"]" * 64) is not None
    assert parse(b"[" + b"[]," * 5000 + b"[]]") == [[]] * 5001
    assert parse(b'"' + b"[" * 500 + b'"') == "[" * 500
    assert parse(b"9" * 4300) == int("9" * 4300)
    assert parse(b"1e308") == 1e308


def test_brackets_left_open_are_a_mistake_of_form_not_of_depth() -> None:
    with pytest.raises(InvalidJson, match="delimiter"):
        parse(b"[" + b"[]," * 100 + b"[]")


def test_the_limits_can_be_set() -> None:
    with pytest.raises(BodyTooLarge, match="at most 4 bytes"):
        parse(b"[1,2]", JsonLimits(size=4))
    with pytest.raises(InvalidJson, match="deeper than 1"):
        parse(b"[[1]]", JsonLimits(depth=1))
    with pytest.raises(InvalidJson, match="more than 3 digits"):
        parse(b"-1234", JsonLimits(digits=3))


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 1_000_000,
        b"[]" * 500_000,
        b"[" + b"[]," * 300_000 + b"[]]",
        b'"' + b'\\"' * 500_000,
        b'"\\ud83d\\ude00' + b"\\\\" * 500_000,
        b'{"a":1,' * 140_000,
        b"{" + b",".join(b'"%d":1' % number for number in range(80_000)) + b',"0":1}',
        b"1" * 1_000_000,
        b"{" + b" " * 1_000_000,
    ],
    ids=["open", "pairs", "flat", "quotes", "escapes", "objects", "keys", "digits", "blanks"],
)
def test_a_megabyte_of_malice_costs_little(data: bytes) -> None:
    """CPU time, so that a busy machine does not matter; a quadratic step would take minutes."""
    began = time.process_time()
    with contextlib.suppress(InvalidJson):
        parse(data)
    assert time.process_time() - began < 2


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(plain)
def test_every_plain_value_comes_back(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False, indent=1).encode()) == value


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ud8NaInfity0123e.- ', max_size=60).map(str.encode))
def test_any_bytes_are_a_value_or_a_refusal(data: bytes) -> None:
    try:
        value = parse(data)
    except InvalidJson:
        return
    assert json.loads(data) == value
    assert not isinstance(value, float) or math.isfinite(value)
