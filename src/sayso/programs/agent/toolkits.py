"""`Toolkit`: tools that share a default, with exceptions by name."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sayso.programs.agent.tools import Tool, as_tool


@dataclass
class Toolkit:
    """Tools that share a default: whether they require approval, unless a tool says otherwise.

    Args:
        name: For people.
        tools: The tools.
        requires_approval: The default for tools whose own setting is None.
        requires_confirmation_tools: The names of tools that require approval, whatever the default.
        external_execution_required_tools: The names of tools that are executed outside.

    Raises:
        ValueError: A name is no tool's, or is against what its tool says of itself.
    """

    name: str
    tools: Sequence[Tool | Callable[..., Any]] = field(default_factory=list[Any])
    requires_approval: bool = False
    requires_confirmation_tools: Collection[str] = ()
    external_execution_required_tools: Collection[str] = ()

    def __post_init__(self) -> None:
        """Refuse a kit that could not be honoured."""
        if type(self.requires_approval) is not bool:
            raise ValueError(f"Expected requires_approval to be True or False, but got {self.requires_approval!r}.")
        self.all()

    def all(self) -> list[Tool]:
        """Return the tools with what the kit says of them.

        Raises:
            ValueError: See the class.
        """
        found = [as_tool(item) for item in self.tools]
        confirmed, outside = self._named(found)
        return [self._settled(item, item.name in confirmed, item.name in outside) for item in found]

    def _named(self, tools: Sequence[Tool]) -> tuple[set[str], set[str]]:
        lists = (self.requires_confirmation_tools, self.external_execution_required_tools)
        if any(isinstance(names, str) for names in lists):
            raise ValueError(f"Expected lists of tool names in toolkit '{self.name}', but got a text.")
        confirmed, outside = (set(names) for names in lists)
        unknown = sorted((confirmed | outside) - {item.name for item in tools})
        if unknown:
            raise ValueError(f"Expected names of tools of toolkit '{self.name}', but there is no {unknown}.")
        if confirmed & outside:
            both = sorted(confirmed & outside)
            raise ValueError(f"Expected {both} of toolkit '{self.name}' to be confirmed or executed outside, not both.")
        return confirmed, outside

    def _settled(self, item: Tool, confirmed: bool, outside: bool) -> Tool:
        other = item.approval is False or bool(item.user_input_fields) or item.external
        if (confirmed and other) or (outside and (item.approval or item.user_input_fields)):
            raise ValueError(f"Expected toolkit '{self.name}' to agree with what tool '{item.name}' says of itself.")
        if outside and item.on_timeout == "approve":
            raise ValueError(f"Expected another on_timeout of '{item.name}': no deadline can bring an external result.")
        approval = True if confirmed else item.approval
        return replace(item, approval=approval, external=item.external or outside, inherited=self.requires_approval)
