"""What a card tells of its task's deadline: who has extended it, and what one more press would do."""

from dataclasses import dataclass
from datetime import datetime

from sayso.core.codec import plain_of
from sayso.core.deadlines import Extensible, extensible
from sayso.model.journal import EntryKind
from sayso.runtime.reviewing import Closely


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A deadline, as it is shown."""

    at: datetime
    room: Extensible
    by: str | None
    """Who has extended it last."""
    offered: bool
    """Whether this person is offered more time."""


def deadline_of(found: Closely, *, may_decide: bool) -> Deadline | None:
    """Return the deadline of a task; None where it has none.

    Args:
        found: The task with its run.
        may_decide: Whether whoever looks may decide it now.
    """
    task, room = found.task, extensible(found.task)
    if task.due_at is None or room is None:
        return None
    by = [
        plain_of(entry.data)["by"]
        for entry in found.parts.entries
        if entry.kind is EntryKind.EXTENDED and entry.key == task.key
    ]
    return Deadline(at=task.due_at, room=room, by=by[-1] if by else None, offered=may_decide and room.left > 0)
