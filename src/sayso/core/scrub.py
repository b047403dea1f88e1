"""Keeping secrets out of what is stored and told.

Values are the rule: a `Scrubber` knows secrets, and masks them wherever they appear, as they are or as programs
write them (base64 at any offset, hex, percent-encoded, escaped for JSON, Python or HTML). What is encoded twice, cut
into pieces or compressed is not found. Patterns (`masked`) are for logs only: they guess.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from sayso.model.json import Json

MASK = "[secret]"
"""What stands where a secret was."""
SHORTEST = 8
"""Shorter values are not masked: they would tear holes into ordinary text."""

_WORD = re.compile("[A-Za-z_]+")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_FIELDS = frozenset({"dataclass", "model", "namedtuple"})
_CONTAINERS = frozenset({"tuple", "set", "frozenset", "dict"})


class Scrubber:
    """Masks known secrets.

    Args:
        values: The secrets; those shorter than eight characters are left out.
        names: Whether names of fields are masked also by secrets of letters alone, which are like names themselves.
    """

    def __init__(self, values: Iterable[str] = (), *, names: bool = True) -> None:
        stripped = {value.strip() for value in values}
        secrets = sorted(value for value in stripped if len(value) >= SHORTEST)
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        """The longest first, so that no form leaves a rest of a longer one."""
        wordless = {form for secret in secrets if names or not _WORD.fullmatch(secret) for form in _forms(secret)}
        self._in_names = tuple(form for form in self._forms if form in wordless)
        self._as_bytes = tuple(form.encode("utf-8", "surrogatepass") for form in self._forms)
        self._marks = _shortest({json.dumps(form, ensure_ascii=False)[1:-1] for form in forms})
        """What to look for in the bytes of JSON."""
        self._numbers = any(not re.search("[^0-9.eE+-]", secret) for secret in secrets)

    def found_in(self, data: bytes) -> bool:
        """Tell whether the bytes of a JSON value hold a secret."""
        for mark in self._marks:  # noqa: SIM110 - this runs for every entry; a generator would double its time
            if mark in data:
                return True
        return False

    def clean(self, value: Json) -> Json:
        """Return a JSON value, the codec's forms of typed values included, with every secret masked.

        What was a typed scalar and held a secret is the mask afterwards, so that it can still be read.
        """
        return self._cleaned(value) if self._forms else value

    def text(self, text: str) -> str:
        """Return a text with every secret masked."""
        return _replaced(text, self._forms)

    # -- inside ------------------------------------------------------------------------------------------

    def _cleaned(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case bool() | None:
                return value
            case int() | float():
                return MASK if self._numbers and self.text(json.dumps(value)) != json.dumps(value) else value
            case Mapping():
                return self._mapping(cast("Mapping[str, Any]", value))
            case _:
                return [self._cleaned(item) for item in cast("Sequence[Any]", value)]

    def _mapping(self, value: Mapping[str, Any]) -> Any:
        mark = value.get("$")
        if not isinstance(mark, str):  # ordinary data may use the codec's key for anything
            return self._items(value)
        if mark in _FIELDS and isinstance(value.get("v"), Mapping):
            return {**value, "v": {name: self._cleaned(item) for name, item in value["v"].items()}}
        if mark in _CONTAINERS and "v" in value:
            return {**value, "v": self._cleaned(value["v"])}
        if mark in {"bytes", "bytearray"}:
            return self._binary(value)
        cleaned = self._items(value)
        return MASK if cleaned != value else cleaned

    def _items(self, value: Mapping[str, Any]) -> dict[str, Any]:
        cleaned: dict[str, Any] = {}
        for key, item in value.items():
            cleaned[_free(_replaced(key, self._in_names), cleaned)] = self._cleaned(item)
        return cleaned

    def _binary(self, value: Mapping[str, Any]) -> Any:
        try:
            data = base64.b64decode(value["v"], validate=True)
        except (KeyError, TypeError, ValueError):  # it only looks like the codec's form
            return {key: self._cleaned(item) for key, item in value.items()}
        for form in self._as_bytes:
            data = data.replace(form, MASK.encode())
        return {**value, "v": base64.b64encode(data).decode()}


def _replaced(text: str, forms: Sequence[str]) -> str:
    for form in forms:
        if form in text:
            text = text.replace(form, MASK)
    return text


def masked(text: str) -> str:
    """Return a line of a log with everything masked that looks like a secret."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"(?i)(\b(?:proxy-)?authorization|\b(?:x-)?api[-_]?key|\b(?:set-)?cookie)(\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?)"
            r"(?:(?:bearer|basic|token|digest)\s{1,4})?[^\s\"'\\,;]+"
        ),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"(?i)\bbearer\s{1,4}[a-z0-9._~+/=-]{8,}"), f"Bearer {MASK}"),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{8,}"), MASK),
    (re.compile(r"\bsayso_[a-z]{2,12}_[A-Za-z0-9_-]{8,}"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*"), MASK),
    (re.compile(r"://[^\s/@\"']{1,256}@"), f"://{MASK}@"),
)
"""Headers that carry credentials, bearer tokens, keys of providers and of ours, JSON Web Tokens, users in URLs."""


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as programs write it."""
    data = secret.encode("utf-8", "surrogatepass")
    once, plain = json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]
    yield from (secret, once, plain, once.replace("/", "\\/"), plain.replace("/", "\\/"))
    yield from (json.dumps(once)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1], repr(secret)[1:-1])
    yield from (html.escape(secret), html.escape(secret, quote=False))
    yield from (data.hex(), data.hex().upper())
    for safe in (b"", b"/", b"!'()*"):
        yield from _percent_forms(data, safe)
    yield from _base64_forms(data)


def _percent_forms(data: bytes, safe: bytes) -> Iterator[str]:
    for digits in ("%{:02X}", "%{:02x}"):
        made = "".join(chr(byte) if byte in _UNRESERVED or byte in safe else digits.format(byte) for byte in data)
        yield from (made, made.replace("%20", "+"))


def _base64_forms(data: bytes) -> Iterator[str]:
    """Yield what base64 makes of the bytes by themselves, and at each of the three places within others."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode()
        yield from (whole, whole.rstrip("="))
        for offset in range(3):
            made = encode(b"\0" * offset + data).decode().rstrip("=")
            end = len(made) - 1 if (offset + len(data)) % 3 else len(made)
            yield made[(0, 2, 3)[offset] : end]


def _shortest(forms: set[str]) -> tuple[bytes, ...]:
    """Return the forms in which no other one is contained: finding these finds all."""
    kept: list[str] = []
    for form in sorted(forms, key=len):
        if not any(other in form for other in kept):
            kept.append(form)
    return tuple(form.encode("utf-8", "surrogatepass") for form in kept)


def _free(key: str, taken: Mapping[str, Any]) -> str:
    """Return a key that is not taken, where masking has made two the same."""
    number, found = 2, key
    while found in taken:
        found, number = f"{key} {number}", number + 1
    return found
