"""Reading a workflow's runs and sessions: replay without doing anything."""

from sayso.app.database import SqliteDb
from sayso.app.outputs import bare_output, output_of
from sayso.app.portal import portal
from sayso.core.codec import from_json_fields
from sayso.model.errors import Invalid, RunNotFound, SaysoError
from sayso.model.ids import RunId, SessionId
from sayso.programs.workflow.definition import WorkflowDefinition
from sayso.programs.workflow.output import WorkflowRunOutput, WorkflowSession
from sayso.runtime.door import Runtime
from sayso.runtime.runner import Rest


class ReadableWorkflow(WorkflowDefinition):
    """A definition with the database that holds its runs."""

    db: SqliteDb
    session_id: str | None = None
    _latest_session: str | None = None
    """The session of the run that this object has started last."""

    async def aget_run_output(self, run_id: str, session_id: str | None = None) -> WorkflowRunOutput:
        """Return where a run stands, by replaying its journal without doing anything.

        Raises:
            RunNotFound: No such run, or not in this session.
        """
        runtime = self._runtime()
        await runtime.open()
        run = await runtime.load_run(RunId(run_id))
        if run.program != self.name:
            raise RunNotFound(
                f"Expected run {run_id} to be one of '{self.name}', but it is one of '{run.program}'.", run_id=run_id
            )
        if session_id is not None and run.session_id != session_id:
            raise RunNotFound(
                f"Expected run {run_id} in session {session_id}, but it belongs to another.", run_id=run_id
            )
        try:
            return await self._output(await runtime.peek(run.id))
        except SaysoError as exc:
            return bare_output(self, run, await runtime.run_tasks(run.id), runtime.clock.now(), exc)

    def get_run_output(self, run_id: str, session_id: str | None = None) -> WorkflowRunOutput:
        """Return where a run stands; see `aget_run_output`."""
        return portal.call(self.aget_run_output(run_id, session_id))

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

    async def aget_last_run_output(self, session_id: str | None = None) -> WorkflowRunOutput | None:
        """Return the newest run of a session (or of the workflow); None when there is none."""
        wanted = self._session(session_id)
        runs = await self._runtime().list_runs(session_id=wanted, program=self.name, limit=1)
        return await self.aget_run_output(runs[0].id) if runs else None

    def get_last_run_output(self, session_id: str | None = None) -> WorkflowRunOutput | None:
        """Return the newest run; see `aget_last_run_output`."""
        return portal.call(self.aget_last_run_output(session_id))

    # -- for subclasses ----------------------------------------------------------------------------------

    def _runtime(self) -> Runtime:
        runtime = self.db.runtime
        if not runtime.has(self):
            runtime.register(self)
        return runtime

    async def _output(self, rest: Rest) -> WorkflowRunOutput:
        runtime = self._runtime()
        tasks = rest.tasks
        if tasks is None and rest.record.asked:
            tasks = await runtime.run_tasks(rest.run.id)
        return output_of(self, rest, tasks or [], runtime.clock.now())

    def _session(self, session_id: str | None) -> SessionId | None:
        wanted = session_id or self.session_id
        return None if wanted is None else SessionId(wanted)
