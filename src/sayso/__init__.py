"""Sayso: nothing irreversible without your say-so.

A durable runtime for workflows that need people. The public names are loaded when they are first used, so that
`import sayso` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sayso.app.agent import Agent, Team
    from sayso.app.database import SqliteDb
    from sayso.app.worker import Worker
    from sayso.model.errors import SaysoError, StepFailed
    from sayso.programs.agent.toolkits import Toolkit
    from sayso.programs.agent.tools import ToolContext, ToolError, tool
    from sayso.workflow import (
        Condition,
        ErrorRequirement,
        HumanReview,
        Loop,
        OnError,
        OnReject,
        OnTimeout,
        Parallel,
        Router,
        RunContext,
        RunStatus,
        Step,
        StepInput,
        StepOutput,
        StepRequirement,
        Steps,
        UserInputField,
        Workflow,
        WorkflowRunOutput,
        pause,
    )

__version__ = "0.1.0"

_HOMES = {
    "Agent": "sayso.app.agent",
    "Team": "sayso.app.agent",
    "SaysoError": "sayso.model.errors",
    "SqliteDb": "sayso.app.database",
    "StepFailed": "sayso.model.errors",
    "ToolContext": "sayso.programs.agent.tools",
    "ToolError": "sayso.programs.agent.tools",
    "Toolkit": "sayso.programs.agent.toolkits",
    "Worker": "sayso.app.worker",
    "tool": "sayso.programs.agent.tools",
}

__all__ = [
    "Agent",
    "Condition",
    "ErrorRequirement",
    "HumanReview",
    "Loop",
    "OnError",
    "OnReject",
    "OnTimeout",
    "Parallel",
    "Router",
    "RunContext",
    "RunStatus",
    "SaysoError",
    "SqliteDb",
    "Step",
    "StepFailed",
    "StepInput",
    "StepOutput",
    "StepRequirement",
    "Steps",
    "Team",
    "ToolContext",
    "ToolError",
    "Toolkit",
    "UserInputField",
    "Worker",
    "Workflow",
    "WorkflowRunOutput",
    "pause",
    "tool",
]


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    if name not in __all__:
        raise AttributeError(f"module 'sayso' has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "sayso.workflow")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return [*__all__, "__version__"]
