"""What people and keys do with sessions over the service: start, read, answer, skip a wait, complete, terminate.

Reading returns everything of a session on one snapshot. Commands are returned as units, so that the caller can put
what it remembers of the request into the same transaction; `Runtime.wake` must follow them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sayso.core.codec import plain_of
from sayso.core.completions import BY_KEYS
from sayso.core.fingerprint import Shape
from sayso.core.ledger import call_id
from sayso.core.timeline import ends_alone, output_of
from sayso.model.actors import Actor
from sayso.model.calls import StoredCall
from sayso.model.decisions import Answer
from sayso.model.errors import RunNotPaused, SessionNotFound, UnreadableValue
from sayso.model.evidence import RecordedAttempt
from sayso.model.ids import RunId, SessionId
from sayso.model.journal import Entry
from sayso.model.requesterrors import NotWaiting, RunWaitingForTask
from sayso.model.runs import ENDED, Run, RunFilter, RunPage, RunState
from sayso.model.sessions import ListedSession, SessionFilter, SessionPage, SessionSpans, SessionStatus
from sayso.model.tasks import MessageRequest, UserTask
from sayso.model.workspaces import Principal, Reach
from sayso.runtime import endings, units
from sayso.runtime.auditing import write_down
from sayso.runtime.completing import by_keys
from sayso.runtime.door import Runtime
from sayso.runtime.ports import Transaction
from sayso.runtime.reach import reached, refuse_beyond
from sayso.runtime.secrecy import cleaned, cleaned_verdict

_MOST_RUNS = 10_000
_OVER = frozenset({SessionStatus.COMPLETED, SessionStatus.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunParts:
    """One run with its journal and its tasks."""

    run: Run
    entries: Sequence[Entry]
    tasks: Sequence[UserTask]
    by_keys: frozenset[str] = BY_KEYS
    """The kinds of its tasks that a key may complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A session with everything in it, on one snapshot."""

    session: ListedSession
    runs: Sequence[RunParts]
    """Oldest first."""
    user_id: str | None


class Sessions:
    """The sessions of one runtime, for people and keys.

    Args:
        runtime: The door.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    # -- reading -----------------------------------------------------------------------------------------

    async def page(self, wanted: SessionFilter, reach: Reach, *, limit: int, skip: int) -> SessionPage:
        """Return one page of the sessions within reach, that with the newest root run first."""
        return await self._runtime.list_sessions(replace(wanted, reach=reach), limit=limit, skip=skip)

    async def page_with_spans(
        self, wanted: SessionFilter, reach: Reach, *, limit: int, skip: int
    ) -> tuple[SessionPage, Mapping[SessionId, SessionSpans]]:
        """Return one page of the sessions within reach, and when each of them was at it, on one snapshot."""

        def unit(tx: Transaction) -> tuple[SessionPage, Mapping[SessionId, SessionSpans]]:
            page = tx.sessions.list(replace(wanted, reach=reach), limit=limit, skip=skip)
            return page, tx.sessions.spans([item.id for item in page.items])

        return await self._runtime.store.read(unit)

    async def shapes(self, runs: Sequence[Run]) -> Mapping[str, Shape]:
        """Return the definitions that runs follow, by fingerprint: what each of their static keys is."""
        wanted = {run.fingerprint for run in runs}

        def unit(tx: Transaction) -> dict[str, Shape]:
            found = {fingerprint: tx.find_definition(fingerprint) for fingerprint in wanted}
            return {fingerprint: plain_of(shape) for fingerprint, shape in found.items() if shape is not None}

        return await self._runtime.store.read(unit)

    async def attempts(self, run_id: RunId, key: str, reach: Reach) -> Sequence[RecordedAttempt]:
        """Return every attempt at the call at a key of a run, with what was known of it.

        Raises:
            RunNotFound, OutOfScope: See `reach.reached`.
        """
        call = call_id(run_id, key)

        def unit(tx: Transaction) -> list[RecordedAttempt]:
            reached(tx, run_id, reach)
            return [attempt for attempt in tx.evidence.of_run(run_id).attempts if attempt.call_id == call]

        return await self._runtime.store.read(unit)

    async def newest(self, reach: Reach, *, limit: int) -> Sequence[ListedSession]:
        """Return the sessions within reach that have the newest root runs."""
        return await self._runtime.store.read(lambda tx: tx.sessions.newest(SessionFilter(reach=reach), limit=limit))

    async def runs(self, wanted: RunFilter, reach: Reach, *, limit: int, cursor: str | None) -> RunPage:
        """Return one page of the runs within reach, newest first.

        Raises:
            Invalid: The cursor is not one that a page has returned.
        """
        kept = replace(wanted, reach=reach)
        return await self._runtime.store.read(lambda tx: tx.page_runs(kept, limit=limit, cursor=cursor))

    async def journal(self, run_id: RunId, reach: Reach, *, after: int = 0) -> tuple[Run, Sequence[Entry]]:
        """Return a run and the entries of its journal that are numbered above `after`.

        Raises:
            RunNotFound, OutOfScope: See `reach.reached`.
        """
        return await self._runtime.store.read(
            lambda tx: (reached(tx, run_id, reach), tx.load_entries(run_id, after=after))
        )

    async def calls(self, run_id: RunId, reach: Reach) -> tuple[Run, Sequence[StoredCall]]:
        """Return a run and its tool calls as the ledger has them, in the order in which they were proposed.

        Raises:
            RunNotFound, OutOfScope: See `reach.reached`.
        """
        return await self._runtime.store.read(lambda tx: (reached(tx, run_id, reach), tx.calls.of_run(run_id)))

    async def ends(self, listed: Sequence[ListedSession]) -> dict[RunId, RunParts]:
        """Return the newest root runs of those sessions that are over, each with what its end needs of its journal."""
        over = [item.root_run_id for item in listed if item.status in _OVER]
        found = await self._runtime.store.read(lambda tx: [_end(tx, run_id) for run_id in over])
        return {parts.run.id: parts for parts in found if parts is not None}

    async def run(self, run_id: RunId, reach: Reach) -> RunParts:
        """Return a run with its journal and tasks.

        Raises:
            RunNotFound, OutOfScope: See `reach.reached`.
        """
        return await self._runtime.store.read(lambda tx: parts_of(tx, reached(tx, run_id, reach)))

    async def whole(self, run_id: RunId, reach: Reach) -> Whole:
        """Return the session of any of its runs.

        Raises:
            RunNotFound, OutOfScope: See `reach.reached`.
        """
        return await self._runtime.store.read(lambda tx: whole(tx, reached(tx, run_id, reach).session_id))

    async def session(self, session_id: SessionId, reach: Reach) -> Whole:
        """Return a session by its id.

        Raises:
            SessionNotFound: No such session in the workspace.
            OutOfScope: There is, but the key does not reach it.
        """
        return await self._runtime.store.read(lambda tx: whole(tx, _reached_root(tx, session_id, reach).session_id))

    # -- commands, as units ------------------------------------------------------------------------------

    def starting(
        self, command: units.Start, principal: Principal, reach: Reach
    ) -> Callable[[Transaction], units.Claimed]:
        """Return the unit that creates a queued run, written down as started by this principal.

        Raises:
            SessionNotFound: The session is another workspace's. (When the unit runs.)
            OutOfScope: It exists, and the key does not reach all of it.
        """
        now = self._runtime.clock.now()

        def unit(tx: Transaction) -> units.Claimed:
            _refuse_session(tx, command.session_id, reach)
            claimed = units.start(tx, command, now, None)
            if claimed is None:
                raise NotWaiting(f"Expected a new run id, but {command.run_id} is taken.", run_id=command.run_id)
            about = {"session": command.session_id, "program": command.program, "version": command.origin.version}
            workspace = command.origin.workspace_id
            write_down(tx, workspace, now, principal.actor, "run.started", command.run_id, about)
            return claimed

        return unit

    def sending(self, run_id: RunId, text: str, principal: Principal, reach: Reach) -> Callable[[Transaction], Run]:
        """Return the unit that gives a run the message it waits for.

        Raises:
            NotWaiting: It does not wait for a message; the error says what it does. (When the unit runs.)
        """
        now, secrets = self._runtime.clock.now(), self._runtime.secrets

        def unit(tx: Transaction) -> Run:
            run = reached(tx, run_id, reach)
            pending = tx.run_tasks(run_id, pending_only=True)
            waiting = [task for task in pending if isinstance(task.spec.request, MessageRequest)]
            if not waiting:
                raise _not_waiting(run, bool(pending))
            task = waiting[0]
            units.decide(
                tx, task.id, cleaned_verdict(secrets, Answer(values={"value": text})), task.digest, principal.actor, now
            )
            return tx.find_run(run_id) or run

        return unit

    def skipping(self, run_id: RunId, principal: Principal, reach: Reach) -> Callable[[Transaction], Run]:
        """Return the unit that ends the waits of a run; see `Runtime.skip_wait`."""
        now = self._runtime.clock.now()

        def unit(tx: Transaction) -> Run:
            run = reached(tx, run_id, reach)
            endings.skip_wait(tx, run_id, principal.actor, now)
            return tx.find_run(run_id) or run

        return unit

    def cancelling(
        self, run_id: RunId, reason: str | None, principal: Principal, reach: Reach
    ) -> Callable[[Transaction], bool]:
        """Return the unit that ends a run with its tree; it returns False for one that had ended already."""
        now, why = self._runtime.clock.now(), cleaned(self._runtime.secrets, reason)

        def unit(tx: Transaction) -> bool:
            reached(tx, run_id, reach)
            return endings.cancel(tx, run_id, principal.actor, why, now)

        return unit

    def terminating(
        self, session_id: SessionId, reason: str | None, principal: Principal, reach: Reach
    ) -> Callable[[Transaction], list[Run]]:
        """Return the unit that ends every run of a session; it returns those that it ended."""
        now, why = self._runtime.clock.now(), cleaned(self._runtime.secrets, reason)

        def unit(tx: Transaction) -> list[Run]:
            _reached_root(tx, session_id, reach)
            return terminate(tx, session_id, principal.actor, why, now)

        return unit

    def completing(
        self, session_id: SessionId, note: str | None, principal: Principal, reach: Reach
    ) -> Callable[[Transaction], list[Run]]:
        """Return the unit that marks the waiting runs of a session as completed; it returns these.

        Raises:
            RunNotPaused: A run is at work, or nothing of the session is open. (When the unit runs.)
        """
        now, said = self._runtime.clock.now(), cleaned(self._runtime.secrets, note)

        def unit(tx: Transaction) -> list[Run]:
            _reached_root(tx, session_id, reach)
            return complete(tx, session_id, principal.actor, said, now)

        return unit

    # -- commands of the owner of the database -------------------------------------------------------------

    async def terminate(self, session_id: SessionId, *, by: Actor, reason: str | None = None) -> list[Run]:
        """End every run of a session, in one transaction; return those that it ended.

        Raises:
            SessionNotFound: There is none.
        """
        now = self._runtime.clock.now()
        return self._woken(await self._runtime.store.run(lambda tx: terminate(tx, session_id, by, reason, now)))

    async def complete(self, session_id: SessionId, *, by: Actor, note: str | None = None) -> list[Run]:
        """Mark the waiting runs of a session as completed, in one transaction; return these.

        Raises:
            SessionNotFound: There is none.
            RunNotPaused: A run is at work, or nothing of the session is open.
        """
        now = self._runtime.clock.now()
        return self._woken(await self._runtime.store.run(lambda tx: complete(tx, session_id, by, note, now)))

    def _woken(self, ended: list[Run]) -> list[Run]:
        for run in ended:
            self._runtime.wake(run.id)
        return ended


