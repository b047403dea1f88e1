"""Tasks, runs and sessions of a file."""

from collections.abc import Sequence
from typing import Any

from sayso.app.agent import Agent
from sayso.cli.desk import Decided, SeenTask, ShownRun, Standing, TaskList
from sayso.cli.local.bench import Bench
from sayso.cli.local.loading import load
from sayso.model.decisions import Verdict
from sayso.model.errors import Invalid, SessionNotFound, StepFailed, TaskNotFound
from sayso.model.ids import RunId, SessionId, TaskId
from sayso.model.json import Json
from sayso.model.runs import Run, RunState
from sayso.model.sessions import ListedSession, SessionFilter, SessionPage
from sayso.model.tasks import Listed, TaskFilter, TaskStatus, UserTask
from sayso.model.workspaces import Reach
from sayso.runtime.confiding import revealed
from sayso.runtime.inbox import Inbox
from sayso.runtime.ports import Transaction
from sayso.runtime.sessions import Sessions
from sayso.runtime.units import refuse_if_settled

_MOST = 10_000


class FileTasks:
    """See `cli.desk.Tasks`."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def page(self, *, status: Listed, kind: str | None, limit: int, cursor: str | None) -> TaskList:
        """See the port."""
        wanted = TaskFilter(status=status, kind=kind)
        page = self._bench.do(self._bench.runtime.list_tasks(wanted, limit=limit, cursor=cursor))
        return TaskList([self._bench.seen(task) for task in page.tasks], page.next_cursor)

    def find(self, task_id: str) -> SeenTask | None:
        """See the port."""
        try:
            return self._bench.seen(self._bench.do(self._bench.runtime.load_task(TaskId(task_id))))
        except TaskNotFound:
            return None

    def assign(self, task_id: str, to: str | None) -> SeenTask:
        """See the port."""
        inbox, directory = Inbox(self._bench.runtime), self._bench.db.directory

        async def both() -> UserTask:
            task = await self._bench.runtime.load_task(TaskId(task_id))
            by = await directory.local(self._bench.settings.user, task.workspace_id)
            return await inbox.assign(task.id, to, by, Reach(workspace_id=task.workspace_id))

        return self._bench.seen(self._bench.do(both()))

    def decide(self, task: UserTask, verdict: Verdict) -> Decided:
        """See the port."""
        deciding = self._bench.runtime.decide(task.id, verdict, digest=task.digest, by=self._bench.by)
        decision = self._bench.do(deciding)
        outcome = decision.outcome
        return Decided(
            task_id=decision.task_id,
            run_id=decision.run_id,
            verdict=outcome.verdict,
            action=outcome.action,
            by=str(decision.by),
            at=decision.at,
            note=outcome.note,
        )

    def reveal(self, task: UserTask, place: str) -> Json:
        """See the port."""
        runtime = self._bench.runtime
        by, now = self._bench.by, runtime.clock.now()

        def unit(tx: Transaction) -> Json:
            stored = tx.find_task(task.id) or task
            refuse_if_settled(stored, now)
            return revealed(tx, stored, place, by, now)

        return self._bench.do(runtime.store.run(unit))

    def extend(self, task: UserTask) -> UserTask:
        """See the port."""
        return self._bench.do(self._bench.runtime.extend(task.id, by=self._bench.by, shown=task.due_at))


class FileRuns:
    """See `cli.desk.Runs`."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def list(self, *, workflow: str | None, state: RunState | None, limit: int) -> Sequence[Run]:
        """See the port."""
        return self._bench.do(self._bench.runtime.list_runs(program=workflow, state=state, limit=limit))

    def show(self, run_id: str) -> ShownRun:
        """See the port."""
        runtime = self._bench.runtime
        run, tasks = self._bench.do(runtime.load_run_with_tasks(RunId(run_id)))
        entries, calls = self._bench.do(
            runtime.store.read(lambda tx: (tx.load_entries(run.id, after=0), tx.calls.of_run(run.id)))
        )
        return ShownRun(run=run, tasks=[self._bench.seen(task) for task in tasks], entries=entries, calls=calls)

    def cancel(self, run_id: str, reason: str | None) -> bool:
        """See the port."""
        return self._bench.do(self._bench.runtime.cancel(RunId(run_id), by=self._bench.by, reason=reason))

    def skip_wait(self, run_id: str) -> None:
        """See the port."""
        self._bench.do(self._bench.runtime.skip_wait(RunId(run_id), by=self._bench.by))

    def start(self, target: str, given: Any, session: str | None) -> Standing:
        """See the port; the target is code of this machine.

        Raises:
            Invalid: It is no Agent or Workflow, or several.
        """
        found = load(target)
        if len(found) != 1:
            raise Invalid(f"Expected one Agent or Workflow, but {target} has {len(found)}.")
        runnable = found[0]
        runnable.db = self._bench.db
        try:
            output: Any = runnable.run(given, session_id=session)
        except StepFailed:
            output = runnable.get_last_run_output(session)
        tasks = [self._bench.seen(task) for task in self._bench.do(self._bench.runtime.run_tasks(output.run_id))]
        return Standing(
            run_id=output.run_id,
            session_id=output.session_id,
            status=str(output.status),
            content=output.content,
            tasks=[seen for seen in tasks if seen.status is TaskStatus.PENDING],
            agent=isinstance(runnable, Agent),
            then=self._then(output, target, isinstance(runnable, Agent)) if output.is_paused else None,
        )

    def _then(self, output: Any, target: str, is_agent: bool) -> str:
        waits = f"it waits for: {output.waiting_for}; " if is_agent else ""
        return f"{waits}what takes it on: sayso worker {target} -d {self._bench.db.db_file}"


class FileSessions:
    """See `cli.desk.Sessions`."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def list(self, wanted: SessionFilter, *, limit: int, skip: int) -> SessionPage:
        """See the port."""
        return self._bench.do(self._bench.runtime.list_sessions(wanted, limit=limit, skip=skip))

    def show(self, session_id: str) -> tuple[ListedSession, Sequence[Run]]:
        """See the port."""
        runtime = self._bench.runtime
        found = self._bench.do(runtime.load_listed_session(SessionId(session_id)))
        runs = self._bench.do(runtime.list_runs(session_id=found.id, limit=_MOST))
        if not runs:
            raise SessionNotFound(f"Expected a session {session_id}, but there is none.")
        return found, runs[::-1]

    def complete(self, session_id: str, note: str | None) -> Sequence[str]:
        """See the port."""
        sessions = Sessions(self._bench.runtime)
        done = self._bench.do(sessions.complete(SessionId(session_id), by=self._bench.by, note=note))
        return [run.id for run in done]

    def terminate(self, session_id: str, reason: str | None) -> Sequence[str]:
        """See the port."""
        sessions = Sessions(self._bench.runtime)
        ended = self._bench.do(sessions.terminate(SessionId(session_id), by=self._bench.by, reason=reason))
        return [run.id for run in ended]
