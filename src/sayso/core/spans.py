"""Stretches of time: how long they cover together, where some of them may overlap and some may still go on."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sayso.model.sessions import Span


def joined(spans: Iterable[Span], now: datetime) -> list[tuple[datetime, datetime]]:
    """Return what the spans cover as stretches that do not touch, in order; nothing of it lies after `now`.

    Args:
        spans: In any order; one without an end goes on until now.
        now: The time.
    """
    ends = ((span.begin, min(span.end or now, now)) for span in spans)
    found: list[tuple[datetime, datetime]] = []
    for begin, end in sorted(pair for pair in ends if pair[1] >= pair[0]):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def covered(spans: Iterable[Span], now: datetime) -> timedelta:
    """Return how long the spans last together; where they overlap, time counts once."""
    return sum((end - begin for begin, end in joined(spans, now)), timedelta(0))
