"""An agent as a program: its version, frozen in each run that starts, and its live tools."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sayso.core.fingerprint import Shape
from sayso.model.agents import AgentMode, AgentVersion
from sayso.programs.agent.client import ModelClient
from sayso.programs.agent.facts import AgentFacts
from sayso.programs.agent.loop import AgentLoop, AgentResult
from sayso.programs.agent.platform import PLATFORM
from sayso.programs.agent.toolkits import Toolkit
from sayso.programs.agent.tools import Tool, as_tool
from sayso.programs.context import Announce, Context

_SAFE = re.compile(r"[^a-zA-Z0-9_-]")


class AgentDefinition:
    """An agent that can be run, alone or inside a workflow.

    Args:
        version: What it is told and allowed to do.
        tools: Its tools and toolkits.
        client: Its model.
        dependencies: Values handed to every tool; they live in code and are not stored.
        members: Agents that it may delegate to.

    Raises:
        ValueError: Two tools have one name, or one has the name of a platform tool.
    """

    def __init__(
        self,
        version: AgentVersion,
        *,
        tools: Sequence[Any],
        client: ModelClient,
        dependencies: dict[str, Any] | None = None,
        members: "Sequence[AgentDefinition]" = (),
    ) -> None:
        self.name = version.name
        self.version = version
        self.client = client
        self.dependencies = dependencies or {}
        self.tools = tools_of(tools)
        self.unfit: Callable[[Any], str | None] | None = None
        self.members = {f"ask_{_SAFE.sub('_', member.name)}"[:64]: member for member in members}
        clash = [name for name in self.members if name in self.tools or name in PLATFORM]
        if clash or len(self.members) != len(members):
            raise ValueError(f"Expected members and tools of different names, but got {clash or sorted(self.members)}.")

    def shape(self) -> Shape:
        """Return what the keys of a run are; the tools are checked call by call, by their digests."""
        return {"agent": f"Agent {self.version.mode}"}

    def execution(self) -> "AgentExecution":
        """Return a fresh pass."""
        return AgentExecution(self)

    def facts(self, started: dict[str, Any]) -> AgentFacts:
        """Return what a run stands on, from what was frozen when it started."""
        version: AgentVersion = started["version"]
        given: Mapping[str, Any] = started.get("dependencies") or {}
        return self.at_work(version, root_mode=version.mode, user_id=started.get("user_id"), dependencies=given)

    def at_work(
        self,
        version: AgentVersion | None = None,
        *,
        root_mode: AgentMode,
        user_id: str | None,
        dependencies: Mapping[str, Any],
        around: Announce | None = None,
    ) -> AgentFacts:
        """Return what this agent stands on as a part of a run whose root has this mode."""
        own = {**self.dependencies, **dependencies}
        common: dict[str, Any] = {"root_mode": root_mode, "user_id": user_id, "around": around}
        return AgentFacts(
            version=version or self.version,
            tools=self.tools,
            client=self.client,
            dependencies=own,
            unfit=self.unfit,
            members={name: member.at_work(dependencies=own, **common) for name, member in self.members.items()},
            **common,
        )


class AgentExecution:
    """One pass over an agent's run.

    Args:
        definition: The agent.
    """

    def __init__(self, definition: AgentDefinition) -> None:
        self.definition = definition
        self.result = AgentResult()

    async def run(self, ctx: Context, started: dict[str, Any]) -> Any:
        """Run the loop from the beginning; return the final answer's content.

        Raises:
            StepFailed: With the code of the limit that was reached, or of what went wrong.
        """
        facts = self.definition.facts(started)
        history = started.get("history") or ()
        return await AgentLoop(ctx, facts, result=self.result).run(started.get("input"), history)


def tools_of(items: Sequence[Any]) -> dict[str, Tool]:
    """Return tools by name.

    Raises:
        ValueError: Two have one name, or one has the name of a platform tool.
    """
    found: dict[str, Tool] = {}
    for item in items:
        for tool in item.all() if isinstance(item, Toolkit) else [as_tool(item)]:
            if tool.name in found:
                raise ValueError(f"Expected tools of different names, but two are called '{tool.name}'.")
            if tool.name in PLATFORM:
                raise ValueError(f"Expected another name than '{tool.name}', which is a platform tool's.")
            found[tool.name] = tool
    return found
