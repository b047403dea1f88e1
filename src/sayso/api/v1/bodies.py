"""What clients send. Unknown fields are refused: a misspelt one must never be taken for an answer."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from sayso.server.routes import Body as StrictBody

Text = Annotated[str, Field(max_length=100_000)]
Id = Annotated[str, Field(min_length=1, max_length=200, pattern="^[A-Za-z0-9_.:-]+$")]
"""One of ours; whatever else is sent in its place is refused without being repeated."""
TheirId = Annotated[str, Field(min_length=1, max_length=200)]


class Body(StrictBody):
    """Base of every body of the API."""

    def sent(self) -> dict[str, Any]:
        """Return the fields that were sent, by their wire names."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class TryVersion(Body):
    """Start a test run of a version of an agent."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"input": {"question": "Refund order 4711?"}}]})
    input: Any = None
    user_id: TheirId | None = Field(None, alias="userId")
    """Whose session it is, for the tools."""


class StartRun(TryVersion):
    """Start a run of an agent."""

    session_id: TheirId | None = Field(None, alias="sessionId")
    """An existing session that whoever starts it reaches, or a name for a new one."""


class StartWorkflow(StartRun):
    """Start a run of a workflow."""

    additional_data: dict[str, Any] | None = Field(None, alias="additionalData")


class Assignment(Body):
    """Say whose work a user task is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"assignee": "ana@example.com"}]})
    assignee: Annotated[str, Field(max_length=254)] | None = None
    """The address of a member who may decide tasks; null, or left out, for nobody."""


class Completion(Body):
    """Answer a user task. Which fields a kind of task takes is in the reference; others are refused."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"approved": True}]})
    approved: bool | None = None
    selected_option_id: Text | None = Field(None, alias="selectedOptionId")
    selected_option_ids: list[Text] | None = Field(None, alias="selectedOptionIds")
    text_value: Text | None = Field(None, alias="textValue")
    number_value: int | float | None = Field(None, alias="numberValue")
    values: dict[str, Any] | None = None
    result: Any = None
    response: Text | None = None
    """What the agent is told in the place of a call that waits for approval; the call never runs."""
    edited_arguments: dict[str, Any] | None = Field(None, alias="editedArguments")
    edited_output: Any = Field(None, alias="editedOutput")
    action: Literal["retry", "skip"] | None = None
    cancel_run: bool | None = Field(None, alias="cancelRun")
    comment: Text | None = None
    """Why; kept with the decision, and told to the agent where the task was rejected."""
    metadata: Any = None
    """For whoever decides; stored and never interpreted."""
    digest: Text | None = None
    """The digest of what was shown; a task that changed meanwhile is then refused with 412."""


class Place(Body):
    """Where a secret argument stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"path": "/password"}]})
    path: Text
    """A JSON pointer into the arguments of the call."""


class Message(Completion):
    """Send a run what it waits for: a message, or the completion of a user task."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "Yes, the second one."}]})
    run_id: Id | None = Field(None, alias="runId")
    user_task_id: Id | None = Field(None, alias="userTaskId")
    text: Text | None = None
    message: Text | None = None
    files: list[dict[str, Any]] | None = None
    skip_agent_wait: bool | None = Field(None, alias="skipAgentWait")
    """Do what `skip-agent-wait` does; goes with nothing else."""
    completed_by_email: str | None = Field(None, alias="completedByEmail")
    """Ignored: who decides is who is authenticated."""


class Extension(Body):
    """More time for a user task."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"dueAt": "2026-11-23T13:00:00.000000Z"}]})
    due_at: Annotated[AwareDatetime, Field(strict=False)] | None = Field(None, alias="dueAt")
    """The deadline that was shown; where somebody has extended that since, nothing is done."""


class Reason(Body):
    """Why something is ended."""

    reason: Text | None = None


class Note(Body):
    """Why something is done."""

    note: Text | None = None


class Decision(Completion):
    """One of several answers to a paused workflow."""

    user_task_id: Id = Field(alias="userTaskId")


class Decisions(Body):
    """Answers to a paused workflow: all are taken, or none."""

    decisions: Annotated[list[Decision], Field(min_length=1, max_length=100)]
