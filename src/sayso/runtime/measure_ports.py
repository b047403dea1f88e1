"""What the figures of a workspace need of a store."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sayso.model.measures import Failure, Spending, Waiting
from sayso.model.runs import RunState
from sayso.model.workspaces import WorkspaceId


class MeasureRows(Protocol):
    """Sums over tasks and runs; none reads more than `COUNTED` rows."""

    def waiting(self, workspace_id: WorkspaceId, *, now: datetime, soon: datetime) -> Sequence[Waiting]:
        """Return the pending tasks by kind, that of which most waits first; what is due until `soon` is due soon."""
        ...

    def runs_waiting(self, workspace_id: WorkspaceId, *, now: datetime) -> Mapping[str, int]:
        """Return how many runs of each program wait for people."""
        ...

    def moved(self, workspace_id: WorkspaceId, *, parts: Sequence[datetime]) -> Sequence[Mapping[RunState, int]]:
        """Return how many runs started in each part of the time and stand in which state now.

        Args:
            workspace_id: The workspace.
            parts: When each part begins, the oldest first; the last one has no end.
        """
        ...

    def spending(self, workspace_id: WorkspaceId, *, since: datetime) -> Sequence[Spending]:
        """Return what runs that started since a time have used, by program and version."""
        ...

    def failures(self, workspace_id: WorkspaceId, *, since: datetime, limit: int) -> Sequence[Failure]:
        """Return the newest runs that started since a time and have failed."""
        ...

    def names(self, workspace_id: WorkspaceId) -> Mapping[str, str]:
        """Return what people call the programs whose own name is another one."""
        ...
