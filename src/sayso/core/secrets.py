"""The secrets that prove who somebody is: their shapes, their hashes, and reading them without giving anything away.

Every one ends in 256 random bits, written in 43 characters that need no escaping in an address. Only the SHA-256 of
the whole text is stored: with that much chance in it there is nothing to guess, so a slow hash would add nothing.
A text that does not have its shape is refused before anything is looked up; why is never said.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from sayso.model.workspaces import ApiKey, KeyId

SECRET_BYTES = 32
"""How much chance a secret takes."""
LAST = 4
"""How many characters of a key's secret are kept, so that people can tell keys apart."""
NOBODY = hashlib.sha256(b"sayso/nobody").hexdigest()
"""What a secret of an unknown id is compared with, so that it takes as long as one of a known id."""

SecretKind = Literal["session", "link", "token", "invitation"]

_PREFIXES: Mapping[SecretKind, str] = MappingProxyType(
    {"session": "sayso_ses_", "link": "sayso_link_", "token": "sayso_cli_", "invitation": "sayso_inv_"}
)
_KEY_PREFIX = "sayso_live_"
_CHANCE = "[A-Za-z0-9_-]{43}"
_SHAPES: Mapping[SecretKind, re.Pattern[str]] = MappingProxyType(
    {kind: re.compile(prefix + _CHANCE, re.ASCII) for kind, prefix in _PREFIXES.items()}
)
_KEY = re.compile(f"{_KEY_PREFIX}([0-9a-z]{{26}})_{_CHANCE}", re.ASCII)


def new_secret(kind: SecretKind, chance: bytes) -> str:
    """Return the text of a session, link, token or invitation, to be shown once.

    Raises:
        ValueError: There is not enough chance in it.
    """
    return _PREFIXES[kind] + _written(chance)


def new_key(key_id: KeyId, chance: bytes) -> str:
    """Return the text of an API key, to be shown once; it names its row, so that it can be found by its id.

    Raises:
        ValueError: There is not enough chance in it.
    """
    return f"{_KEY_PREFIX}{key_id.removeprefix('key_')}_{_written(chance)}"


def hash_of(text: str) -> str:
    """Return what is stored of a secret."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_secret(kind: SecretKind, text: object) -> str | None:
    """Return the hash of a text that has the shape of its kind, else None."""
    if not isinstance(text, str) or _SHAPES[kind].fullmatch(text) is None:
        return None
    return hash_of(text)


def read_key(text: object) -> tuple[KeyId, str] | None:
    """Return the id and the hash of a text that has the shape of an API key, else None."""
    if not isinstance(text, str):
        return None
    found = _KEY.fullmatch(text)
    return None if found is None else (KeyId(f"key_{found[1]}"), hash_of(text))


def same(given: str, stored: str) -> bool:
    """Compare two hashes in a time that tells nothing about where they differ."""
    return hmac.compare_digest(given, stored)


def last_of(text: str) -> str:
    """Return the last characters of a secret."""
    return text[-LAST:]


def shown(key: ApiKey) -> str:
    """Return a key as lists show it."""
    return f"{_KEY_PREFIX}{key.id.removeprefix('key_')}_…{key.last4}"


def _written(chance: bytes) -> str:
    if len(chance) != SECRET_BYTES:
        raise ValueError(f"Expected {SECRET_BYTES} random bytes, but got {len(chance)}.")
    return urlsafe_b64encode(chance).rstrip(b"=").decode()
