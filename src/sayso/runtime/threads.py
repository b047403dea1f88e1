"""Running blocking user code in threads, so that neither the event loop nor a lease waits for it.

A thread cannot be stopped. When the work around it is cancelled, its end is waited for, and what it did is kept:
otherwise the run would be handed on while the effect still goes on here.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
_MOST = 64
_pool = ThreadPoolExecutor(_MOST, thread_name_prefix="sayso-step")
"""Threads are made as they are needed and belong to steps that run now; a paused run has none."""


def _called(function: Callable[..., T], *args: Any) -> T:
    """Call a function; what no future can carry, or what would end the event loop, becomes an error of the step."""
    try:
        return function(*args)
    except (StopIteration, KeyboardInterrupt, GeneratorExit) as exc:
        raise RuntimeError(f"the function raised {type(exc).__name__}: {exc}") from exc


async def in_thread(function: Callable[..., T], *args: Any) -> tuple[T, bool]:
    """Return what a function returns, and whether a cancellation arrived meanwhile (the caller must honour it)."""
    context = contextvars.copy_context()
    future = asyncio.get_running_loop().run_in_executor(_pool, lambda: context.run(_called, function, *args))
    cancelled = False
    while not future.done():
        try:
            await asyncio.shield(future)
        except asyncio.CancelledError:
            cancelled = True
        except Exception:  # noqa: BLE001 - raised below, from the future itself
            break
    return future.result(), cancelled
