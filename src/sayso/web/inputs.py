"""The input of a run as a form: a field for each part of a schema of an object, JSON for any other, else a text.

What a person wrote is only read here; whether it fits the schema is judged where the run starts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sayso.model.json import Json
from sayso.web.controls import Control, Unread, controls_of, json_of, read_all, resolved
from sayso.web.fields import Fields

PREFIX = "in."
"""What the names of the fields begin with."""
INPUT = "input"
"""The one field where there is no schema of an object."""
_JSON = "json"
_MOST_FIELDS = 40
_OTHERWISE = ("allOf", "anyOf", "oneOf", "if", "patternProperties")
"""What says of an object as a whole what no list of fields can."""
_EMPTY: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class InputForm:
    """How an input is asked for."""

    controls: tuple[Control, ...] = ()
    as_json: bool = False
    """Whether the one text is JSON."""
    ticked: bool = False
    """Whether a text is said to be JSON."""
    text: str = ""


def form_of(schema: Json, sent: Fields | None = None) -> InputForm:
    """Return how an input of a schema is asked for.

    Args:
        schema: The schema; none of it, or an empty one, takes a text.
        sent: What was written before, which then stands in the form.
    """
    if not isinstance(schema, Mapping) or not schema:
        text = "" if sent is None else sent.one(INPUT)
        return InputForm(text=text, ticked=sent is not None and sent.has(_JSON))
    controls = _controls(schema, sent)
    if controls:
        return InputForm(controls=controls)
    example = json.dumps(_example(schema), indent=2, ensure_ascii=False)
    return InputForm(as_json=True, text=sent.one(INPUT) if sent is not None and sent.has(INPUT) else example)


def input_of(schema: Json, sent: Fields) -> Json:
    """Return the input that was written.

    Raises:
        Unread: Something is not of the type that is asked for; it says where.
    """
    form = form_of(schema)
    if form.controls:
        return cast("Json", read_all(form.controls, sent))
    text = sent.one(INPUT)
    if not form.as_json and not sent.has(_JSON):
        return text
    try:
        return json_of(text)
    except ValueError as exc:
        raise Unread({INPUT: str(exc)}) from None


def _controls(schema: Mapping[str, Json], sent: Fields | None) -> tuple[Control, ...]:
    """Return the fields of an object; none where fields would not do it justice."""
    whole = resolved(schema, schema)
    parts = whole.get("properties")
    if whole.get("type") != "object" or not isinstance(parts, Mapping) or any(word in whole for word in _OTHERWISE):
        return ()
    if len(cast("Mapping[str, Any]", parts)) > _MOST_FIELDS:
        return ()
    return controls_of({**schema, **whole}, {}, PREFIX, sent)


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
