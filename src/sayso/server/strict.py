"""JSON without the leniency of most parsers: bytes in, one plain value out, or a refusal that says what and where.

Two readers of a body must never see two things, so whatever parsers differ on is refused: duplicate keys, NaN and
Infinity, lone surrogates, numbers that do not fit, invalid UTF-8, text behind the value. Depth and size are bounded
before anything is built. A refusal names the line and column, and never repeats the input.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from sayso.model.json import Json
from sayso.model.requesterrors import BodyTooLarge, InvalidJson


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLimits:
    """How large a value may be."""

    size: int = 1024 * 1024
    """Bytes of the whole text."""
    depth: int = 64
    """Lists and objects within each other."""
    digits: int = 4300
    """Digits of one whole number; what Python's own `int()` takes by default."""


DEFAULT_LIMITS = JsonLimits()

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)'
_STRINGS = re.compile(_STRING, re.DOTALL)
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
_TOKENS = re.compile(rf'{_STRING}|[\[\]{{}},:]|[^\s\[\]{{}},:"]+', re.DOTALL)
_COLON = re.compile(r"[ \t\r\n]*:")
_ESCAPES = re.compile(
    r"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(u[dD][89a-fA-F][\da-fA-F]{2})|.)", re.DOTALL
)
_ROUND = str.maketrans("[{]}", "(())")
_LEVEL = {"[": 1, "{": 1, "]": -1, "}": -1}
_CONSTANTS = {"NaN", "Infinity", "-Infinity"}


def parse(data: bytes, limits: JsonLimits = DEFAULT_LIMITS) -> Json:
    """Return the one JSON value that the bytes are.

    Raises:
        BodyTooLarge: They are more than the limit.
        InvalidJson: They are not exactly one plain JSON value; says what is wrong, and where.
    """
    if len(data) > limits.size:
        raise BodyTooLarge(f"Expected at most {limits.size} bytes of JSON, but got {len(data)}.", limit=limits.size)
    text = _decoded(data)
    deep = _too_deep(text, limits.depth)
    if deep is not None:
        raise _refused(text, deep, f"the value is nested deeper than {limits.depth}")
    lone = _lone_surrogate(text)
    if lone is not None:
        raise _refused(text, lone, "a surrogate stands alone")
    return _loaded(text, limits)


def _decoded(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        raise InvalidJson(f"Expected UTF-8, but byte {exc.start} does not begin a character.") from None
    if not text.strip(" \t\r\n"):
        raise InvalidJson("Expected a JSON value, but the text is empty.")
    return text


def _loaded(text: str, limits: JsonLimits) -> Json:
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=lambda digits: _int(digits, limits.digits),
        )
    except json.JSONDecodeError as exc:
        what = exc.msg.removesuffix(" at")
        raise _refused(text, exc.pos, what[:1].lower() + what[1:]) from None
    except _Doubtful:
        position, what = next(_doubts(text, limits), (0, "it cannot be read in one way only"))
        raise _refused(text, position, what) from None


class _Doubtful(Exception):
    """What `json` would take, and we do not; where it is, is looked for only then."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Doubtful
    return found


def _constant(name: str) -> NoReturn:
    raise _Doubtful(name)


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise _Doubtful
    return value


def _int(digits: str, most: int) -> int:
    if len(digits.lstrip("-")) > most:
        raise _Doubtful
    return int(digits)


def _too_deep(text: str, depth: int) -> int | None:
    """Return where brackets nest too deep; at the speed of `str.replace`, as each round takes the innermost away."""
    if text.count("[") + text.count("{") <= depth:
        return None
    left = _NO_BRACKETS.sub("", _STRINGS.sub("", text)).translate(_ROUND)
    for _ in range(depth):
        if not left:
            return None
        left = left.replace("()", "")
    level = 0
    for token in _TOKENS.finditer(text):
        level += _LEVEL.get(token[0], 0)
        if level > depth:
            return token.start()
    return None


def _lone_surrogate(text: str) -> int | None:
    if "\\ud" not in text and "\\uD" not in text:
        return None
    return next((found.start() for found in _ESCAPES.finditer(text) if found[1]), None)


def _doubts(text: str, limits: JsonLimits) -> Iterator[tuple[int, str]]:
    """Yield where in a well-formed text the things are that `json` takes and we do not."""
    keys: list[set[str] | None] = []
    for token in _TOKENS.finditer(text):
        match token[0]:
            case "{":
                keys.append(set())
            case "[":
                keys.append(None)
            case "}" | "]":
                keys.pop()
            case word:
                what = _repeated(word, text, token.end(), keys) or _number(word, limits.digits)
                if what:
                    yield token.start(), what


def _repeated(word: str, text: str, end: int, keys: list[set[str] | None]) -> str | None:
    """Return what is wrong with a string that stands as a key for the second time."""
    mine = keys[-1] if keys else None
    if mine is None or word[0] != '"' or not _COLON.match(text, end):
        return None
    key = json.loads(word)
    if key in mine:
        return "a key of the object is repeated"
    mine.add(key)
    return None


def _number(word: str, digits: int) -> str | None:
    """Return what is wrong with a number or constant."""
    if word in _CONSTANTS:
        return "NaN and Infinity are not JSON"
    if word.lstrip("-").isdecimal():
        return f"a whole number has more than {digits} digits" if len(word.lstrip("-")) > digits else None
    if word[0] in "-0123456789" and float(word) in (float("inf"), float("-inf")):
        return "a number is too large"
    return None


def _refused(text: str, position: int, what: str) -> InvalidJson:
    line, column = text.count("\n", 0, position) + 1, position - (text.rfind("\n", 0, position) + 1) + 1
    return InvalidJson(
        f"Expected one JSON value, but at line {line}, column {column}: {what}.", line=line, column=column
    )
