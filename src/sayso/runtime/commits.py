"""What a pass has done but not yet committed, and the commits themselves.

The outcome of one step and the intent of the next share a commit: outcomes gather here until the next effect is about to
start, the program comes to rest, or the event loop has a moment. Announcements keep their order with the entries and are
published only after the commit that holds what came before them.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sayso.model.errors import LeaseLost
from sayso.model.journal import Entry, NewEntry
from sayso.model.runs import NewRun, NewTask, Run, RunState, StatePatch, Transition
from sayso.runtime.ports import Clock, Listener, Store
from sayso.runtime.units import Commit, Committed, commit


class Commits:
    """Gathers and writes what one worker does to one run.

    Args:
        store: The database.
        clock: The time.
        run: The leased run; its epoch fences every write.
        seen: The number of the last entry that was folded.
        on_news: Told of entries that others have written.
        listener: Told what is announced, after it is durable.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        run: Run,
        *,
        seen: int,
        on_news: Callable[[list[Entry]], None],
        listener: Listener | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._run = run
        self._seen = seen
        self._on_news = on_news
        self._listener = listener
        self._entries: list[NewEntry] = []
        self._tasks: list[NewTask] = []
        self._children: list[NewRun] = []
        self._patches: list[StatePatch] = []
        self._events: list[Any] = []
        self._flight: asyncio.Future[None] | None = None
        self._soon: asyncio.Handle | None = None
        self._background: asyncio.Task[None] | None = None
        self.lost = False

    def add(self, entry: NewEntry, *, task: NewTask | None = None, child: NewRun | None = None) -> None:
        """Take an entry, with the row that belongs to it, into the next commit."""
        self._entries.append(entry)
        if task is not None:
            self._tasks.append(task)
        if child is not None:
            self._children.append(child)
        self._flush_soon()

    def merge_state(self, patch: StatePatch) -> None:
        """Take a change of the session's state into the next commit."""
        self._patches.append(patch)

    def announce(self, event: Any) -> None:
        """Publish an event after everything that came before it is durable."""
        if self._listener is None:
            return
        self._events.append(event)
        if not self._entries and self._flight is None:
            self._publish(self._take_events())

    async def flush(self) -> None:
        """Make everything durable that has been gathered.

        Raises:
            LeaseLost: Another worker has the run; nothing more may be done.
        """
        while self._flight is not None:
            await asyncio.shield(self._flight)
        if self.lost:
            raise LeaseLost(f"Expected to hold run {self._run.id}, but its lease is lost.", run_id=self._run.id)
        if self._entries or self._patches:
            await self._write(self._batch(end=None, ready_at=None, last=None, drop_tasks=False, end_children=False))

    async def rest(
        self,
        end: RunState,
        *,
        ready_at: datetime | None = None,
        last: NewEntry | None = None,
        drop_tasks: bool = False,
        end_children: bool = False,
    ) -> bool:
        """Make everything durable and let the run come to rest; False when news must be taken in first.

        Raises:
            LeaseLost: Another worker has the run.
            NewsArrived: The run was to end, but there is news; what was gathered is still held.
        """
        while self._flight is not None:
            await asyncio.shield(self._flight)
        if self.lost:
            raise LeaseLost(f"Expected to hold run {self._run.id}, but its lease is lost.", run_id=self._run.id)
        batch = self._batch(end=end, ready_at=ready_at, last=last, drop_tasks=drop_tasks, end_children=end_children)
        committed = await self._write(batch)
        return not committed.applied.news

    def take_news(self, entries: list[Entry], seq: int) -> None:
        """Take note of entries that were loaded otherwise."""
        self._seen = max(self._seen, seq)
        self._on_news(entries)

    @property
    def seen(self) -> int:
        """The number of the last entry that this worker knows of."""
        return self._seen

    @property
    def writing(self) -> bool:
        """Whether a commit is on its way."""
        return self._flight is not None

    # -- inside ------------------------------------------------------------------------------------------

    def _batch(
        self,
        *,
        end: RunState | None,
        ready_at: datetime | None,
        last: NewEntry | None,
        drop_tasks: bool,
        end_children: bool,
    ) -> Commit:
        entries = (*self._entries, last) if last is not None else tuple(self._entries)
        transition = Transition(
            run_id=self._run.id,
            epoch=self._run.epoch,
            known_seq=self._seen,
            now=self._clock.now(),
            entries=entries,
            end=end,
            ready_at=ready_at,
        )
        return Commit(
            run=self._run,
            transition=transition,
            tasks=tuple(self._tasks),
            children=tuple(self._children),
            patches=tuple(self._patches),
            drop_tasks=drop_tasks,
            end_children=end_children,
        )

    async def _write(self, batch: Commit) -> Committed:
        held = (self._entries, self._tasks, self._children, self._patches)
        self._entries, self._tasks, self._children, self._patches = [], [], [], []
        events = self._take_events()
        self._flight = asyncio.get_running_loop().create_future()
        try:
            committed = await self._store.run(lambda tx: commit(tx, batch))
        except Exception:
            self._entries, self._tasks, self._children, self._patches = (
                old + new
                for old, new in zip(held, (self._entries, self._tasks, self._children, self._patches), strict=True)
            )
            self._events[:0] = events
            raise
        finally:
            flight, self._flight = self._flight, None
            flight.set_result(None)
        if committed is None:
            self.lost = True
            raise LeaseLost(
                f"Expected to hold run {self._run.id}, but another worker has taken it.", run_id=self._run.id
            )
        self._seen = committed.applied.seq
        self._publish(events)
        if committed.news:
            self._on_news(committed.news)
        if self._events and not self._entries:
            self._publish(self._take_events())
        return committed

    def _take_events(self) -> list[Any]:
        events, self._events = self._events, []
        return events

    def _publish(self, events: list[Any]) -> None:
        if self._listener is not None:
            for event in events:
                self._listener(event)

    def _flush_soon(self) -> None:
        """Commit what no effect will commit, e.g. while a sibling branch runs for long."""
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_soon(self._flush_now)

    def _flush_now(self) -> None:
        self._soon = None
        if self._entries and self._flight is None and not self.lost:
            self._background = asyncio.get_running_loop().create_task(self._quietly())
        elif self._entries and not self.lost:
            self._flush_soon_after_flight()

    def _flush_soon_after_flight(self) -> None:
        if self._flight is not None:
            self._flight.add_done_callback(lambda _: self._flush_soon())

    async def _quietly(self) -> None:
        """Flush; an error is met again, and reported, by whoever next needs the commit."""
        try:
            await self.flush()
        except Exception:  # noqa: S110 - see the docstring: what was held is still held
            pass
