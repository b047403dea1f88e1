"""What workflows and agents have in common as things that people hold: they run, go on, are read and cancelled.

Every method exists twice, sync and async, over one implementation: the sync one runs the async one on the portal's
loop. A run is advanced by its caller; a `Worker` does the same for runs whose caller has gone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from sayso.app.continuing import Given
from sayso.app.database import SqliteDb
from sayso.app.outputs import STATUSES
from sayso.app.portal import portal
from sayso.app.streams import stream_of
from sayso.core.codec import to_json
from sayso.model.actors import Actor
from sayso.model.errors import Invalid, RunNotFound, SaysoError, StepFailed, UnstorableValue
from sayso.model.ids import RunId, SessionId
from sayso.model.runs import ENDED, Run, RunState
from sayso.model.tasks import UserTask
from sayso.programs.context import Program
from sayso.programs.workflow.output import RunStatus
from sayso.runtime.door import Runtime
from sayso.runtime.ports import Listener
from sayso.runtime.runner import Rest
from sayso.runtime.units import Chooser, Claimed

Out = TypeVar("Out")
_POLL_SECONDS = 0.02


class Runnable(Generic[Out]):
    """A program with the database that holds its runs."""

    name: str
    db: SqliteDb
    session_id: str | None = None
    stream: bool = False
    stream_events: bool = False
    _latest_session: str | None = None
    """The session of the run that this object has started last."""
    _background: set[asyncio.Task[Any]]

    # -- reading -----------------------------------------------------------------------------------------

    async def aget_run_output(self, run_id: str, session_id: str | None = None) -> Out:
        """Return where a run stands, by replaying its journal without doing anything.

        Raises:
            RunNotFound: No such run, or not of this name, or not in this session.
        """
        runtime = self._runtime()
        await runtime.open()
        run = await runtime.load_run(RunId(run_id))
        self._refuse_foreign(run, session_id)
        try:
            return await self._output(await runtime.peek(run.id))
        except SaysoError as exc:
            return self._bare_of(run, await runtime.run_tasks(run.id), runtime.clock.now(), exc)

    def get_run_output(self, run_id: str, session_id: str | None = None) -> Out:
        """Return where a run stands; see `aget_run_output`."""
        return portal.call(self.aget_run_output(run_id, session_id))

    async def aget_last_run_output(self, session_id: str | None = None) -> Out | None:
        """Return the newest run of a session (or of this name); None when there is none."""
        wanted = self._session(session_id)
        runs = await self._runtime().list_runs(session_id=wanted, program=self.name, limit=1)
        return await self.aget_run_output(runs[0].id) if runs else None

    def get_last_run_output(self, session_id: str | None = None) -> Out | None:
        """Return the newest run; see `aget_last_run_output`."""
        return portal.call(self.aget_last_run_output(session_id))

    # -- going on ----------------------------------------------------------------------------------------

    async def acancel_run(self, run_id: str, *, cancelled_by: str = "local", reason: str | None = None) -> bool:
        """End a run and close its questions; later answers are refused. False when it had ended already.

        A run that is being advanced ends once the effect that is being performed is over.

        Raises:
            RunNotFound: No such run, or not of this name.
        """
        self._refuse_foreign(await self._runtime().load_run(RunId(run_id)), None)
        return await self._runtime().cancel(RunId(run_id), by=Actor(type="user", id=cancelled_by), reason=reason)

    def cancel_run(self, run_id: str, *, cancelled_by: str = "local", reason: str | None = None) -> bool:
        """End a run as `acancel_run` does."""
        return portal.call(self.acancel_run(run_id, cancelled_by=cancelled_by, reason=reason))

    # -- for subclasses ----------------------------------------------------------------------------------

    def _output_of(self, rest: Rest, tasks: list[UserTask], now: datetime) -> Out:
        """Return the output of a run, as the pass that led to its rest saw it."""
        raise NotImplementedError

    def _bare_of(self, run: Run, tasks: list[UserTask], now: datetime, problem: SaysoError) -> Out:
        """Return what can be said of a run that this code cannot replay."""
        raise NotImplementedError

    def _fresh(self, run: Run, status: RunStatus) -> Out:
        """Return the output of a run that goes on by itself."""
        raise NotImplementedError

    def _announce_end(self, output: Out, listener: Listener) -> None:
        """Tell how a streamed run has come to rest."""
        raise NotImplementedError

    def _runtime(self) -> Runtime:
        runtime, program = self.db.runtime, cast("Program", self)
        if not runtime.has(program):
            runtime.register(program)
        return runtime

    async def _output(self, rest: Rest) -> Out:
        runtime, tasks = self._runtime(), rest.tasks
        if tasks is None and rest.record.asked:
            tasks = await runtime.run_tasks(rest.run.id)
        return self._output_of(rest, tasks or [], runtime.clock.now())

    def _session(self, session_id: str | None) -> SessionId | None:
        wanted = session_id or self.session_id
        return None if wanted is None else SessionId(wanted)

    def _refuse_foreign(self, run: Run, session_id: str | None) -> None:
        if run.program != self.name:
            raise RunNotFound(
                f"Expected run {run.id} to be one of '{self.name}', but it is one of '{run.program}'.", run_id=run.id
            )
        if session_id is not None and run.session_id != session_id:
            raise RunNotFound(
                f"Expected run {run.id} in session {session_id}, but it belongs to another.", run_id=run.id
            )

    def _stored(self, value: Any, name: str) -> Any:
        try:
            return to_json(value)
        except UnstorableValue as exc:
            raise UnstorableValue(f"Expected {name} of '{self.name}' to be storable, but: {exc.message}") from None

    async def _answered(self, run_id: RunId, choose: Chooser, by: str, *, hold: bool = True) -> Claimed | None:
        return await self._runtime().answer(run_id, choose, by=Actor(type="user", id=by), hold=hold)

    async def _advance(self, run_id: RunId, claimed: Claimed | None, listener: Listener | None) -> Out:
        """Advance a run to rest; where another worker holds it, wait for that one."""
        runtime = self._runtime()
        rest = await runtime.advance(run_id, held=claimed, listener=listener, read_tasks=True)
        while rest is None:
            run = await runtime.load_run(run_id)
            if run.state in ENDED or run.state is RunState.WAITING:
                return await self.aget_run_output(run_id)
            await asyncio.sleep(_POLL_SECONDS)
            rest = await runtime.advance(run_id, listener=listener, read_tasks=True)
        output = await self._output(rest)
        if listener is not None:
            self._announce_end(output, listener)
        elif rest.state is RunState.FAILED and rest.failure is not None:
            raise rest.failure
        return output

    def _result(
        self,
        go: Callable[[Listener | None], Coroutine[Any, Any, Out]],
        stamp: Callable[[object], object | None],
        stream: bool | None,
    ) -> Coroutine[Any, Any, Out] | AsyncIterator[Any]:
        """Return an operation's output, or with `stream` its events, each filled in (or dropped) by `stamp`."""
        if not (self.stream if stream is None else stream):
            return go(None)
        return stream_of(go, stamp)

    def _going_on(
        self,
        run_id: RunId,
        choose: Callable[[], Chooser],
        by: str,
        stamp: Callable[[object], object | None],
        *,
        stream: bool | None,
        background: bool,
    ) -> Coroutine[Any, Any, Out] | AsyncIterator[Any]:
        """Record answers, and take the run on from where it stands: now, as events, or later."""

        async def begin() -> Claimed | None:
            return await self._answered(run_id, choose(), by)

        async def go(listener: Listener | None) -> Out:
            return await self._advance(run_id, await begin(), listener)

        return self._begun(begin, run_id) if background else self._result(go, stamp, stream)

    async def _begun(
        self, begin: Callable[[], Coroutine[Any, Any, Claimed | None]], run_id: RunId | None = None
    ) -> Out:
        """Start (or claim) now and go on in the background; the run is durable before this returns."""
        claimed = await begin()
        found = run_id if claimed is None else claimed.run.id
        if found is None:
            raise RunNotFound("Expected a run to go on with, but there is none.")
        task = asyncio.get_running_loop().create_task(self._quietly(found, claimed))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        run = await self._runtime().load_run(found)
        return self._fresh(run, RunStatus.pending if run_id is None else STATUSES[run.state])

    async def _quietly(self, run_id: RunId, claimed: Claimed | None) -> None:
        try:
            await self._advance(run_id, claimed, None)
        except StepFailed:
            return  # the run is stored as failed, which is where a background caller looks

    def _sync(self, result: Any) -> Any:
        return portal.call(result) if asyncio.iscoroutine(result) else portal.iterate(result)


def run_id_of(run_response: Any, run_id: str | None, session_id: str | None) -> RunId:
    """Return the run that a caller means.

    Raises:
        Invalid: It gave neither an output nor both ids.
    """
    if run_response is not None:
        return RunId(run_response.run_id)
    if run_id is None or session_id is None:
        raise Invalid("Expected a run_response, or a run_id and a session_id; got neither.")
    return RunId(run_id)


def given_of(run_response: Any, given: Given | None) -> Given:
    """Return the requirements that a caller sends: its own list, else those of the output it holds."""
    if given is not None:
        return given
    return () if run_response is None else run_response.requirements


def validated(schema: type[Any], given: Any) -> Any:
    """Return an input that fits a type.

    Raises:
        Invalid: It does not.
    """
    from pydantic import TypeAdapter  # Lazy: only those with an input_schema need it.

    if type(given) is schema:
        return given
    try:
        return TypeAdapter(schema).validate_python(given)
    except ValueError as exc:
        raise Invalid(f"Expected an input that fits {schema.__name__}, but: {exc}.") from exc
