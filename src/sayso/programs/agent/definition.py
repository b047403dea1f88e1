"""An agent as a program: its version, frozen in each run that starts, and its live tools."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sayso.core.fingerprint import Shape
from sayso.model.agents import AgentVersion
from sayso.model.errors import StepFailed
from sayso.programs.agent.client import ModelClient
from sayso.programs.agent.facts import AgentFacts
from sayso.programs.agent.loop import AgentLoop, AgentResult, deadline_of, thawed
from sayso.programs.agent.platform import PLATFORM
from sayso.programs.agent.tools import Tool, Toolkit, as_tool
from sayso.programs.context import Context, Suspended


class AgentDefinition:
    """An agent that can be run, alone or inside a workflow.

    Args:
        version: What it is told and allowed to do.
        tools: Its tools and toolkits.
        client: Its model.
        dependencies: Values handed to every tool; they live in code and are not stored.

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
    ) -> None:
        self.name = version.name
        self.version = version
        self.client = client
        self.dependencies = dependencies or {}
        self.tools = tools_of(tools)

    def shape(self) -> Shape:
        """Return what the keys of a run are; the tools are checked call by call, by their digests."""
        return {"agent": f"Agent {self.version.mode}"}

    def execution(self) -> "AgentExecution":
        """Return a fresh pass."""
        return AgentExecution(self)

    def facts(self, started: dict[str, Any]) -> AgentFacts:
        """Return what a run stands on, from what was frozen when it started."""
        version = thawed(started["version"])
        return AgentFacts(
            version=version,
            tools=self.tools,
            client=self.client,
            root_mode=started.get("root_mode", version.mode),
            user_id=started.get("user_id"),
            dependencies={**self.dependencies, **(started.get("dependencies") or {})},
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
        await _keep_deadline(ctx, facts)
        history = started.get("history") or ()
        return await AgentLoop(ctx, facts, result=self.result).run(started.get("input"), history)


async def _keep_deadline(ctx: Context, facts: AgentFacts) -> None:
    """End a run whose time is over, waiting or not: its deadline is a timer beside everything else."""
    most = deadline_of(facts.version)
    if most is None:
        return
    began = await ctx.now("began")
    with suppress(Suspended):
        await ctx.sleep("deadline", began + most)
        raise StepFailed(
            facts.version.name,
            error_type="session_duration_exceeded",
            error_message=f"Agent '{facts.version.name}' was stopped: its {most.total_seconds():g} s are over",
            run_id=ctx.run_id,
        )


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
