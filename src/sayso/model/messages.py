"""What is said to a model and what it answers, as plain data.

A turn's answer is journaled once and never asked for again; requests are derived from the journal and not stored.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from sayso.model.json import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One tool call that a model proposes; nothing has been checked about it."""

    id: str
    """The provider's id of the call; it means nothing to us beyond the turn."""
    tool: str
    arguments: dict[str, Json] | None
    """None where what the model wrote is no JSON object."""
    raw: str = ""
    """What the model wrote, where it is no JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a turn, or a whole run, used."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    """In US dollars, where the price is known."""

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    def plus(self, other: "Usage") -> "Usage":
        """Return both together; a known cost stays, an unknown one adds nothing."""
        known = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost=sum(known) if known else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMessage:
    """What a person, or the program that started the run, says."""

    role: Literal["user"] = "user"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantMessage:
    """One turn of the model."""

    role: Literal["assistant"] = "assistant"
    text: str = ""
    calls: tuple[Proposal, ...] = ()
    usage: Usage = field(default_factory=Usage)
    model: str | None = None
    """The model that answered, by the provider's word."""
    finish: str | None = None
    raw: Json = None
    """The answer in the provider layer's own form, which it gets back unchanged in later requests."""
    retries: tuple[str, ...] = ()
    """The failures that came before this answer, in order."""
    warnings: tuple[str, ...] = ()
    """What was asked for and not done, e.g. settings that the model does not take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolMessage:
    """The result of one call, as the model sees it."""

    role: Literal["tool"] = "tool"
    call_id: str
    tool: str
    text: str
    is_error: bool = False


Message: TypeAlias = UserMessage | AssistantMessage | ToolMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOffer:
    """A tool as it is offered to a model."""

    name: str
    description: str
    schema: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One question to a model."""

    instructions: str
    messages: tuple[Message, ...]
    turn: int = 1
    """Which completion of the run this is, from 1."""
    tools: tuple[ToolOffer, ...] = ()
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
