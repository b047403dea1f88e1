"""Advancing one run: replay its program until the run comes to rest.

The worker holds a lease and renews it; whatever it writes carries the lease's epoch. A pass that ends because of
a pause parks the run; news that arrived meanwhile starts another pass. Nothing of the run stays in memory after that.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from sayso.core.codec import from_json, json_bytes, to_json
from sayso.core.concealing import without_credentials
from sayso.model.errors import LeaseLost, SaysoError, StepFailed, UnstorableValue
from sayso.model.journal import FROM_OUTSIDE, Entry, EntryKind, NewEntry
from sayso.model.runs import Run, RunState
from sayso.model.tasks import UserTask
from sayso.programs.context import CancelRequested, Execution, Produced, Program, RunCancelled, Suspended
from sayso.runtime.commits import Commits, Resting
from sayso.runtime.ports import Clock, Ids, Listener, Secrets, Store
from sayso.runtime.record import Record
from sayso.runtime.replay import ReplayContext
from sayso.runtime.secrecy import NO_SECRETS, cleaned
from sayso.runtime.units import NewsArrived

_log = structlog.get_logger("sayso.runtime")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A run that has come to rest, as its last pass saw it."""

    run: Run
    state: RunState
    record: Record
    execution: Execution
    """The last pass; programs keep there what they have worked out."""
    output: Any = None
    failure: BaseException | None = None
    """Why the run failed."""
    reason: str | None = None
    """Why the run was cancelled."""
    tasks: list[UserTask] | None = None
    """Every task of the run, where the caller wanted them and there are any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """How a pass ended."""

    state: RunState
    last: NewEntry | None = None
    output: Any = None
    failure: BaseException | None = None
    reason: str | None = None


class Runner:
    """Advances one leased run.

    Args:
        store: The database.
        clock: The time.
        ids: New ids.
        program: What the run executes.
        run: The leased run.
        record: Its folded journal.
        lease: How long a lease lasts.
        heartbeat: How often it is renewed.
        fingerprint_of: The current fingerprint of a program, for child runs.
        secrets: What must not be stored.
        listener: Told what the run announces.
        read_tasks: Whether the caller wants the run's tasks with its rest.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        ids: Ids,
        program: Program,
        run: Run,
        record: Record,
        lease: timedelta,
        heartbeat: timedelta,
        fingerprint_of: Callable[[str], str],
        secrets: Secrets = NO_SECRETS,
        listener: Listener | None = None,
        read_tasks: bool = False,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._program = program
        self._run = run
        self._record = record
        self._lease = lease
        self._heartbeat = heartbeat
        self._fingerprint_of = fingerprint_of
        self._secrets = secrets
        self._listener = listener
        self._read_tasks = read_tasks
        self._commits = Commits(
            store, clock, run, seen=record.seen, lease=lease, on_news=self._take_news, listener=listener
        )
        self._context: ReplayContext | None = None
        self._loop = asyncio.get_running_loop()
        self._renewing: asyncio.Task[None] | None = None

    async def to_rest(self) -> Rest:
        """Run passes until the run has come to rest.

        Raises:
            LeaseLost: Another worker has taken the run.
            StoreError: The database refused; the run is taken up again when its lease ends.
        """
        beat = self._loop.call_later(self._heartbeat.total_seconds(), self._beat)
        self._handle = beat
        try:
            while True:
                rest = await self._pass()
                if rest is not None:
                    return rest
        except asyncio.CancelledError:
            await asyncio.shield(self._commits.flush())
            raise
        finally:
            self._handle.cancel()
            if self._renewing is not None:
                self._renewing.cancel()

    def poke(self) -> None:
        """Look for news now instead of at the next commit; callable from the runner's loop."""
        if self._renewing is None or self._renewing.done():
            self._renewing = self._loop.create_task(self._renew())

    # -- inside ------------------------------------------------------------------------------------------

    async def _pass(self) -> Rest | None:
        execution = self._program.execution()
        self._context = ReplayContext(
            self._run,
            self._record,
            clock=self._clock,
            ids=self._ids,
            commits=self._commits,
            listening=self._listener is not None,
            fingerprint_of=self._fingerprint_of,
            secrets=self._secrets,
        )
        ending = await self._ending(execution, self._context)
        record, waiting = self._record, self._context.waiting
        try:
            rested = await self._commits.rest(
                Resting(
                    end=ending.state,
                    ready_at=record.next_due(waiting) if ending.state is RunState.WAITING else None,
                    stale=() if ending.last is not None else record.open_tasks_but(waiting),
                    last=ending.last,
                    drop_tasks=ending.last is not None and bool(record.open_tasks()),
                    end_children=ending.last is not None and bool(record.open_children()),
                    drop_calls=ending.last is not None and bool(record.open_calls()),
                    read_tasks=self._read_tasks and bool(record.asked),
                )
            )
        except NewsArrived:
            await self._commits.flush()
            await self._look()
            return None
        if rested is None:
            return None
        return Rest(
            run=self._run,
            state=ending.state,
            record=record,
            execution=execution,
            output=ending.output,
            failure=ending.failure,
            reason=ending.reason,
            tasks=rested.tasks,
        )

    async def _ending(  # noqa: C901 - an arm per way in which a pass ends
        self, execution: Execution, context: ReplayContext
    ) -> _Ending:
        if self._record.cancelled_by is not None:
            return self._cancelled(self._asked_reason(), stage="EXECUTING")
        try:
            output = await execution.run(context, from_json(self._record.started))
            return self._completed(output)
        except Suspended:
            if self._record.cancelled_by is not None:
                return self._cancelled(self._asked_reason(), stage="EXECUTING")
            return _Ending(state=RunState.WAITING)
        except CancelRequested:
            return self._cancelled(self._asked_reason(), stage="EXECUTING")
        except RunCancelled as exc:
            return self._cancelled(exc.reason, stage="PAUSED")
        except (LeaseLost, asyncio.CancelledError):
            raise
        except StepFailed as exc:
            data = {"e": {"type": exc.error_type, "message": exc.error_message, "key": exc.key}}
            return self._ended(RunState.FAILED, data, failure=exc)
        except UnstorableValue as exc:
            return self._ended(RunState.FAILED, _error_data(exc), failure=exc)
        except SaysoError:
            raise
        except Exception as exc:  # noqa: BLE001 - the outcome of the run: its program has an error of its own
            return self._ended(RunState.FAILED, _error_data(exc), failure=exc)

    def _asked_reason(self) -> str:
        asked = self._record.cancelled_by
        return "Workflow cancelled" if asked is None else str(asked["reason"])

    def _completed(self, output: Any) -> _Ending:
        value, source = (output.value, output.source) if isinstance(output, Produced) else (output, None)
        if source is not None and self._run.parent_id is None:
            return self._ended(RunState.COMPLETED, {"of": source}, output=value)
        plain = {"v": to_json(value)}
        taken = cleaned(self._secrets, plain)
        return self._ended(RunState.COMPLETED, taken, output=value if taken == plain else from_json(taken["v"]))

    def _cancelled(self, reason: str, *, stage: str) -> _Ending:
        return self._ended(RunState.CANCELLED, {"cancelled": reason, "stage": stage}, reason=reason)

    def _ended(
        self,
        state: RunState,
        data: dict[str, Any],
        *,
        output: Any = None,
        failure: BaseException | None = None,
        reason: str | None = None,
    ) -> _Ending:
        last = NewEntry("", EntryKind.FINISHED, self._clock.now(), json_bytes(cleaned(self._secrets, data)))
        return _Ending(state=state, last=last, output=output, failure=failure, reason=reason)

    def _take_news(self, entries: list[Entry]) -> None:
        if self._context is not None:
            self._context.take_news(entries)

    async def _look(self) -> None:
        """Load entries that others have written."""
        entries = await self._store.read(lambda tx: tx.load_entries(self._run.id, after=self._commits.seen))
        outside = [entry for entry in entries if entry.kind in FROM_OUTSIDE]
        if entries:
            self._commits.take_news(outside, entries[-1].seq)

    def _beat(self) -> None:
        self.poke()
        self._handle = self._loop.call_later(self._heartbeat.total_seconds(), self._beat)

    async def _renew(self) -> None:
        until = self._clock.now() + self._lease
        try:
            seq = await self._store.run(lambda tx: tx.renew_lease(self._run.id, epoch=self._run.epoch, until=until))
            if seq is not None:
                self._commits.leased_until = until
            if seq is None:
                self._commits.lost = not self._resting()
            elif seq > self._commits.seen and not self._commits.writing:
                await self._look()
        except SaysoError as exc:
            _log.warning("lease not renewed", run=self._run.id, error=str(exc))

    def _resting(self) -> bool:
        """Tell whether the lease is gone because this worker itself let the run come to rest."""
        return self._commits.writing


def _error_data(exc: BaseException) -> dict[str, Any]:
    message = without_credentials(str(exc).encode("utf-8", "backslashreplace").decode())
    return {"e": {"type": type(exc).__name__, "message": message}}
