"""The one door through which a program touches the world, and the signals that end a pass.

A pass runs the program from its beginning. Where the journal holds the outcome of a key, the context returns it without
doing anything; where it does not, the effect is performed once and its outcome is journaled. So resuming is
replaying: there is no second code path.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from sayso.core.confiding import Vault
from sayso.core.fingerprint import Shape
from sayso.model.calls import CallResult, CallState, ToolCall
from sayso.model.decisions import Outcome
from sayso.model.ids import RunId, SessionId
from sayso.model.json import Json
from sayso.model.messages import Usage
from sayso.model.runs import Spent, StatePatch
from sayso.model.tasks import TaskSpec, UserTask

T = TypeVar("T")


class Signal(BaseException):
    """Base of what ends a pass early; not an `Exception`, so user code cannot swallow it by accident."""


class Suspended(Signal):
    """The program can go no further until a decision, a timer or a child arrives."""


class CancelRequested(Signal):
    """Someone asked the run to stop; no further effect may start."""


class RunCancelled(Signal):
    """The program ends its own run as cancelled, e.g. after a rejection.

    Args:
        reason: One sentence for people, which becomes the run's content.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """A child run to be started."""

    program: str
    """The name under which the child's program is registered."""
    input: Any


@dataclass(frozen=True, slots=True)
class Produced:
    """A program's output, with the journal key that already holds it, so that it is not stored twice."""

    value: Any
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a call is not executed."""

    code: str
    message: str
    state: CallState = CallState.REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at a call, as the tool sees it."""

    arguments: dict[str, Json]
    """The very arguments that were approved."""
    idempotency_key: str
    """The same for every attempt at this call, in every process."""
    number: int


class Ambiguous(Exception):
    """An attempt has ended, and nobody can tell whether it took effect.

    Args:
        evidence: What is known, for the person who is asked.
    """

    def __init__(self, evidence: dict[str, Json]) -> None:
        super().__init__(str(evidence.get("error", "")))
        self.evidence = evidence


