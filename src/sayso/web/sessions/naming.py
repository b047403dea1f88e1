"""What agents are called: an agent made as data is stored under its id, and people know its name."""

from collections.abc import Mapping

from sayso.server.service import Asking

_MOST = 1_000


async def names_of(asked: Asking) -> Mapping[str, str]:
    """Return the names of a workspace's agents, by the programs of their runs."""
    page = await asked.service.registry.list_agents(asked.principal.workspace.id, limit=_MOST)
    return {agent.program: agent.name for agent in page.items}
