"""Asking a tool's preview what a call would change: before a person is asked, never on replay, and never in its place.

Whatever comes of it, the question is asked: a preview that fails, takes too long or is too long is none, and the card
says so. It runs in the worker, where the tools are; a process that shows cards runs no code of tools.
"""

import asyncio
import inspect
from typing import Any

from sayso.core.codec import to_json
from sayso.core.previews import no_preview, preview_json
from sayso.core.readable import readable
from sayso.model.json import Json
from sayso.programs.agent.texts import described
from sayso.programs.agent.timing import in_time, kept_in
from sayso.programs.agent.tools import Tool
from sayso.programs.context import Context


async def previewed(ctx: Context, tool: Tool, given: dict[str, Any]) -> dict[str, Json]:
    """Return what a tool says that a call would change, as it is stored with the question.

    Args:
        ctx: The context.
        tool: A tool that has a preview.
        given: What its preview is called with.
    """
    try:
        said = await _called(ctx, tool, given)
        return preview_json(readable(to_json(said)))
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is told, and the question is asked
        return no_preview(described(exc))
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return no_preview("it was cancelled")


async def _called(ctx: Context, tool: Tool, given: dict[str, Any]) -> Any:
    function: Any = tool.preview
    if inspect.iscoroutinefunction(function):
        work = kept_in(function(**given))
    else:
        work = kept_in(ctx.offload(lambda: function(**given)))
    return await in_time(work, tool.preview_timeout)
