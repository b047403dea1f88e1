"""Definitions across deploys: what a run stands on must still be there.

A definition's shape maps each static key (core/keys.py) to what it is, e.g. `{"mail": "Step", "mail?confirm":
"approval"}`. Its fingerprint is the digest of the shape. A resumed run whose fingerprint differs goes on only when
every key that its journal or its pending tasks name still exists and is still the same kind of thing.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping

from sayso.core.keys import static

Shape = Mapping[str, str]
"""Static key → kind."""


def fingerprint(shape: Shape) -> str:
    """Return the digest of a shape: 24 hexadecimal characters."""
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:24]


def changes(stored: Shape, current: Shape, used_keys: Iterable[str]) -> list[str]:
    """Return one sentence for each used key that is lost or is something else now; empty when the run may go on.

    Args:
        stored: The shape that the run was started with.
        current: The shape of the definition at hand.
        used_keys: The journal keys that the run has used.
    """
    found: dict[str, str] = {}
    for key in used_keys:
        for name in _places(static(key)):
            was, now = stored.get(name), current.get(name)
            if was == now or name in found:
                continue
            if now is None:
                found[name] = f"'{name}' ({was}) is gone"
            elif was is not None:
                found[name] = f"'{name}' was {was} and is {now} now"
    return list(found.values())


def _places(key: str) -> list[str]:
    """Return a key with everything that it stands on: its step, and the composites around that."""
    step = re.split("[?:]", key, maxsplit=1)[0]
    parts = step.split("/")
    around = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return around if step == key else [*around, key]
