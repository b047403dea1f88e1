"""Every call of the API as a value: method, path, parameters, body, and how to read the answer. Nothing is sent here.

Both clients have these as methods, so a call is written once and is the same in both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

from sayso.client.answers import Conversation, Ended, Page, Run, Session, Standing, Task, TaskPage, Workflow
from sayso.client.reading import value, values
from sayso.model.json import Json

T = TypeVar("T")
TaskStatus = Literal["Pending", "Completed", "Cancelled", "any"]
Include = Literal["spec"]
"""What else of a task is wanted: `spec`, what was asked in the form that is stored and hashed."""
Query = dict[str, str | int | bool]


def _query() -> Query:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One call."""

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    read: Callable[[Any], T]
    """From the JSON of the answer to its value."""
    query: Query = field(default_factory=_query)
    body: Mapping[str, Json] | None = None
    key: str | None = None
    """The Idempotency-Key, where the caller has one of their own."""
    wait: int = 0
    """How many seconds the service may take on purpose."""
    again: bool = True
    """Whether it may be sent again though it may have been taken; else only where it is known that it was not."""


def get(read: Callable[[Any], T], path: str, wait: int = 0, **query: str | int | bool | None) -> Call[T]:
    """Return a call that reads; parameters that are None are left out."""
    sent: Query = {name: item for name, item in query.items() if item is not None}
    return Call(method="GET", path=path, read=read, query=sent | ({"wait": wait} if wait else {}), wait=wait)


def post(
    read: Callable[[Any], T], path: str, body: Mapping[str, Json] | None = None, *, key: str | None, wait: int = 0
) -> Call[T]:
    """Return a call that acts once per Idempotency-Key; fields that are None are left out."""
    sent = None if body is None else {name: item for name, item in body.items() if item is not None}
    return Call(
        method="POST", path=path, read=read, body=sent, key=key, wait=wait, query={"wait": wait} if wait else {}
    )


def read_as(cls: type[T]) -> Callable[[Any], T]:
    """Return how to read a JSON object as a value."""
    return lambda plain: value(cls, plain)


