"""The page of one agent, with what was done on it just now or refused."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Path, Query
from fastapi.responses import HTMLResponse

from sayso.model.errors import SaysoError
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.agents.viewing import agent_view
from sayso.web.agents.words import WORDS
from sayso.web.fields import Fields
from sayso.web.rendering import page
from sayso.web.starting import fresh_run
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
AgentPath = Annotated[str, Path(alias="agentId", max_length=200)]
VersionQuery = Annotated[str, Query(alias="version", max_length=200)]
PageQuery = Annotated[int, Query(alias="page", ge=1, le=50_000)]
SnapshotQuery = Annotated[bool, Query()]

DONE = {
    "deployed": "The version is live: triggers and the API start it from now on.",
    "rolled-back": "The older version is live again.",
    "retracted": "Nothing is deployed any more. What runs goes on.",
    "deleted": "The version is deleted.",
    "blocked": "The agent is blocked: no run of it starts. What runs goes on.",
    "unblocked": "The block is cleared: runs start again.",
    "activated": "The trigger is active.",
    "deactivated": "The trigger is switched off: nothing starts by it.",
}
"""What is said after an act."""


@router.get("/agents/{agentId}")
async def agent(
    asked: Visited,
    agent_id: AgentPath,
    version_id: VersionQuery = "",
    number: PageQuery = 1,
    snapshot: SnapshotQuery = False,
    done: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    """Show one agent."""
    asked.require("see_agents")
    return await shown(asked, agent_id, version_id=version_id, number=number, snapshot=snapshot, done=DONE.get(done))


async def shown(
    asked: Asking,
    agent_id: str,
    *,
    version_id: str = "",
    number: int = 1,
    snapshot: bool = False,
    done: str | None = None,
    problem: SaysoError | None = None,
    sent: Fields | None = None,
    errors: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Return the page of one agent.

    Args:
        asked: Who looks.
        agent_id: The agent.
        version_id: The version that is looked at; the live one by default.
        number: Which page of its runs.
        snapshot: Whether only runs of that version are wanted.
        done: What was done just now, in words.
        problem: Why something was not done.
        sent: What was written in the form that was refused.
        errors: What is wrong with it, by the name of the field.
    """
    view = await agent_view(asked, agent_id, version_id=version_id, page=number, snapshot=snapshot, sent=sent)
    return page(
        asked,
        "agents/agent.html",
        title=view.agent.name,
        status=200 if problem is None else problem.status,
        view=view,
        done=done,
        problem=problem,
        sent=sent or Fields({}),
        tried={"errors": errors or {}},
        fresh_run=fresh_run(asked),
        names={},
        **WORDS,
    )
