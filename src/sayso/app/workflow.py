"""`Workflow`: a definition that can be run, continued, read and cancelled.

Every method exists twice, sync and async, over one implementation: the sync one runs the async one on the portal's
loop. A run is advanced by its caller; a `Worker` does the same for runs whose caller has gone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, cast

from sayso.app.continuing import Given, chooser
from sayso.app.database import SqliteDb
from sayso.app.outputs import STATUSES
from sayso.app.portal import portal
from sayso.app.reading import ReadableWorkflow
from sayso.app.streams import stream_of
from sayso.core.codec import to_json
from sayso.model.actors import Actor
from sayso.model.errors import Invalid, RunNotFound, StepFailed, UnstorableValue
from sayso.model.ids import RunId
from sayso.model.runs import ENDED, RunState
from sayso.programs.workflow import events
from sayso.programs.workflow.output import RunStatus, WorkflowRunOutput
from sayso.programs.workflow.primitives import Item
from sayso.runtime.ports import Listener
from sayso.runtime.units import Claimed

_POLL_SECONDS = 0.02
Events = AsyncIterator[events.BaseWorkflowRunEvent]


class Workflow(ReadableWorkflow):
    """A workflow with people in it.

    Args:
        name: The name under which its runs are stored.
        steps: The tree: a list of primitives, functions and workflows; or one function.
        id: An id for people and APIs; derived from the name by default.
        description: For people.
        db: Where runs live; without one they live in memory, for this process only.
        session_id: The session of runs that name none.
        session_state: State that a new session begins with.
        overwrite_db_session_state: Whether `session_state` replaces what a session has.
        user_id: The user of runs that name none.
        stream: The default of `run(stream=...)`.
        stream_events: The default of `run(stream_events=...)`.
        input_schema: A pydantic model that the input must fit.
        dependencies: Values handed to every step; they live in code and are not stored.
        metadata: Plain values handed to every step.

    Raises:
        ValueError: The tree holds something that is no step, or a gate that cannot be honoured.
    """

    def __init__(
        self,
        name: str = "workflow",
        *,
        steps: Sequence[Item] | Callable[..., Any] | None = None,
        id: str | None = None,
        description: str | None = None,
        db: SqliteDb | None = None,
        session_id: str | None = None,
        session_state: dict[str, Any] | None = None,
        overwrite_db_session_state: bool = False,
        user_id: str | None = None,
        stream: bool = False,
        stream_events: bool = False,
        input_schema: type[Any] | None = None,
        dependencies: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            name, steps=steps, id=id, description=description, dependencies=dependencies, metadata=metadata
        )
        self.db = db or SqliteDb()
        self.session_id = session_id
        self.session_state = session_state
        self.overwrite_db_session_state = overwrite_db_session_state
        self.user_id = user_id
        self.stream = stream
        self.stream_events = stream_events
        self.input_schema = input_schema
        self._background: set[asyncio.Task[Any]] = set()

    # -- running -----------------------------------------------------------------------------------------

    def arun(
        self,
        input: Any = None,
        *,
        additional_data: dict[str, Any] | None = None,
        session_id: str | None = None,
        run_id: str | None = None,
        user_id: str | None = None,
        session_state: dict[str, Any] | None = None,
        dependencies: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        stream: bool | None = None,
        stream_events: bool | None = None,
        background: bool = False,
    ) -> Any:
        """Start a run and take it as far as it goes: to its end, or to where a person is needed.

        Returns a coroutine of `WorkflowRunOutput`, or with `stream=True` an async iterator of events. The run is
        stored before anything of it happens; with `background=True` the output is PENDING and the run goes on by
        itself.

        Raises:
            ValueError: The input does not fit `input_schema`; nothing was started.
            UnstorableValue: A value cannot be stored; nothing was started.
            RunExists: The run id is taken.
            StepFailed: A step failed and its policy is to fail; the run is stored as ERROR.
        """
        started = self._started(input, additional_data, user_id, dependencies, metadata)
        state = self.session_state if session_state is None else {**(self.session_state or {}), **session_state}

        async def begin() -> Claimed:
            claimed = await self._runtime().start(
                self.name,
                started,
                session_id=self._session(session_id),
                run_id=None if run_id is None else RunId(run_id),
                user_id=user_id or self.user_id,
                state=None if state is None else cast("dict[str, Any]", self._stored(state, "session_state")),
                overwrite_state=self.overwrite_db_session_state,
            )
            self._latest_session = claimed.run.session_id
            return claimed

        async def go(listener: Listener | None) -> WorkflowRunOutput:
            claimed = await begin()
            if listener is not None:
                listener(events.WorkflowStartedEvent(session_id=claimed.run.session_id, run_id=claimed.run.id))
            return await self._advance(claimed.run.id, claimed, listener)

        if background:
            return self._in_background(begin)
        return self._result(go, stream, stream_events)

    def run(self, input: Any = None, **options: Any) -> Any:
        """Start a run as `arun` does, and return its output, or with `stream=True` an iterator of events."""
        return self._sync(self.arun(input, **options))

    def acontinue_run(
        self,
        run_response: WorkflowRunOutput | None = None,
        *,
        run_id: str | None = None,
        session_id: str | None = None,
        step_requirements: Given | None = None,
        decided_by: str = "local",
        stream: bool | None = None,
        stream_events: bool | None = None,
        background: bool = False,
    ) -> Any:
        """Send the answers that were given, and take the run on from the exact point where it stands.

        Of the requirements only the answers are read. With several pending, the run goes on with those that are
        answered and stays paused for the rest. Of two callers one wins; the other gets an error, or the same result.

        Args:
            run_response: A run's output whose requirements carry the answers.
            run_id: The run, where no output is at hand; needs `session_id`.
            session_id: Its session.
            step_requirements: The answers, in place of those of `run_response`.
            decided_by: Who answers.
            stream: Whether to return events.
            stream_events: Whether to return the fine-grained events too.
            background: Whether to return at once while the run goes on by itself.

        Raises:
            ValueError: Nothing is answered, a requirement was changed, or the run is over.
            AlreadyDecided: Someone was faster; the error carries their decision.
            TaskExpired: A deadline has passed; its `on_timeout` counts.
            DefinitionChanged: The code lost a step that the run stands on; the run stays as it is.
        """
        found = _run_of(run_response, run_id, session_id)
        given: Given = (
            step_requirements if step_requirements is not None else (run_response.requirements if run_response else ())
        )

        async def begin() -> Claimed | None:
            runtime = self._runtime()
            by = Actor(type="user", id=decided_by)
            return await runtime.answer(found, chooser(self.name, given, session_id, runtime.clock.now()), by=by)

        async def go(listener: Listener | None) -> WorkflowRunOutput:
            return await self._advance(found, await begin(), listener)

        if background:
            return self._in_background(begin, found)
        return self._result(go, stream, stream_events)

    def continue_run(self, run_response: WorkflowRunOutput | None = None, **options: Any) -> Any:
        """Continue a run as `acontinue_run` does, and return its output, or an iterator of events."""
        return self._sync(self.acontinue_run(run_response, **options))

    async def adecide(
        self,
        run_response: WorkflowRunOutput | None = None,
        *,
        run_id: str | None = None,
        session_id: str | None = None,
        step_requirements: Given | None = None,
        decided_by: str = "local",
    ) -> None:
        """Record the answers that were given, durably, and leave the run to a worker or a later `continue_run`.

        An answer that is recorded in time counts, whatever the deadline and whenever the run goes on.

        Raises:
            ValueError: As `acontinue_run`.
        """
        found = _run_of(run_response, run_id, session_id)
        given: Given = (
            step_requirements if step_requirements is not None else (run_response.requirements if run_response else ())
        )
        runtime = self._runtime()
        choose = chooser(self.name, given, session_id, runtime.clock.now())
        await runtime.answer(found, choose, by=Actor(type="user", id=decided_by), hold=False)

    def decide(self, run_response: WorkflowRunOutput | None = None, **options: Any) -> None:
        """Record the answers that were given, as `adecide` does."""
        portal.call(self.adecide(run_response, **options))

    async def acancel_run(self, run_id: str, *, cancelled_by: str = "local", reason: str | None = None) -> bool:
        """End a run and close its questions; later answers are refused. False when it had ended already.

        A run that is being advanced ends once the step that is being performed is over.

        Raises:
            RunNotFound: No such run.
        """
        return await self._runtime().cancel(RunId(run_id), by=Actor(type="user", id=cancelled_by), reason=reason)

    def cancel_run(self, run_id: str, *, cancelled_by: str = "local", reason: str | None = None) -> bool:
        """End a run as `acancel_run` does."""
        return portal.call(self.acancel_run(run_id, cancelled_by=cancelled_by, reason=reason))

    # -- inside ------------------------------------------------------------------------------------------

    def _started(
        self, given: Any, additional: Any, user_id: str | None, dependencies: Any, metadata: Any
    ) -> dict[str, Any]:
        """Return what a run starts with, in the codec's form; values that cannot be stored are refused by name."""
        if self.input_schema is not None:
            given = _validated(self.input_schema, given)
        parts = {
            "input": given,
            "additional_data": additional,
            "user_id": user_id or self.user_id,
            "dependencies": dependencies,
            "metadata": metadata,
        }
        return {name: self._stored(value, name) for name, value in parts.items() if value is not None}

    def _stored(self, value: Any, name: str) -> Any:
        try:
            return to_json(value)
        except UnstorableValue as exc:
            raise UnstorableValue(
                f"Expected {name} of workflow '{self.name}' to be storable, but: {exc.message}"
            ) from None

    async def _advance(self, run_id: RunId, claimed: Claimed | None, listener: Listener | None) -> WorkflowRunOutput:
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
            _announce_end(output, listener)
        elif rest.state is RunState.FAILED and rest.failure is not None:
            raise rest.failure
        return output

    def _result(
        self,
        go: Callable[[Listener | None], Coroutine[Any, Any, WorkflowRunOutput]],
        stream: bool | None,
        stream_events: bool | None,
    ) -> Coroutine[Any, Any, WorkflowRunOutput] | Events:
        if not (self.stream if stream is None else stream):
            return go(None)
        fine = self.stream_events if stream_events is None else stream_events
        return stream_of(self, go, self.db, fine=fine)

    async def _in_background(
        self, begin: Callable[[], Coroutine[Any, Any, Claimed | None]], run_id: RunId | None = None
    ) -> WorkflowRunOutput:
        """Start (or claim) now, advance later; the run is durable before this returns."""
        claimed = await begin()
        found = run_id if claimed is None else claimed.run.id
        if found is None:
            raise RunNotFound("Expected a run to go on with, but there is none.")
        task = asyncio.get_running_loop().create_task(self._quietly(found, claimed))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        run = await self._runtime().load_run(found)
        status = RunStatus.pending if run_id is None else STATUSES[run.state]
        return WorkflowRunOutput(
            run_id=run.id, session_id=run.session_id, status=status, workflow_id=self.id, workflow_name=self.name
        )

    async def _quietly(self, run_id: RunId, claimed: Claimed | None) -> None:
        try:
            await self._advance(run_id, claimed, None)
        except StepFailed:
            return  # the run is stored as ERROR, which is where a background caller looks

    def _sync(self, result: Any) -> Any:
        if asyncio.iscoroutine(result):
            return portal.call(result)
        return portal.iterate(result)