def at(*parts: str) -> str:
    """Return a path whose parts cannot break out of their places."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


# -- runs ---------------------------------------------------------------------------------------------------------


def start_run(
    agent_id: str,
    input: Json = None,
    *,
    user_id: str | None = None,
    session_id: str | None = None,
    wait: int = 0,
    idempotency_key: str | None = None,
) -> Call[Run]:
    """Start a run of an agent's deployed version, in a new session or in one that is named.

    Args:
        agent_id: The agent.
        input: What it is given.
        user_id: Whose session it is, for the tools.
        session_id: An existing session, or a name for a new one.
        wait: Seconds to wait for the run to rest before answering, at most 60.
        idempotency_key: The same key and input never start two runs; without one, each call is its own.
    """
    body: dict[str, Json] = {"input": input, "userId": user_id}
    if session_id is not None:
        body["sessionId"] = session_id
    return post(read_as(Run), at("agents", agent_id, "runs"), body, key=idempotency_key, wait=wait)


def get_run(run_id: str, *, wait: int = 0) -> Call[Run]:
    """Return a run as it stands; with `wait`, after at most so many seconds, as soon as it rests."""
    return get(read_as(Run), at("runs", run_id), wait)


def get_conversation(run_id: str, *, slim: bool = False) -> Call[Conversation]:
    """Return the whole session of a run: its runs, and one timeline of all of them.

    Args:
        run_id: Any run of the session.
        slim: Whether ids that every item repeats are left out of the contents.
    """
    return get(read_as(Conversation), at("runs", run_id, "conversation"), stepContent="slim" if slim else "full")


def list_run_tasks(run_id: str, *, include: Include | None = None) -> Call[tuple[Task, ...]]:
    """Return every user task of a run, oldest first."""
    return get(lambda plain: values(Task, plain["items"]), at("runs", run_id, "user-tasks"), include=include)


def send_run_message(
    run_id: str,
    text: str | None = None,
    *,
    user_task_id: str | None = None,
    idempotency_key: str | None = None,
    **completion: Json,
) -> Call[Standing]:
    """Send a run what it waits for: a message of the conversation, or the completion of a user task.

    Args:
        run_id: The run.
        text: The message.
        user_task_id: The task to complete instead.
        idempotency_key: See `start_run`.
        completion: The answer to the task, as in `complete_user_task`.
    """
    body: dict[str, Json] = {"text": text, "userTaskId": user_task_id, **completion_fields(**completion)}
    return post(read_as(Standing), at("runs", run_id, "messages"), body, key=idempotency_key)


def skip_agent_wait_timer(run_id: str, *, idempotency_key: str | None = None) -> Call[Standing]:
    """Let a run that waits for a time go on now."""
    return post(read_as(Standing), at("runs", run_id, "skip-agent-wait"), key=idempotency_key)


def cancel_run(run_id: str, *, reason: str | None = None, idempotency_key: str | None = None) -> Call[Standing]:
    """End a run with its tree and close its tasks; one that has ended stays as it is."""
    return post(read_as(Standing), at("runs", run_id, "cancel"), {"reason": reason}, key=idempotency_key)


def decide(run_id: str, decisions: list[Mapping[str, Json]], *, idempotency_key: str | None = None) -> Call[Standing]:
    """Answer several tasks of one run at once: all answers are taken, or none.

    Args:
        run_id: The run.
        decisions: For each, `user_task_id` and the fields of `complete_user_task`.
        idempotency_key: See `start_run`.
    """
    sent: list[Json] = [completion_fields(**item) for item in decisions]
    return post(read_as(Standing), at("runs", run_id, "decisions"), {"decisions": sent}, key=idempotency_key)


# -- sessions -----------------------------------------------------------------------------------------------------


def list_sessions(
    agent_id: str | None = None,
    *,
    workflow: str | None = None,
    status: str | None = None,
    version_id: str | None = None,
    of: str | None = None,
    version_label: str | None = None,
    skip: int = 0,
    take: int = 20,
) -> Call[Page]:
    """Return some sessions: of an agent, of a workflow, or all of the workspace; the one with the newest run first.

    Args:
        agent_id: Those of an agent, by its id.
        workflow: Those of a workflow, by its name or id.
        status: Those that stand so.
        version_id: Of an agent's, those of a version.
        of: Of all, those of an agent or workflow by its name.
        version_label: Of all, those of versions with this label.
        skip: How many to leave out first.
        take: How many at most; 100 is the limit.
    """
    place = [] if agent_id is None else ["agents", agent_id]
    place = place if workflow is None else ["workflows", workflow]
    return get(
        read_as(Page), at(*place, "sessions"), status=status, versionId=version_id, of=of, versionLabel=version_label,
        skip=skip, take=take,
    )  # fmt: skip


def get_session(session_id: str) -> Call[Session]:
    """Return a session: status, tokens, cost, output, and what started it."""
    return get(read_as(Session), at("sessions", session_id))


def terminate_session(session_id: str, *, reason: str | None = None, idempotency_key: str | None = None) -> Call[Ended]:
    """End every run of a session and close its tasks. It cannot be undone."""
    return post(_ended, at("sessions", session_id, "terminate"), {"reason": reason}, key=idempotency_key)


def complete_session(session_id: str, *, note: str | None = None, idempotency_key: str | None = None) -> Call[Ended]:
    """Mark a waiting session as completed, and close its tasks."""
    return post(_ended, at("sessions", session_id, "complete"), {"note": note}, key=idempotency_key)


def _ended(plain: Any) -> Ended:
    return value(Ended, {**plain, "endedRunIds": tuple(plain.get("endedRunIds", ()))})


# -- user tasks ---------------------------------------------------------------------------------------------------


def page_user_tasks(
    *,
    status: TaskStatus = "Pending",
    kind: str | None = None,
    agent_id: str | None = None,
    run_id: str | None = None,
    session_id: str | None = None,
    take: int = 100,
    cursor: str | None = None,
    include: Include | None = None,
) -> Call[TaskPage]:
    """Return one page of user tasks, oldest first; `cursor` is the `next_cursor` of the page before."""
    return get(
        read_as(TaskPage), at("user-tasks"), status=status, kind=kind, agentId=agent_id, runId=run_id,
        sessionId=session_id, take=take, cursor=cursor, include=include,
    )  # fmt: skip


def get_user_task(task_id: str, *, include: Include | None = None) -> Call[Task]:
    """Return a user task."""
    return get(read_as(Task), at("user-tasks", task_id), include=include)


def complete_user_task(
    task_id: str,
    *,
    approved: bool | None = None,
    comment: str | None = None,
    digest: str | None = None,
    idempotency_key: str | None = None,
    **completion: Json,
) -> Call[Task]:
    """Answer a user task. The first valid answer wins; a later one gets a conflict that names it.

    Args:
        task_id: The task.
        approved: Yes or no.
        comment: Why; told to the agent where the task was rejected.
        digest: That of the task as it was shown: one that changed meanwhile is then refused.
        idempotency_key: See `start_run`.
        completion: What else the kind of task takes: `text_value`, `number_value`, `selected_option_id`,
            `selected_option_ids`, `values`, `result`, `response`, `edited_arguments`, `edited_output`, `action`,
            `cancel_run`, `metadata`.
    """
    given: dict[str, Json] = {"approved": approved, "comment": comment, "digest": digest}
    body = {name: item for name, item in given.items() if item is not None} | completion_fields(**completion)
    call = post(read_as(Task), at("user-tasks", task_id, "complete"), key=idempotency_key)
    return Call(method="POST", path=call.path, read=call.read, body=body, key=call.key)


def extend_user_task(task_id: str, *, due_at: datetime | None = None, idempotency_key: str | None = None) -> Call[Task]:
    """Give a user task once more the time that it had at first; return it with its new deadline.

    Args:
        task_id: The task.
        due_at: Its deadline as it was shown: one that somebody has extended meanwhile is then left as it is.
        idempotency_key: See `start_run`.
    """
    body: dict[str, Json] = {"dueAt": None if due_at is None else due_at.isoformat()}
    return post(read_as(Task), at("user-tasks", task_id, "extend"), body, key=idempotency_key)


def claim_user_task(task_id: str) -> Call[Task]:
    """Say to be on a task, for a quarter of an hour; claiming again renews."""
    return post(read_as(Task), at("user-tasks", task_id, "claim"), key=None)


def _value_of(plain: Mapping[str, Json]) -> Json:
    return plain["value"]


def reveal_secret(task_id: str, path: str) -> Call[Json]:
    """Tell a person who may decide a task one secret argument, by its JSON pointer; the audit log has it first."""
    call = post(_value_of, at("user-tasks", task_id, "reveal"), key=None)
    return Call(method="POST", path=call.path, read=call.read, body={"path": path}, key=None)


def assign_user_task(task_id: str, assignee: str | None) -> Call[Task]:
    """Say whose work a task is, or nobody's; others may still decide it."""
    return post(read_as(Task), at("user-tasks", task_id, "assign"), {"assignee": assignee}, key=None)


