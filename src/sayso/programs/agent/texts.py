"""Values as the text that models read, and back."""

import json
from typing import Any

from sayso.core.codec import to_json
from sayso.model.errors import UnstorableValue

_LONGEST = 262_144
"""Characters of a result that a model is shown; the rest is cut, and says so."""


def rendered(value: Any) -> str:
    """Return a value as a model reads it: text as it is, the rest as JSON."""
    if isinstance(value, str):
        text = value
    else:
        try:
            text = json.dumps(to_json(value), ensure_ascii=False)
        except UnstorableValue:
            text = str(value)
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}\n[cut: {len(text) - _LONGEST} characters more]"


def as_json(text: str) -> tuple[Any, str | None]:
    """Return the value of a text that should be JSON (without a code fence around it), or what is wrong with it."""
    stripped = text.strip()
    if stripped.startswith("```"):
        stripped = stripped.strip("`").removeprefix("json").strip()
    try:
        return json.loads(stripped), None
    except ValueError as exc:
        return None, f"it is not JSON: {exc}"