def _announce_end(output: WorkflowRunOutput, listener: Listener) -> None:
    common: dict[str, Any] = {"session_id": output.session_id, "run_id": output.run_id}
    match output.status:
        case RunStatus.completed:
            listener(events.WorkflowCompletedEvent(content=output.content, **common))
        case RunStatus.cancelled:
            listener(events.WorkflowCancelledEvent(reason=output.content, content=output.content, **common))
        case RunStatus.error:
            listener(events.WorkflowErrorEvent(error=output.error, **common))
        case RunStatus.pending | RunStatus.running | RunStatus.paused:
            return


def _run_of(run_response: WorkflowRunOutput | None, run_id: str | None, session_id: str | None) -> RunId:
    if run_response is not None:
        return RunId(run_response.run_id)
    if run_id is None or session_id is None:
        raise Invalid("Expected a run_response, or a run_id and a session_id; got neither.")
    return RunId(run_id)


def _validated(schema: type[Any], given: Any) -> Any:
    from pydantic import TypeAdapter  # Lazy: only workflows with an input_schema need it.

    if type(given) is schema:
        return given
    try:
        return TypeAdapter(schema).validate_python(given)
    except ValueError as exc:
        raise Invalid(f"Expected an input that fits {schema.__name__}, but: {exc}.") from exc
