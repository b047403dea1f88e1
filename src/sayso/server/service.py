"""What the routes stand on: the services of one process, who is asking, and what they may see and do."""

import hashlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, cast

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse

from sayso.core.codec import json_bytes, plain_of
from sayso.core.roles import Ability, allows
from sayso.model.directoryerrors import Forbidden, Unauthenticated
from sayso.model.errors import Invalid
from sayso.model.json import Json
from sayso.model.registry import AgentId, AgentRecord, Names, Trigger
from sayso.model.requesterrors import OutOfScope, WorkflowNotFound
from sayso.model.requests import Answered, Ticket
from sayso.model.runs import Origin
from sayso.model.workspaces import Principal, Reach
from sayso.programs.agent.definition import AgentDefinition
from sayso.programs.agent.tools import Tool
from sayso.runtime.directory import Directory
from sayso.runtime.inbox import Inbox
from sayso.runtime.measuring import Measuring
from sayso.runtime.news import News
from sayso.runtime.once import Unit, once
from sayso.runtime.reach import reach_of_key
from sayso.runtime.registry import Registry
from sayso.runtime.reviewing import Reviewing
from sayso.runtime.sessions import Sessions
from sayso.server.about import About
from sayso.server.cookies import session_text
from sayso.server.guessing import Guesses
from sayso.server.handshakes import ProviderSignIn
from sayso.server.looking import Looking
from sayso.server.services import Services, services_of

