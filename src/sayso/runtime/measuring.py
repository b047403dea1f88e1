"""The figures of a workspace: what waits, how runs went, what models have used, how people decided. Reading alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sayso.core.reviewing import Weighed
from sayso.model.measures import Measures
from sayso.model.workspaces import WorkspaceId
from sayso.runtime.ports import Clock, Store, Transaction

SOON = timedelta(hours=1)
"""What is due within it is due soon."""
_FAILURES = 5


class Measuring:
    """Adds up what one workspace's work comes to.

    Args:
        store: The database.
        clock: The time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def whole(self, workspace_id: WorkspaceId, *, parts: Sequence[datetime]) -> Measures:
        """Return what waits now, and what was done since a time.

        Args:
            workspace_id: The workspace.
            parts: When each part of that time begins, the oldest first.
        """
        now, since = self._clock.now(), parts[0]

        def unit(tx: Transaction) -> Measures:
            rows = tx.measures
            return Measures(
                waiting=tuple(rows.waiting(workspace_id, now=now, soon=now + SOON)),
                moved=tuple(rows.moved(workspace_id, parts=parts)),
                spending=tuple(rows.spending(workspace_id, since=since)),
                failures=tuple(rows.failures(workspace_id, since=since, limit=_FAILURES)),
                names=rows.names(workspace_id),
            )

        return await self._store.read(unit)

    async def decided(
        self, workspace_id: WorkspaceId, *, since: datetime, program: str | None = None
    ) -> Sequence[Weighed]:
        """Return the tasks that were closed by a decision since a time, of one program or of all, newest first."""
        return await self._store.read(lambda tx: tx.reviews.weighed(workspace_id, since=since, program=program))

    async def runs_waiting(self, workspace_id: WorkspaceId) -> Mapping[str, int]:
        """Return how many runs of each program wait for people."""
        now = self._clock.now()
        return await self._store.read(lambda tx: tx.measures.runs_waiting(workspace_id, now=now))
