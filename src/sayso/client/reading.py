"""From a JSON object to a typed value: camelCase to snake_case, times parsed, and what is unknown kept in `extra`.

A newer service may say more than this client knows; an older one less. Neither breaks a call.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

T = TypeVar("T")
Reader = Callable[[Any], Any]
_READ = "read"


def snake(name: str) -> str:
    """Return a wire name as Python writes it."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def when(text: object) -> datetime | None:
    """Return an RFC 3339 time; None where there is none."""
    return None if text is None else datetime.fromisoformat(str(text))


def value(cls: type[T], plain: object) -> T:
    """Return the value of a JSON object; fields that it lacks have their defaults, and others are in `extra`.

    Args:
        cls: A dataclass whose fields all have defaults, with a mapping `extra` for the rest.
        plain: The object.
    """
    known, extra = _readers(cls), dict[str, Any]()
    found: dict[str, Any] = {}
    for name, item in _object(plain).items():
        read = known.get(snake(name))
        if read is None:
            extra[name] = item
        else:
            found[snake(name)] = item if item is None else read(item)
    return cls(**found | {"extra": extra})


def values(cls: type[T], plain: object) -> tuple[T, ...]:
    """Return the values of a JSON array of objects."""
    return tuple(value(cls, item) for item in cast("list[object]", plain or []))


TIME: Mapping[str, Reader] = {_READ: when}
"""Marks a field that is a time, or None."""


def one(cls: Callable[[], type[Any]]) -> Mapping[str, Reader]:
    """Mark a field that is one value of another class."""

    def read(plain: object) -> object:
        return value(cls(), plain)

    return {_READ: read}


def several(cls: Callable[[], type[Any]]) -> Mapping[str, Reader]:
    """Mark a field that is a tuple of values of another class."""

    def read(plain: object) -> object:
        return values(cls(), plain)

    return {_READ: read}


@cache
def _readers(cls: type[Any]) -> Mapping[str, Reader]:
    return {item.name: item.metadata.get(_READ, _as_it_is) for item in fields(cls) if item.name != "extra"}


def _as_it_is(item: Any) -> Any:
    return item


def _object(plain: object) -> dict[str, Any]:
    return cast("dict[str, Any]", plain) if isinstance(plain, dict) else {}
