"""Several values at once: the fields of a step, or those that a JSON Schema describes."""

from collections.abc import Mapping
from typing import Any

from sayso.core.forms import problems
from sayso.core.schemas import found_at
from sayso.model.json import Json
from sayso.model.tasks import FieldType, FormField, FormRequest, UserTask
from sayso.web.controls import Control, Unread, controls_of, read_all
from sayso.web.fields import Fields
from sayso.web.review.kinds.answers import answering
from sayso.web.review.kinds.kind import Kind, Unfit

FIELD = "field:"
"""What the names of the form's fields begin with."""
_TYPES: Mapping[FieldType, str] = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
}


def _given(task: UserTask, fields: Fields | None) -> Mapping[str, Any]:
    request = task.spec.request
    confirms = request.confirm_message if isinstance(request, FormRequest) and request.confirm else None
    return {"controls": _controls(task, fields), "confirms": confirms}


def _take(task: UserTask, fields: Fields) -> dict[str, Json]:
    request = task.spec.request
    controls = _controls(task, None)
    try:
        values = read_all(controls, fields)
    except Unread as unread:
        raise Unfit(unread.errors) from None
    if isinstance(request, FormRequest):
        errors = _by_schema(request.schema, values) if request.schema is not None else _by_field(request.fields, values)
        if errors:
            raise Unfit(errors)
    return {"values": values}


def _by_schema(schema: Json, values: dict[str, Json]) -> dict[str, str]:
    found = {FIELD + path[0] if path else "": message for path, message in reversed(found_at(schema, values))}
    return {**found, **{FIELD + name: "Give a value." for name in _missing(schema, values)}}


def _missing(schema: Json, values: dict[str, Json]) -> list[str]:
    needed = schema.get("required") if isinstance(schema, Mapping) else None
    return [name for name in map(str, needed) if name not in values] if isinstance(needed, list) else []


def _by_field(fields: tuple[FormField, ...], values: dict[str, Json]) -> dict[str, str]:
    found: dict[str, str] = {}
    for field in fields:
        given = {field.name: values[field.name]} if field.name in values else {}
        for problem in problems((field,), given):
            found[FIELD + field.name] = problem.removeprefix(f"{field.name}: ").capitalize() + "."
    return found


def _controls(task: UserTask, fields: Fields | None) -> tuple[Control, ...]:
    request = task.spec.request
    if not isinstance(request, FormRequest):
        return ()
    if request.schema is not None:
        return controls_of(request.schema, {}, FIELD, fields)
    return controls_of(_schema_of(request.fields), {}, FIELD, fields)


def _schema_of(fields: tuple[FormField, ...]) -> Json:
    parts = {field.name: _part_of(field) for field in fields}
    return {"type": "object", "properties": parts, "required": [field.name for field in fields if field.required]}


def _part_of(field: FormField) -> dict[str, Json]:
    part: dict[str, Json] = {"type": _TYPES[field.field_type]}
    if field.description:
        part["description"] = field.description
    if field.value is not None:
        part["default"] = field.value
    if field.allowed_values is not None:
        part["enum"] = list(field.allowed_values)
    return part


KIND = Kind(
    name="form",
    label="Form",
    template="review/kinds/form.html",
    given=_given,
    read=answering(_take, field=""),
    labels={"note": "Reason or note"},
)
