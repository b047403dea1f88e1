"""What a pass has done but not yet committed, and the commits themselves.

The outcome of one step and the intent of the next share a commit: outcomes gather here until the next effect is
about to start, the program comes to rest, or two milliseconds have passed. Announcements keep their order with the
entries and are published only after the commit that holds what came before them.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sayso.core.codec import plain_of
from sayso.core.instants import from_micros
from sayso.core.keys import is_wait, time_of_wait
from sayso.model.calls import CallMove
from sayso.model.errors import LeaseLost
from sayso.model.ids import TaskId
from sayso.model.journal import Entry, NewEntry
from sayso.model.json import Json
from sayso.model.messages import Usage
from sayso.model.runs import NewRun, NewTask, Run, RunState, Spent, StatePatch, Transition
from sayso.runtime.ports import Clock, Listener, Store, Transaction
from sayso.runtime.units import Commit, Committed, commit

_IDLE_SECONDS = 0.002
"""How long an outcome may wait for the next effect's commit; a timer costs less than a turn of the event loop."""

_NO_TIME = timedelta()


def _sum(one: Usage | None, other: Usage | None) -> Usage | None:
    return other if one is None else one if other is None else one.plus(other)


@dataclass(slots=True)
class Held:
    """What was gathered and is not committed yet."""

    entries: list[NewEntry] = field(default_factory=list[NewEntry])
    tasks: list[NewTask] = field(default_factory=list[NewTask])
    children: list[NewRun] = field(default_factory=list[NewRun])
    patches: list[StatePatch] = field(default_factory=list[StatePatch])
    calls: list[CallMove] = field(default_factory=list[CallMove])
    secrets: dict[str, Json] = field(default_factory=dict[str, Json])
    usage: Usage | None = None

    def before(self, later: "Held") -> "Held":
        """Return this followed by what was gathered later."""
        return Held(
            self.entries + later.entries,
            self.tasks + later.tasks,
            self.children + later.children,
            self.patches + later.patches,
            self.calls + later.calls,
            self.secrets | later.secrets,
            _sum(self.usage, later.usage),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """How a run comes to rest."""

    end: RunState
    """`waiting`, or an ended state."""
    ready_at: datetime | None = None
    """When a waiting run should be looked at again."""
    last: NewEntry | None = None
    """The `finished` entry of a run that ends."""
    drop_tasks: bool = False
    end_children: bool = False
    drop_calls: bool = False
    stale: tuple[TaskId, ...] = ()
    """Open tasks that nothing waits for any more."""
    read_tasks: bool = False
    """Whether the run's tasks are wanted, as this leaves them."""


class Commits:
    """Gathers and writes what one worker does to one run.

    Args:
        store: The database.
        clock: The time.
        run: The leased run; its epoch fences every write.
        seen: The number of the last entry that was folded.
        lease: How long a lease lasts.
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
        lease: timedelta,
        on_news: Callable[[list[Entry]], None],
        listener: Listener | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._run = run
        self._seen = seen
        self._lease = lease
        self._on_news = on_news
        self._listener = listener
        self._held = Held()
        self._events: list[Any] = []
        self._writing = False
        self._flight: asyncio.Future[None] | None = None
        """Done when the commit on its way has landed; made only for those who wait for it."""
        self._soon: asyncio.TimerHandle | None = None
        self._background: asyncio.Task[None] | None = None
        self._counted_until = clock.now()
        self.lost = False
        self.leased_until = run.ready_at or clock.now()
        """How long this worker may take the run to be its own."""

    def add(
        self,
        entry: NewEntry,
        *,
        task: NewTask | None = None,
        child: NewRun | None = None,
        calls: tuple[CallMove, ...] = (),
        alone: bool = False,
    ) -> None:
        """Take an entry, with the rows that belong to it, into the next commit.

        Where nothing runs beside what is `alone`, the next effect or the rest of the run commits it at once; otherwise
        it waits for two milliseconds at most.
        """
        self._held.entries.append(entry)
        if task is not None:
            self._held.tasks.append(task)
        if child is not None:
            self._held.children.append(child)
        if calls:
            self._held.calls += calls
        if not alone:
            self._flush_soon()

    def merge_state(self, patch: StatePatch) -> None:
        """Take a change of the session's state into the next commit."""
        self._held.patches.append(patch)

    def count(self, usage: Usage) -> None:
        """Take what a model has used into the next commit."""
        self._held.usage = _sum(self._held.usage, usage)

    def keep_secrets(self, values: Mapping[str, Json]) -> None:
        """Take secrets that were sealed into the next commit, which has what refers to them."""
        self._held.secrets |= values

    async def confided(self) -> dict[str, Json]:
        """Return the secrets that are kept of the run."""
        return await self._store.read(lambda tx: tx.confided.of_run(self._run.id))

    async def spent(self) -> Spent:
        """Return what the session has used, what this worker has not committed yet included."""
        known = await self._store.read(lambda tx: tx.sessions.spent(self._run.session_id))
        held = self._held.usage
        usage = known.usage if held is None else known.usage.plus(held)
        return Spent(usage, known.active + (self._clock.now() - self._counted_until))

    async def waited_elsewhere(self) -> timedelta:
        """Return how long the waits of the session's other runs were to take."""
        run = self._run
        found = await self._store.read(lambda tx: tx.sessions.timers(run.session_id, but=run.id))
        return sum(
            (
                time_of_wait(from_micros(plain_of(entry.data)["until"]), entry.at)
                for entry in found
                if is_wait(entry.key)
            ),
            _NO_TIME,
        )

    def announce(self, event: Any) -> None:
        """Publish an event after everything that came before it is durable."""
        if self._listener is None:
            return
        self._events.append(event)
        if not self._held.entries and not self._writing:
            self._publish(self._take_events())

    async def flush(self) -> None:
        """Make everything durable that has been gathered.

        Raises:
            LeaseLost: Another worker has the run; nothing more may be done.
        """
        await self._landed()
        if self._held.entries:
            await self._write(self._batch(None))

    async def rest(self, resting: Resting) -> Committed | None:
        """Make everything durable and let the run come to rest; None when news must be taken in first.

        Raises:
            LeaseLost: Another worker has the run.
            NewsArrived: The run was to end, but there is news; what was gathered is still held.
        """
        await self._landed()
        committed = await self._write(self._batch(resting))
        if not committed.applied.news and self._soon is not None:
            self._soon.cancel()
        return None if committed.applied.news else committed

    def take_news(self, entries: list[Entry], seq: int) -> None:
        """Take note of entries that were loaded otherwise."""
        self._seen = max(self._seen, seq)
        self._on_news(entries)

    async def read_state(self) -> Mapping[str, Json]:
        """Return the session's state as it is stored, in the codec's JSON form."""
        session = await self._store.read(lambda tx: tx.sessions.find(self._run.session_id))
        return {} if session is None else session.state

    async def keep_lease(self) -> None:
        """Renew the lease where less than half of it is left, so that what is about to leave is covered.

        Raises:
            LeaseLost: Another worker has the run.
        """
        now = self._clock.now()
        if self.leased_until - now > self._lease / 2:
            return
        until = now + self._lease
        seq = await self._store.run(lambda tx: tx.renew_lease(self._run.id, epoch=self._run.epoch, until=until))
        if seq is None:
            self.lost = True
            raise LeaseLost(f"Expected to hold run {self._run.id}, but its lease is lost.", run_id=self._run.id)
        self.leased_until = until

    async def beside(self, unit: Callable[[Transaction], Any]) -> None:
        """Run a unit that does not depend on the lease."""
        await self._store.run(unit)

    @property
    def seen(self) -> int:
        """The number of the last entry that this worker knows of."""
        return self._seen

    @property
    def writing(self) -> bool:
        """Whether a commit is on its way."""
        return self._writing

    # -- inside ------------------------------------------------------------------------------------------

    async def _landed(self) -> None:
        """Wait for the commit that is on its way."""
        while self._writing:
            await asyncio.shield(self._landing())
        if self.lost:
            raise LeaseLost(f"Expected to hold run {self._run.id}, but its lease is lost.", run_id=self._run.id)

    def _landing(self) -> "asyncio.Future[None]":
        if self._flight is None:
            self._flight = asyncio.get_running_loop().create_future()
        return self._flight

    def _batch(self, resting: Resting | None) -> Commit:
        held, last, now = self._held, None if resting is None else resting.last, self._clock.now()
        transition = Transition(
            run_id=self._run.id,
            epoch=self._run.epoch,
            known_seq=self._seen,
            now=now,
            entries=tuple(held.entries) if last is None else (*held.entries, last),
            end=None if resting is None else resting.end,
            ready_at=None if resting is None else resting.ready_at,
            active=max(now - self._counted_until, _NO_TIME),
        )
        return Commit(
            run=self._run,
            transition=transition,
            tasks=tuple(held.tasks),
            children=tuple(held.children),
            patches=tuple(held.patches),
            calls=tuple(held.calls),
            secrets=held.secrets,
            usage=held.usage,
            drop_calls=resting is not None and resting.drop_calls,
            drop_tasks=resting is not None and resting.drop_tasks,
            end_children=resting is not None and resting.end_children,
            stale=() if resting is None else resting.stale,
            read_tasks=resting is not None and resting.read_tasks,
        )

    async def _write(self, batch: Commit) -> Committed:
        held, self._held = self._held, Held()
        events = self._take_events()
        self._writing = True
        try:
            committed = await self._store.run(lambda tx: commit(tx, batch))
        except Exception:
            self._held = held.before(self._held)
            self._events[:0] = events
            raise
        finally:
            self._writing = False
            flight, self._flight = self._flight, None
            if flight is not None:
                flight.set_result(None)
        if committed is None:
            self.lost = True
            raise LeaseLost(
                f"Expected to hold run {self._run.id}, but another worker has taken it.", run_id=self._run.id
            )
        self._seen = committed.applied.seq
        self._counted_until = batch.transition.now
        self._publish(events)
        if committed.news:
            self._on_news(committed.news)
        if self._events and not self._held.entries:
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
            self._soon = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._flush_now)

    def _flush_now(self) -> None:
        self._soon = None
        if not self._held.entries or self.lost:
            return
        if not self._writing:
            self._background = asyncio.get_running_loop().create_task(self._quietly())
        else:
            self._landing().add_done_callback(lambda _: self._flush_soon())

    async def _quietly(self) -> None:
        """Flush; an error is met again, and reported, by whoever next needs the commit."""
        with contextlib.suppress(Exception):  # what was held is still held
            await self.flush()
