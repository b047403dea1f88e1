"""A task's request as bytes, and back: what is shown is what is hashed.

The digest is over the stored bytes, never over a re-serialised form, so no difference of encoders can make two requests
look alike or one look changed.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast, get_args

from sayso.core.codec import json_bytes, plain_of
from sayso.model.errors import UnreadableValue
from sayso.model.json import Json
from sayso.model.tasks import (
    ApprovalRequest,
    CallShown,
    ErrorRequest,
    ExternalRequest,
    FormField,
    FormRequest,
    MessageRequest,
    NumberRequest,
    OnRejectAction,
    OnTimeoutAction,
    Option,
    OptionsRequest,
    OutputReviewRequest,
    RouteRequest,
    TaskRequest,
    TaskSpec,
    TextRequest,
    UncertainRequest,
    UnreadableRequest,
)

_DOMAIN = b"sayso/task/v1\x00"
_KINDS: Mapping[str, type[Any]] = {
    "approval": ApprovalRequest,
    "form": FormRequest,
    "output_review": OutputReviewRequest,
    "route": RouteRequest,
    "error": ErrorRequest,
    "text": TextRequest,
    "number": NumberRequest,
    "multi_option": OptionsRequest,
    "external": ExternalRequest,
    "uncertain": UncertainRequest,
    "message": MessageRequest,
    "unknown": UnreadableRequest,  # never stored: what a server says of a question that it cannot read
}
LEGACY: Mapping[str, str] = {"hitl": "approval"}
"""Kinds as older data name them; they are read, listed and decided as the kinds of today, and never written."""
_PARTS: Mapping[str, type[Any]] = {"call": CallShown}
"""Fields of requests that are objects of ours."""


def spec_bytes(spec: TaskSpec) -> bytes:
    """Return the bytes of a spec: what is stored, shown and hashed."""
    return json_bytes(spec_to_json(spec))


def spec_to_json(spec: TaskSpec) -> dict[str, Json]:
    """Return a spec as a JSON object, without its empty fields."""
    plain = {name: value for name, value in asdict(spec).items() if value is not None}
    plain["request"] = _request_to_json(spec.request)
    return cast("dict[str, Json]", plain)


def spec_from_bytes(body: bytes) -> TaskSpec:
    """Return the spec of stored bytes.

    Raises:
        UnreadableValue: The bytes name a kind that this version does not know, or are no spec at all.
    """
    plain: dict[str, Any] = plain_of(body)
    try:
        plain["request"] = _request_from_json(plain["request"])
        spec = TaskSpec(**plain)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise UnreadableValue(f"Expected a stored question of this version, but it does not fit ({exc}).") from exc
    _refuse_misfits(spec)
    return spec


def listed_spec(body: bytes) -> TaskSpec:
    """Return the spec of stored bytes for a listing: one that cannot be read says so, and hides no other."""
    try:
        return spec_from_bytes(body)
    except UnreadableValue as exc:
        request = UnreadableRequest(message=f"This question cannot be read here. {exc.message}")
        return TaskSpec(request=request, step_name="unknown", step_type="unknown")


def _refuse_misfits(spec: TaskSpec) -> None:
    """Refuse what a listing could not show, or a decision could not carry out.

    Raises:
        UnreadableValue: A text is none, or a policy is none that this version knows.
    """
    texts: tuple[object, ...] = (spec.request.message, spec.step_name, spec.step_type)
    known = spec.on_reject in get_args(OnRejectAction) and spec.on_timeout in get_args(OnTimeoutAction)
    if not known or {type(text) for text in texts} != {str}:
        raise UnreadableValue("Expected a stored question of this version, but its texts or its policies are none.")


def digest_of(body: bytes, *, run_id: str, key: str) -> str:
    """Return the SHA-256 (hex) that binds a decision to these bytes, of this run, at this place."""
    place = f"{run_id}\x00{key}\x00".encode()
    return hashlib.sha256(_DOMAIN + place + body).hexdigest()


def _request_to_json(request: TaskRequest) -> dict[str, Json]:
    plain: dict[str, Any] = {name: value for name, value in asdict(request).items() if value is not None}
    if isinstance(request, FormRequest | RouteRequest):
        plain["fields"] = [_field_to_json(field) for field in request.fields]
    for part in _PARTS.keys() & plain.keys():
        plain[part] = {name: value for name, value in plain[part].items() if value is not None}
    return plain


def _field_to_json(field: FormField) -> dict[str, Json]:
    return {name: value for name, value in asdict(field).items() if value is not None}


def _request_from_json(plain: dict[str, Any]) -> TaskRequest:
    name = plain.get("kind", "")
    plain["kind"] = LEGACY.get(name, name)
    kind = _KINDS.get(plain["kind"])
    if kind is None:
        raise UnreadableValue(f"Expected a known kind of task, but the stored one says {name!r}.")
    if "fields" in plain:
        plain["fields"] = tuple(_field_from_json(field) for field in plain["fields"])
    if "choices" in plain:
        plain["choices"] = tuple(plain["choices"])
    if "options" in plain:
        plain["options"] = tuple(Option(**option) for option in plain["options"])
    for part, cls in _PARTS.items():
        if part in plain:
            plain[part] = cls(**plain[part])
    return kind(**plain)


def _field_from_json(plain: dict[str, Any]) -> FormField:
    if plain.get("allowed_values") is not None:
        plain["allowed_values"] = tuple(plain["allowed_values"])
    return FormField(**plain)
