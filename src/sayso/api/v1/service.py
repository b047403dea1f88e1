"""What the routes stand on: the services of one process, and who is asking."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, cast

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse

from sayso.core.codec import json_bytes, plain_of
from sayso.core.roles import Ability, may
from sayso.model.agents import AgentVersion
from sayso.model.errors import Forbidden, Invalid, OutOfScope
from sayso.model.json import Json
from sayso.model.requests import Answered, Ticket
from sayso.model.runs import Origin
from sayso.model.workspaces import Principal, Reach
from sayso.runtime.door import Runtime
from sayso.runtime.inbox import Inbox
from sayso.runtime.news import News
from sayso.runtime.once import Unit, once
from sayso.runtime.sessions import Sessions

_LONGEST_KEY = 255
OF_KEYS = frozenset(
    {"start_runs", "see_runs", "see_sessions", "see_tasks", "decide_tasks", "see_agents", "end_sessions"}
)
"""What keys may do, within their scopes; everything else is for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Startable:
    """What a run of an agent is started with."""

    agent_id: str
    program: str
    version: AgentVersion
    """With the limits of the workspace, where these are stricter."""
    origin: Origin
    exposed: bool = True
    """Whether clients with keys may see the steps of its runs."""


class Starters(Protocol):
    """What knows agents, as far as starting their runs goes."""

    async def startable(self, agent_id: str, principal: Principal, *, version_id: str | None = None) -> Startable:
        """Return what a run of an agent is started with; refuse where none may be started."""
        ...

    async def reach(self, principal: Principal) -> Reach:
        """Return which runs a principal may see."""
        ...

    async def program(self, agent_id: str, principal: Principal) -> str:
        """Return the program of an agent of the workspace; refuse where there is none within reach."""
        ...

    async def exposed(self, origin: Origin) -> bool:
        """Tell whether clients with keys may see the steps of a run that came from there."""
        ...


@dataclass(slots=True)
class Service:
    """The services of one process."""

    runtime: Runtime
    starters: Starters
    authenticate: Callable[[Request], Awaitable[Principal]]
    news: News
    workflows: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Code-first workflows, by name."""
    stopping: Callable[[], bool] = lambda: False
    """Whether the server is about to stop, so that streams end."""
    sessions: Sessions = field(init=False)
    inbox: Inbox = field(init=False)

    def __post_init__(self) -> None:
        """Make the services that stand on the runtime."""
        self.sessions, self.inbox = Sessions(self.runtime), Inbox(self.runtime)


def _service(request: Request) -> Service:
    return cast("Service", request.app.state.service)


@dataclass(slots=True)
class Asking:
    """One request: the services, who asks, and what they may see."""

    request: Request
    service: Service
    principal: Principal
    reach: Reach

    @property
    def now(self) -> Any:
        """The time."""
        return self.service.runtime.clock.now()

    def require(self, ability: Ability) -> None:
        """Refuse where the role, or the kind of credential, does not allow something.

        Raises:
            Forbidden: It does not.
        """
        if self.principal.key is not None:
            allowed = ability in OF_KEYS
        else:
            role, settings = self.principal.role, self.principal.workspace.settings
            allowed = role is not None and may(role, ability, settings)
        if not allowed:
            raise Forbidden(f"Expected somebody who may '{ability}', but {self.principal.id} may not.")

    def refuse_beyond(self, program: str) -> None:
        """Refuse what a key's scopes do not name.

        Raises:
            OutOfScope: They do not name this program.
        """
        programs = self.reach.programs
        if programs is not None and not any(name == program for name, _ in programs):
            raise OutOfScope(f"Expected a key whose scopes name '{program}', but this one's do not.")

    async def act(self, unit: Unit, body: Json = None) -> Answered:
        """Run a unit, once per `Idempotency-Key` and body."""
        runtime = self.service.runtime
        return await runtime.store.run(once(unit, self._ticket(body), runtime.clock.now()))

    def _ticket(self, body: Json) -> Ticket | None:
        key = self.request.headers.get("idempotency-key")
        if key is None:
            return None
        if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
            raise Invalid(f"Expected an Idempotency-Key of 1 to {_LONGEST_KEY} printable characters.")
        path = f"{self.request.method} {self.request.url.path}\n".encode()
        digest = hashlib.sha256(path + json_bytes(body)).hexdigest()
        workspace = self.principal.workspace.id
        return Ticket(workspace_id=workspace, principal=self.principal.id, key=key, digest=digest)


async def asking(
    request: Request,
    service: Annotated[Service, Depends(_service)],
    x_api_key: Annotated[str | None, Header(description="A key made by `sayso keys create`.")] = None,
) -> Asking:
    """Authenticate a request.

    Raises:
        Unauthenticated: Nobody we know.
    """
    del x_api_key  # named here for the API's description; `authenticate` reads the headers
    principal = await service.authenticate(request)
    return Asking(request, service, principal, await service.starters.reach(principal))


Asked = Annotated[Asking, Depends(asking)]


def answer(answered: Answered, *, replayed: bool) -> JSONResponse:
    """Return the response of an act; one that was remembered says so."""
    body: dict[str, Json] = plain_of(answered.body)
    return JSONResponse({**body, "duplicateDelivery": True} if replayed else body, answered.status)
