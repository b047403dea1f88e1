"""Stored values as plain JSON for clients and pages: the same content, without the marks of Python types."""

from typing import Any, cast

from sayso.core.confiding import MASK, is_seal
from sayso.model.json import Json

_MARK = "$"


def readable(value: Json) -> Json:
    """Return a value of the codec's JSON form as plain JSON.

    Dataclasses, models and named tuples become objects, tuples and sets arrays, and what has a text form (dates,
    decimals, bytes) that text; a sealed secret becomes its mask. A mapping whose keys are not all strings becomes an
    array of pairs.
    """
    if isinstance(value, list):
        return [readable(item) for item in value]
    if not isinstance(value, dict):
        return value
    mark = value.get(_MARK)
    if mark is None:
        return {name: readable(item) for name, item in value.items()}
    inner = value.get("v")
    if is_seal(value):
        return MASK
    if mark == "dict":
        found = _pairs(cast("list[Any]", inner))
        return MASK if is_seal(found) else found  # the codec writes a seal within a value so
    return readable(inner)


def _pairs(pairs: list[Any]) -> Json:
    if all(isinstance(key, str) for key, _ in pairs):
        return {key: readable(item) for key, item in pairs}
    return [[readable(key), readable(item)] for key, item in pairs]
