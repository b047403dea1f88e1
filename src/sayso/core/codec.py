"""Values to JSON and back, with their types.

JSON types are written as they are. Everything else becomes an object with the one reserved key `$`, which holds the
name of the type; a mapping that itself uses `$`, or keys that are not strings, is written as pairs, so user data
can never be mistaken for a type mark. Classes are restored only when their module is already loaded and they are
what the mark says (dataclass, pydantic model, enum or named tuple): stored data never imports or calls anything.
Nothing is pickled.

The form has a version (`VERSION`), kept in the store's schema; an unknown mark is refused, never guessed.
"""

import base64
import dataclasses
import json
import math
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag
from typing import Any, cast
from uuid import UUID

from sayso.model.errors import UnreadableValue, UnstorableValue
from sayso.model.json import Json

VERSION = 1
"""The version of the encoded form."""

_MARK = "$"
_MAX_DEPTH = 200

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False).encode
_loads = json.JSONDecoder().decode


def encode(value: object) -> bytes:
    """Return the UTF-8 JSON of a value, types included.

    Raises:
        UnstorableValue: The value, or a part of it, cannot be restored with its type; the message names the type.
    """
    return json_bytes(to_json(value))


def decode(data: bytes) -> Any:
    """Return the value of which `data` is the encoded form.

    Raises:
        UnreadableValue: A type is not loaded or is no longer what it was.
    """
    return from_json(plain_of(data))


def json_bytes(value: Json) -> bytes:
    """Return the UTF-8 bytes of a JSON value.

    Raises:
        UnstorableValue: A string holds a lone surrogate, which UTF-8 cannot carry.
    """
    try:
        return _dumps(value).encode()
    except UnicodeEncodeError as exc:
        raise UnstorableValue(
            f"Expected text that UTF-8 can carry, but it holds a lone surrogate ({exc.reason})."
        ) from exc


def plain_of(data: bytes) -> Any:
    """Return the JSON value of bytes that `json_bytes` has made; `json.loads` would first guess their encoding.

    Raises:
        UnreadableValue: It has not made them: somebody has written to the database, or the disk is damaged.
    """
    try:
        text = data.decode()
        value = _loads(text)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair cannot be sent to anybody
    except (AttributeError, ValueError, RecursionError) as exc:
        raise UnreadableValue("Expected a stored JSON value, but the bytes are none.") from exc
    return value


def to_json(value: object, depth: int = 0) -> Json:
    """Return the JSON form of a value; see the module's docstring for the form.

    Raises:
        UnstorableValue: See `encode`.
    """
    kind = type(value)
    if value is None or kind is str or kind is bool or kind is int:
        return cast("Json", value)
    if depth > _MAX_DEPTH:
        raise UnstorableValue(f"Expected a value nested at most {_MAX_DEPTH} deep; it is deeper, or contains itself.")
    if kind is float:
        number = cast("float", value)
        return number if math.isfinite(number) else {_MARK: "float", "v": repr(number)}
    if kind is list:
        return [to_json(item, depth + 1) for item in cast("list[object]", value)]
    if kind is dict:
        return _mapping(cast("dict[object, object]", value), depth)
    scalar = _SCALARS.get(kind)
    if scalar is not None:
        return {_MARK: scalar.mark, "v": scalar.write(value)}
    if kind in _SEQUENCES:
        return {_MARK: kind.__name__, "v": [to_json(item, depth + 1) for item in _ordered(cast("Any", value))]}
    return _object(value, depth)