class NotApplied(Exception):
    """An attempt has ended, and it certainly had no effect.

    Args:
        code: A stable code.
        message: One sentence for the model and for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlan:
    """A proposed call with all that its way through gate and ledger needs; made anew on every replay."""

    call: ToolCall
    refusal: Refusal | None = None
    """Why it goes no further than this."""
    approval: TaskSpec | None = None
    """The question to be answered first."""
    recheck: Callable[[dict[str, Json]], Refusal | None]
    """What stands against these arguments, if anything: asked of edited ones, and of all before they are executed."""
    complete: Callable[[dict[str, Json]], dict[str, Json]]
    """Returns what a person has put together as it would be executed: with defaults, and with coerced types."""
    perform: Callable[[Attempt], Awaitable[Any]]
    """Executes it; raises `NotApplied` or `Ambiguous` where it does not succeed."""
    uncertain: Callable[[Attempt, dict[str, Json]], TaskSpec]
    """The question for a person when the outcome of an attempt is unknown, given the evidence."""
    most_attempts: int = 3
    """How often a `read` or `keyed` call may be started."""
    key_window: timedelta = timedelta(days=1)
    """How long, from its first start, the remote honours the key of a `keyed` call."""
    takes: timedelta | None = None
    """How long an attempt may take."""
    preview: Callable[[TaskSpec], Awaitable[TaskSpec]] | None = None
    """Returns the question with what the call would change, as its tool says; asked once, before the question is."""
    announce: "Announce | None" = None


@dataclass(frozen=True, slots=True)
class Announce:
    """Makes the events of a question."""

    paused: Callable[[UserTask], Sequence[Any]]
    """Those of the newly opened task."""
    continued: Callable[[], Sequence[Any]] | None = None
    """Those of the answer, when the program goes on with it."""


class Context(Protocol):
    """What a program may do; see the module's docstring for the promise behind every method."""

    @property
    def run_id(self) -> RunId:
        """The run that is being advanced."""
        ...

    @property
    def session_id(self) -> SessionId:
        """The session that the run belongs to."""
        ...

    @property
    def listening(self) -> bool:
        """Whether anybody wants events; programs build none otherwise."""
        ...

    def has(self, key: str) -> bool:
        """Tell whether the outcome of `key` is journaled, so that `step` would return it without doing anything."""
        ...

    async def step(self, key: str, effect: Callable[[], Awaitable[Any]]) -> Any:
        """Perform an effect once and return its value, now and on every replay.

        Raises:
            StepFailed: The effect raised (now or when it was performed), or its value cannot be stored.
        """
        ...

    async def ask(self, key: str, spec: TaskSpec, announce: Announce | None = None) -> Outcome:
        """Return how a person (or a deadline) decided; until then, open the task once and suspend."""
        ...

    async def vault(self) -> Vault | None:
        """Return the secrets of the run, as they are kept now; None where nothing is performed, so none is needed.

        What is sealed with it is kept in the commit of the effect that is being performed.
        """
        ...

    async def call(self, key: str, plan: CallPlan) -> CallResult:
        """Take a tool call through its gate and the ledger; return how it ended, now and on every replay.

        Raises:
            Suspended: A person is asked, before it or because its outcome is unknown.
            RunCancelled: The answer ends the run.
        """
        ...

    async def spawn(self, key: str, child: ChildSpec) -> Any:
        """Return the output of a child run; until it ends, start it once and suspend.

        Raises:
            StepFailed: The child failed or was cancelled.
        """
        ...

    async def sleep(self, key: str, until: datetime) -> str | None:
        """Return once `until` has passed; the first call fixes the time, and nothing runs meanwhile.

        Returns None, or who ended the wait before its time.
        """
        ...

    async def now(self, key: str) -> datetime:
        """Return the time at which this key was first reached."""
        ...

    async def emit(self, key: str, event: Any) -> None:
        """Journal an event of the program's own, once, and tell the listeners."""
        ...

    def announce(self, event: Any) -> None:
        """Tell the listeners something that is not journaled, in order with what is; silent while replaying."""
        ...

    async def read_state(self) -> dict[str, Any]:
        """Return the session's state as it is stored now; only inside an effect, whose outcome tells what it did."""
        ...

    def merge_state(self, patch: StatePatch) -> None:
        """Merge a change into the session's state, in the commit of the effect that is being performed."""
        ...

    def count(self, usage: Usage) -> None:
        """Add what a model has used to the run's account, in the commit of the effect that is being performed."""
        ...

    async def spent(self) -> Spent:
        """Return what the session has used until now; it differs from pass to pass, so only before a new effect."""
        ...

    async def waited(self, key: str) -> timedelta:
        """Return how long the waits that the session's runs have begun were to take, journaled once.

        What follows it without waiting for anything else, e.g. another wait, no sibling comes between.
        """
        ...

    async def parallel(self, branches: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """Run branches side by side until each has finished or suspended.

        A decision that arrives for one branch moves that one, whatever the others do. Raises the first branch's error
        in their order once all have come to rest, or `Suspended` when any has suspended.
        """
        ...

    async def offload(self, function: Callable[..., T], *args: Any) -> T:
        """Run blocking user code in a thread."""
        ...


class Execution(Protocol):
    """One pass of a program over one run; what it has worked out so far can be read from it afterwards."""

    async def run(self, ctx: Context, started: dict[str, Any]) -> Any:
        """Run from the beginning with the stored input; return the run's output."""
        ...


class Program(Protocol):
    """What a run executes."""

    @property
    def name(self) -> str:
        """The name it is registered and stored under."""
        ...

    def shape(self) -> Shape:
        """Return what its keys are, for the check on resume."""
        ...

    def execution(self) -> Execution:
        """Return a fresh pass."""
        ...
