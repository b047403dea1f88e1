"""The public test kit: a clock that stands still, readable ids, and crashes on demand.

db = SqliteDb(path, clock=FakeClock(), ids=CountingIds(), observer=CrashPoint("after_commit", 3))
"""

import os
import signal
from datetime import UTC, datetime, timedelta

from sayso.llm.scripted import ScriptedModel, call


class FakeClock:
    """A clock that moves only when it is told to.

    Args:
        start: The time it shows first; a fixed one by default.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 1, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the time it shows."""
        return self._now

    def advance(self, seconds: float = 0, **parts: float) -> None:
        """Move on, by seconds or by the parts of a timedelta (`hours=2`)."""
        self._now += timedelta(seconds=seconds) + timedelta(**parts)


class CountingIds:
    """Ids that count up, so that two runs of a test are the same to the letter."""

    def __init__(self) -> None:
        self._count = 0

    def new(self, prefix: str) -> str:
        """Return `prefix_` and 26 digits, greater than every earlier one."""
        self._count += 1
        return f"{prefix}_{self._count:026d}"


class CountingSecrets:
    """Secrets that count up: for tests only, anybody can guess them."""

    def __init__(self) -> None:
        self._count = 0

    def new(self) -> bytes:
        """Return 32 bytes that differ from every earlier ones."""
        self._count += 1
        return self._count.to_bytes(32, "big")


class CrashPoint:
    """Kills this process with SIGKILL around its n-th commit.

    Args:
        phase: `before_commit` or `after_commit`.
        at: Which commit of this process, from 1; 0 never crashes, and counts only.
    """

    def __init__(self, phase: str, at: int) -> None:
        self._phase = phase
        self._at = at
        self.commits = 0

    def __call__(self, phase: str, units: int) -> None:
        """Take note of a commit; see `sayso.stores.writer.CommitObserver`."""
        del units
        if phase == "before_commit":
            self.commits += 1
        if phase == self._phase and self.commits == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


__all__ = ["CountingIds", "CountingSecrets", "CrashPoint", "FakeClock", "ScriptedModel", "call"]
