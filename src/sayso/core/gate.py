"""The gate of tool calls: one pure function from what is known about a call to what happens to it.

    in this order            outcome
    not on the allow-list    refused   tool_not_allowed
    arguments do not fit     refused   invalid_arguments
    needs no person          free
    needs one, root is HITL  ask
    needs one, else          blocked   approval_required, and no task

Whether a person is needed: the tool's own setting (on, off), or where it inherits its toolkit's, or its predicate of
the arguments. A predicate that raises, or says anything but True or False, counts as yes.
"""

from dataclasses import dataclass
from typing import Literal

from sayso.model.agents import AgentMode

Need = Literal["confirmation", "input", "external"]
"""What a person is needed for: a yes, missing arguments, or doing it outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about one call."""

    mode: AgentMode
    """Of the session's root."""
    tool: str
    known: bool
    """Whether the tool is on the allow-list and still there."""
    problems: tuple[str, ...] = ()
    """What stands against its arguments."""
    need: Need = "confirmation"
    setting: bool | None = None
    """The tool's own flag; None inherits."""
    inherited: bool = False
    """The toolkit's default."""
    predicate: bool | str | None = None
    """What the predicate said; a string says how it failed, None that there is none."""


@dataclass(frozen=True, slots=True)
class Free:
    """It may be executed at once."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A person is needed, and may be asked."""

    need: Need
    why: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """It is not executed."""

    code: str
    message: str
    by_gate: bool = False
    """Whether the gate, and not a mistake of the model, stands against it."""


def judge(facts: Facts) -> Free | Ask | Refuse:
    """Return what happens to a call."""
    if not facts.known:
        return Refuse("tool_not_allowed", f"there is no tool '{facts.tool}' that may be called here")
    if facts.problems:
        return Refuse("invalid_arguments", "the arguments do not fit: " + "; ".join(facts.problems))
    why = needs_person(facts)
    if why is None:
        return Free()
    if facts.mode == "hitl":
        return Ask(facts.need, why)
    message = f"'{facts.tool}' needs a person ({why}), and this agent runs without one; it was not executed"
    return Refuse("approval_required", message, by_gate=True)


def needs_person(facts: Facts) -> str | None:
    """Return why a person is needed, or None."""
    if facts.need == "input":
        return "it has arguments that only a person can give"
    if facts.need == "external":
        return "it is executed outside"
    if facts.predicate is not None:
        return _by_predicate(facts.predicate)
    if facts.setting is None:
        return "its toolkit requires approval" if facts.inherited else None
    return "it requires approval" if facts.setting else None


def _by_predicate(said: bool | str) -> str | None:
    if said is True:
        return "its condition for approval holds"
    if said is False:
        return None
    return f"its condition for approval failed: {said}"