def terminate(tx: Transaction, session_id: SessionId, by: Actor, reason: str | None, now: datetime) -> list[Run]:
    """End every run of a session; return those that it ended.

    Raises:
        SessionNotFound: There is none.
    """
    why = reason or f"Session terminated by {by.id}"
    runs = _runs(tx, session_id)
    ended = [run for run in runs if run.state not in ENDED and endings.cancel(tx, run.id, by, why, now)]
    about = {"reason": why, "runs": [run.id for run in ended]}
    write_down(tx, runs[0].origin.workspace_id, now, by, "session.terminated", session_id, about)
    return ended


def complete(tx: Transaction, session_id: SessionId, by: Actor, note: str | None, now: datetime) -> list[Run]:
    """Mark the waiting runs of a session as completed, on an operator's word; return these.

    Raises:
        SessionNotFound: There is none.
        RunNotPaused: A run is at work, or nothing of the session is open.
    """
    open_ = [run for run in _runs(tx, session_id) if run.state not in ENDED and run.parent_id is None]
    if not open_ or any(run.state is not RunState.WAITING for run in open_):
        what = "is over" if not open_ else "is at work"
        raise RunNotPaused(f"Expected session {session_id} to wait, but it {what}.")
    for run in open_:
        endings.complete(tx, run.id, by, note, now)
    return open_


