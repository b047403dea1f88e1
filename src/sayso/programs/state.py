"""What a step or a tool changes of the session's state: a copy to change, and the difference."""

from copy import deepcopy
from typing import Any

from sayso.core.codec import to_json
from sayso.model.runs import StatePatch


def state_patch(before: dict[str, Any], after: dict[str, Any]) -> StatePatch | None:
    """Return what a step changed of the session's state, top-level key by key; None when nothing."""
    changed = {key: to_json(value) for key, value in after.items() if key not in before or before[key] != value}
    removed = tuple(key for key in before if key not in after)
    return StatePatch(changed, removed) if changed or removed else None


def state_copy(state: dict[str, Any]) -> dict[str, Any]:
    """Return a copy that a step may change."""
    return deepcopy(state) if state else {}
