"""`ScriptedModel`: a model that says what the script says, the same on every run, without a network."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from sayso.model.messages import AssistantMessage, ModelRequest, Proposal, Usage
from sayso.programs.agent.client import Delta


def call(tool: str, id: str | None = None, **arguments: Any) -> Proposal:
    """Return one call of a scripted turn.

    Args:
        tool: The tool's name.
        id: The provider's id of the call; made from its place by default.
        arguments: The call's arguments.
    """
    return Proposal(id=id or "", tool=tool, arguments=arguments)


class ScriptedModel:
    """Answers the n-th question of a run with the n-th turn of the script.

    A turn is a text, a call, a list of calls (with texts between them), a whole `AssistantMessage`, or a function of
    the request that returns one of these. It keeps no count of its own, so a run that goes on in another process gets
    the turn that comes next.

    Args:
        turns: The script.
        name: What the model is called.
        tokens: Input and output tokens that every turn is said to have used.
    """

    def __init__(
        self,
        turns: Sequence[Any] | Callable[[ModelRequest], Any],
        *,
        name: str = "scripted",
        tokens: tuple[int, int] = (10, 5),
    ) -> None:
        self._turns = turns
        self._name = name
        self._usage = Usage(input_tokens=tokens[0], output_tokens=tokens[1])
        self.requests: list[ModelRequest] = []
        """What it was asked, in this process."""

    @property
    def name(self) -> str:
        """See the port."""
        return self._name

    async def respond(self, request: ModelRequest, delta: Delta | None = None) -> AssistantMessage:
        """Return the turn that comes next.

        Raises:
            IndexError: The script is over.
        """
        self.requests.append(request)
        if callable(self._turns):
            turn = self._turns(request)
        elif request.turn <= len(self._turns):
            turn = self._turns[request.turn - 1]
        else:
            raise IndexError(f"Expected at most {len(self._turns)} turns, as the script has, but got another question.")
        answer = self._answer(turn(request) if callable(turn) else turn, request.turn)
        if delta is not None and answer.text:
            for word in answer.text.split(" "):
                delta(f"{word} ")
        return answer

    def _answer(self, turn: Any, number: int) -> AssistantMessage:
        if isinstance(turn, AssistantMessage):
            return turn
        items: list[Any] = list(cast("list[Any]", turn)) if isinstance(turn, list | tuple) else [turn]
        calls = [item for item in items if isinstance(item, Proposal)]
        named = tuple(
            Proposal(id=item.id or f"call_{number}_{place}", tool=item.tool, arguments=item.arguments, raw=item.raw)
            for place, item in enumerate(calls, 1)
        )
        text = " ".join(item for item in items if isinstance(item, str))
        return AssistantMessage(text=text, calls=named, usage=self._usage, model=self._name)
