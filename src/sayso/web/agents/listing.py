"""The list of agents, and of the workflows that this server has loaded."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse

from sayso.server.routes import router as strict_router
from sayso.web.agents.words import WORDS
from sayso.web.rendering import page
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
_PAGE = 50


@router.get("/agents")
async def agents(asked: Visited, number: Annotated[int, Query(alias="page", ge=1, le=20_000)] = 1) -> HTMLResponse:
    """Show one page of the agents of the workspace, by name."""
    asked.require("see_agents")
    workspace = asked.principal.workspace.id
    found = await asked.service.registry.list_agents(workspace, limit=_PAGE, skip=(number - 1) * _PAGE)
    waiting = await asked.service.measures.runs_waiting(workspace)
    loaded = asked.service.workflows
    workflows = [one for one in await asked.service.registry.list_workflows(workspace) if one.name in loaded]
    return page(
        asked,
        "agents/list.html",
        title="Agents",
        found=found,
        waiting=waiting,
        workflows=workflows if number == 1 else (),
        number=number,
        pages=max(1, -(-found.total // _PAGE)),
        **WORDS,
    )
