"""The input of a run as a form: a field for each part of a flat schema, else JSON, else text.

What a person wrote is only read here; whether it fits the schema is judged where the run starts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from sayso.model.json import Json
from sayso.model.requesterrors import BadRequest
from sayso.web.fields import Fields

Kind = Literal["text", "integer", "number", "boolean", "choice"]
_PREFIX = "in."
_KINDS: dict[str, Kind] = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}
_EMPTY: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}
_MOST_FIELDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class InputField:
    """One field of a form."""

    name: str
    label: str
    kind: Kind
    required: bool
    hint: str
    choices: tuple[str, ...] = ()
    """As JSON, which tells "1" from 1."""

    @property
    def field(self) -> str:
        """What it is called in the form."""
        return _PREFIX + self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class InputForm:
    """How an input is asked for."""

    fields: tuple[InputField, ...] = ()
    as_json: bool = False
    """Whether the one text is JSON."""
    example: str = ""


def form_of(schema: Json) -> InputForm:
    """Return how an input of a schema is asked for; of no schema, it is a text."""
    if not isinstance(schema, Mapping) or not schema:
        return InputForm()
    found = _flat(cast("Mapping[str, Any]", schema))
    if found is None:
        return InputForm(as_json=True, example=json.dumps(_example(schema), indent=2, ensure_ascii=False))
    return InputForm(fields=tuple(found))


def input_of(form: InputForm, sent: Fields) -> Json:
    """Return the input that was written.

    Raises:
        BadRequest: It should be JSON, and is not.
    """
    if form.fields:
        values = {item.name: _value(item, sent.one(item.field)) for item in form.fields if sent.one(item.field)}
        return cast("Json", values)
    text = sent.one("input")
    if not form.as_json and not sent.has("json"):
        return text
    try:
        return json.loads(text)
    except ValueError as exc:
        raise BadRequest(f"Expected the input as JSON, but it cannot be read: {exc}.") from exc


def _flat(schema: Mapping[str, Any]) -> list[InputField] | None:
    """Return the fields of an object whose parts are all plain; None where a form would not do it justice."""
    given: Any = schema.get("properties")
    parts: Mapping[str, Any] = cast("Mapping[str, Any]", given) if isinstance(given, Mapping) else {}
    if schema.get("type") != "object" or not 0 < len(parts) <= _MOST_FIELDS:
        return None
    if any(word in schema for word in ("$ref", "allOf", "anyOf", "oneOf", "if", "patternProperties")):
        return None
    required: Sequence[str] = schema.get("required", ())
    found = [_field(name, part, name in required) for name, part in parts.items()]
    whole = [item for item in found if item is not None]
    return whole if len(whole) == len(found) else None


def _field(name: str, part: Any, required: bool) -> InputField | None:
    if not isinstance(part, Mapping):
        return None
    about = cast("Mapping[str, Any]", part)
    label, hint = str(about.get("title") or name), str(about.get("description") or "")
    choices: Any = about.get("enum")
    if isinstance(choices, list) and choices:
        written = tuple(json.dumps(choice, ensure_ascii=False) for choice in cast("list[Any]", choices))
        return InputField(name=name, label=label, kind="choice", required=required, hint=hint, choices=written)
    kind = _KINDS.get(str(about.get("type")))
    return None if kind is None else InputField(name=name, label=label, kind=kind, required=required, hint=hint)


def _value(item: InputField, text: str) -> Json:
    """Return what was written as what it should be; as text where it is not, so that the schema names what is wrong."""
    if item.kind == "text":
        return text
    try:
        value: Json = json.loads(text)
    except ValueError:
        return text
    return value


def _example(schema: Any) -> Any:
    """Return a value that shows the form of a schema; it need not fit."""
    if not isinstance(schema, Mapping):
        return None
    about = cast("Mapping[str, Any]", schema)
    for word in ("default", "const"):
        if word in about:
            return about[word]
    if about.get("examples") or about.get("enum"):
        return (about.get("examples") or about["enum"])[0]
    kind = about.get("type")
    if kind == "object":
        return {name: _example(part) for name, part in dict(about.get("properties") or {}).items()}
    return [_example(about.get("items"))] if kind == "array" else _EMPTY.get(str(kind))
