"""The service composed: one database, the agents and workflows loaded from code, and everything the routes stand on."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from sayso.app.clock import SystemSecrets
from sayso.app.dataagents import DataAgents, ModelClients
from sayso.app.database import SqliteDb
from sayso.app.workflow import Workflow
from sayso.model.actors import Actor
from sayso.model.workspaces import DEFAULT_WORKSPACE
from sayso.programs.agent.client import ModelClient
from sayso.programs.agent.definition import AgentDefinition
from sayso.programs.agent.operations import Operations
from sayso.programs.context import Program
from sayso.runtime.authority import ensure_default, load_workspace
from sayso.runtime.directory import Directory
from sayso.runtime.directory_ports import Secrets
from sayso.runtime.inbox import Inbox
from sayso.runtime.measuring import Measuring
from sayso.runtime.news import News
from sayso.runtime.registry import Registry
from sayso.runtime.reviewing import Reviewing
from sayso.runtime.sessions import Sessions
from sayso.server.about import About
from sayso.server.handshakes import ProviderSignIn
from sayso.server.options import Options
from sayso.server.service import Service

LOADED = Actor(type="system", id="loaded-code", via="system")
"""The author of versions that code has written."""


async def _always() -> None:
    """Take work at any time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a service is composed of."""

    db: SqliteDb
    programs: Sequence[Program] = ()
    """Agents and workflows loaded from code."""
    operations: Operations = field(default_factory=Operations)
    """What agents made as data may be allowed to call, beside the tools of the loaded agents."""
    models: dict[str, ModelClient] = field(default_factory=dict[str, ModelClient])
    """Models that are at hand, by name; others are made by their provider."""
    options: Options = field(default_factory=Options)
    ready: Callable[[], Awaitable[None]] = _always
    secrets: Secrets = field(default_factory=SystemSecrets)
    provider: ProviderSignIn | None = None
    """The identity provider at which people sign in, if there is one."""
    about: About = field(default_factory=About)
    """What the pages tell owners and admins about this process."""


async def compose(parts: Parts) -> Service:
    """Return the service; loaded agents are deployed, and agents made as data can run in this process.

    Raises:
        DuplicateName: An agent made as data has the name of a loaded agent or workflow.
    """
    runtime = parts.db.runtime
    agents = [program for program in parts.programs if isinstance(program, AgentDefinition)]
    for program in parts.programs:
        runtime.register(program)
    parts.operations.add_from(agents)
    runtime.resolve_with(DataAgents(parts.operations, ModelClients(parts.models)))
    ids, clock, store = runtime.ids, runtime.clock, runtime.store
    registry = Registry(
        store, clock=clock, ids=ids, workspace=load_workspace, operations=lambda: parts.operations.tools.keys()
    )
    await store.run(lambda tx: ensure_default(tx, clock.now()))
    workflows = _workflows(parts.programs)
    if agents or workflows:
        await registry.adopt(
            [*agents, *workflows.values()], workspace_id=DEFAULT_WORKSPACE, by=LOADED, secrets=runtime.secrets
        )
    directory = Directory(store, clock=clock, ids=ids, secrets=parts.secrets)
    return Service(
        runtime=runtime,
        clock=clock,
        ids=ids,
        ready=parts.ready,
        options=parts.options,
        registry=registry,
        directory=directory,
        sessions=Sessions(runtime),
        inbox=Inbox(runtime),
        review=Reviewing(runtime),
        measures=Measuring(store, clock),
        news=News(store),
        loaded={agent.name: agent for agent in agents},
        workflows=workflows,
        operations=parts.operations.tools,
        provider=parts.provider,
        about=parts.about,
    )


def _workflows(programs: Sequence[Program]) -> dict[str, Workflow]:
    return {program.name: program for program in programs if isinstance(program, Workflow)}
