"""The events of a streamed agent run. A pause is told only after it is durable; pieces of text are not stored."""

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar

from sayso.model.tasks import UserTask


class RunEvent(StrEnum):
    """The names of the events, as `event.event` has them."""

    run_started = "RunStarted"
    run_content = "RunContent"
    tool_call_started = "ToolCallStarted"
    tool_call_completed = "ToolCallCompleted"
    run_paused = "RunPaused"
    run_continued = "RunContinued"
    run_completed = "RunCompleted"
    run_cancelled = "RunCancelled"
    run_error = "RunError"


@dataclass(kw_only=True)
class BaseRunEvent:
    """Base of every event."""

    event: ClassVar[str] = ""
    created_at: int | None = None
    """Seconds since 1970 UTC."""
    agent_name: str | None = None
    session_id: str | None = None
    run_id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the event as a dict, without empty fields."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        return {"event": self.event, **{name: value for name, value in plain.items() if value is not None}}


@dataclass(kw_only=True)
class RunStartedEvent(BaseRunEvent):
    """The run is stored and begins."""

    event = "RunStarted"


@dataclass(kw_only=True)
class RunContentEvent(BaseRunEvent):
    """A piece of the model's text, as it comes."""

    event = "RunContent"
    content: str = ""


@dataclass(kw_only=True)
class ToolCallStartedEvent(BaseRunEvent):
    """A tool is being executed."""

    event = "ToolCallStarted"
    call_key: str | None = None
    tool_name: str | None = None
    tool_args: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(kw_only=True)
class ToolCallCompletedEvent(BaseRunEvent):
    """A tool has succeeded."""

    event = "ToolCallCompleted"
    call_key: str | None = None
    tool_name: str | None = None


@dataclass(kw_only=True)
class RunPausedEvent(BaseRunEvent):
    """A person is asked; other calls of the same turn may still run."""

    event = "RunPaused"
    requirement_id: str | None = None
    kind: str | None = None
    message: str | None = None
    call_key: str | None = None


@dataclass(kw_only=True)
class RunContinuedEvent(BaseRunEvent):
    """A question was answered, and the agent goes on with it."""

    event = "RunContinued"


@dataclass(kw_only=True)
class RunCompletedEvent(BaseRunEvent):
    """The run is over."""

    event = "RunCompleted"
    content: Any = None


@dataclass(kw_only=True)
class RunCancelledEvent(BaseRunEvent):
    """The run ended before its end."""

    event = "RunCancelled"
    reason: str | None = None


@dataclass(kw_only=True)
class RunErrorEvent(BaseRunEvent):
    """The run failed."""

    event = "RunError"
    error: str | None = None


def paused(agent: str, task: UserTask) -> RunPausedEvent:
    """Return the event of a task that was opened."""
    return RunPausedEvent(
        agent_name=agent,
        requirement_id=task.id,
        kind=task.spec.request.kind,
        message=task.spec.request.message,
        call_key=task.key.partition("?")[0],
    )
