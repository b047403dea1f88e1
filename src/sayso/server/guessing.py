"""Guessing secrets: whoever presents many wrong ones is not listened to for a while.

It is kept in memory, per address and process: secrets have 256 bits, so this saves work and makes noise, no more.
"""

from collections import deque
from datetime import datetime, timedelta
from math import ceil

from sayso.model.requesterrors import TooManyGuesses

MOST = 20
"""Wrong secrets in a minute, from one address."""
WINDOW = timedelta(minutes=1)
_MOST_ADDRESSES = 10_000


class Guesses:
    """Who has presented wrong secrets lately."""

    def __init__(self) -> None:
        self._wrong: dict[str, deque[datetime]] = {}

    def wrong(self, address: str, now: datetime) -> None:
        """Take note of a wrong secret."""
        if len(self._wrong) >= _MOST_ADDRESSES:
            self._wrong.pop(next(iter(self._wrong)))
        self._wrong.setdefault(address, deque(maxlen=MOST)).append(now)

    def refuse(self, address: str, now: datetime) -> None:
        """Refuse an address with too many.

        Raises:
            TooManyGuesses: It has; the error says when it is listened to again.
        """
        times = self._wrong.get(address)
        if times is None:
            return
        if times[-1] + WINDOW <= now:
            del self._wrong[address]
        elif len(times) == MOST and times[0] + WINDOW > now:
            raise TooManyGuesses(
                "Expected a secret that is in force, but too many wrong ones came from this address.",
                retry_after=ceil((times[0] + WINDOW - now) / timedelta(seconds=1)),
            )
