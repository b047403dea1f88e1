"""What the client takes from the outside world beside the network: chance, the passing of time, and pauses."""

import asyncio
import random
import threading
import time
import uuid


def key() -> str:
    """Return a new Idempotency-Key."""
    return uuid.uuid4().hex


def chance() -> float:
    """Return a number from 0 to 1, so that clients do not come back all at once."""
    return random.random()  # noqa: S311 - nothing secret


def seconds() -> float:
    """Return a clock's seconds, to measure with."""
    return time.monotonic()


def pause(duration: float) -> None:
    """Wait."""
    threading.Event().wait(duration)


async def apause(duration: float) -> None:
    """Wait, without keeping others from running."""
    await asyncio.sleep(duration)
