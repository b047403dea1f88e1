"""The one door: every change of a run, a task or a session goes through a `Runtime`.

Commands are coroutines that may be called from any event loop; the store serialises what they write. In-process
wake-ups are callbacks; other processes notice by polling (engines/local.py).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from sayso.model.actors import Actor
from sayso.model.decisions import Decision, Verdict
from sayso.model.errors import LeaseLost, RunExists, SaysoError, StoreError
from sayso.model.ids import RunId, SessionId, TaskId, WorkerId
from sayso.model.runs import NO_ORIGIN, Origin, Run, RunState
from sayso.programs.context import Program
from sayso.runtime import tracing, units
from sayso.runtime.definitions import Programs, Resolver, adopt_definition
from sayso.runtime.outside import Endings
from sayso.runtime.peeking import peek
from sayso.runtime.ports import Clock, Ids, Listener, Secrets, Store, Transaction
from sayso.runtime.record import Record
from sayso.runtime.runner import Rest, Runner
from sayso.runtime.secrecy import NO_SECRETS, cleaned, cleaned_chooser, cleaned_verdict

_log = structlog.get_logger("sayso.runtime")
_PROBLEM_RETRY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The times a runtime works with."""

    lease: timedelta = timedelta(seconds=10)
    """How long a worker holds a run without renewing; a crashed worker's runs are taken over after that."""
    heartbeat: timedelta = timedelta(seconds=3)
    """How often a lease is renewed."""


