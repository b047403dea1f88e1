"""Deadlines of user tasks: by how much, and how often, people may extend one.

One press adds the time that the question was given at first. How often that may be done was written down with the
question, so a later change of the code does not alter it. All of it follows from the task's own row and bytes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sayso.model.journal import Entry, EntryKind
from sayso.model.tasks import MOST_EXTENSIONS, TaskSpec, UserTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensible:
    """What may be done about one deadline."""

    span: timedelta
    """The time that one extension adds."""
    until: datetime
    """The deadline after one more extension."""
    made: int
    """How often it was extended."""
    most: int
    """How often it may be, in all; 0 for a hard deadline."""

    @property
    def left(self) -> int:
        """How often it may still be extended."""
        return max(self.most - self.made, 0)


def extensible(task: UserTask) -> Extensible | None:
    """Return what may be done about a task's deadline; None where it has none."""
    if task.due_at is None or task.spec.timeout_seconds is None:
        return None
    span = timedelta(seconds=task.spec.timeout_seconds)
    if not span:  # less than a microsecond: it was over when it began
        return None
    return Extensible(
        span=span,
        until=task.due_at + span,
        made=round((task.due_at - task.created_at) / span) - 1,
        most=most_extensions(task.spec),
    )


def most_extensions(spec: TaskSpec) -> int:
    """Return how often the deadline of a question may be extended, in all."""
    return MOST_EXTENSIONS if spec.extensions is None else spec.extensions


def extended_before(entries: Iterable[Entry], key: str) -> int:
    """Return how often the journal says that the deadline of a question was extended."""
    return sum(entry.kind is EntryKind.EXTENDED and entry.key == key for entry in entries)


def allowed_extensions(given: object, name: str) -> int:
    """Return how often a deadline may be extended, as an engineer has set it.

    Raises:
        ValueError: It is no whole number from 0 to `MOST_EXTENSIONS`.
    """
    if type(given) is not int or not 0 <= given <= MOST_EXTENSIONS:
        raise ValueError(
            f"Expected {name} to be a whole number from 0 (a hard deadline) to {MOST_EXTENSIONS}, but got {given!r}."
        )
    return given
