"""An agent's version: everything that its runs follow, as plain data, frozen in each run when it starts."""

from dataclasses import dataclass, field
from typing import Literal

from sayso.model.json import Json
from sayso.model.tasks import MOST_EXTENSIONS, OnTimeoutAction

AgentMode = Literal["hitl", "request", "sub_agent"]
"""`hitl` may pause for people; `request` never does: what needs a person is refused; `sub_agent` works for a parent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may use up; each has an error code of its own."""

    max_iterations: int = 10
    """Model completions: `max_iterations_exceeded`."""
    max_tool_calls: int = 32
    """Attempted calls, refused and rejected ones included: `max_tool_calls_exceeded`."""
    max_tokens_per_run: int = 400_000
    """Input and output together: `max_tokens_per_run_exceeded`."""
    max_session_seconds: float | None = None
    """Wall clock from the start of the run, waiting included: `session_duration_exceeded`."""
    max_session_tokens: int | None = None
    """Of all runs of the session together: `max_session_tokens_exceeded`."""
    max_active_seconds: float | None = None
    """Time in which workers held the session's runs, waiting not included: `max_active_time_exceeded`."""
    wait_budget_seconds: float = 604_800
    """All waits of the session together; beyond it a wait fails with `wait_budget_exceeded` and the run goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentVersion:
    """What an agent is told and allowed to do."""

    name: str
    label: str = "code"
    mode: AgentMode = "hitl"
    model: str = ""
    """The model's name, e.g. `openai:gpt-5`; of a model object, what it calls itself."""
    instructions: str = ""
    description: str | None = None
    """For a parent's model, where the agent works for one."""
    input_schema: Json = None
    output_schema: Json = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    tools: tuple[str, ...] = ()
    """The allow-list: names of tools that may be offered and called."""
    limits: Limits = field(default_factory=Limits)
    question_timeout: float | None = None
    """Seconds that its own questions to people may wait; None sets no deadline."""
    on_question_timeout: OnTimeoutAction = "skip"
    """What happens then; `skip` and `reject` tell the model that nobody answered."""
    question_extensions: int = MOST_EXTENSIONS
    """How often people may extend that time, each time by as much; 0 makes it a hard deadline."""
    history_runs: int = 3
    """How many earlier runs of the session the model is told about."""
