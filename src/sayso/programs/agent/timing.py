"""A tool's own code, awaited: what it raises stays inside the run, and what takes too long is left behind."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from sayso.programs.agent.texts import described


async def kept_in(work: Awaitable[Any]) -> Any:
    """Await a tool's work; what would end the event loop with it becomes an error of the tool."""
    try:
        return await work
    except SystemExit as exc:
        raise RuntimeError(f"the tool raised {described(exc)}") from exc


async def in_time(work: Awaitable[Any], seconds: float) -> Any:
    """Await work that nothing may be able to stop, such as a thread's: past its time it is left behind.

    Raises:
        TimeoutError: It took too long; it may still go on.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        return await task  # this process hands the run on: not before the thread has come to its end
    if not task.done():
        task.add_done_callback(lambda late: late.cancelled() or late.exception())
        raise TimeoutError(f"it took longer than {seconds:g} s")
    return task.result()
