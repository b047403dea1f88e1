"""The system's clock and ids: the one place that reads the time and draws random numbers."""

import os
import threading
from datetime import UTC, datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, in lower case


class SystemClock:
    """The system's time."""

    def now(self) -> datetime:
        """Return the current aware UTC time."""
        return datetime.now(UTC)


class SystemSecrets:
    """Chance from the system, fit for cryptography."""

    def new(self) -> bytes:
        """Return 32 random bytes that nobody can guess."""
        return os.urandom(32)


class SystemIds:
    """Ids of 48 bits of time and 80 random bits, in 26 characters that sort by time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def new(self, prefix: str) -> str:
        """Return `prefix_` and 26 characters, greater than every earlier one of this object."""
        millis = int(datetime.now(UTC).timestamp() * 1000)
        value = (millis << 80) | int.from_bytes(os.urandom(10), "big")
        with self._lock:
            self._last = value if value > self._last else self._last + 1
            value = self._last
        return f"{prefix}_{''.join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -5, -5))}"