def release_user_task(task_id: str) -> Call[Task]:
    """Say to be no longer on a task."""
    return post(read_as(Task), at("user-tasks", task_id, "release"), key=None)


def completion_fields(**given: Json) -> dict[str, Json]:
    """Return the fields of a completion by their wire names; None is sent, as it is an answer too."""
    return {_camel(name): item for name, item in given.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


# -- workflows ----------------------------------------------------------------------------------------------------


def list_workflows() -> Call[tuple[Workflow, ...]]:
    """Return the workflows that the service can start."""
    return get(lambda plain: values(Workflow, plain["items"]), at("workflows"))


def start_workflow(
    workflow: str,
    input: Json = None,
    *,
    additional_data: Mapping[str, Json] | None = None,
    session_id: str | None = None,
    user_id: str | None = None,
    idempotency_key: str | None = None,
) -> Call[Run]:
    """Start a run of a workflow.

    Args:
        workflow: Its name or id.
        input: What it is given.
        additional_data: What its steps find in `additional_data`.
        session_id: An existing session of it, or a name for a new one.
        user_id: Whose session it is.
        idempotency_key: See `start_run`.
    """
    more = None if additional_data is None else dict(additional_data)
    body: dict[str, Json] = {"input": input, "additionalData": more, "sessionId": session_id, "userId": user_id}
    return post(read_as(Run), at("workflows", workflow, "runs"), body, key=idempotency_key)
