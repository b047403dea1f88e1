"""The wire form of a trigger's settings: what stands against it, and its way to a value and back."""

from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any, cast

from sayso.core.completions import BY_KEYS
from sayso.core.ruleforms import escaped
from sayso.core.versionfields import Found, flag, or_more
from sayso.model.json import Json, JsonObject
from sayso.model.registry import ApiTriggerSettings, Problem

RESERVED = ("aitl_escalation", "anomaly_alert", "anomaly_review", "uncertain")
"""Kinds of tasks that are for people, unless a trigger's `apiCompletableKinds` lets keys decide them."""
_MOST_NETWORKS = 1000


def _networks(value: Json) -> Found:
    if not isinstance(value, list):
        return "wrong_type", "expected a list of addresses or networks"
    if len(value) > _MOST_NETWORKS:
        return "too_many", f"expected at most {_MOST_NETWORKS} addresses or networks"
    wrong = [item for item in value if not isinstance(item, str) or not _is_network(item)]
    return ("invalid_network", f"expected addresses or networks, but got {wrong[0]!r:.100}") if wrong else None


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _kinds(value: Json) -> Found:
    known = sorted({"hitl", *BY_KEYS, *RESERVED})
    if isinstance(value, list) and all(isinstance(item, str) and item in known for item in value):
        return None
    return "unknown_kind", f"expected a list of {', '.join(known)}"


_SETTINGS: dict[str, tuple[str, Callable[[Json], Found]]] = {
    "exposeStepTimelineToApi": ("expose_timeline", flag),
    "rpmLimit": ("rpm_limit", or_more(0)),
    "rpdLimit": ("rpd_limit", or_more(0)),
    "maxConcurrentRuns": ("max_concurrent_runs", or_more(0)),
    "maxInputTokens": ("max_input_tokens", or_more(0)),
    "ipWhitelist": ("ip_whitelist", _networks),
    "apiCompletableKinds": ("api_completable_kinds", _kinds),
}
"""By its wire name: the field, and what stands against a value."""


def trigger_settings(
    given: Mapping[str, Json], base: ApiTriggerSettings | None = None
) -> tuple[ApiTriggerSettings, list[Problem]]:
    """Return settings with what was given in place of the base's, and what stands against that.

    A limit of null is the same as 0: none.
    """
    values = _values(base or ApiTriggerSettings())
    problems: list[Problem] = []
    for name, item in given.items():
        if name not in _SETTINGS:
            at = f"/settings/{escaped(name)}"
            problems.append(Problem(pointer=at, code="unknown_key", message="there is no such setting"))
            continue
        field, check = _SETTINGS[name]
        value: Any = 0 if item is None and isinstance(values[field], int) and field != "expose_timeline" else item
        found = check(value)
        if found is not None:
            problems.append(Problem(pointer=f"/settings/{name}", code=found[0], message=found[1]))
        else:
            values[field] = tuple(cast("list[Any]", value)) if isinstance(value, list) else value
    return ApiTriggerSettings(**values), problems


def _values(settings: ApiTriggerSettings) -> dict[str, Any]:
    return {field: getattr(settings, field) for field, _ in _SETTINGS.values()}


def settings_wire(settings: ApiTriggerSettings) -> JsonObject:
    """Return settings in their wire form."""
    values = _values(settings)
    plain = {name: values[field] for name, (field, _) in _SETTINGS.items()}
    return {name: list(cast("Any", item)) if isinstance(item, tuple) else item for name, item in plain.items()}
