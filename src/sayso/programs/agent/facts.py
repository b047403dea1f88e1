"""What one run of an agent stands on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sayso.model.agents import AgentMode, AgentVersion
from sayso.model.tasks import UserTask
from sayso.programs.agent import events
from sayso.programs.agent.client import ModelClient
from sayso.programs.agent.tools import Tool
from sayso.programs.context import Announce


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
    around: Announce | None = None
    """Makes the events of the step that the agent works in."""

    @property
    def announce(self) -> Announce:
        """What makes the events of its questions: its own, inside those of its step."""
        return Announce(self._paused, self._continued)

    def _paused(self, task: UserTask) -> Sequence[Any]:
        outer = () if self.around is None else self.around.paused(task)
        return (events.paused(self.version.name, task), *outer)

    def _continued(self) -> Sequence[Any]:
        outer = () if self.around is None or self.around.continued is None else self.around.continued()
        return (*outer, events.RunContinuedEvent(agent_name=self.version.name))
