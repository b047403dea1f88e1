"""What exactly will run, as rows: each argument with its type, whole, and with what is to be known of its text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sayso.core.visible import visible
from sayso.model.json import Json
from sayso.web.lookalikes import twins, warnings

_LONG_TEXT, _LONG_LINES = 600, 12
"""From here on a value is folded, where scripts run: its end is then seen by opening it."""
_LONG_TABLE = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One value."""

    name: str
    type: str
    text: str
    """The whole value; a text as it is, the rest as JSON."""
    mono: bool
    long: bool
    notes: tuple[str, ...] = ()
    """What is to be known of the value's text."""
    name_notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many characters it has."""
        return len(self.text)


def rows_of(values: Json) -> tuple[Shown, ...]:
    """Return the members of an object, each as a row; what is no object is one row without a name."""
    if not isinstance(values, Mapping):
        return (shown("", values),)
    alike = twins(values)
    return tuple(shown(name, value, like=alike.get(name)) for name, value in values.items())


def shown(name: str, value: Json, *, like: str | None = None) -> Shown:
    """Return one value as a row."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    inner = [f"{visible(one)} and {visible(first)} are two names that look alike" for one, first in _inner_twins(value)]
    name_notes = [] if like is None else [f"not the same as {visible(like)}, which looks alike"]
    return Shown(
        name=name,
        type=type_of(value),
        text=text,
        mono=not isinstance(value, str),
        long=is_long(text),
        notes=(*inner, *warnings(text)),
        name_notes=(*name_notes, *warnings(name)),
    )


def is_long(text: str) -> bool:
    """Tell whether a text is folded until somebody opens it."""
    return len(text) > _LONG_TEXT or text.count("\n") >= _LONG_LINES


def _inner_twins(value: Json) -> Iterator[tuple[str, str]]:
    """Return the names within a value that look like another one beside it."""
    if isinstance(value, Mapping):
        yield from twins(value).items()
        for inner in value.values():
            yield from _inner_twins(inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from _inner_twins(inner)


def is_long_table(rows: tuple[Shown, ...]) -> bool:
    """Tell whether so many rows are folded."""
    return len(rows) > _LONG_TABLE


def type_of(value: Json) -> str:
    """Return the type of a JSON value, in a word or two."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes or no"
        case int():
            return "whole number"
        case float():
            return "number"
        case str():
            return "text"
        case Mapping():
            return f"object of {len(value)}"
        case _:
            return f"list of {len(value)}"
