"""Journal entries: the append-only truth of one run.

An entry is `(run_id, seq, key, kind, at, data)`. `data` is JSON bytes in the codec's form; an entry never repeats
what an earlier one holds. A key is a readable path (core/keys.py); at most one outcome exists per key.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sayso.model.ids import RunId


class EntryKind(StrEnum):
    """What an entry records."""

    STARTED = "started"
    """The run began; data is its input."""
    STEP = "step"
    """A step's outcome: a value, or the error it ended with."""
    ASKED = "asked"
    """A user task was opened; data names it."""
    DECIDED = "decided"
    """A user task was decided; data is the outcome and its author."""
    EXTENDED = "extended"
    """The deadline of a user task was moved; data has the new one, and who moved it."""
    TIMER = "timer"
    """A wait until a time began."""
    FIRED = "fired"
    """That time has come."""
    SKIPPED = "skipped"
    """Someone ended that wait before its time; data says who."""
    SPAWNED = "spawned"
    """A child run was created."""
    CHILD_ENDED = "child_ended"
    """The child run ended; data is its output or error."""
    CALL = "call"
    """An attempt at a tool call was started; durable before anything leaves."""
    EMITTED = "emitted"
    """A durable event of the program's own."""
    CANCEL = "cancel"
    """Someone asked the run to stop."""
    FINISHED = "finished"
    """The run ended; data is its output or error. Nothing follows."""


OUTCOMES = frozenset(
    {
        EntryKind.STEP,
        EntryKind.DECIDED,
        EntryKind.FIRED,
        EntryKind.SKIPPED,
        EntryKind.CHILD_ENDED,
        EntryKind.EMITTED,
    }
)
"""The kinds that settle their key for ever."""


FROM_OUTSIDE = frozenset(
    {EntryKind.DECIDED, EntryKind.EXTENDED, EntryKind.SKIPPED, EntryKind.CHILD_ENDED, EntryKind.CANCEL}
)
"""The kinds that others than the run's own worker write."""


class NewEntry(NamedTuple):
    """An entry before the store gives it its number."""

    key: str
    kind: EntryKind
    at: datetime
    data: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored entry."""

    run_id: RunId
    seq: int
    key: str
    kind: EntryKind
    at: datetime
    data: bytes
