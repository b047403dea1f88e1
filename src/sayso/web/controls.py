"""Typed fields of a form, from a JSON Schema and the values that are there: what a person edits keeps its type.

Each value is edited as what it is: text as text, a number as a number, a choice from its list; what has parts of its
own, and what holds characters that cannot be seen, as JSON text. A field that is sent back as it was shown stands for
the very value that was there, so that nothing changes by being looked at.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from sayso.core.confiding import says_secret, secrets_of
from sayso.model.json import Json
from sayso.model.requesterrors import RequestRefused
from sayso.server.strict import parse
from sayso.web.fields import Fields
from sayso.web.wording import hides

Look = Literal["text", "whole", "number", "switch", "choice", "json"]
_LOOKS: Mapping[str, Look] = {"string": "text", "integer": "whole", "number": "number", "boolean": "switch"}
_NULL = "null:"
"""What the box is called that stands for no value; then the field's name."""
_WHOLE = re.compile(r"[-+]?\d{1,300}", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)
_DEEPEST = 20


class Unread(Exception):
    """What was typed is not of the type that is asked for.

    Args:
        errors: What is wrong, by the name of the field.
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One field."""

    name: str
    """Of the form's field."""
    label: str
    """Of the value."""
    look: Look
    text: str
    """What it holds."""
    shown: str | None
    """What it held when it was first shown; None where there was no value."""
    was: Json = None
    """The value that was there."""
    choices: tuple[tuple[str, str], ...] = ()
    """Each choice as JSON text, and as people read it."""
    nullable: bool = False
    null: bool = False
    """Whether it stands for no value now."""
    required: bool = False
    about: str | None = None
    hint: str = ""
    """The bounds, in words."""
    secret: bool = False
    """Whether it is, or holds, a secret: scripts keep no draft of it."""

    @property
    def type(self) -> str:
        """What is typed here, in a word."""
        return _WORDS[self.look]

    @property
    def rows(self) -> int:
        """How many lines the field shows."""
        return min(max(self.text.count("\n") + 1, -(-len(self.text) // 60), 1), 14)


_WORDS: Mapping[Look, str] = {
    "text": "text",
    "whole": "whole number",
    "number": "number",
    "switch": "yes or no",
    "choice": "one of a list",
    "json": "JSON",
}


def controls_of(schema: Json, values: Json, prefix: str, fields: Fields | None = None) -> tuple[Control, ...]:
    """Return a field for each property of a schema, and for each value that it does not name.

    Args:
        schema: Of an object; anything else describes nothing.
        values: What is there.
        prefix: What the names of the fields begin with.
        fields: What was sent before, which then stands in them.
    """
    root = _mapping(schema)
    parts, given = _mapping(root.get("properties")), _mapping(values)
    required = root.get("required")
    needed = set(cast("list[str]", required)) if isinstance(required, list) else set[str]()
    secret = {path[0] for path, _ in secrets_of(schema, values) if path}
    found: list[Control] = []
    for name in [*given, *(name for name in parts if name not in given)]:
        part = resolved(root, parts.get(name))
        control = _control(prefix + name, name, part, given, required=name in needed, fields=fields)
        found.append(replace(control, secret=name in secret or says_secret(part)))
    return tuple(found)


def read_all(controls: tuple[Control, ...], fields: Fields) -> dict[str, Json]:
    """Return the values of some fields by their labels; one that had no value and is left empty is left out.

    Raises:
        Unread: What was typed in some of them is not of the type that is asked for.
    """
    values: dict[str, Json] = {}
    errors: dict[str, str] = {}
    for control in controls:
        try:
            values.update(_read(control, fields))
        except ValueError as exc:
            errors[control.name] = str(exc)
    if errors:
        raise Unread(errors)
    return values


def number_of(text: str) -> Json:
    """Return the number of a text.

    Raises:
        ValueError: It is none.
    """
    return _number(text, _NUMBER, "number")


def json_of(text: str) -> Json:
    """Return the value of a JSON text.

    Raises:
        ValueError: It is none, or could be read in two ways.
    """
    try:
        return parse(text.encode("utf-8", "surrogatepass"))
    except RequestRefused as exc:
        raise ValueError(f"Give JSON. {exc.message}") from None


def resolved(root: Mapping[str, Any], part: Any) -> dict[str, Any]:
    """Return a part of a schema, followed where it refers to another part."""
    found = _mapping(part)
    for _ in range(_DEEPEST):
        ref = found.get("$ref")
        if not isinstance(ref, str) or not ref.startswith("#/"):
            break
        target: Any = root
        for step in ref[2:].split("/"):
            target = _mapping(target).get(step.replace("~1", "/").replace("~0", "~"))
        found = {**_mapping(target), **{name: value for name, value in found.items() if name != "$ref"}}
    return found


def _control(
    name: str, label: str, part: dict[str, Any], given: Mapping[str, Json], *, required: bool, fields: Fields | None
) -> Control:
    kind, nullable = _without_null(part)
    there = label in given
    value = given[label] if there else kind.get("default", part.get("default"))
    shown = there or value is not None
    choices = tuple((_json(item), _readable(item)) for item in _choices(kind))
    look = _look(kind, value, choices=bool(choices))
    text = _shown(value, look) if shown and value is not None else ""
    sent = fields is not None and fields.has(name)
    return Control(
        name=name,
        label=label,
        look=look,
        text=fields.one(name) if sent and fields is not None else text,
        shown=text if shown else None,
        was=value,
        choices=choices,
        nullable=nullable or (there and value is None),
        null=fields.has(_NULL + name) if sent and fields is not None else there and value is None,
        required=required,
        about=_word(kind.get("description") or part.get("description")),
        hint=_bounds(kind),
    )


def _without_null(part: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return what a part says of values that are there, and whether none need be."""
    types = part.get("type")
    if isinstance(types, list):
        named = [item for item in cast("list[Any]", types) if item != "null"]
        alone = {**part, "type": named[0]} if len(named) == 1 else {**part, "type": None}
        return alone, len(named) < len(cast("list[Any]", types))
    for way in ("anyOf", "oneOf"):
        ways = part.get(way)
        if isinstance(ways, list):
            others = [_mapping(item) for item in cast("list[Any]", ways) if _mapping(item).get("type") != "null"]
            if len(others) == 1 and len(cast("list[Any]", ways)) == 2:
                return others[0], True
    return part, False


def _look(kind: dict[str, Any], value: Json, *, choices: bool) -> Look:
    """Return how a value is edited: as its schema says, where the value that is there is of that type."""
    if choices:
        return "choice"
    named = _LOOKS.get(str(kind.get("type")), "json") if kind.get("type") else _by_value(value)
    fits = value is None or named == _by_value(value) or (named, _by_value(value)) == ("number", "whole")
    if not fits or (isinstance(value, str) and any(map(hides, value))):
        return "json"
    return named


def _by_value(value: Json) -> Look:
    match value:
        case bool():
            return "switch"
        case int():
            return "whole"
        case float():
            return "number"
        case str():
            return "text"
        case _:
            return "json"


def _shown(value: Json, look: Look) -> str:
    if look == "text":
        return str(value)
    if look == "choice":
        return _json(value)
    text = json.dumps(value, indent=2, ensure_ascii=False)
    hidden = any(map(hides, text))
    return json.dumps(value, indent=2) if hidden else text


def _read(control: Control, fields: Fields) -> dict[str, Json]:
    """Return the value of a field, by its label; nothing where it is left out.

    Raises:
        ValueError: What was typed is not of the type that is asked for.
    """
    if control.nullable and fields.has(_NULL + control.name):
        return {control.label: None}
    text = fields.one(control.name)
    if not fields.has(control.name):
        return {} if control.shown is None else {control.label: control.was}
    if control.shown is not None and text == control.shown and not control.null:
        return {control.label: control.was}
    if not text and control.look != "text":
        return _left_empty(control)
    if not text and control.shown is None and not control.required:
        return {}
    return {control.label: _value(control, text)}


def _left_empty(control: Control) -> dict[str, Json]:
    if control.required or control.shown is not None:
        raise ValueError(f"Give {_ASKED[control.look]}.")
    return {}


def _value(control: Control, text: str) -> Json:
    match control.look:
        case "text":
            return text
        case "whole":
            return _number(text, _WHOLE, "whole")
        case "number":
            return _number(text, _NUMBER, "number")
        case "switch" if text in {"true", "false"}:
            return text == "true"
        case "choice" if any(text == choice for choice, _ in control.choices):
            return json.loads(text)
        case "json":
            return json_of(text)
        case _:
            raise ValueError("Choose one of the list.")


def _number(text: str, form: re.Pattern[str], look: Look) -> Json:
    plain = text.strip()
    if not form.fullmatch(plain):
        raise ValueError(f"Give {_ASKED[look]}; this is none.")
    try:
        return int(plain) if _WHOLE.fullmatch(plain) else _finite(plain)
    except OverflowError:
        raise ValueError(f"Give {_ASKED[look]} that fits.") from None


def _finite(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise OverflowError
    return value


_ASKED: Mapping[Look, str] = {
    "text": "a text",
    "whole": "a whole number, such as 12",
    "number": "a number, such as 12.5",
    "switch": "yes or no",
    "choice": "one of the list",
    "json": "JSON",
}


def _choices(kind: dict[str, Any]) -> Iterator[Json]:
    if "const" in kind:
        yield kind["const"]
    elif isinstance(kind.get("enum"), list):
        yield from kind["enum"]


def _bounds(kind: dict[str, Any]) -> str:
    words = {
        "minimum": "at least {}",
        "exclusiveMinimum": "more than {}",
        "maximum": "at most {}",
        "exclusiveMaximum": "less than {}",
        "multipleOf": "in steps of {}",
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "pattern": "like {}",
        "format": "{}",
    }
    return ", ".join(
        word.format(kind[name]) for name, word in words.items() if kind.get(name, "password") != "password"
    )


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _readable(value: Json) -> str:
    return value if isinstance(value, str) else _json(value)


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _mapping(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
