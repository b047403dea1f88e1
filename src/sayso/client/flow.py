"""How calls are carried out: retries, waiting until a run rests, paging. Written once, as generators.

A flow yields what should be done outside (`Send`, `Pause`) and is given what came of it; each client has one loop that
does so, blocking or awaiting. A POST carries one Idempotency-Key over all its retries, so that an answer which was lost
on its way is not acted upon twice.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, cast

from sayso.client import calls, outside
from sayso.client.answers import Run, Session, Task
from sayso.client.calls import Call
from sayso.client.errors import ServerFailed, Unreachable, refusal

T = TypeVar("T")
_AGAIN = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may succeed."""
_UNTAKEN = frozenset({429, 503})
"""Statuses that say that the request was not acted upon."""
_NOTHING = 204
_LOOK = "Look before you make the call again: it may have been carried out."
_LONG = 30
"""How many seconds one request waits for a run to rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """When a call is made again: on a lost connection, and on 429, 502, 503 and 504."""

    attempts: int = 5
    """How often it is tried in all."""
    first: float = 0.2
    """About how many seconds the first pause is; each further one is twice as long."""
    longest: float = 30.0
    """The longest pause; a service that asks for a longer one with `Retry-After` is not tried again."""

    def pause(self, tried: int, asked: float | None = None) -> float | None:
        """Return how long to wait after so many tries; None where no further one is made."""
        if tried >= self.attempts or (asked is not None and asked > self.longest):
            return None
        backoff = min(self.longest, self.first * 2 ** (tried - 1))
        return max(asked or 0.0, backoff * (0.5 + outside.chance() / 2))


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request."""

    call: Call[Any]
    key: str | None


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any = None
    """The body, where it is JSON."""


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer came."""

    why: str
    sent: bool = True
    """Whether the request may have been taken; False where no connection came about."""


Came: TypeAlias = Reply | Lost | None
Flow: TypeAlias = Generator[Send | Pause, Came, T]


def calling(call: Call[T], retries: Retries) -> Flow[T]:
    """Make a call, again where that can help, and return its value.

    Raises:
        ApiError: It was refused, or no answer came.
    """
    key = call.key or (outside.key() if call.method == "POST" and call.again else None)
    tried = 0
    while True:
        came = yield Send(call, key)
        tried += 1
        if isinstance(came, Reply) and 200 <= came.status < 300:
            return _read(call, came)
        pause = retries.pause(tried, asked_pause(came)) if may_again(came, taken_once=not call.again) else None
        if pause is None:
            raise failure(came, unsure=not call.again)
        yield Pause(pause)


def _read(call: Call[T], came: Reply) -> T:
    if came.status == _NOTHING:
        return call.read({})
    if not isinstance(came.json, dict):
        raise ServerFailed("Expected a JSON object, but what answered sent something else.", status=came.status)
    return call.read(cast("dict[str, Any]", came.json))


def may_again(came: Came, *, taken_once: bool = False) -> bool:
    """Tell whether the same request may succeed later; with `taken_once`, and is known not to have been taken."""
    if isinstance(came, Reply):
        return came.status in (_UNTAKEN if taken_once else _AGAIN)
    return not (taken_once and isinstance(came, Lost) and came.sent)


def asked_pause(came: Came) -> float | None:
    """Return the seconds of `Retry-After`, where it says some."""
    text = came.headers.get("retry-after", "") if isinstance(came, Reply) else ""
    return float(text) if text.isdecimal() else None


def failure(came: Came, *, unsure: bool = False) -> Exception:
    """Return the error of what came; with `unsure`, for a request that may have been taken and is not made again."""
    if isinstance(came, Reply):
        return refusal(came.status, came.body)
    why = "none came" if came is None else came.why
    if unsure and isinstance(came, Lost) and came.sent:
        return Unreachable(f"Expected an answer, but {why}; whether it was done is not known.", hint=_LOOK)
    return Unreachable(f"Expected an answer, but {why}.")


def resting(run_id: str, timeout: float | None, retries: Retries) -> Flow[Run]:
    """Poll until a run rests, or the time is over; return it as it stands then."""
    started = outside.seconds()
    while True:
        left = None if timeout is None else timeout - (outside.seconds() - started)
        wait = _LONG if left is None else max(0, min(_LONG, round(left)))
        run = yield from calling(calls.get_run(run_id, wait=wait), retries)
        if run.rests or (left is not None and left <= wait):
            return run


def session_of(run_id: str, retries: Retries) -> Flow[Session]:
    """Return the session of a run."""
    run = yield from calling(calls.get_run(run_id), retries)
    return (yield from calling(calls.get_session(run.session_id), retries))


@dataclass(slots=True)
class Paging:
    """Where a listing of user tasks stands."""

    wanted: Mapping[str, Any]
    cursor: str | None = None
    over: bool = False

    def next(self, retries: Retries) -> Flow[tuple[Task, ...]]:
        """Return the next page's tasks."""
        page = yield from calling(calls.page_user_tasks(**self.wanted, cursor=self.cursor), retries)
        self.cursor, self.over = page.next_cursor, page.next_cursor is None
        return page.items
