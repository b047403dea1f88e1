"""What routes are given: the runtime, and the shell's own parts."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from sayso.runtime.door import Runtime
from sayso.runtime.ports import Clock, Ids
from sayso.server.metrics import Figures
from sayso.server.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What routes are given."""

    runtime: Runtime
    clock: Clock
    ids: Ids
    ready: Callable[[], Awaitable[None]]
    """Raises when the service cannot take work now."""
    options: Options = field(default_factory=Options)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server stops; what waits on behalf of a request should wait for it too."""
    figures: Figures = field(default_factory=Figures)
    """What `/metrics` tells."""


def services_of(request: Request) -> Services:
    """Return the services of the application that a request is for."""
    return request.app.state.services


Serviced = Annotated[Services, Depends(services_of)]
"""A route's parameter that is given the services."""
