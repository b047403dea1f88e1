"""What pydantic finds wrong with a body or a parameter, told without repeating what was sent.

FastAPI's own answer echoes the input, and fails where it cannot be echoed. Here a finding has its place, a code and a
sentence. A place is made of names that the API itself knows and of positions; a sentence that pydantic fills with
something from the input is replaced by its code.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from fastapi import FastAPI

from sayso.model.json import Json
from sayso.model.requesterrors import InvalidRequest

_MOST = 20
_FROM_THE_SCHEMA = {
    "expected", "expected_tags", "discriminator", "gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length",
    "actual_length", "field_type", "pattern", "max_digits", "decimal_places", "whole_digits", "class", "class_name",
}  # fmt: skip
"""What pydantic puts into its sentences that comes from the schema, or is a mere count."""
_UNKNOWN_FIELD = "extra_forbidden"


class Validation:
    """Tells what is wrong with requests to one application.

    Args:
        app: The application, whose OpenAPI says which names may be told.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._known: frozenset[str] | None = None

    def refusal(self, findings: Sequence[Any]) -> InvalidRequest:
        """Return the refusal for what pydantic has found."""
        told: list[Json] = [self._told(finding) for finding in findings[:_MOST]]
        places = ", ".join(dict.fromkeys(str(one["where"]) for one in told if isinstance(one, Mapping)))
        return InvalidRequest(f"Expected a request of the form that this route takes; look at {places}.", errors=told)

    def _told(self, finding: Mapping[str, Any]) -> dict[str, Json]:
        code = str(finding["type"])
        place = finding["loc"][:-1] if code == _UNKNOWN_FIELD else finding["loc"]
        sayable = set(finding.get("ctx") or {}) <= _FROM_THE_SCHEMA
        if code == _UNKNOWN_FIELD:
            sentence = "There is a field that this route does not know"
        else:
            sentence = str(finding["msg"]) if sayable else "The value does not have this form"
        return {"where": ".".join(self._name(part) for part in place), "code": code, "message": sentence}

    def _name(self, part: object) -> str:
        if isinstance(part, int) or part in {"body", "query", "path", "header", "cookie"}:
            return str(part)
        if self._known is None:
            self._known = frozenset(_names(self._app.openapi()))
        return str(part) if part in self._known else "*"


def _names(schema: object) -> Iterator[str]:
    """Yield the names of all fields and parameters of an OpenAPI document."""
    if isinstance(schema, list):
        for inner in cast("list[object]", schema):
            yield from _names(inner)
    if not isinstance(schema, Mapping):
        return
    members = cast("Mapping[str, object]", schema)
    fields = members.get("properties")
    if isinstance(fields, Mapping):
        yield from cast("Mapping[str, object]", fields)
    if "in" in members and "name" in members:
        yield str(members["name"])
    for inner in members.values():
        yield from _names(inner)