def from_json(value: Any) -> Any:
    """Return the value of which `value` is the JSON form.

    Raises:
        UnreadableValue: See `decode`.
    """
    if isinstance(value, list):
        return [from_json(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    stored = cast("dict[str, Any]", value)
    mark = stored.get(_MARK)
    if mark is None:
        return {key: from_json(item) for key, item in stored.items()}
    reader = _READERS.get(mark)
    if reader is None:
        raise UnreadableValue(f"Expected a known type mark, but the stored value says {mark!r}.")
    try:
        return reader(stored)
    except UnreadableValue:
        raise
    except Exception as exc:
        raise UnreadableValue(f"Expected a stored {mark}, but it cannot be restored: {exc}.") from exc


def _mapping(value: dict[object, object], depth: int) -> Json:
    if all(type(key) is str for key in value) and _MARK not in value:
        return {cast("str", key): to_json(item, depth + 1) for key, item in value.items()}
    return {_MARK: "dict", "v": [[to_json(key, depth + 1), to_json(item, depth + 1)] for key, item in value.items()]}


def _ordered(value: Any) -> list[object]:
    """Return the items in an order that does not change from process to process: same value, same bytes."""
    if not isinstance(value, set | frozenset):
        return list(value)
    items = cast("set[object]", value)
    return sorted(items, key=lambda item: (type(item).__name__, _dumps(to_json(item))))


def _object(value: object, depth: int) -> Json:
    cls = type(value)
    if isinstance(value, Flag) and value.name not in type(value).__members__:
        return {_MARK: "flag", "t": _type_name(cls), "v": value.value}  # several members together have no name
    if isinstance(value, Enum):
        return {_MARK: "enum", "t": _type_name(cls), "v": value.name}
    fields = _fields_of(value)
    if fields is None:
        raise UnstorableValue(f"Expected a value that can be stored, but got an object of type {_label(cls)}.")
    form, items = fields
    return {_MARK: form, "t": _type_name(cls), "v": {name: to_json(item, depth + 1) for name, item in items.items()}}


def _fields_of(value: object) -> tuple[str, dict[str, object]] | None:
    cls = type(value)
    if dataclasses.is_dataclass(cls):
        return "dataclass", {f.name: getattr(value, f.name) for f in dataclasses.fields(cls) if hasattr(value, f.name)}
    if hasattr(cls, "__pydantic_fields__"):
        return "model", _model_fields(value)
    if isinstance(value, tuple) and hasattr(cls, "_fields"):
        return "namedtuple", cast("Any", value)._asdict()
    return None


def _model_fields(model: Any) -> dict[str, object]:
    names = cast("Mapping[str, object]", model.__class__.__pydantic_fields__)
    extra = cast("dict[str, object]", model.__pydantic_extra__ or {})
    held: dict[str, object] = {name: getattr(model, name) for name in names if name in model.__dict__}
    return held | extra


def _type_name(cls: type) -> str:
    """Return `module:qualname`, refusing classes that no other process could find again."""
    name = f"{cls.__module__}:{cls.__qualname__}"
    if _find(name) is not cls:
        raise UnstorableValue(
            f"Expected a type defined at the top level of a module,"
            f" but {_label(cls)} cannot be found again by that name."
        )
    return name


def _find(name: str) -> object:
    module, _, path = name.partition(":")
    found: object = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


def _class(value: dict[str, Any], fits: Callable[[type], bool]) -> Any:
    name = str(value.get("t"))
    cls = _find(name)
    if not isinstance(cls, type):
        raise UnreadableValue(f"Expected the type {name}, but its module is not loaded or no longer defines it.")
    if not fits(cls):
        raise UnreadableValue(f"Expected the type {name} to be a {value[_MARK]}, but it no longer is one.")
    return cls


def _read_dataclass(value: dict[str, Any]) -> Any:
    cls = _class(value, dataclasses.is_dataclass)
    stored = from_json_fields(value["v"])
    result = object.__new__(cls)
    for spec in dataclasses.fields(cls):
        if spec.name in stored:
            object.__setattr__(result, spec.name, stored.pop(spec.name))
        elif spec.default is not dataclasses.MISSING:
            object.__setattr__(result, spec.name, spec.default)
        elif spec.default_factory is not dataclasses.MISSING:
            object.__setattr__(result, spec.name, spec.default_factory())
        else:
            raise UnreadableValue(f"Expected the field {spec.name!r} of {value['t']}, but the stored value has none.")
    _nothing_left(stored, value)
    return result


def _read_model(value: dict[str, Any]) -> Any:
    cls = _class(value, lambda found: hasattr(found, "__pydantic_fields__"))
    stored = from_json_fields(value["v"])
    for name, spec in cls.__pydantic_fields__.items():
        if name not in stored and spec.is_required():
            raise UnreadableValue(f"Expected the field {name!r} of {value['t']}, but the stored value has none.")
    if cls.model_config.get("extra") != "allow":
        _nothing_left({name: item for name, item in stored.items() if name not in cls.__pydantic_fields__}, value)
    return cls.model_construct(**stored)


def _read_namedtuple(value: dict[str, Any]) -> Any:
    return _class(value, lambda found: issubclass(found, tuple))(**from_json_fields(value["v"]))


def from_json_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the named values of an object's stored fields."""
    return {name: from_json(item) for name, item in fields.items()}


def _nothing_left(stored: Mapping[str, object], value: dict[str, Any]) -> None:
    if stored:
        raise UnreadableValue(f"Expected only fields of {value['t']}, but the stored value also has {sorted(stored)}.")


def _label(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


@dataclasses.dataclass(frozen=True, slots=True)
class _Scalar:
    mark: str
    write: Callable[[Any], Json]
    read: Callable[[Any], object]


def _write_datetime(value: datetime) -> Json:
    """Keep the fold and an offset; a named zone is kept as its offset, which is the same instant."""
    return [value.isoformat(), value.fold] if value.fold else value.isoformat()


def _read_datetime(value: Any) -> datetime:
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return datetime.fromisoformat(value[0]).replace(fold=value[1])


_SCALARS: dict[type, _Scalar] = {
    datetime: _Scalar("datetime", _write_datetime, _read_datetime),
    date: _Scalar("date", date.isoformat, date.fromisoformat),
    time: _Scalar("time", time.isoformat, time.fromisoformat),
    timedelta: _Scalar(
        "timedelta",
        lambda v: [v.days, v.seconds, v.microseconds],
        lambda v: timedelta(days=v[0], seconds=v[1], microseconds=v[2]),
    ),
    Decimal: _Scalar("Decimal", str, Decimal),
    UUID: _Scalar("UUID", str, UUID),
    bytes: _Scalar("bytes", lambda v: base64.b64encode(v).decode(), lambda v: base64.b64decode(v, validate=True)),
    bytearray: _Scalar(
        "bytearray", lambda v: base64.b64encode(v).decode(), lambda v: bytearray(base64.b64decode(v, validate=True))
    ),
    complex: _Scalar("complex", lambda v: [repr(v.real), repr(v.imag)], lambda v: complex(float(v[0]), float(v[1]))),
}
_SEQUENCES: dict[type, Callable[[list[Any]], object]] = {tuple: tuple, set: set, frozenset: frozenset}

_READERS: dict[str, Callable[[dict[str, Any]], object]] = {
    **{scalar.mark: (lambda value, read=scalar.read: read(value["v"])) for scalar in _SCALARS.values()},
    **{kind.__name__: (lambda value, make=make: make(from_json(value["v"]))) for kind, make in _SEQUENCES.items()},
    "float": lambda value: float(value["v"]),
    "dict": lambda value: {from_json(key): from_json(item) for key, item in value["v"]},
    "flag": lambda value: _class(value, lambda found: issubclass(found, Flag))(value["v"]),
    "enum": lambda value: _class(value, lambda found: issubclass(found, Enum))[value["v"]],
    "dataclass": _read_dataclass,
    "model": _read_model,
    "namedtuple": _read_namedtuple,
    "secret": lambda value: value,  # a seal (core/confiding.py), which stands for itself
}
