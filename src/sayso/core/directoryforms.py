"""What may be written down about people, keys and workspaces, and the stored form of settings and scopes."""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sayso.core.codec import json_bytes
from sayso.model.workspaces import Scope, WorkspaceLimits, WorkspaceSettings

MOST_SCOPES = 200
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,187}[a-z0-9])?", re.ASCII)
_LONGEST_NAME = 100
_LONGEST_ID = 200
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Control and format characters, halves of surrogate pairs, unassigned ones, separators of lines."""
_JOINERS = "\u200c\u200d"
"""Format characters that some scripts are written with."""


def email_of(text: str) -> str | None:
    """Return an e-mail address in the form in which it is compared, else None.

    Addresses are plain ASCII: two that look alike, or become alike in lower case, must not be one person.
    """
    found = text.strip(" ")
    if not found.isascii() or _EMAIL.fullmatch(found.lower()) is None:
        return None
    return found.lower()


def name_of(text: str) -> str | None:
    """Return a name without the blanks around it, or None where it is empty, too long, or holds what nobody sees."""
    found = text.strip()
    unseen = any(unicodedata.category(each) in _UNSEEN and each not in _JOINERS for each in found)
    return None if unseen or not 0 < len(found) <= _LONGEST_NAME else found


def domain_of(email: str) -> str:
    """Return what follows the @."""
    return email.rpartition("@")[2]


def scope_problems(scopes: Sequence[Scope]) -> list[str]:
    """Return what is wrong with the scopes of a key."""
    if not scopes:
        return ["a key without scopes reaches nothing"]
    if len(scopes) > MOST_SCOPES:
        return [f"at most {MOST_SCOPES} scopes"]
    ids = [each for scope in scopes for each in (scope.agent_id, scope.trigger_id) if each is not None]
    return [f"{each!r} is no id" for each in ids if not _is_id(each)]


def _is_id(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_ID and not any(unicodedata.category(each) in _UNSEEN for each in text)


def limit_problems(limits: WorkspaceLimits) -> list[str]:
    """Return what is wrong with the limits of a workspace."""
    return [f"{name} must be more than 0" for name, value in asdict(limits).items() if not _is_limit(value)]


def _is_limit(value: float | None) -> bool:
    return value is None or 0 < value < float("inf")


def settings_bytes(settings: WorkspaceSettings) -> bytes:
    """Return the stored form of a workspace's settings."""
    return json_bytes(asdict(settings))


def settings_from_bytes(data: bytes) -> WorkspaceSettings:
    """Return settings from their stored form; what it does not name has its default."""
    plain: dict[str, Any] = json.loads(data)
    limits = WorkspaceLimits(**plain.pop("limits", {}))
    return WorkspaceSettings(**plain, limits=limits)


def scopes_bytes(scopes: Iterable[Scope]) -> bytes:
    """Return the stored form of a key's scopes."""
    return json_bytes([{"agent": scope.agent_id, "trigger": scope.trigger_id} for scope in scopes])


def scopes_from_bytes(data: bytes) -> tuple[Scope, ...]:
    """Return scopes from their stored form."""
    return tuple(Scope(agent_id=each["agent"], trigger_id=each["trigger"]) for each in json.loads(data))
