"""Real models, through the model layer of pydantic-ai: `openai:...`, `anthropic:...`, any OpenAI-compatible address.

Only whole answers count: what a cut stream or a failing request had sent is thrown away and asked for again. Retries
are ours, so that they can be seen on the step, and the provider's client makes none.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, NamedTuple, cast

from sayso.core.scrub import Scrubber
from sayso.llm import keys
from sayso.llm.sampling import sampling
from sayso.model.errors import Invalid
from sayso.model.messages import (
    AssistantMessage,
    Message,
    ModelRequest,
    Proposal,
    ToolMessage,
    Usage,
    UserMessage,
)
from sayso.programs.agent.client import Delta

_WORTH_RETRYING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_LONGEST_PAUSE = 30.0


class _Place(NamedTuple):
    """Which model, and where."""

    name: str
    provider: str
    model: str
    base_url: str | None
    api_key: str | None


class ProviderModel:
    """One model of one provider.

    Args:
        name: `provider:model`, e.g. `openai:gpt-5`, `anthropic:claude-sonnet-5`.
        base_url: Another address that speaks the provider's protocol (Ollama, vLLM, a gateway, ...).
        api_key: The key; the provider's own environment variable by default.
        max_retries: How often a 429, a 5xx or a broken connection is tried again.
        timeout: Seconds that one request may take.

    Raises:
        Invalid: The name has no provider, or its extra is not installed.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        max_retries: int = 3,
        timeout: float = 120.0,
    ) -> None:
        provider, colon, model = name.partition(":")
        if not colon or not model:
            raise Invalid(f"Expected a model as provider:name, e.g. openai:gpt-5, but got {name!r}.")
        keys.use(api_key)
        if provider in _CLIENTS and not _installed(provider):
            raise _missing(provider, f"there is no package '{provider}'")
        self._place = _Place(name, provider, model, base_url, api_key)
        self._retries = max_retries
        self._timeout = timeout
        self._made: Any = None

    @property
    def name(self) -> str:
        """See the port."""
        return self._place.name

    async def respond(self, request: ModelRequest, delta: Delta | None = None) -> AssistantMessage:
        """See the port."""
        failures: list[str] = []
        settings, dropped = sampling(request, self._client())
        while True:
            try:
                answer = await self._once(request, {**settings, "timeout": self._timeout}, delta)
            except Exception as exc:
                pause = _pause(exc, len(failures))
                if pause is None or len(failures) >= self._retries:
                    if failures:
                        exc.add_note(f"tried {len(failures) + 1} times")
                    raise
                said = Scrubber(keys.used()).text(str(exc))  # before it is cut: half a key would not be known as one
                failures.append(f"{type(exc).__name__}: {said[:300]}")
                await asyncio.sleep(pause)
            else:
                warnings = [f"{name} was not sent: {self.name} does not take it" for name in dropped]
                return replace(_message(answer), retries=tuple(failures), warnings=tuple(warnings))

    async def _once(self, request: ModelRequest, settings: dict[str, Any], delta: Delta | None) -> Any:
        from pydantic_ai import direct  # Lazy: two seconds, and only a run that asks a real model needs it.
        from pydantic_ai.models import ModelRequestParameters
        from pydantic_ai.tools import ToolDefinition

        tools = [
            ToolDefinition(name=offer.name, description=offer.description, parameters_json_schema=offer.schema)
            for offer in request.tools
        ]
        parameters = ModelRequestParameters(function_tools=tools)
        options: Any = {"model_settings": settings, "model_request_parameters": parameters}
        messages = _history(request)
        if delta is None:
            answer = await direct.model_request(self._client(), messages, **options)
            if self._place.provider in _CLIENTS:  # the layer may have streamed it by itself, where it is long
                _refuse_cut(answer)
            return answer
        return await _streamed(direct, self._client(), messages, options, delta)

    def _client(self) -> Any:
        if self._made is None:
            try:
                self._made = _CLIENTS.get(self._place.provider, _inferred)(self._place)
            except ImportError as exc:
                raise _missing(self._place.provider, str(exc)) from exc
            key = getattr(getattr(self._made, "client", None), "api_key", None)
            keys.use(key if isinstance(key, str) else None)
        return self._made


async def _streamed(direct: Any, client: Any, messages: list[Any], options: Any, delta: Delta) -> Any:
    """Return the whole answer of a stream that came to its end, telling its text on the way."""
    async with direct.model_request_stream(client, messages, **options) as stream:
        async for event in stream:
            text = _text_of(event)
            if text:
                delta(text)
        answer = stream.get()
    _refuse_cut(answer)
    if not answer.parts:
        raise ConnectionError("the stream ended before it said anything")
    return answer


def _refuse_cut(answer: Any) -> None:
    """Refuse an answer that does not say why it ends: the rest of it has not arrived.

    Raises:
        ConnectionError: It does not.
    """
    if answer.finish_reason is None:
        raise ConnectionError("the stream ended before the answer was whole")


def _text_of(event: Any) -> str | None:
    """Return the piece of the answer's text that an event of a stream brings, if any."""
    if event.event_kind == "part_start" and event.part.part_kind == "text":
        return event.part.content
    if event.event_kind == "part_delta" and event.delta.part_delta_kind == "text":
        return event.delta.content_delta
    return None


def _openai(place: _Place) -> Any:
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai import OpenAIProvider

    client = AsyncOpenAI(base_url=place.base_url, api_key=place.api_key, max_retries=0)
    # A stream that is closed without a reason to end has been cut, and must not count as a whole answer.
    whole = OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True)
    return OpenAIChatModel(place.model, provider=OpenAIProvider(openai_client=client), profile=whole)


