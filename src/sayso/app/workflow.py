"""`Workflow`: a definition that can be run, continued, read and cancelled."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, cast

from sayso.app.continuing import Given, chooser
from sayso.app.database import SqliteDb
from sayso.app.outputs import bare_output, output_of
from sayso.app.portal import portal
from sayso.app.runnable import Runnable, given_of, run_id_of, validated
from sayso.app.streams import Stamp
from sayso.core.codec import from_json_fields
from sayso.model.errors import Invalid, SaysoError
from sayso.model.ids import RunId, SessionId
from sayso.model.runs import Run
from sayso.model.tasks import UserTask
from sayso.programs.agent.events import BaseRunEvent
from sayso.programs.workflow import events
from sayso.programs.workflow.definition import WorkflowDefinition
from sayso.programs.workflow.output import RunStatus, WorkflowRunOutput, WorkflowSession
from sayso.programs.workflow.primitives import Item
from sayso.runtime.ports import Listener
from sayso.runtime.runner import Rest
from sayso.runtime.units import Chooser, Claimed


class Workflow(WorkflowDefinition, Runnable[WorkflowRunOutput]):
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
        stream_executor_events: Whether those events include what agents in steps tell.
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
        stream_executor_events: bool = True,
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
        self.stream_executor_events = stream_executor_events
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
        started = self.started_with(input, additional_data, user_id, dependencies, metadata)
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
            return self._begun(begin)
        return self._result(go, self._stamp(stream_events), stream)

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
        found = run_id_of(run_response, run_id, session_id)
        given = given_of(run_response, step_requirements)

        def choose() -> Chooser:
            return chooser(self.name, given, session_id, self._runtime().clock.now())

        stamp = self._stamp(stream_events, found)
        return self._going_on(found, choose, decided_by, stamp, stream=stream, background=background)

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
        found = run_id_of(run_response, run_id, session_id)
        given = given_of(run_response, step_requirements)
        choose = chooser(self.name, given, session_id, self._runtime().clock.now())
        await self._answered(found, choose, decided_by, hold=False)

    def decide(self, run_response: WorkflowRunOutput | None = None, **options: Any) -> None:
        """Record the answers that were given, as `adecide` does."""
        portal.call(self.adecide(run_response, **options))

    # -- reading -----------------------------------------------------------------------------------------

    async def aget_session(self, session_id: str | None = None) -> WorkflowSession | None:
        """Return a session with its runs, oldest first; None when there is none."""
        runtime, wanted = self._runtime(), session_id or self.session_id or self._latest_session
        if wanted is None:
            raise Invalid("Expected a session_id, but none was given, and this workflow has started no run.")
        session = await runtime.find_session(SessionId(wanted))
        if session is None:
            return None
        runs = await runtime.list_runs(session_id=session.id, program=self.name, limit=10_000)
        outputs = [await self.aget_run_output(run.id) for run in reversed(runs)]
        return WorkflowSession(
            session_id=session.id,
            user_id=session.user_id,
            session_state=from_json_fields(session.state),
            runs=outputs,
            created_at=session.created_at,
            updated_at=session.updated_at,
        )

    def get_session(self, session_id: str | None = None) -> WorkflowSession | None:
        """Return a session with its runs; see `aget_session`."""
        return portal.call(self.aget_session(session_id))

    # -- inside ------------------------------------------------------------------------------------------

    def started_with(
        self,
        given: Any,
        additional: Any = None,
        user_id: str | None = None,
        dependencies: Any = None,
        metadata: Any = None,
    ) -> dict[str, Any]:
        """Return what a run starts with, in the codec's form.

        Raises:
            Invalid: The input does not fit `input_schema`.
            UnstorableValue: A value cannot be stored; it is named.
        """
        if self.input_schema is not None:
            given = validated(self.input_schema, given)
        parts = {
            "input": given,
            "additional_data": additional,
            "user_id": user_id or self.user_id,
            "dependencies": dependencies,
            "metadata": metadata,
        }
        return {name: self._stored(value, name) for name, value in parts.items() if value is not None}

    def _output_of(self, rest: Rest, tasks: list[UserTask], now: datetime) -> WorkflowRunOutput:
        return output_of(self, rest, tasks, now)

    def _bare_of(self, run: Run, tasks: list[UserTask], now: datetime, problem: SaysoError) -> WorkflowRunOutput:
        return bare_output(self, run, tasks, now, problem)

    def _announce_end(self, output: WorkflowRunOutput, listener: Listener) -> None:
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

    def _stamp(self, stream_events: bool | None, run_id: str | None = None) -> Stamp:
        fine = self.stream_events if stream_events is None else stream_events

        def admit(event: Any) -> bool:
            if isinstance(event, BaseRunEvent):
                return fine and self.stream_executor_events
            if not isinstance(event, events.BaseWorkflowRunEvent):
                return False
            event.workflow_id, event.workflow_name = self.id, self.name
            return fine or isinstance(event, events.ALWAYS)

        return Stamp(self.db.runtime.clock, run_id, admit)

    def _fresh(self, run: Run, status: RunStatus) -> WorkflowRunOutput:
        return WorkflowRunOutput(
            run_id=run.id, session_id=run.session_id, status=status, workflow_id=self.id, workflow_name=self.name
        )
