"""The replaying context: the one and only way in which a program runs, the first time and every time after.

A key whose outcome is in the record is answered from it. Any other key is performed: what was gathered before
becomes durable first, then the effect runs, then its outcome is gathered. A dry context performs nothing and
suspends instead; it serves readers that want to know how far a run has come.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from sayso.core.codec import from_json, from_json_fields, json_bytes, to_json
from sayso.core.concealing import without_credentials
from sayso.core.confiding import Vault
from sayso.core.instants import to_micros
from sayso.model.calls import CallResult
from sayso.model.decisions import Outcome
from sayso.model.errors import StepFailed, UnreadableValue, UnstorableValue
from sayso.model.ids import RunId, SessionId
from sayso.model.journal import Entry, EntryKind
from sayso.model.messages import Usage
from sayso.model.runs import NewRun, Run, Spent, StatePatch
from sayso.model.tasks import TaskSpec
from sayso.programs.context import Announce, CallPlan, ChildSpec, Suspended
from sayso.runtime import tracing
from sayso.runtime.calls import CallExecutor
from sayso.runtime.commits import Commits
from sayso.runtime.passes import Pass, live, waiting
from sayso.runtime.ports import Clock, Ids, Secrets
from sayso.runtime.record import Record
from sayso.runtime.secrecy import NO_SECRETS, cleaned
from sayso.runtime.threads import in_thread

T = TypeVar("T")


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
        secrets: What must not be stored.
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
        secrets: Secrets = NO_SECRETS,
    ) -> None:
        self._pass = Pass(run, record, clock=clock, ids=ids, commits=commits, listening=listening, secrets=secrets)
        self._calls = CallExecutor(self._pass)
        self._fingerprint_of = fingerprint_of

    # -- the Context port --------------------------------------------------------------------------------

    @property
    def run_id(self) -> RunId:
        """See the port."""
        return self._pass.run.id

    @property
    def session_id(self) -> SessionId:
        """See the port."""
        return self._pass.run.session_id

    @property
    def listening(self) -> bool:
        """See the port."""
        return self._pass.listening

    def has(self, key: str) -> bool:
        """See the port."""
        return self._pass.record.has(key)

    async def step(self, key: str, effect: Callable[[], Awaitable[Any]]) -> Any:
        """See the port."""
        known = self._pass.record.steps.get(key)
        if known is not None:
            return self._replayed(key, known)
        await self._pass.before_effect()
        self._pass.wake_up()
        begun = self._pass.clock.now()
        failure: BaseException | None = None
        value: Any = None
        try:
            with tracing.step(key):
                outcome = self._pass.timed({"v": to_json(await effect())}, begun)
            data = json_bytes(outcome)
            value = from_json(outcome["v"])
        except (UnstorableValue, UnreadableValue) as exc:
            failure, outcome, data = exc, self._pass.timed(_failed(exc, self._named(key, exc)), begun), None
        except (Exception, SystemExit) as exc:  # noqa: BLE001 - the outcome of the step
            failure, outcome, data = exc, self._pass.timed(_failed(exc, _said(exc)), begun), None
        taken = self._pass.add(key, EntryKind.STEP, outcome, data)
        if failure is not None:
            raise self._failure(key, taken) from failure
        return value if taken is outcome else from_json(taken["v"])

    async def ask(self, key: str, spec: TaskSpec, announce: Announce | None = None) -> Outcome:
        """See the port."""
        return self._pass.ask(key, spec, announce)

    async def vault(self) -> Vault | None:
        """See the port."""
        return await self._pass.confided()

    async def call(self, key: str, plan: CallPlan) -> CallResult:
        """See the port."""
        return await self._calls.call(key, plan)

    async def spawn(self, key: str, child: ChildSpec) -> Any:
        """See the port."""
        known = self._pass.record.steps.get(key)
        if known is not None:
            self._pass.notice(key)
            return self._ended_child(key, known)
        if key not in self._pass.record.children and self._pass.commits is not None:
            self._pass.refuse_if_cancelled()
            self._pass.wake_up()
            run_id = RunId(self._pass.ids.new("run"))
            self._pass.add(
                key,
                EntryKind.SPAWNED,
                {"run": run_id, "program": child.program},
                child=NewRun(
                    id=run_id,
                    session_id=self._pass.run.session_id,
                    program=child.program,
                    fingerprint=self._fingerprint_of(child.program),
                    started=json_bytes(self._pass.secrets.clean({"input": to_json(child.input)})),
                    parent_id=self._pass.run.id,
                    parent_key=key,
                    origin=self._pass.run.origin,
                ),
            )
        raise Suspended

    async def sleep(self, key: str, until: datetime) -> str | None:
        """See the port."""
        if key in self._pass.record.fired:
            self._pass.notice(key)
            return self._pass.record.skipped.get(key)
        waiting.get().add(key)
        if self._pass.commits is None:
            raise Suspended
        if key not in self._pass.record.timers:
            self._pass.refuse_if_cancelled()
            within = tracing.current()
            timer: dict[str, Any] = {"until": to_micros(until)}
            self._pass.add(key, EntryKind.TIMER, timer if within is None else {**timer, "trace": within})
        if self._pass.record.timers[key] > self._pass.clock.now():
            raise Suspended
        self._pass.wake_up()
        self._pass.add(key, EntryKind.FIRED, {})
        return None

    async def now(self, key: str) -> datetime:
        """See the port."""
        known = self._pass.record.steps.get(key)
        if known is None:
            if self._pass.commits is None:
                raise Suspended
            known = {"v": to_json(self._pass.clock.now())}
            self._pass.add(key, EntryKind.STEP, known)
        return from_json(known["v"])

    async def emit(self, key: str, event: Any) -> None:
        """See the port."""
        if self._pass.record.has(key):
            return
        if self._pass.commits is None:
            raise Suspended
        plain = {"v": to_json(event)}
        taken = self._pass.add(key, EntryKind.EMITTED, plain)
        self._pass.commits.announce(event if taken is plain else from_json(taken["v"]))

    def announce(self, event: Any) -> None:
        """See the port."""
        if self._pass.listening and self._pass.commits is not None and live.get():
            self._pass.commits.announce(event)

    async def read_state(self) -> dict[str, Any]:
        """See the port."""
        if self._pass.commits is None:
            raise Suspended
        return from_json_fields(await self._pass.commits.read_state())

    def merge_state(self, patch: StatePatch) -> None:
        """See the port."""
        if self._pass.commits is not None:
            self._pass.commits.merge_state(StatePatch(cleaned(self._pass.secrets, patch.set), patch.removed))

    def count(self, usage: Usage) -> None:
        """See the port."""
        if self._pass.commits is not None:
            self._pass.commits.count(usage)

    async def spent(self) -> Spent:
        """See the port."""
        if self._pass.commits is None:
            raise Suspended
        return await self._pass.commits.spent()

    async def waited(self, key: str) -> timedelta:
        """See the port."""
        known = self._pass.record.steps.get(key)
        if known is None:
            commits = await self._pass.before_effect()
            elsewhere = await commits.waited_elsewhere()
            known = {"v": to_json(sum(self._pass.record.waits.values(), elsewhere))}
            self._pass.add(key, EntryKind.STEP, known)
        return from_json(known["v"])

    async def parallel(self, branches: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """See the port."""
        before = self._pass.awakenings
        outside, inside = waiting.get(), set[str]()
        token = waiting.set(inside)
        try:
            values = await self._pass.branches.run(branches)
        except Suspended:
            outside |= inside
            raise
        finally:
            waiting.reset(token)
        if self._pass.awakenings != before:
            live.set(True)
        return values

    async def offload(self, function: Callable[..., T], *args: Any) -> T:
        """See the port."""
        result, cancelled = await in_thread(function, *args)
        self._pass.stopping = self._pass.stopping or cancelled
        return await cast("Awaitable[T]", result) if inspect.isawaitable(result) else result

    # -- for the runner ----------------------------------------------------------------------------------

    @property
    def waiting(self) -> set[str]:
        """The questions and timers at which this pass stopped."""
        return self._pass.waiting

    def take_news(self, entries: list[Entry]) -> None:
        """Fold what others have written, and let the branches that waited for it go on."""
        fresh = [entry for entry in entries if not self._pass.record.has(entry.key) or entry.kind is EntryKind.CANCEL]
        self._pass.record.fold(fresh)
        self._pass.branches.ring()

    # -- inside ------------------------------------------------------------------------------------------

    def _replayed(self, key: str, known: dict[str, Any]) -> Any:
        if "e" in known:
            raise self._failure(key, known)
        return from_json(known["v"])

    def _failure(self, key: str, known: dict[str, Any]) -> StepFailed:
        error = known["e"]
        return StepFailed(key, error_type=error["type"], error_message=error["message"], run_id=self._pass.run.id)

    def _ended_child(self, key: str, known: dict[str, Any]) -> Any:
        if "cancelled" in known:
            raise StepFailed(
                key, error_type="RunCancelled", error_message=str(known["cancelled"]), run_id=self._pass.run.id
            )
        return self._replayed(key, known)

    def _named(self, key: str, exc: UnstorableValue | UnreadableValue) -> str:
        return f"the output of step '{key}' cannot be stored: {exc.message}"


def _said(exc: BaseException) -> str:
    """Return what an error says, with the notes that were added to it."""
    notes: list[str] = getattr(exc, "__notes__", [])
    return "; ".join([str(exc), *notes])


def _failed(exc: BaseException, message: str) -> dict[str, Any]:
    return {
        "e": {
            "type": type(exc).__name__,
            "message": without_credentials(message.encode("utf-8", "backslashreplace").decode()),
        }
    }
