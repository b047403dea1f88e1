"""Instants: the one stored form of a time, microseconds since 1970 UTC."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The zero of stored times."""
_MICROSECOND = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """Return an aware time as microseconds since 1970 UTC, the form of every stored time."""
    return (at - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the aware UTC time of stored microseconds."""
    return EPOCH + timedelta(microseconds=micros)


def some_micros(at: datetime | None) -> int | None:
    """Return a time that may be missing in its stored form."""
    return None if at is None else to_micros(at)


def some_time(micros: int | None) -> datetime | None:
    """Return the time of stored microseconds that may be missing."""
    return None if micros is None else from_micros(micros)
