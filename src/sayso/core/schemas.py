"""JSON Schema, offline: what stands against a value, in words.

The registry is empty, so that no schema can make us fetch anything.
"""

from typing import Any, cast

from sayso.model.json import Json


def problems(schema: Json, value: object) -> list[str]:
    """Return what stands against a value, one sentence each; empty when it fits, or where there is no schema.

    An unusable schema stands against everything: it fails closed.
    """
    from jsonschema import Draft202012Validator, exceptions  # Lazy: a fifth of a second, and workflows need none of it.
    from referencing import Registry

    if schema is None:
        return []
    registry = cast("Any", Registry)()
    try:
        Draft202012Validator.check_schema(cast("Any", schema))
        validator: Any = Draft202012Validator(cast("Any", schema), registry=registry)
        found = sorted(validator.iter_errors(value), key=lambda error: list(map(str, error.absolute_path)))
        return [f"{_where(error.absolute_path)}: {error.message}" for error in found[:20]]
    except exceptions.SchemaError as exc:
        return [f"the schema itself is not usable: {exc.message}"]
    except Exception as exc:  # noqa: BLE001 - e.g. a reference that leads nowhere; an unreadable policy lets nothing by
        return [f"the schema cannot be applied: {exc}"]


def _where(path: Any) -> str:
    return ".".join(str(part) for part in path) or "the value"
