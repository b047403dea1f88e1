"""Calling user functions: sync or async, plain or generating, with just the arguments they take."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from copy import deepcopy
from functools import lru_cache
from typing import Any, Literal, cast

from sayso.core.codec import to_json
from sayso.model.runs import StatePatch
from sayso.programs.context import Context
from sayso.programs.workflow.values import StepOutput

_BY_NAME = frozenset({"run_context", "session_state", "workflow", "execution_input"})
"""Arguments that are never given by position."""

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
            items = await ctx.offload(lambda: list(cast("Iterator[Any]", function(*arguments, **keywords))))
            return _last(items, yielded)
        case "plain":
            return await ctx.offload(lambda: function(*arguments, **keywords))


def takes_more(function: Callable[..., Any]) -> bool:
    """Tell whether a user function takes anything by name: `run_context`, `session_state`, ..."""
    wanted, _ = _parameters(function)
    return wanted is None or not wanted.isdisjoint(_BY_NAME)


async def _drain_async(items: AsyncIterator[Any], yielded: Yielded) -> Any:
    return _last([item async for item in items], yielded)


def _last(items: list[Any], yielded: Yielded) -> Any:
    """Return a generator's result: its `StepOutput` where it yields one, else its last value."""
    results = [item for item in items if isinstance(item, StepOutput)]
    result = results[-1] if results else (items[-1] if items else None)
    for item in items:
        if item is not result:
            yielded(item)
    return result


@lru_cache(maxsize=4096)
def _manner(function: Callable[..., Any]) -> Literal["coroutine", "async generator", "generator", "plain"]:
    if inspect.iscoroutinefunction(function):
        return "coroutine"
    if inspect.isasyncgenfunction(function):
        return "async generator"
    return "generator" if inspect.isgeneratorfunction(function) else "plain"


@lru_cache(maxsize=4096)
def _parameters(function: Callable[..., Any]) -> tuple[frozenset[str] | None, bool]:
    """Return the names that a function takes (None for any), and whether it takes a positional argument."""
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


def state_patch(before: dict[str, Any], after: dict[str, Any]) -> StatePatch | None:
    """Return what a step changed of the session's state, top-level key by key; None when nothing."""
    changed = {key: to_json(value) for key, value in after.items() if key not in before or before[key] != value}
    removed = tuple(key for key in before if key not in after)
    return StatePatch(changed, removed) if changed or removed else None


def state_copy(state: dict[str, Any]) -> dict[str, Any]:
    """Return a copy that a step may change."""
    return deepcopy(state) if state else {}