def _anthropic(place: _Place) -> Any:
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    client = AsyncAnthropic(base_url=place.base_url, api_key=place.api_key, max_retries=0)
    return AnthropicModel(place.model, provider=AnthropicProvider(anthropic_client=client))


def _inferred(place: _Place) -> Any:
    from pydantic_ai.models import infer_model

    if place.base_url is not None:
        raise Invalid(f"Expected base_url with openai or anthropic, but the provider is '{place.provider}'.")
    return infer_model(place.name)


_CLIENTS: dict[str, Callable[[_Place], Any]] = {"openai": _openai, "anthropic": _anthropic}


"""The providers that have an extra of ours; each is called like the package it needs."""


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # it is kept from being imported
        return False


def _missing(provider: str, why: str) -> Invalid:
    home = "sayso" if provider in _CLIENTS else "pydantic-ai-slim"
    return Invalid(
        f"Expected the extra of provider '{provider}' to be installed, but: {why}.",
        hint=f"pip install '{home}[{provider}]'",
    )


def _history(request: ModelRequest) -> list[Any]:
    """Return the messages in the model layer's form; tool results of one turn go back together."""
    from pydantic_ai.messages import ModelRequest as Said
    from pydantic_ai.messages import SystemPromptPart

    found: list[Any] = []
    if request.instructions:
        found.append(Said(parts=[SystemPromptPart(request.instructions)]))
    for message in request.messages:
        if isinstance(message, AssistantMessage):
            found.append(_answered(message))
            continue
        part = _part(message)
        if found and isinstance(found[-1], Said):
            found[-1] = Said(parts=[*found[-1].parts, part])
        else:
            found.append(Said(parts=[part]))
    return found


def _part(message: Message) -> Any:
    from pydantic_ai.messages import ToolReturnPart, UserPromptPart

    match message:
        case UserMessage():
            return UserPromptPart(message.text)
        case ToolMessage():
            return ToolReturnPart(tool_name=message.tool, content=message.text, tool_call_id=message.call_id)
        case AssistantMessage():
            raise AssertionError("an answer is no part of a request")


def _answered(message: AssistantMessage) -> Any:
    from pydantic_ai.messages import ModelMessagesTypeAdapter, ModelResponse, TextPart, ToolCallPart

    if message.raw is not None:
        return ModelMessagesTypeAdapter.validate_python([message.raw])[0]
    parts: list[Any] = [TextPart(message.text)] if message.text else []
    parts += [
        ToolCallPart(
            tool_name=call.tool, args=call.raw if call.arguments is None else call.arguments, tool_call_id=call.id
        )
        for call in message.calls
    ]
    return ModelResponse(parts=parts)


def _message(answer: Any) -> AssistantMessage:
    from pydantic_ai.messages import ModelMessagesTypeAdapter

    answer, usage = replace(answer, parts=[_plain(part) for part in answer.parts]), answer.usage
    return AssistantMessage(
        text="".join(part.content for part in answer.parts if part.part_kind == "text"),
        calls=_proposals(answer),
        usage=Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cost=_cost(answer)),
        model=answer.model_name,
        finish=answer.finish_reason,
        raw=ModelMessagesTypeAdapter.dump_python([answer], mode="json")[0],
    )


def _plain(part: Any) -> Any:
    """Return a part of an answer in a form that the layer takes back: arguments that are no object become text."""
    if part.part_kind != "tool-call" or part.args is None or isinstance(part.args, str | dict):
        return part
    return replace(part, args=json.dumps(part.args))


def _proposals(answer: Any) -> tuple[Proposal, ...]:
    """Return the calls of an answer; the one at which the length limit has cut it off has no arguments to go by."""
    calls = [_proposal(part) for part in answer.parts if part.part_kind == "tool-call"]
    if answer.finish_reason == "length" and answer.parts[-1].part_kind == "tool-call":
        raw = f"cut off by the length limit: {answer.parts[-1].args}"
        calls[-1] = Proposal(id=calls[-1].id, tool=calls[-1].tool, arguments=None, raw=raw)
    return tuple(calls)


def _proposal(part: Any) -> Proposal:
    given: Any = part.args
    if isinstance(given, str):
        try:
            given = json.loads(given) if given.strip() else {}
        except ValueError:
            return Proposal(id=part.tool_call_id, tool=part.tool_name, arguments=None, raw=part.args)
    if given is None:
        given = {}
    if not isinstance(given, dict):
        return Proposal(id=part.tool_call_id, tool=part.tool_name, arguments=None, raw=json.dumps(given))
    return Proposal(id=part.tool_call_id, tool=part.tool_name, arguments=cast("dict[str, Any]", given))


def _cost(answer: Any) -> float | None:
    try:
        return float(answer.cost().total_price)
    except Exception:  # noqa: BLE001 - the price of this model is not known, which is no failure
        return None


def _pause(exc: Exception, failures: int) -> float | None:
    """Return how long to wait before another try; None where none makes sense."""
    status = getattr(exc, "status_code", None)
    if status is not None and status not in _WORTH_RETRYING:
        return None
    names = {kind.__name__ for kind in type(exc).__mro__}
    broken = {"ConnectionError", "APIConnectionError", "TransportError", "TimeoutError", "RemoteProtocolError"}
    if status is None and not names & (broken | {"ModelAPIError", "UnexpectedModelBehavior"}):
        return None
    return min(_LONGEST_PAUSE, 0.5 * 2**failures)
