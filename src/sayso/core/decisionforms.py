"""A decision as the data of its journal entry, and back."""

import hashlib
from collections.abc import Mapping
from typing import Any

from sayso.core.codec import json_bytes
from sayso.model.actors import Actor
from sayso.model.decisions import Outcome
from sayso.model.json import Json


def outcome_to_json(outcome: Outcome) -> dict[str, Json]:
    """Return an outcome as a JSON object, without its empty fields."""
    plain: dict[str, Json] = {"action": outcome.action, "verdict": outcome.verdict}
    if outcome.note is not None:
        plain["note"] = outcome.note
    if outcome.edited:
        plain["content"] = outcome.content
    if outcome.values is not None:
        plain["values"] = dict(outcome.values)
    if outcome.choices:
        plain["choices"] = list(outcome.choices)
    if outcome.reason is not None:
        plain["reason"] = outcome.reason
    return plain


def outcome_from_json(plain: Mapping[str, Any]) -> Outcome:
    """Return the outcome of a stored object."""
    return Outcome(
        action=plain["action"],
        verdict=plain["verdict"],
        note=plain.get("note"),
        content=plain.get("content"),
        edited="content" in plain,
        values=plain.get("values"),
        choices=tuple(plain.get("choices", ())),
        reason=plain.get("reason"),
    )


def decision_bytes(task_id: str, outcome: Outcome, by: Actor) -> bytes:
    """Return the data of a `decided` entry."""
    return json_bytes({"task": task_id, "by": str(by), "via": by.via, **outcome_to_json(outcome)})


def decision_digest(shown: str, decided: bytes) -> str:
    """Return the SHA-256 (hex) that binds what was said, a person's edits included, to what was shown.

    Args:
        shown: The digest of what was shown.
        decided: The data of the `decided` entry.
    """
    return hashlib.sha256(b"sayso/decision/v1\x00" + shown.encode() + b"\x00" + decided).hexdigest()
