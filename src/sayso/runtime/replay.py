"""The replaying context: the one and only way in which a program runs, the first time and every time after.

A key whose outcome is in the record is answered from it. Any other key is performed: what was gathered before
becomes durable first, then the effect runs, then its outcome is gathered. A dry context performs nothing and
suspends instead; it serves readers that want to know how far a run has come.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from sayso.core.codec import from_json, json_bytes, to_json
from sayso.core.instants import to_micros
from sayso.core.taskforms import digest_of, spec_bytes
from sayso.model.decisions import Outcome
from sayso.model.errors import StepFailed, UnstorableValue
from sayso.model.ids import RunId, SessionId, TaskId
from sayso.model.journal import Entry, EntryKind, NewEntry
from sayso.model.runs import NewRun, NewTask, Run, StatePatch
from sayso.model.tasks import TaskSpec, TaskStatus, UserTask
from sayso.programs.context import Announce, CancelRequested, ChildSpec, Suspended
from sayso.runtime.branches import Branches
from sayso.runtime.commits import Commits
from sayso.runtime.ports import Clock, Ids
from sayso.runtime.record import Record
from sayso.runtime.threads import in_thread

T = TypeVar("T")
_live: ContextVar[bool] = ContextVar("sayso_live", default=False)
"""Whether the running branch is past what was journaled before, so that its events are news."""


class ReplayContext:
    """Answers the `Context` port of programs over one run's record.

    Args:
        run: The run.
        record: Its folded journal.
        clock: The time.
        ids: New ids for tasks and child runs.
        commits: Where outcomes are gathered; None makes the context dry.
        listening: Whether anybody wants events.
        fingerprint_of: The current fingerprint of a program, for child runs.
    """

    def __init__(
        self,
        run: Run,
        record: Record,
        *,
        clock: Clock,
        ids: Ids,
        commits: Commits | None,
        listening: bool,
        fingerprint_of: Callable[[str], str],
    ) -> None:
        self._run = run
        self._record = record
        self._clock = clock
        self._ids = ids
        self._commits = commits
        self._listening = listening and commits is not None
        self._fingerprint_of = fingerprint_of
        self._branches = Branches()
        self._awakenings = 0
        self._stopping = False
        _live.set(not record.moved)

    # -- the Context port --------------------------------------------------------------------------------

    @property
    def run_id(self) -> RunId:
        """See the port."""
        return self._run.id

    @property
    def session_id(self) -> SessionId:
        """See the port."""
        return self._run.session_id

    @property
    def listening(self) -> bool:
        """See the port."""
        return self._listening

    def has(self, key: str) -> bool:
        """See the port."""
        return self._record.has(key)

    async def step(self, key: str, effect: Callable[[], Awaitable[Any]]) -> Any:
        """See the port."""
        known = self._record.steps.get(key)
        if known is not None:
            return self._replayed(key, known)
        await self._before_effect()
        self._wake_up()
        begun = self._clock.now()
        failure: BaseException | None = None
        try:
            outcome = self._timed({"v": to_json(await effect())}, begun)
            data = json_bytes(outcome)
        except UnstorableValue as exc:
            failure, outcome, data = exc, self._timed(_failed(exc, self._named(key, exc)), begun), None
        except (Exception, SystemExit) as exc:  # noqa: BLE001 - the outcome of the step
            failure, outcome, data = exc, self._timed(_failed(exc, str(exc)), begun), None
        self._add(key, EntryKind.STEP, outcome, data)
        if failure is not None:
            raise self._failure(key, outcome) from failure
        return from_json(outcome["v"])

    async def ask(self, key: str, spec: TaskSpec, announce: Announce | None = None) -> Outcome:
        """See the port."""
        outcome = self._record.decisions.get(key)
        if outcome is not None:
            self._notice(key)
            return outcome
        if key not in self._record.asked and self._commits is not None:
            self._open(self._commits, key, spec, announce)
        raise Suspended

    async def spawn(self, key: str, child: ChildSpec) -> Any:
        """See the port."""
        known = self._record.steps.get(key)
        if known is not None:
            self._notice(key)
            return self._ended_child(key, known)
        if key not in self._record.children and self._commits is not None:
            self._refuse_if_cancelled()
            self._wake_up()
            run_id = RunId(self._ids.new("run"))
            self._add(
                key,
                EntryKind.SPAWNED,
                {"run": run_id, "program": child.program},
                child=NewRun(
                    id=run_id,
                    session_id=self._run.session_id,
                    program=child.program,
                    fingerprint=self._fingerprint_of(child.program),
                    started=json_bytes({"input": to_json(child.input)}),
                    parent_id=self._run.id,
                    parent_key=key,
                ),
            )
        raise Suspended

    async def sleep(self, key: str, until: datetime) -> None:
        """See the port."""
        if key in self._record.fired:
            return
        if self._commits is None:
            raise Suspended
        if key not in self._record.timers:
            self._refuse_if_cancelled()
            self._add(key, EntryKind.TIMER, {"until": to_micros(until)})
        if self._record.timers[key] > self._clock.now():
            raise Suspended
        self._wake_up()
        self._add(key, EntryKind.FIRED, {})

    async def now(self, key: str) -> datetime:
        """See the port."""
        known = self._record.steps.get(key)
        if known is None:
            if self._commits is None:
                raise Suspended
            known = {"v": to_json(self._clock.now())}
            self._add(key, EntryKind.STEP, known)
        return from_json(known["v"])

    async def emit(self, key: str, event: Any) -> None:
        """See the port."""
        if self._record.has(key):
            return
        if self._commits is None:
            raise Suspended
        self._add(key, EntryKind.EMITTED, {"v": to_json(event)})
        self._commits.announce(event)

    def announce(self, event: Any) -> None:
        """See the port."""
        if self._listening and self._commits is not None and _live.get():
            self._commits.announce(event)

    def merge_state(self, patch: StatePatch) -> None:
        """See the port."""
        if self._commits is not None:
            self._commits.merge_state(patch)

    async def parallel(self, branches: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """See the port."""
        before = self._awakenings
        values = await self._branches.run(branches)
        if self._awakenings != before:
            _live.set(True)
        return values

    async def offload(self, function: Callable[..., T], *args: Any) -> T:
        """See the port."""
        result, cancelled = await in_thread(function, *args)
        self._stopping = self._stopping or cancelled
        return await cast("Awaitable[T]", result) if inspect.isawaitable(result) else result

    # -- for the runner ----------------------------------------------------------------------------------

    def take_news(self, entries: list[Entry]) -> None:
        """Fold what others have written, and let the branches that waited for it go on."""
        fresh = [entry for entry in entries if not self._record.has(entry.key) or entry.kind is EntryKind.CANCEL]
        self._record.fold(fresh)
        self._branches.ring()

    # -- inside ------------------------------------------------------------------------------------------

    def _notice(self, key: str) -> None:
        """Take in an outcome from outside; the first time, the program has come to where it goes on."""
        if key in self._record.fresh:
            self._record.fresh.discard(key)
            self._wake_up()

    def _wake_up(self) -> None:
        self._awakenings += 1
        _live.set(True)

    async def _before_effect(self) -> None:
        if self._commits is None:
            raise Suspended
        await self._commits.flush()
        self._refuse_if_cancelled()

    def _refuse_if_cancelled(self) -> None:
        if self._stopping:
            raise asyncio.CancelledError
        if self._record.cancelled_by is not None:
            raise CancelRequested

    def _add(
        self,
        key: str,
        kind: EntryKind,
        plain: dict[str, Any],
        data: bytes | None = None,
        *,
        task: NewTask | None = None,
        child: NewRun | None = None,
    ) -> None:
        """Take an entry into the record and the next commit; `data` is `plain` as bytes, where they are at hand."""
        if self._commits is None:
            raise Suspended
        entry = NewEntry(key, kind, self._clock.now(), json_bytes(plain) if data is None else data)
        self._record.add(entry, plain)
        self._commits.add(entry, task=task, child=child, alone=not self._branches.running)

    def _timed(self, outcome: dict[str, Any], begun: datetime) -> dict[str, Any]:
        """Return the outcome with the microseconds that the effect took."""
        micros = (self._clock.now() - begun) // timedelta(microseconds=1)
        return {**outcome, "us": micros} if micros > 0 else outcome

    def _open(self, commits: Commits, key: str, spec: TaskSpec, announce: Announce | None) -> None:
        self._refuse_if_cancelled()
        self._wake_up()
        now = self._clock.now()
        due = None if spec.timeout_seconds is None else now + timedelta(seconds=spec.timeout_seconds)
        task_id = TaskId(self._ids.new("task"))
        body = spec_bytes(spec)
        digest = digest_of(body, run_id=self._run.id, key=key)
        asked: dict[str, Any] = {"task": task_id} if due is None else {"task": task_id, "due": to_micros(due)}
        self._add(
            key,
            EntryKind.ASKED,
            asked,
            task=NewTask(id=task_id, key=key, spec=spec, body=body, digest=digest, created_at=now, due_at=due),
        )
        if self._listening and announce is not None:
            task = UserTask(
                id=task_id,
                run_id=self._run.id,
                session_id=self._run.session_id,
                program=self._run.program,
                key=key,
                spec=spec,
                digest=digest,
                status=TaskStatus.PENDING,
                created_at=now,
                due_at=due,
            )
            commits.announce(announce(task))

    def _replayed(self, key: str, known: dict[str, Any]) -> Any:
        if "e" in known:
            raise self._failure(key, known)
        return from_json(known["v"])

    def _failure(self, key: str, known: dict[str, Any]) -> StepFailed:
        error = known["e"]
        return StepFailed(key, error_type=error["type"], error_message=error["message"], run_id=self._run.id)

    def _ended_child(self, key: str, known: dict[str, Any]) -> Any:
        if "cancelled" in known:
            raise StepFailed(key, error_type="RunCancelled", error_message=str(known["cancelled"]), run_id=self._run.id)
        return self._replayed(key, known)

    def _named(self, key: str, exc: UnstorableValue) -> str:
        return f"the output of step '{key}' cannot be stored: {exc.message}"


def _failed(exc: BaseException, message: str) -> dict[str, Any]:
    return {"e": {"type": type(exc).__name__, "message": message.encode("utf-8", "backslashreplace").decode()}}
