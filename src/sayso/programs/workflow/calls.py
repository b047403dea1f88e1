"""Calling user functions: sync or async, plain or generating, with just the arguments they take."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any, Literal, cast

from sayso.programs.context import Context
from sayso.programs.workflow.values import StepInput, StepOutput

_BY_NAME = frozenset({"run_context", "session_state", "workflow", "execution_input"})
"""Arguments that are never given by position."""

_Manner = Literal["coroutine", "async generator", "generator", "plain"]
Yielded = Callable[[Any], None]
"""Told what a generator function yields on its way."""


async def call(ctx: Context, function: Callable[..., Any], first: Any, named: dict[str, Any], yielded: Yielded) -> Any:
    """Call a user function: sync ones in a thread, async ones on the loop; return what it returns.

    Args:
        ctx: The context that offers the thread.
        function: The user's function.
        first: Its positional argument; left out where it takes none.
        named: Arguments it gets when it names them: `run_context`, `session_state`, ...
        yielded: Told what a generator yields before its last value.
    """
    wanted, positional = _parameters(function)
    arguments = (first,) if positional else ()
    keywords = named and {name: value for name, value in named.items() if wanted is None or name in wanted}
    match _manner(function):
        case "coroutine":
            return await function(*arguments, **keywords)
        case "async generator":
            return await _drain_async(function(*arguments, **keywords), yielded)
        case "generator":
            kept, loop = _Kept(yielded), asyncio.get_running_loop()

            def drain() -> None:
                for item in cast("Iterator[Any]", function(*arguments, **keywords)):
                    loop.call_soon_threadsafe(kept.take, item)

            await ctx.offload(drain)
            return kept.result
        case "plain":
            return await ctx.offload(lambda: function(*arguments, **keywords))


def takes_more(function: Callable[..., Any]) -> bool:
    """Tell whether a user function takes anything by name: `run_context`, `session_state`, ..."""
    wanted, _ = _parameters(function)
    return wanted is None or not wanted.isdisjoint(_BY_NAME)


async def _drain_async(items: AsyncIterator[Any], yielded: Yielded) -> Any:
    kept = _Kept(yielded)
    async for item in items:
        kept.take(item)
    return kept.result


class _Kept:
    """A generator's result, its last `StepOutput`, else its last value; everything else is told as it comes."""

    def __init__(self, yielded: Yielded) -> None:
        self._yielded = yielded
        self._any = False
        self.result: Any = None

    def take(self, item: Any) -> None:
        """Take what the generator yields."""
        if isinstance(self.result, StepOutput) and not isinstance(item, StepOutput):
            self._yielded(item)
            return
        if self._any:
            self._yielded(self.result)
        self.result, self._any = item, True


def _manner(function: Callable[..., Any]) -> _Manner:
    return _hashable_manner(function) if _hashable(function) else _hashable_manner.__wrapped__(function)


def _parameters(function: Callable[..., Any]) -> tuple[frozenset[str] | None, bool]:
    """Return the names that a function takes (None for any), and whether it takes a positional argument."""
    return _hashable_parameters(function) if _hashable(function) else _hashable_parameters.__wrapped__(function)


def _hashable(function: Callable[..., Any]) -> bool:
    return type(function).__hash__ is not None


@lru_cache(maxsize=4096)
def _hashable_manner(function: Callable[..., Any]) -> _Manner:
    if inspect.iscoroutinefunction(function):
        return "coroutine"
    if inspect.isasyncgenfunction(function):
        return "async generator"
    return "generator" if inspect.isgeneratorfunction(function) else "plain"


@lru_cache(maxsize=4096)
def _hashable_parameters(function: Callable[..., Any]) -> tuple[frozenset[str] | None, bool]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return frozenset(), True
    kinds = inspect.Parameter
    if any(parameter.kind is kinds.VAR_KEYWORD for parameter in parameters):
        names = None
    else:
        names = frozenset(p.name for p in parameters if p.kind in {kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY})
    positional = any(
        p.kind in {kinds.POSITIONAL_ONLY, kinds.VAR_POSITIONAL}
        or (p.kind is kinds.POSITIONAL_OR_KEYWORD and p.name not in _BY_NAME)
        for p in parameters
    )
    return names, positional


def isolated(value: Any) -> Any:
    """Return a value that user code may change without changing what others see.

    Of a step's input, which is made for the one step, the parts are copied; earlier outputs when they are looked at.
    """
    if not isinstance(value, StepInput):
        return deepcopy(value)
    value.input = _copied(value.input)
    value.previous_step_content = _copied(value.previous_step_content)
    value.previous_step_outputs = _Copies(value.previous_step_outputs)
    if value.additional_data:
        value.additional_data = deepcopy(value.additional_data)
    return value


def _copied(value: Any) -> Any:
    return value if type(value) in _UNCHANGING else deepcopy(value)


_UNCHANGING = frozenset({str, int, float, bool, bytes, type(None)})


class _Copies(Mapping[str, StepOutput]):
    """Earlier outputs, each a copy of its own."""

    def __init__(self, outputs: Mapping[str, StepOutput]) -> None:
        self._outputs = outputs

    def __getitem__(self, name: str) -> StepOutput:
        return deepcopy(self._outputs[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._outputs)

    def __len__(self) -> int:
        return len(self._outputs)
