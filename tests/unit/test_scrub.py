"""Secrets are masked by value, however a program writes them, and what is masked can still be read."""

import base64
import enum
import html
import json
import re
import time
import urllib.parse
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from sayso.app.secrets import KnownSecrets, log_scrubber
from sayso.core.codec import from_json, json_bytes, to_json
from sayso.core.scrub import MASK, Scrubber, masked
from sayso.llm import keys

SECRETS = [
    "sk-live-4f9aB7",
    "p@ss/w+rd=\"q\\x'é ☃\n<&>",
    "12345678901",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "~!*()tilde",
]
_B64 = (base64.b64encode, base64.urlsafe_b64encode)


def forms(secret: str) -> dict[str, str]:
    data = secret.encode()
    found = {
        "raw": secret,
        "hex": data.hex(),
        "HEX": data.hex().upper(),
        "json": json.dumps(secret)[1:-1],
        "json, not ascii": json.dumps(secret, ensure_ascii=False)[1:-1],
        "json in json": json.dumps(json.dumps({"a": secret})),
        "repr": repr(secret)[1:-1],
        "html": html.escape(secret),
        "percent": urllib.parse.quote(secret),
        "percent, all": urllib.parse.quote(secret, safe=""),
        "percent, lower": re.sub("%..", lambda found: found[0].lower(), urllib.parse.quote(secret, safe="")),
        "form": urllib.parse.quote_plus(secret),
        "javascript": urllib.parse.quote(secret, safe="!'()*~"),
    }
    for number in range(4):
        for encode in _B64:
            found[f"{encode.__name__} {number}"] = encode(b"x" * number + data + b"y" * number).decode()
            found[f"{encode.__name__} {number}, at the end"] = encode(b"x" * number + data).decode().rstrip("=")
    return found


@pytest.mark.parametrize("secret", SECRETS)
def test_every_form_is_masked_in_text_and_in_json(secret: str) -> None:
    scrubber = Scrubber([secret])
    for name, form in forms(secret).items():
        text = f"before {form} after"
        assert MASK in scrubber.text(text), name
        assert secret not in scrubber.text(text)
        for value in (text, [text], {"a": {"b": text}}, {text: 1}):
            assert scrubber.found_in(json_bytes(value)), name
            assert MASK in json.dumps(scrubber.clean(value))
    assert scrubber.text("nothing of it") == "nothing of it"
    assert not scrubber.found_in(b'{"nothing":"of it"}')


@settings(max_examples=300, deadline=None)
@given(
    st.text(min_size=8, max_size=40).filter(lambda s: len(s.strip()) >= 8), st.binary(max_size=9), st.binary(max_size=9)
)
def test_base64_is_found_wherever_the_secret_lies(secret: str, before: bytes, after: bytes) -> None:
    secret = secret.strip()
    try:
        data = secret.encode()
    except UnicodeEncodeError:
        return
    for encode in _B64:
        cleaned = Scrubber([secret]).text(encode(before + data + after).decode())
        assert MASK in cleaned


class Colour(enum.Enum):
    RED = "red"


@dataclass(frozen=True)
class Held:
    token: object
    at: date


class Model(BaseModel):
    token: Any
    more: list[Any] = []


class Pair(NamedTuple):
    one: object
    two: object


def _values(secret: str) -> list[Any]:
    text = f"a {secret} b"
    return [
        text, [text, 1], {"k": text}, {secret: 1, f"{secret}2": 2}, (text, 2), {text, "b"}, frozenset({text}),
        {1: text, text: 2}, text.encode(), bytearray(text.encode()), secret.encode().hex().encode(),
        Held(text, date(2026, 1, 1)), Model(token=text, more=[{secret: text}]), Pair(text, (text, [text])),
        [Colour.RED, 1.5, None, True, float("inf"), Decimal("1.5"), date(2026, 1, 1)],
    ]  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
def test_typed_values_are_masked_and_can_be_read(secret: str) -> None:
    scrubber = Scrubber([secret])
    for value in _values(secret):
        plain = to_json(value)
        cleaned = scrubber.clean(plain)
        read = from_json(cleaned)
        assert type(read) is type(value)
        assert (cleaned != plain) == (
            secret in repr(value) or secret.encode().hex() in repr(value) or "[secret]" in repr(read)
        )
        assert not scrubber.found_in(json_bytes(cleaned))
        assert scrubber.clean(cleaned) == cleaned
    assert len(from_json(scrubber.clean(to_json({secret + "1": 1, secret: 2, MASK: 3})))) == 3


