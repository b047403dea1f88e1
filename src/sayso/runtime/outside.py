"""Commands on runs whose worker, if any, is elsewhere, and the wake-ups that follow every command."""

from collections.abc import Callable
from datetime import datetime

from sayso.model.actors import Actor
from sayso.model.ids import RunId, TaskId
from sayso.model.tasks import UserTask
from sayso.runtime import endings, extending, units
from sayso.runtime.ports import Clock, Secrets, Store
from sayso.runtime.reading import Reader
from sayso.runtime.secrecy import cleaned


class Endings(Reader):
    """Commands on runs from outside, and the wake-ups that follow every command.

    Args:
        store: The database.
        clock: The time.
        secrets: The secrets known to this process, which are never stored.
    """

    def __init__(self, store: Store, clock: Clock, secrets: Secrets) -> None:
        super().__init__(store, clock)
        self.secrets = secrets
        """The secrets known to this process; what people write is cleaned of them."""
        self._watchers: list[Callable[[RunId], None]] = []

    def watch(self, callback: Callable[[RunId], None]) -> Callable[[], None]:
        """Call back, on any thread, when a run of this process can move; return how to stop that."""
        self._watchers.append(callback)
        return lambda: self._watchers.remove(callback)

    async def cancel(self, run_id: RunId, *, by: Actor, reason: str | None = None) -> bool:
        """End a run with its whole tree and close its tasks; False when it had ended already.

        Raises:
            RunNotFound: No such run.
        """
        now, why = self.clock.now(), cleaned(self.secrets, reason)
        done = await self.store.run(lambda tx: endings.cancel(tx, run_id, by, why, now))
        self.wake(run_id)
        return done

    async def complete(self, run_id: RunId, *, by: Actor, note: str | None = None) -> None:
        """End a waiting run as completed, on an operator's word, and close its tasks.

        Raises:
            RunNotFound: No such run.
            RunNotPaused: It does not wait.
        """
        now, said = self.clock.now(), cleaned(self.secrets, note)
        await self.store.run(lambda tx: endings.complete(tx, run_id, by, said, now))
        self.wake(run_id)

    async def skip_wait(self, run_id: RunId, *, by: Actor) -> None:
        """Let a run that waits for nothing but a time go on now; the program is told who ended the wait.

        Raises:
            RunNotFound: No such run.
            RunNotPaused: It does not wait for a time.
        """
        now = self.clock.now()
        await self.store.run(lambda tx: endings.skip_wait(tx, run_id, by, now))
        self.wake(run_id)

    async def extend(self, task_id: TaskId, *, by: Actor, shown: datetime | None = None) -> UserTask:
        """Extend the deadline of a pending task by the time that it had at first; return it as it is then.

        Args:
            task_id: The task.
            by: Who wants more time.
            shown: The deadline that was shown to them, if one was; another one is not extended.

        Raises:
            TaskNotFound: No such task.
            AlreadyDecided, TaskExpired, TaskClosed: It is over.
            DeadlineMoved: The deadline is not the one that was shown.
            DeadlineFixed: It has none, a hard one, or one that was extended as often as it may be.
        """
        now = self.clock.now()
        task = await self.store.run(lambda tx: extending.extend(tx, task_id, by, now, shown=shown))
        self.wake(task.run_id)
        return task

    async def expire_due(self, *, limit: int = 500) -> list[UserTask]:
        """Carry out passed deadlines, each exactly once, and wake their runs."""
        now = self.clock.now()
        if not await self.store.read(lambda tx: tx.due_tasks(now=now, limit=1, run_id=None)):
            return []
        expired = await self.store.run(lambda tx: units.expire_due(tx, now, limit))
        for task in expired:
            self.wake(task.run_id)
        return expired

    def wake(self, run_id: RunId) -> None:
        """Tell whoever advances runs in this process that this one has news."""
        self.poke(run_id)
        for callback in tuple(self._watchers):
            callback(run_id)

    def poke(self, run_id: RunId) -> None:
        """Tell the runner of a run that is being advanced here that there is news."""
