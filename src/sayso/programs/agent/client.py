"""The port to a model: one question, one answer."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from sayso.model.messages import AssistantMessage, ModelRequest

Delta = Callable[[str], None]
"""Told pieces of the answer's text as they come; they are not stored."""


@runtime_checkable
class ModelClient(Protocol):
    """Answers one request; an answer that did not arrive whole is none."""

    @property
    def name(self) -> str:
        """What the model is called, for people and for the journal."""
        ...

    async def respond(self, request: ModelRequest, delta: Delta | None = None) -> AssistantMessage:
        """Return the model's whole answer.

        Raises:
            Exception: No whole answer came; nothing of a partial one is given.
        """
        ...
