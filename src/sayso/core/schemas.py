"""JSON Schema, offline: what stands against a value, in words.

The registry is empty, so that no schema can make us fetch anything.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, cast

from sayso.core.confiding import MASK, says_secret, secrets_of
from sayso.model.json import Json

_CANNOT = "the schema cannot be applied"


def problems(schema: Json, value: object) -> list[str]:
    """Return what stands against a value, one sentence each; empty when it fits, or where there is no schema.

    An unusable schema stands against everything: it fails closed.
    """
    return [f"{_where(path)}: {message}" if path is not None else message for path, message in _found(schema, value)]


def found_at(schema: Json, value: object) -> list[tuple[tuple[str, ...], str]]:
    """Return what stands against a value, each with where: the names on the way; empty ones stand for the whole."""
    return [(tuple(map(str, path or ())), message) for path, message in _found(schema, value)]


def _found(schema: Json, value: object) -> list[tuple[Any, str]]:
    if schema is None:
        return []
    try:
        validator = _validator(json.dumps(schema, sort_keys=True))
        found = sorted(validator.iter_errors(value), key=lambda error: list(map(str, error.absolute_path)))
        told = [(error.absolute_path, error.message) for error in found[:20]]
        return list(_discreet(schema, value, told)) if says_secret(schema) else told
    except Exception as exc:  # noqa: BLE001 - e.g. no schema, or a reference that leads nowhere: it lets nothing by
        return [(None, f"{_CANNOT}: {getattr(exc, 'message', exc)}")]


def _discreet(schema: Json, value: object, found: list[tuple[Any, str]]) -> Iterator[tuple[Any, str]]:
    """Yield what stands against a value without telling its secrets; what is left masked stands for what was there."""
    secrets = dict(secrets_of(schema, cast("Json", value)))
    for path, message in found:
        if secrets.get(tuple(map(str, path))) == MASK:
            continue
        tells = any(str(secret) in message for secret in secrets.values())
        yield path, "it does not fit (what it holds is secret)" if tells else message


def fields_of(schema: Json) -> dict[str, Json]:
    """Return the schemas of the values that an object's schema names, each of which stands for itself."""
    if not isinstance(schema, dict):
        return {}
    shared: dict[str, Json] = {name: schema[name] for name in ("$defs", "definitions") if name in schema}
    named = schema.get("properties")
    return {
        name: {**shared, **part} if isinstance(part, dict) else part
        for name, part in (named.items() if isinstance(named, dict) else ())
    }


def unusable(schema: dict[str, Any]) -> str | None:
    """Return why no object could be held against a schema; None where it can be."""
    if schema.get("type", "object") != "object":
        return "the schema is not one of an object"
    return unusable_schema(schema)


def unusable_schema(schema: Json) -> str | None:
    """Return why nothing could be held against a schema; None where something can be."""
    away = [ref for ref in _references(schema) if not ref.startswith("#")]
    if away:
        return f"the schema refers to {away[0]}, and nothing is fetched"
    return next((found for found in problems(schema, {}) if found.startswith(_CANNOT)), None)


def _references(part: object) -> Iterator[str]:
    """Return what a schema refers to."""
    if isinstance(part, dict):
        for name, value in cast("dict[str, object]", part).items():
            if name == "$ref" and isinstance(value, str):
                yield value
            yield from _references(value)
    elif isinstance(part, list):
        for item in cast("list[object]", part):
            yield from _references(item)


def schema_problems(schema: Json) -> list[str]:
    """Return what stands against a schema itself, one sentence each; empty when it can be applied.

    A reference that leads out of the schema would otherwise show only when a value is held against it, and then refuse
    every value. Large schemas take seconds, but a schema that was looked at is remembered.
    """
    try:
        return list(_looked_at(json.dumps(schema, sort_keys=True)))
    except Exception as exc:  # noqa: BLE001 - the metaschema's refusal, or a schema too deep to walk: it is no schema
        return [str(getattr(exc, "message", None) or f"{type(exc).__name__}: {exc}")[:500]]


@lru_cache(maxsize=256)
def _looked_at(text: str) -> tuple[str, ...]:
    _validator(text)
    return tuple(_unusable(json.loads(text)))[:20]


def _unusable(schema: Json) -> Iterator[str]:
    """Yield what the metaschema does not see: references that lead nowhere."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    resource: Any = DRAFT202012.create_resource(cast("Any", schema))
    resolver: Any = cast("Any", Registry)().resolver_with_root(resource)
    left: list[tuple[Any, Any]] = [(resource, resolver)]
    while left:
        resource, resolver = left.pop()
        for ref in _refs_of(resource.contents):
            try:
                resolver.lookup(ref)
            except Unresolvable:
                yield f"its reference {ref[:200]!r} leads to nothing inside of it, and nothing is ever fetched"
        left += [(inner, resolver.in_subresource(inner)) for inner in resource.subresources()]


def _refs_of(part: Any) -> list[str]:
    named = cast("dict[str, Any]", part) if isinstance(part, dict) else {}
    return [named[name] for name in ("$ref", "$dynamicRef") if name in named]


@lru_cache(maxsize=512)
def _validator(text: str) -> Any:
    """Return the validator of a schema; the same schema is asked for on every replay."""
    from jsonschema import Draft202012Validator  # Lazy: a fifth of a second, and workflows need none of it.
    from referencing import Registry

    schema: Any = json.loads(text)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, registry=cast("Any", Registry)())


def _where(path: Any) -> str:
    return ".".join(str(part) for part in path) or "the value"
