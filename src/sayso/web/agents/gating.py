"""How an operation is gated, in words: what a person is needed for, when, and what happens without one."""

from dataclasses import dataclass
from typing import Any, Literal

from sayso.model.agents import AgentMode
from sayso.model.calls import Effect
from sayso.programs.agent.tools import Tool
from sayso.web.wording import lasting

Level = Literal["asks", "sometimes", "free", "gone"]

EFFECTS: dict[Effect, str] = {
    Effect.READ: "Reads only; may be tried again",
    Effect.KEYED: "Changes something; the remote knows our key, so it may be sent again without doubling",
    Effect.ONCE: "Changes something; sent once, and after a crash a person is asked what happened",
}
_ON_TIMEOUT = {
    "approve": "approved",
    "reject": "rejected",
    "skip": "skipped",
    "cancel": "the run is cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """One operation of a version."""

    name: str
    tool: Tool | None
    """None where this server has not loaded it."""
    level: Level
    badge: str
    why: str
    """The setting behind it."""
    policies: tuple[str, ...] = ()

    @property
    def effect(self) -> str:
        """What a call may do."""
        return "" if self.tool is None else EFFECTS[self.tool.effect]


def gated(name: str, tool: Tool | None, mode: AgentMode) -> Gated:
    """Return how calls of an operation are gated in an agent of a mode."""
    if tool is None:
        why = "This server has not loaded it, so a call of it is refused."
        return Gated(name=name, tool=None, level="gone", badge="not loaded", why=why)
    level, badge, why = _gate(tool)
    if mode == "request" and level != "free":
        why += " This agent runs without people, so such a call is refused, and nobody is asked."
    if mode == "sub_agent" and level != "free":
        why += " Who is asked, and whether, is up to the mode of the agent it works for."
    return Gated(name=name, tool=tool, level=level, badge=badge, why=why, policies=tuple(_policies(tool, level)))


def _gate(tool: Tool) -> tuple[Level, str, str]:
    if tool.user_input_fields:
        given = ", ".join(tool.user_input_fields)
        return "asks", "person gives input", f"A person gives {given}; the model cannot."
    if tool.external:
        return "asks", "done outside", "It is executed outside; a person or a program brings the result."
    if callable(tool.approval):
        said = name_of(tool.approval)
        return (
            "sometimes",
            "asks on a condition",
            f"A condition in code decides on each call ({said}). If it fails, it asks.",
        )
    if tool.approval is None:
        if tool.inherited:
            return "asks", "always asks", "It has no setting of its own; its toolkit requires approval."
        return "free", "does not ask", "It has no setting of its own, and inherits none that asks."
    return (
        ("asks", "always asks", "Approval is switched on for it.")
        if tool.approval
        else ("free", "does not ask", "Approval is switched off for it.")
    )


def name_of(function: Any) -> str:
    """Return what a condition in code is called."""
    name = str(getattr(function, "__name__", type(function).__name__))
    return "a function without a name" if name == "<lambda>" else name


def _policies(tool: Tool, level: Level) -> list[str]:
    found: list[str] = []
    if level != "free" and tool.approval_timeout is not None:
        late = f"After {lasting(tool.approval_timeout)} without an answer: {_ON_TIMEOUT[tool.on_timeout]}"
        found.append(late if tool.approval_extensions else f"{late}; a hard deadline")
    if level != "free" and tool.on_reject == "fail_run":
        found.append("A rejection ends the run")
    if tool.timeout is not None:
        found.append(f"An execution may take {lasting(tool.timeout)}")
    if tool.effect is not Effect.ONCE and tool.max_attempts > 1:
        found.append(f"Up to {tool.max_attempts} attempts")
    return found