_LONGEST_KEY = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(Services):
    """The services of one process."""

    registry: Registry
    directory: Directory
    sessions: Sessions
    inbox: Inbox
    review: Reviewing
    measures: Measuring
    news: News
    loaded: Mapping[str, AgentDefinition] = field(default_factory=dict[str, AgentDefinition])
    """Code-first agents, by the name of their program."""
    workflows: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Code-first workflows, by name."""
    operations: Mapping[str, Tool] = field(default_factory=dict[str, Tool])
    """What agents made as data may be allowed to call, by name; as it is now."""
    provider: ProviderSignIn | None = None
    """The identity provider at which people sign in, if there is one."""
    about: About = field(default_factory=About)
    """What the pages tell owners and admins about this process."""
    looking: Looking = field(default_factory=Looking)
    """Who looks at which task at the moment."""
    guesses: Guesses = field(default_factory=Guesses)
    """Who has guessed secrets lately."""


@dataclass(slots=True)
class Asking:
    """One request: the services, who asks, and what they may see."""

    request: Request
    service: Service
    principal: Principal
    reach: Reach

    @property
    def now(self) -> datetime:
        """The time."""
        return self.service.clock.now()

    @property
    def stopping(self) -> bool:
        """Whether the server stops, so that nobody should be kept waiting."""
        return self.service.stopping.is_set()

    def require(self, ability: Ability) -> None:
        """Refuse where the role, or the kind of credential, does not allow something.

        Raises:
            Forbidden: It does not.
        """
        if not allows(self.principal, ability):
            raise Forbidden(ability, who=self.principal.id)

    def refuse_beyond(self, program: str) -> None:
        """Refuse what a key's scopes do not name.

        Raises:
            OutOfScope: They do not name this program.
        """
        programs = self.reach.programs
        if programs is not None and not any(name == program for name, _ in programs):
            raise OutOfScope(f"Expected a key whose scopes name '{program}', but this one's do not.")

    async def agent(self, agent_id: str) -> AgentRecord:
        """Return an agent within reach.

        Raises:
            AgentNotFound: There is none in the workspace.
            OutOfScope: There is, but the key's scopes do not name it.
        """
        found = await self.service.registry.load_agent(self.principal.workspace.id, AgentId(agent_id))
        self.refuse_beyond(found.program)
        return found

    async def workflow(self, name: str) -> tuple[AgentRecord, Any]:
        """Return a workflow of the active workspace, by its name or either id, as it is registered and as it is loaded.

        Raises:
            WorkflowNotFound: There is none, or this server has not loaded it.
        """
        loaded = self.service.workflows
        named = name if name in loaded else next((item.name for item in loaded.values() if item.id == name), name)
        record = await self.service.registry.load_workflow(self.principal.workspace.id, named)
        found = loaded.get(record.name)
        if found is None:
            raise WorkflowNotFound("Expected a workflow that this server has loaded, but it has loaded others.")
        return record, found

    async def trigger(self, agent: AgentRecord) -> Trigger | None:
        """Return the trigger by which this principal starts an agent; None for people, and where there is none.

        Raises:
            OutOfScope: The key starts the agent by a trigger alone that is gone.
        """
        if self.principal.key is None:
            return None
        triggers = await self.service.registry.list_triggers(self.principal.workspace.id, agent.id)
        scoped = {scope.trigger_id for scope in self.principal.key.scopes if scope.agent_id == agent.id}
        found = next((item for item in triggers if item.id in scoped or None in scoped), None)
        if found is None and None not in scoped:
            raise OutOfScope(f"Expected a trigger of '{agent.name}' that the key's scopes name, but it is gone.")
        return found

    def exposed(self, origin: Origin) -> bool:
        """Tell whether the steps of a session may be shown: to people always, to keys as the trigger says."""
        return self.reach.shows(origin.trigger_id)

    async def names(self, *version_ids: str | None) -> Names:
        """Return what programs, triggers and some versions are called in the active workspace."""
        wanted = [version_id for version_id in version_ids if version_id is not None]
        return await self.service.registry.names(self.principal.workspace.id, wanted)

    async def act(self, unit: Unit, body: Json = None, *, key: str | None = None) -> Answered:
        """Run a unit, once per `Idempotency-Key` and body; a form, which has no headers, brings its key as a field."""
        runtime = self.service.runtime
        return await runtime.store.run(once(unit, self._ticket(body, key), runtime.clock.now()))

    def _ticket(self, body: Json, field: str | None) -> Ticket | None:
        key = field or self.request.headers.get("idempotency-key")
        if key is None:
            return None
        if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
            raise Invalid(f"Expected an Idempotency-Key of 1 to {_LONGEST_KEY} printable characters.")
        path = f"{self.request.method} {self.request.url.path}\n".encode()
        digest = hashlib.sha256(path + json_bytes(body)).hexdigest()
        workspace = self.principal.workspace.id
        return Ticket(workspace_id=workspace, principal=self.principal.id, key=key, digest=digest)


def service_of(request: Request) -> Service:
    """Return the services of the application that a request is for."""
    return cast("Service", services_of(request))


async def asking(
    request: Request,
    x_api_key: Annotated[str | None, Header(max_length=500, description="A key of `sayso keys create`.")] = None,
    authorization: Annotated[str | None, Header(max_length=500, description="`Bearer` and a person's token.")] = None,
) -> Asking:
    """Authenticate a request: by key, by token, or by a browser's session, in this order.

    Raises:
        Unauthenticated: Nobody we know.
        TooManyGuesses: Too many wrong secrets came from this address lately.
    """
    service = service_of(request)
    presented = any(given is not None for given in (x_api_key, authorization, session_text(request, service.options)))
    with counting_guesses(request, service, presented=presented):
        principal = await _principal(service, request, x_api_key, authorization)
    request.scope["state"]["who"] = principal.id
    return Asking(request, service, principal, await _reach(service, principal))


@contextmanager
def counting_guesses(request: Request, service: Service, *, presented: bool = True) -> Generator[None]:
    """Listen to a secret, unless too many wrong ones came from this address; take note of another wrong one.

    Raises:
        TooManyGuesses: Too many came lately.
    """
    client = request.client.host if request.client is not None else "?"
    service.guesses.refuse(client, service.clock.now())
    try:
        yield
    except Unauthenticated:
        if presented:
            service.guesses.wrong(client, service.clock.now())  # who presents nothing has guessed nothing
        raise


async def _principal(service: Service, request: Request, key: str | None, authorization: str | None) -> Principal:
    if key is not None:
        return await service.directory.authenticate_key(key)
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        return await service.directory.authenticate_token(token if scheme.lower() == "bearer" else None)
    return await service.directory.authenticate_session(session_text(request, service.options))


async def _reach(service: Service, principal: Principal) -> Reach:
    workspace = principal.workspace.id
    if principal.key is None:
        return Reach(workspace_id=workspace)
    scopes = principal.key.scopes
    return await service.runtime.store.read(lambda tx: reach_of_key(tx, workspace, scopes))


Asked = Annotated[Asking, Depends(asking)]


def answer(answered: Answered, *, replayed: bool, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the response of an act; one that was remembered says so."""
    body: dict[str, Json] = plain_of(answered.body)
    return JSONResponse({**body, "duplicateDelivery": True} if replayed else body, answered.status, dict(headers or {}))