def whole(tx: Transaction, session_id: SessionId) -> Whole:
    """Return a session with everything in it.

    Raises:
        SessionNotFound: There is none.
    """
    listed, stored = tx.sessions.find_listed(session_id), tx.sessions.find(session_id)
    if listed is None or stored is None:
        raise SessionNotFound(f"Expected a session {session_id}, but there is none.")
    runs = [parts_of(tx, run) for run in _runs(tx, session_id)]
    return Whole(session=listed, runs=runs, user_id=stored.user_id)


def _runs(tx: Transaction, session_id: SessionId) -> list[Run]:
    """Return the runs of a session, oldest first.

    Raises:
        SessionNotFound: There are none.
    """
    found = tx.list_runs(session_id=session_id, program=None, state=None, limit=_MOST_RUNS)
    if not found:
        raise SessionNotFound(f"Expected a session {session_id}, but there is none.")
    return found[::-1]


def _end(tx: Transaction, run_id: RunId) -> RunParts | None:
    run = tx.find_run(run_id)
    if run is None:
        return None
    try:
        entries = tx.load_entries(run_id, after=run.seq - 1)
        if entries and not ends_alone(entries[-1]):
            entries = tx.load_entries(run_id, after=0)
        output_of(run, entries)
    except (UnreadableValue, AttributeError, KeyError, TypeError, ValueError):
        return None  # what cannot be read hides no other session
    return RunParts(run=run, entries=entries, tasks=())