class Runtime(Endings):
    """Starts, advances, decides and cancels.

    Args:
        store: The database.
        clock: The time.
        ids: New ids.
        times: Lease and heartbeat.
        secrets: What must not be stored.
    """

    def __init__(
        self, store: Store, *, clock: Clock, ids: Ids, times: Times | None = None, secrets: Secrets = NO_SECRETS
    ) -> None:
        super().__init__(store, clock, secrets)
        self.ids = ids
        self._times = times or Times()
        self._owner = WorkerId(ids.new("wrk"))
        self._programs = Programs()
        self._saved: set[str] = set()
        self._running: dict[RunId, tuple[asyncio.AbstractEventLoop, Runner]] = {}
        self._opened = False

    # -- programs ----------------------------------------------------------------------------------------

    def register(self, program: Program) -> None:
        """Make a program known under its name; a later one of the same name takes its place."""
        self._programs.register(program)

    def resolve_with(self, resolver: Resolver) -> None:
        """Run agents made as data, whenever they were made: their programs are asked of the resolver by name."""
        self._programs.resolver, self.knows_data_agents = resolver, True

    def has(self, program: Program) -> bool:
        """Tell whether this very object is what runs under its name."""
        return self._programs.has(program)

    def programs(self) -> Sequence[str]:
        """Return the names of the registered programs."""
        return self._programs.names()

    # -- commands ----------------------------------------------------------------------------------------

    async def start(
        self,
        program: str,
        started: dict[str, Any],
        *,
        session_id: SessionId | None = None,
        run_id: RunId | None = None,
        user_id: str | None = None,
        state: dict[str, Any] | None = None,
        overwrite_state: bool = False,
        origin: Origin = NO_ORIGIN,
        hold: bool = True,
        check: Callable[[Transaction], None] | None = None,
    ) -> units.Claimed:
        """Create a run, durably, before anything of it happens.

        Args:
            program: The registered name.
            started: The input, in the codec's JSON form.
            session_id: The session it belongs to; a new one by default.
            run_id: The run's id; a new one by default.
            user_id: Whose session it is.
            state: Session state to begin with, in the codec's JSON form.
            overwrite_state: Whether `state` replaces what the session has.
            origin: The workspace it belongs to, its version, and who or what started it.
            hold: Whether this process advances the run itself; otherwise any worker may claim it.
            check: Looked at in the same transaction, before anything is written; raises to refuse the start.

        Raises:
            RunExists: The run id is taken.
            ProgramUnknown: No such program is registered.
            SaysoError: What `check` raises.
        """
        await self.open()
        command = self.planned(
            program,
            started,
            session_id=session_id,
            run_id=run_id,
            user_id=user_id,
            state=state,
            overwrite_state=overwrite_state,
            origin=origin,
            check=check,
        )
        return await self.begin(command, hold=hold)

    async def begin(self, command: units.Start, *, hold: bool = True) -> units.Claimed:
        """Carry out a planned start; see `start`.

        Raises:
            RunExists: The run id is taken.
            SaysoError: What the command's `check` raises.
        """
        now = self.clock.now()
        lease = self._lease(now) if hold else None
        claimed = await self.store.run(lambda tx: units.start(tx, command, now, lease))
        if claimed is None:
            raise RunExists(f"Expected a new run id, but {command.run_id} is taken.", run_id=command.run_id)
        self._saved.add(command.fingerprint)
        if not hold:
            self.wake(claimed.run.id)
        return claimed

    def planned(
        self,
        program: str,
        started: dict[str, Any],
        *,
        session_id: SessionId | None = None,
        run_id: RunId | None = None,
        user_id: str | None = None,
        state: dict[str, Any] | None = None,
        overwrite_state: bool = False,
        origin: Origin = NO_ORIGIN,
        check: Callable[[Transaction], None] | None = None,
    ) -> units.Start:
        """Return the command that starts a run, for a transaction of its caller's; see `start`.

        Raises:
            ProgramUnknown: No such program is registered.
        """
        found, print_ = self._programs.find(program)
        return units.Start(
            run_id=run_id or RunId(self.ids.new("run")),
            session_id=session_id or SessionId(self.ids.new("ses")),
            program=program,
            fingerprint=print_,
            shape=None if print_ in self._saved else found.shape(),
            started=cleaned(self.secrets, started),
            user_id=cleaned(self.secrets, user_id),
            state=cleaned(self.secrets, state),
            overwrite_state=overwrite_state,
            origin=origin,
            check=check,
        )

    async def advance(
        self,
        run_id: RunId,
        *,
        held: units.Claimed | None = None,
        listener: Listener | None = None,
        read_tasks: bool = False,
    ) -> Rest | None:
        """Take a run as far as it goes; None when it is not claimable (ended, or held by another worker).

        Args:
            run_id: The run.
            held: What `start` returned, when it has leased the run to this process already.
            listener: Told what the run announces; a pause is durable before it is told.
            read_tasks: Whether the run's tasks are wanted with its rest, read in the commit that lets it rest.

        Raises:
            ProgramUnknown: Its program is not registered here.
            DefinitionChanged: The definition lost what the run stands on; the run stays waiting.
            LeaseLost: Another worker took it over meanwhile.
            StoreError: The database refused.
        """
        if held is None:
            await self.open()
        claimed = held or await self._claim(run_id)
        if claimed is None:
            return None
        run = claimed.run
        try:
            record = Record(run.id).fold(claimed.entries)
            program, print_ = self._programs.find(run.program)
            await adopt_definition(self.store, run, record, claimed.shape, program, print_, self.clock.now())
            return await self._run(run, record, program, listener, read_tasks=read_tasks)
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(run, None))
            raise
        except (LeaseLost, StoreError):
            raise
        except SaysoError as exc:
            await self._give_back(run, str(exc))
            raise

    async def decide(self, task_id: TaskId, verdict: Verdict, *, digest: str, by: Actor) -> Decision:
        """Record a decision and wake the run that waits for it. The first valid decision wins.

        Args:
            task_id: The task.
            verdict: What was said.
            digest: The digest of what was shown to whoever decides.
            by: Who decides.

        Raises:
            AlreadyDecided: Someone was faster; the error carries their decision.
            TaskExpired: The deadline has passed.
            TaskClosed: The run ended and dropped the task.
            TaskChanged: The digest is not that of what is stored.
            InvalidDecision: The verdict does not fit; the task stays pending.
        """
        await self.open()
        now, said = self.clock.now(), cleaned_verdict(self.secrets, verdict)
        decision = await self.store.run(lambda tx: units.decide(tx, task_id, said, digest, by, now))
        self.wake(decision.run_id)
        return decision

    async def answer(
        self, run_id: RunId, choose: units.Chooser, *, by: Actor, hold: bool = True
    ) -> units.Claimed | None:
        """Record decisions on one run, all or none, and lease the run to this process in the same commit.

        None when another worker holds the run; the decisions count, and that worker goes on with them.

        Args:
            run_id: The run.
            choose: Works out the decisions from the run and its tasks as they stand in that commit.
            by: Who decides.
            hold: Whether this process goes on with the run itself; otherwise any worker may.

        Raises:
            SaysoError: No such run, or what `choose` or `decide` raises; only passed deadlines were carried out.
        """
        await self.open()
        lease, prints = self._lease(self.clock.now()), self._programs.fingerprints
        chosen = cleaned_chooser(self.secrets, choose)
        try:
            claimed = await self.store.run(lambda tx: units.answer(tx, run_id, chosen, by, lease, prints, hold=hold))
        except SaysoError:
            await self.expire_due()
            raise
        if claimed is None:
            self.wake(run_id)
        return claimed

    # -- reading -----------------------------------------------------------------------------------------

    async def peek(self, run_id: RunId) -> Rest:
        """Replay a run without doing anything, to see how far it has come.

        Raises:
            RunNotFound: No such run.
            DefinitionChanged: The definition at hand does not fit the run.
        """
        return await peek(self, self._programs, self.ids, run_id, self.secrets)

    # -- inside ------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Carry out, once per process, the deadlines that passed while nobody was there."""
        if not self._opened:
            self._opened = True
            await self.expire_due()

    def _lease(self, now: datetime) -> units.Lease:
        return units.Lease(owner=self._owner, now=now, until=now + self._times.lease)

    async def _claim(self, run_id: RunId) -> units.Claimed | None:
        lease = self._lease(self.clock.now())
        prints = self._programs.fingerprints
        return await self.store.run(lambda tx: units.claim(tx, run_id, lease, prints))

    async def _run(
        self, run: Run, record: Record, program: Program, listener: Listener | None, *, read_tasks: bool
    ) -> Rest:
        runner = Runner(
            self.store,
            clock=self.clock,
            ids=self.ids,
            program=program,
            run=run,
            record=record,
            lease=self._times.lease,
            heartbeat=self._times.heartbeat,
            fingerprint_of=self._programs.fingerprint_of,
            secrets=self.secrets,
            listener=listener,
            read_tasks=read_tasks,
        )
        self._running[run.id] = (asyncio.get_running_loop(), runner)
        agent = "version" in record.started
        try:
            with tracing.segment(run, record, agent=agent, now=self.clock.now()):
                rest = await runner.to_rest()
        finally:
            self._running.pop(run.id, None)
        if run.parent_id is not None and rest.state is not RunState.WAITING:
            self.wake(run.parent_id)
        for child in record.open_children():
            self.wake(record.children[child])
        return rest

    async def _give_back(self, run: Run, problem: str | None) -> None:
        """Let go of a run: at once when this process stops, later when this code cannot advance it."""
        now, problem = self.clock.now(), cleaned(self.secrets, problem)
        state, retry_at = (RunState.QUEUED, now) if problem is None else (RunState.WAITING, now + _PROBLEM_RETRY)
        await self.store.run(
            lambda tx: tx.release_run(run.id, state, problem=problem, epoch=run.epoch, now=now, retry_at=retry_at)
        )

    def poke(self, run_id: RunId) -> None:
        """Tell the runner of a run that is being advanced here that there is news."""
        held = self._running.get(run_id)
        if held is not None:
            loop, runner = held
            loop.call_soon_threadsafe(runner.poke)
