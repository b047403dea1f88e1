"""What one run of an agent stands on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sayso.model.agents import AgentMode, AgentVersion
from sayso.model.tasks import UserTask
from sayso.programs.agent import events
from sayso.programs.agent.client import ModelClient
from sayso.programs.agent.tools import Tool


@dataclass(frozen=True, kw_only=True)
class AgentFacts:
    """What one run of an agent stands on beside its version."""

    version: AgentVersion
    tools: Mapping[str, Tool]
    """The live tools by name; of these the version's allow-list counts."""
    client: ModelClient
    root_mode: AgentMode
    """The mode of the session's root, which decides whether a person may be asked."""
    user_id: str | None = None
    dependencies: Mapping[str, Any] = field(default_factory=dict[str, Any])
    members: "Mapping[str, AgentFacts]" = field(default_factory=dict[str, "AgentFacts"])
    """Agents that this one may delegate to, by the name of the tool that does so."""
    unfit: Callable[[Any], str | None] | None = None
    """Says what stands against a final answer beyond its schema: what its Python type checks."""
    on_pause: Callable[[UserTask], Any] | None = None
    """Makes the event of a question; that of an agent's own run by default."""

    def paused(self, task: UserTask) -> Any:
        """Return the event of a question that was opened."""
        return events.paused(self.version.name, task) if self.on_pause is None else self.on_pause(task)