def parts_of(tx: Transaction, run: Run) -> RunParts:
    """Return a run with its journal and its tasks."""
    entries, tasks = tx.load_entries(run.id, after=0), tx.run_tasks(run.id, pending_only=False)
    return RunParts(run=run, entries=entries, tasks=tasks, by_keys=by_keys(tx, run))


def _reached_root(tx: Transaction, session_id: SessionId, reach: Reach) -> Run:
    listed = tx.sessions.find_listed(session_id)
    run = None if listed is None else tx.find_run(listed.root_run_id)
    if run is None or run.origin.workspace_id != reach.workspace_id:
        raise SessionNotFound(f"Expected a session {session_id}, but there is none.")
    refuse_beyond(tx, reach, run)
    return run


def _refuse_session(tx: Transaction, session_id: SessionId, reach: Reach) -> None:
    """Refuse to join a session that a key does not reach: whoever has a run in it may read all of it."""
    for run in tx.list_runs(session_id=session_id, program=None, state=None, limit=_MOST_RUNS):
        if run.origin.workspace_id != reach.workspace_id:
            raise SessionNotFound(f"Expected a session {session_id}, but there is none.")
        if run.parent_id is None:
            refuse_beyond(tx, reach, run)


def _not_waiting(run: Run, for_people: bool) -> NotWaiting:
    if for_people:
        return RunWaitingForTask(
            f"Expected run {run.id} to wait for a message, but it waits for a user task.", run_id=run.id
        )
    what = f"is {run.state}"
    return NotWaiting(f"Expected run {run.id} to wait for a message, but it {what}.", run_id=run.id)
