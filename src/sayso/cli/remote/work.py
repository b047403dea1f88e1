"""Tasks, runs and sessions of a server."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, cast

import typer

from sayso.cli.desk import Decided, SeenTask, ShownRun, Standing, TaskList
from sayso.cli.remote import values
from sayso.client import ApiNotAllowed, ApiNotFound, ApiRefused, Retries, Sayso, Unreachable
from sayso.core.answers import Refused
from sayso.core.completions import fields_of
from sayso.core.verdicts import settle
from sayso.model.decisions import Verdict
from sayso.model.errors import Invalid, InvalidDecision, RunNotPaused, TaskNotFound
from sayso.model.json import Json
from sayso.model.registryerrors import AgentNotFound
from sayso.model.requesterrors import NotRemote, WaitNotRunning
from sayso.model.runs import Run, RunState
from sayso.model.sessions import ListedSession, SessionFilter, SessionPage
from sayso.model.tasks import Listed, TaskStatus, UserTask

_PAGE = 100
"""The most that a server gives at once."""
_PATIENT = Retries(attempts=12, longest=5.0)
"""A server that is started again while a run is followed is waited for, about half a minute."""
_LISTED: dict[Listed, Any] = {
    "pending": "Pending",
    "completed": "Completed",
    "cancelled": "Cancelled",
    "any": "any",
}
_STATUS = {
    RunState.COMPLETED: "COMPLETED",
    RunState.FAILED: "ERROR",
    RunState.CANCELLED: "CANCELLED",
    RunState.WAITING: "PAUSED",
}


class ServerTasks:
    """See `cli.desk.Tasks`."""

    def __init__(self, client: Sayso) -> None:
        self._client = client

    def page(self, *, status: Listed, kind: str | None, limit: int, cursor: str | None) -> TaskList:
        """See the port."""
        found: list[SeenTask] = []
        while True:
            take = min(_PAGE, limit - len(found))
            page = self._client.page_user_tasks(
                status=_LISTED[status], kind=kind, take=take, cursor=cursor, include="spec"
            )
            found += [values.task_of(task) for task in page.items]
            cursor = page.next_cursor
            if cursor is None or len(found) >= limit:
                return TaskList(found, cursor)

    def find(self, task_id: str) -> SeenTask | None:
        """See the port."""
        try:
            return values.task_of(self._client.get_user_task(task_id, include="spec")) if task_id else None
        except ApiNotFound as exc:
            if exc.code == TaskNotFound.code:
                return None
            raise

    def assign(self, task_id: str, to: str | None) -> SeenTask:
        """See the port."""
        self._client.assign_user_task(task_id, to)
        return values.task_of(self._client.get_user_task(task_id, include="spec"))

    def decide(self, task: UserTask, verdict: Verdict) -> Decided:
        """See the port.

        Raises:
            InvalidDecision: The verdict does not fit the task.
        """
        refused = settle(task.spec, verdict)
        if isinstance(refused, Refused):
            raise InvalidDecision(
                f"Expected a decision that fits task {task.id} ('{task.key}'), but: {refused.reason}.", task_id=task.id
            )
        fields = {_snake(name): value for name, value in fields_of(task.spec.request, verdict).items()}
        return values.decided_of(self._client.complete_user_task(task.id, digest=task.digest, **fields))

    def reveal(self, task: UserTask, place: str) -> Json:
        """See the port."""
        return self._client.reveal_secret(task.id, place)

    def extend(self, task: UserTask) -> UserTask:
        """See the port."""
        told = self._client.extend_user_task(task.id, due_at=task.due_at)
        return replace(task, due_at=values.needed(told.due_at, "dueAt"))


class ServerRuns:
    """See `cli.desk.Runs`."""

    def __init__(self, client: Sayso, connect: Callable[[Retries], Sayso], options: str) -> None:
        self._client = client
        self._connect = connect
        self._options = options

    def list(self, *, workflow: str | None, state: RunState | None, limit: int) -> Sequence[Run]:
        """See the port."""
        return list(islice(_runs(self._client, of=workflow, state=state), limit))

    def show(self, run_id: str) -> ShownRun:
        """See the port."""
        first = self._client.get_journal(run_id)
        run = values.run_of(first.run)
        entries, after = [values.entry_of(run.id, entry) for entry in first.items], first.next_after
        while after is not None:
            page = self._client.get_journal(run_id, after=after)
            entries += [values.entry_of(run.id, entry) for entry in page.items]
            after = page.next_after
        calls = [values.call_of(call) for call in self._client.list_calls(run_id)]
        return ShownRun(run=run, tasks=_tasks_of(self._client, run_id), entries=entries, calls=calls)

    def cancel(self, run_id: str, reason: str | None) -> bool:
        """See the port."""
        return bool(values.needed(self._client.cancel_run(run_id, reason=reason).cancelled, "cancelled"))

    def skip_wait(self, run_id: str) -> None:
        """See the port.

        Raises:
            RunNotPaused: It does not wait for a time; clients of the API are told so as a bad request.
        """
        try:
            self._client.skip_agent_wait_timer(run_id)
        except ApiRefused as exc:
            if exc.code == WaitNotRunning.code:
                raise RunNotPaused(exc.message, run_id=run_id) from exc
            raise

    def start(self, target: str, given: Any, session: str | None) -> Standing:
        """See the port; the target is an agent or workflow of the server, by name or id.

        Raises:
            NotRemote: It is code of this machine.
            AgentNotFound: The server has no such agent or workflow.
        """
        agent, workflow = self._found(target)
        if agent is None:
            run_id = self._started(workflow, given, session)
        else:
            run_id = self._client.start_run(agent, given, session_id=session).run_id
        return self._followed(run_id, agent=agent is not None)

    def _started(self, workflow: str, given: Any, session: str | None) -> str:
        try:
            return self._client.start_workflow(workflow, given, session_id=session).run_id
        except (ApiNotFound, ApiNotAllowed) as exc:
            exc.hint = f"{exc.hint} Whoever may not list agents names one by its id (agt_...)."
            raise

    def _followed(self, run_id: str, *, agent: bool) -> Standing:
        look = f"sayso runs show {run_id}{self._options}"
        try:
            with self._connect(_PATIENT) as client:
                run = client.wait_run(run_id)
                row = values.run_of(client.get_journal(run_id, take=1).run)
                open_ = [seen for seen in _tasks_of(client, run_id) if seen.status is TaskStatus.PENDING]
        except Unreachable as exc:
            exc.hint = f"The run was started, and goes on by itself when the server is there: {look}"
            raise
        except KeyboardInterrupt:
            typer.echo(f"\nThe run goes on at the server: {look}", err=True)
            raise
        return Standing(
            run_id=run_id,
            session_id=run.session_id,
            status=_STATUS.get(row.state, "RUNNING"),
            content=_failure(run.error) if row.state is RunState.FAILED else run.output,
            tasks=open_,
            agent=agent,
        )

    def _found(self, target: str) -> tuple[str | None, str]:
        """Return the id of the agent that is meant, or None and the name of the workflow.

        Whoever may not list them, such as a key, may still start a workflow that is in scope.
        """
        if target.startswith("agt_"):
            return target, ""
        _refuse_code(target)
        try:
            agents = [agent.id for agent in _agents(self._client) if agent.name == target]
            workflows = [flow.name for flow in self._client.list_workflows() if target in {flow.name, flow.id}]
        except ApiNotAllowed:
            return None, target
        if agents and workflows:
            raise Invalid(
                f"Expected one agent or workflow, but the server has one of each named {target!r}.",
                hint=f"Name the agent by its id: {agents[0]}.",
            )
        if not agents and not workflows:
            raise AgentNotFound(
                f"Expected an agent or workflow {target!r} at the server, but there is none.",
                hint="Name it when the server is started, or deploy an agent of this name.",
            )
        return (agents[0], "") if agents else (None, workflows[0])


class ServerSessions:
    """See `cli.desk.Sessions`."""

    def __init__(self, client: Sayso) -> None:
        self._client = client

    def list(self, wanted: SessionFilter, *, limit: int, skip: int) -> SessionPage:
        """See the port."""
        status = None if wanted.status is None else str(wanted.status)
        found: list[ListedSession] = []
        while True:
            page = self._client.list_sessions(
                of=wanted.program,
                version_label=wanted.version,
                status=status,
                skip=skip + len(found),
                take=min(_PAGE, limit - len(found)),
            )
            found += [values.session_of(session) for session in page.items]
            if not page.items or len(found) >= limit or skip + len(found) >= page.total:
                return SessionPage(items=tuple(found), total=page.total)

    def show(self, session_id: str) -> tuple[ListedSession, Sequence[Run]]:
        """See the port."""
        found = values.session_of(self._client.get_session(session_id))
        return found, list(_runs(self._client, session_id=session_id))[::-1]

    def complete(self, session_id: str, note: str | None) -> Sequence[str]:
        """See the port."""
        return list(self._client.complete_session(session_id, note=note).ended_run_ids)

    def terminate(self, session_id: str, reason: str | None) -> Sequence[str]:
        """See the port."""
        return list(self._client.terminate_session(session_id, reason=reason).ended_run_ids)


def _runs(
    client: Sayso, *, of: str | None = None, state: RunState | None = None, session_id: str | None = None
) -> Iterator[Run]:
    cursor = None
    while True:
        page = client.list_runs(
            of=of, state=None if state is None else str(state), session_id=session_id, take=_PAGE, cursor=cursor
        )
        yield from (values.run_of(run) for run in page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def _agents(client: Sayso) -> Iterator[Any]:
    skip = 0
    while True:
        page = client.list_agents(skip=skip, take=_PAGE)
        yield from page.items
        skip += len(page.items)
        if not page.items or skip >= page.total:
            return


def _tasks_of(client: Sayso, run_id: str) -> list[SeenTask]:
    """Return every task of a run, oldest first, and the messages that it has waited for."""
    told = client.list_run_tasks(run_id, include="spec")
    messages: list[Any] = []
    cursor = None
    while True:
        page = client.page_user_tasks(status="any", kind="message", run_id=run_id, cursor=cursor, include="spec")
        messages += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    found = [values.task_of(task) for task in (*told, *messages)]
    return sorted(found, key=lambda seen: (seen.task.created_at, seen.task.id))


def _refuse_code(target: str) -> None:
    """Refuse a target that names code of this machine.

    Raises:
        NotRemote: It does.
    """
    where, colon, _ = target.rpartition(":")
    if target.endswith(".py") or where.endswith(".py") or (colon and where.replace(".", "").isidentifier()):
        raise NotRemote(
            f"Expected the name of an agent or workflow of the server, but {target} is code of this machine.",
            hint="Name one of the server's; or say --url '' to run the code here.",
        )


def _failure(error: Any) -> Any:
    """Return the sentence of an error."""
    return cast("dict[str, Any]", error).get("message", error) if isinstance(error, dict) else error


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
