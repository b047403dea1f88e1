"""Checking what a person typed against the fields that were asked for.

A wrong answer is refused with one sentence per field, and nothing of it is kept. Unknown names are refused: they are
usually a misspelt field.
"""

import json
from collections.abc import Callable, Mapping, Sequence

from sayso.model.json import Json
from sayso.model.tasks import FieldType, FormField

_FITS: Mapping[FieldType, Callable[[object], bool]] = {
    "str": lambda value: isinstance(value, str),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "bool": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list | tuple),
    "dict": lambda value: isinstance(value, dict),
}


def problems(fields: Sequence[FormField], values: Mapping[str, Json]) -> list[str]:
    """Return one sentence per field that does not fit; empty when the answer may be taken."""
    known = {field.name for field in fields}
    found = [
        f"{name}: no such field (expected {', '.join(sorted(known)) or 'none'})" for name in values if name not in known
    ]
    for field in fields:
        value = values.get(field.name, field.value)
        problem = _problem(field, value)
        if problem is not None:
            found.append(f"{field.name}: {problem}")
    return found


def complete(fields: Sequence[FormField], values: Mapping[str, Json]) -> dict[str, Json]:
    """Return the answer with the defaults of the fields that were left out."""
    given = {field.name: values.get(field.name, field.value) for field in fields}
    return {name: value for name, value in given.items() if name in values or value is not None}


def can_default(fields: Sequence[FormField]) -> bool:
    """Tell whether the fields can be answered by their defaults alone (what a deadline may approve)."""
    return not problems(fields, {})


def parse(field: FormField, text: str) -> Json:
    """Return the value that a typed text stands for; what cannot be read stays text, and `problems` says so."""
    reader = _READERS.get(field.field_type)
    if reader is None:
        return text
    try:
        return reader(text)
    except (ValueError, KeyError):
        return text


def _problem(field: FormField, value: Json) -> str | None:
    if value is None or value == "":
        return f"a {field.field_type} is required" if field.required else None
    if not _FITS[field.field_type](value):
        return f"expected {field.field_type}, got {type(value).__name__} {value!r}"
    if field.allowed_values is not None and value not in field.allowed_values:
        return f"expected one of {', '.join(map(repr, field.allowed_values))}, got {value!r}"
    return None


def _bool(text: str) -> Json:
    return {"true": True, "yes": True, "y": True, "1": True, "false": False, "no": False, "n": False, "0": False}[
        text.strip().lower()
    ]


_READERS: Mapping[FieldType, Callable[[str], Json]] = {
    "int": lambda text: int(text),
    "float": lambda text: float(text),
    "bool": _bool,
    "list": json.loads,
    "dict": json.loads,
}
