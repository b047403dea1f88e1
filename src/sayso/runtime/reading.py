"""What may be read without changing anything: runs, tasks, sessions, and what can move."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain, zip_longest

from sayso.model.errors import RunNotFound, SessionNotFound, TaskNotFound
from sayso.model.ids import RunId, SessionId, TaskId
from sayso.model.journal import Entry
from sayso.model.runs import Run, RunState, Session
from sayso.model.sessions import ListedSession, SessionFilter, SessionPage
from sayso.model.tasks import TaskFilter, TaskPage, UserTask
from sayso.runtime.ports import Clock, Store, Transaction


class Reader:
    """Reads one database; every reader sees an expired task as expired.

    Args:
        store: The database.
        clock: The time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.knows_data_agents = False
        """Whether runs of agents made as data can move here too."""

    def programs(self) -> Sequence[str]:
        """Return the names of the registered programs; a mere reader has none."""
        return ()

    async def load_run(self, run_id: RunId) -> Run:
        """Return a run's row.

        Raises:
            RunNotFound: No such run.
        """
        return existing(run_id, await self.store.read(lambda tx: tx.find_run(run_id)))

    async def load_run_with_tasks(self, run_id: RunId) -> tuple[Run, list[UserTask]]:
        """Return a run's row and its tasks, in the order in which they were opened, on one snapshot.

        Raises:
            RunNotFound: No such run.
        """
        run, tasks = await self.store.read(lambda tx: (tx.find_run(run_id), tx.run_tasks(run_id, pending_only=False)))
        return existing(run_id, run), tasks

    async def load_run_with_entries(self, run_id: RunId) -> tuple[Run, list[Entry]]:
        """Return a run's row and its journal, on one snapshot.

        Raises:
            RunNotFound: No such run.
        """
        run, entries = await self.store.read(lambda tx: (tx.find_run(run_id), tx.load_entries(run_id, after=0)))
        return existing(run_id, run), entries

    async def load_task(self, task_id: TaskId) -> UserTask:
        """Return a task.

        Raises:
            TaskNotFound: No such task.
        """
        task = await self.store.read(lambda tx: tx.find_task(task_id))
        if task is None:
            raise TaskNotFound(f"Expected a user task {task_id}, but there is none.", task_id=task_id)
        return task

    async def list_tasks(
        self, wanted: TaskFilter | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> TaskPage:
        """Return one page of tasks, oldest first; pending excludes what has expired by now."""
        now = self.clock.now()
        return await self.store.read(
            lambda tx: tx.list_tasks(wanted or TaskFilter(), now=now, limit=limit, cursor=cursor)
        )

    async def run_tasks(self, run_id: RunId) -> list[UserTask]:
        """Return every task of a run, in the order in which they were opened."""
        return await self.store.read(lambda tx: tx.run_tasks(run_id, pending_only=False))

    async def list_runs(
        self,
        *,
        session_id: SessionId | None = None,
        program: str | None = None,
        state: RunState | None = None,
        limit: int = 50,
    ) -> list[Run]:
        """Return runs, newest first."""
        return await self.store.read(
            lambda tx: tx.list_runs(session_id=session_id, program=program, state=state, limit=limit)
        )

    async def find_session(self, session_id: SessionId) -> Session | None:
        """Return a session, or None."""
        return await self.store.read(lambda tx: tx.sessions.find(session_id))

    async def list_sessions(
        self, wanted: SessionFilter | None = None, *, limit: int = 50, skip: int = 0
    ) -> SessionPage:
        """Return one page of sessions, that with the newest root run first."""
        return await self.store.read(lambda tx: tx.sessions.list(wanted or SessionFilter(), limit=limit, skip=skip))

    async def load_listed_session(self, session_id: SessionId) -> ListedSession:
        """Return a session as a list shows it.

        Raises:
            SessionNotFound: There is none, or no run has begun in it.
        """
        found = await self.store.read(lambda tx: tx.sessions.find_listed(session_id))
        if found is None:
            raise SessionNotFound(f"Expected a session {session_id}, but there is none.")
        return found

    async def ready_runs(self, *, limit: int) -> list[RunId]:
        """Return runs of the programs that this process knows that can move now."""
        now, names, data = self.clock.now(), self.programs(), self.knows_data_agents

        def unit(tx: Transaction) -> list[RunId]:
            found = tx.ready_runs(names, now=now, limit=limit)
            others = tx.registry.ready_runs(now=now, limit=limit) if data else []
            both = chain.from_iterable(zip_longest(found, others))  # neither kind can keep the other waiting
            return [run_id for run_id in both if run_id is not None][:limit]

        return await self.store.read(unit)

    async def next_ready_at(self) -> datetime | None:
        """Return when the next run of the programs that this process knows becomes ready."""
        names, data = self.programs(), self.knows_data_agents

        def unit(tx: Transaction) -> datetime | None:
            times = [tx.next_ready_at(names), tx.registry.next_ready_at() if data else None]
            return min((at for at in times if at is not None), default=None)

        return await self.store.read(unit)


def existing(run_id: RunId, run: Run | None) -> Run:
    """Return a run that was looked up.

    Raises:
        RunNotFound: There is none.
    """
    if run is None:
        raise RunNotFound(f"Expected a run {run_id}, but there is none.", run_id=run_id)
    return run
