"""Operations: Python functions that agents made as data may be allowed to call, by name.

A version's allow-list names them; the functions themselves are what this process has loaded. So every process that
advances runs of such agents must load the same modules: what is not loaded is not there, and a call of it is refused.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from sayso.programs.agent.definition import AgentDefinition, tools_of
from sayso.programs.agent.tools import Tool


class Operations:
    """The operations of this process.

    Args:
        items: Functions, tools and toolkits.

    Raises:
        ValueError: Two tools have one name, or one has the name of a platform tool.
    """

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self.tools: dict[str, Tool] = {}
        """The tools by name; agents at work see what is added and removed."""
        self.ambiguous: set[str] = set()
        """Names under which loaded agents mean different things; nobody may be allowed these."""
        self._chosen: set[str] = set()
        self.add(*items)

    def add(self, *items: Any) -> None:
        """Add functions, tools and toolkits.

        Raises:
            ValueError: Another tool has one of the names.
        """
        for name, tool in tools_of(items).items():
            other = self.tools.get(name) if name in self._chosen else None
            if other is not None and not _same(other, tool):
                raise ValueError(f"Expected operations of different names, but two are called '{name}'.")
            self.tools[name] = tool
            self._chosen.add(name)
            self.ambiguous.discard(name)

    def add_from(self, agents: Iterable[AgentDefinition]) -> None:
        """Add the tools of agents that are loaded from code, and of their members.

        What was added by itself comes first. A name that means different things in two agents is no operation.
        """
        for agent in agents:
            for name, tool in agent.tools.items():
                self._take(name, tool)
            self.add_from(agent.members.values())

    def remove(self, name: str) -> None:
        """Remove an operation; approved calls of it are void, and models are told so."""
        self.tools.pop(name, None)
        self._chosen.discard(name)

    def names(self) -> Collection[str]:
        """Return the names of the operations, as they are now."""
        return self.tools.keys()

    def _take(self, name: str, tool: Tool) -> None:
        if name in self._chosen or name in self.ambiguous:
            return
        other = self.tools.get(name)
        if other is None or _same(other, tool):
            self.tools[name] = tool
        else:
            del self.tools[name]
            self.ambiguous.add(name)


def _same(one: Tool, other: Tool) -> bool:
    """Tell whether two tools are one: of the same function, with the same settings."""
    return one.digest == other.digest and replace(one, arguments=other.arguments) == other
