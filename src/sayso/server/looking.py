"""Who looks at what at the moment: kept in this process's memory for half a minute, and nowhere else.

A service of several processes has several of these, and each tells what it has heard itself. Nothing is decided by it.
"""

from datetime import datetime, timedelta

LASTS = timedelta(seconds=30)
"""How long somebody counts as looking who has not been heard of again."""
_MOST = 10_000
"""Things that are looked at at once; beyond, those that nobody looks at any more are let go first."""


class Looking:
    """Who looks at what."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, datetime]] = {}

    def saw(self, thing: str, person: str, now: datetime) -> None:
        """Take note that somebody looks at something."""
        if thing not in self._seen and len(self._seen) >= _MOST:
            self._forget(now)
        if thing in self._seen or len(self._seen) < _MOST:
            self._seen.setdefault(thing, {})[person] = now

    def others(self, thing: str, person: str, now: datetime) -> tuple[str, ...]:
        """Return who else looks at something, by name."""
        seen = self._seen.get(thing, {})
        return tuple(sorted(one for one, at in seen.items() if one != person and now - at < LASTS))

    def _forget(self, now: datetime) -> None:
        kept = {
            thing: still
            for thing, seen in self._seen.items()
            if (still := {person: at for person, at in seen.items() if now - at < LASTS})
        }
        self._seen = kept
