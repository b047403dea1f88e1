"""Running agents made as data: a program for each, made when it is needed, in any process.

Its tools are all operations that this process has loaded, of which the frozen version's allow-list decides; its model
is the one that the frozen version names. So nothing about the agent has to be known here before it runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sayso.core.fingerprint import Shape
from sayso.model.agents import AgentVersion
from sayso.model.errors import Invalid, SaysoError
from sayso.model.messages import AssistantMessage, ModelRequest
from sayso.programs.agent.client import Delta, ModelClient
from sayso.programs.agent.definition import AgentDefinition
from sayso.programs.agent.facts import AgentFacts
from sayso.programs.agent.operations import Operations
from sayso.programs.context import Program

_PREFIX = "agt_"
_STUB = "stub:"


class ModelClients:
    """Clients by the names of their models, each made once.

    Args:
        named: Clients that are at hand, e.g. a `ScriptedModel` under `stub:refunds`.
        make: Makes the client of any other name; the provider's, by default.
    """

    def __init__(
        self, named: Mapping[str, ModelClient] | None = None, make: Callable[[str], ModelClient] | None = None
    ) -> None:
        self._clients: dict[str, ModelClient] = dict(named or {})
        self._make = make or _provider

    def __call__(self, name: str) -> ModelClient:
        """Return the client of a model; one that cannot be had says why when it is asked, so that the run fails."""
        found = self._clients.get(name)
        if found is None:
            try:
                found = self._clients[name] = self._make(name)
            except SaysoError as exc:
                return Unusable(name, exc)
        return found


def _provider(name: str) -> ModelClient:
    from sayso.llm.providers import ProviderModel  # Lazy: a process without data agents needs no provider.

    if name.startswith(_STUB):
        raise Invalid(f"Expected a scripted model under '{name}', but this process has none.")
    return ProviderModel(name)


class Unusable:
    """A model that cannot be asked.

    Args:
        name: What the version calls it.
        reason: Why.
    """

    def __init__(self, name: str, reason: SaysoError) -> None:
        self.name = name
        self._reason = reason

    async def respond(self, request: ModelRequest, delta: Delta | None = None) -> AssistantMessage:
        """Raise the reason."""
        raise self._reason


class DataAgent(AgentDefinition):
    """The program of one agent made as data; what it does is in the versions that its runs have frozen.

    Args:
        name: The agent's id.
        operations: What its versions may allow.
        clients: Its versions' models.
        dependencies: Values handed to every operation.
    """

    def __init__(
        self, name: str, operations: Operations, clients: Callable[[str], ModelClient], dependencies: dict[str, Any]
    ) -> None:
        nobody = Unusable(name, Invalid(f"Expected a version of {name} frozen in the run, but there is none."))
        super().__init__(AgentVersion(name=name), tools=(), client=nobody, dependencies=dependencies)
        self.tools = operations.tools
        self._clients = clients

    def shape(self) -> Shape:
        """Return what the keys of a run are; the same in every mode, which may change while a run goes on."""
        return {"agent": "Agent"}

    def facts(self, started: dict[str, Any]) -> AgentFacts:
        """Return what a run stands on, from what was frozen when it started."""
        found = super().facts(started)
        return replace(found, client=self._clients(found.version.model))


class DataAgents:
    """Makes the programs of agents made as data; give it to `Runtime.resolve_with`.

    Args:
        operations: What their versions may allow.
        clients: Their versions' models, by name.
        dependencies: Values handed to every operation.
    """

    def __init__(
        self,
        operations: Operations,
        clients: Callable[[str], ModelClient] | None = None,
        dependencies: dict[str, Any] | None = None,
    ) -> None:
        self._operations = operations
        self._clients = clients or ModelClients()
        self._dependencies = dependencies or {}

    def find(self, name: str) -> Program | None:
        """Return the program of an agent made as data; whether there is such an agent shows where it starts."""
        if not name.startswith(_PREFIX):
            return None
        return DataAgent(name, self._operations, self._clients, self._dependencies)
