"""Values as the text that models read, and back."""

import json
from typing import Any

from pydantic_core import to_jsonable_python

from sayso.core.concealing import without_credentials

_LONGEST = 262_144
"""Characters of a result that a model is shown; the rest is cut, and says so."""


def rendered(value: Any) -> str:
    """Return a value as a model reads it: text as it is, the rest as JSON, objects as their fields."""
    text = value if isinstance(value, str) else _as_text(value)
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}\n[cut: {len(text) - _LONGEST} characters more]"


def _as_text(value: Any) -> str:
    try:
        plain = to_jsonable_python(value, bytes_mode="base64", fallback=str)
        return storable(json.dumps(plain, ensure_ascii=False))
    except (ValueError, RecursionError):
        return storable(str(value))


def as_json(text: str) -> tuple[Any, str | None]:
    """Return the value of a text that should be JSON (without a code fence around it), or what is wrong with it."""
    stripped = text.strip()
    if stripped.startswith("```"):
        stripped = stripped.strip("`").removeprefix("json").strip()
    try:
        return json.loads(stripped), None
    except ValueError as exc:
        return None, f"it is not JSON: {exc}"


def storable(text: str) -> str:
    """Return a text that UTF-8 can carry: lone surrogates are written out."""
    return text.encode("utf-8", "backslashreplace").decode()


def message_of(exc: BaseException) -> str:
    """Return what an exception says, whatever its own code does."""
    try:
        return without_credentials(storable(str(exc)))
    except Exception:  # noqa: BLE001 - code of the exception's own class, which must not hide that it was raised
        return "(its message cannot be read)"


def described(exc: BaseException) -> str:
    """Return an exception in one line that can be stored."""
    said = message_of(exc)
    return f"{type(exc).__name__}: {said}" if said else type(exc).__name__