def test_a_scalar_that_is_a_secret_becomes_the_mask() -> None:
    uuid, number = UUID("0f8fad5b-d9cb-469f-a165-70867728950e"), 12345678901
    scrubber = Scrubber([str(uuid), str(number)])
    held = {"id": uuid, "n": number, "d": Decimal(number), "f": float(number), "other": 1234, "yes": True}
    found = from_json(scrubber.clean(to_json(held)))
    assert found == {"id": MASK, "n": MASK, "d": MASK, "f": MASK, "other": 1234, "yes": True}


@pytest.mark.parametrize(
    "odd", [{"$": "bytes", "v": 5}, {"$": "bytes"}, {"$": "dict"}, {"$": "model", "v": "sk-live-4f9aB7"}, {"$": 5}]
)
def test_what_only_looks_like_a_typed_value_is_no_crash(odd: Any) -> None:
    assert "sk-live-4f9aB7" not in json.dumps(Scrubber(["sk-live-4f9aB7"]).clean({"a": odd}))


def test_short_values_and_blanks_are_left_alone() -> None:
    scrubber = Scrubber(["", "1234567", "       \n", " 12345678\n"])
    assert scrubber.text("1234567 12345678") == f"1234567 {MASK}"


def test_a_longer_secret_leaves_no_rest_of_itself() -> None:
    scrubber = Scrubber(["abcdefgh1", "abcdefgh1234"])
    assert scrubber.text("abcdefgh1234 abcdefgh1") == f"{MASK} {MASK}"


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("Authorization: Bearer abc.def-123", f"Authorization: {MASK}"),
        ('{"authorization": "Basic dXNlcjpwYXNz"}', f'{{"authorization": "{MASK}"}}'),
        ("X-API-Key: 12345 next", f"X-API-Key: {MASK} next"),
        ("api_key='abc'", f"api_key='{MASK}'"),
        ("Set-Cookie: sid=1234; Path=/", f"Set-Cookie: {MASK}; Path=/"),
        ("sent bearer abcdefghijk.", f"sent Bearer {MASK}"),
        ("Incorrect API key provided: sk-proj-abc_DEF-123.", f"Incorrect API key provided: {MASK}."),
        ("key sayso_live_0123456789abcdef was used", f"key {MASK} was used"),
        ("https://ana:pass@example.com/x", f"https://{MASK}@example.com/x"),
        ("token eyJhbGciOi.eyJzdWIi.c2ln was", f"token {MASK} was"),
        ("a task-1 and the risk-assessment-of-it; mail ana@example.com", None),
    ],
)
def test_logs_are_masked_by_pattern_too(line: str, instead: str | None) -> None:
    assert masked(line) == (line if instead is None else instead)


@pytest.mark.parametrize(
    "piece", ["authorization:", "authorization: bearer ", "://a", "sk-", "eyJaaaa.", 'api_key=\\"', " "]
)
def test_patterns_take_no_longer_for_being_attacked(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    begun = time.perf_counter()
    masked(text)
    assert time.perf_counter() - begun < 5


def test_a_process_knows_its_environment_its_clients_and_what_it_is_told() -> None:
    environment = {
        "OPENAI_API_KEY": "sk-env-1234",
        "SAYSO_SECRET_KEY": "key-of-ours-1",
        "OTHER_API_KEY": "disabled",
        "PATH": "/usr/bin-1",
    }
    known = KnownSecrets(["told-1234"], environment=environment)
    said = "sk-env-1234 key-of-ours-1 disabled /usr/bin-1 told-1234 later-1234 client-1234"
    assert known.clean(said) == f"{MASK} {MASK} disabled /usr/bin-1 {MASK} later-1234 client-1234"
    known.add("later-1234")
    keys.use("client-1234")
    assert known.clean(said) == f"{MASK} {MASK} disabled /usr/bin-1 {MASK} {MASK} {MASK}"
    scrub = log_scrubber(known)
    assert scrub(None, "info", "told-1234 Bearer abcdefghi") == f"{MASK} Bearer {MASK}"
    assert scrub(None, "info", b"told-1234") == MASK.encode()
    assert scrub(None, "info", {"a": 1}) == {"a": 1}


_LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from(["dict", "bytes", "model", "decimal", "x"])
_KEYS = st.sampled_from(["$", "v", "t", "name"])
_ANYTHING = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner), max_leaves=12)


@given(_ANYTHING)
def test_data_that_uses_the_keys_of_the_codec_for_something_else_is_left_as_it_is(value: Any) -> None:
    assert Scrubber(SECRETS).clean(value) == value


@given(_ANYTHING)
def test_a_secret_beside_reserved_keys_is_masked(value: Any) -> None:
    cleaned = Scrubber(SECRETS).clean({"$": value, "v": SECRETS[0]})
    assert SECRETS[0] not in json.dumps(cleaned)
