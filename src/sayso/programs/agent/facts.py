"""What one run of an agent stands on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sayso.model.agents import AgentMode, AgentVersion
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
