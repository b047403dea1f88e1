"""Whether the service lives, whether it can take work, and its figures."""

import asyncio
import hmac
import ipaddress
from datetime import datetime
from typing import Literal

from fastapi import Request, Response
from pydantic import BaseModel

from sayso.model.requesterrors import MetricsHidden, NotReady
from sayso.model.tasks import TaskFilter
from sayso.server.metrics import MEDIA_TYPE
from sayso.server.problems import refusals
from sayso.server.routes import router
from sayso.server.services import Serviced

_SECONDS = 3.0
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")

routes = router(tags=["service"])


class Health(BaseModel):
    """How the service is."""

    status: Literal["ok"] = "ok"


@routes.get("/healthz")
async def healthz() -> Health:
    """The process lives and answers."""
    return Health()


@routes.get("/readyz", responses=refusals(NotReady))
async def readyz(services: Serviced) -> Health:
    """The database takes changes, and the worker of this process, if it has one, is at work."""
    try:
        async with asyncio.timeout(_SECONDS):
            await services.ready()
    except Exception as exc:
        raise NotReady(f"Expected to be ready, but: {exc or type(exc).__name__}") from exc
    return Health()


@routes.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **refusals(MetricsHidden),
    },
)
async def metrics(request: Request, services: Serviced) -> Response:
    """Figures in Prometheus' text format."""
    if not _may_read(request, services.options.metrics_token, behind_proxy=services.options.behind_proxy):
        raise MetricsHidden("Expected the metrics token, or a request of this machine.")
    page = await services.runtime.list_tasks(TaskFilter(status="pending"), limit=1)
    oldest: datetime | None = page.tasks[0].created_at if page.tasks else None
    services.figures.oldest_task(0 if oldest is None else (services.clock.now() - oldest).total_seconds())
    return Response(services.figures.text(), media_type=MEDIA_TYPE)


def _may_read(request: Request, token: str | None, *, behind_proxy: bool) -> bool:
    if token is not None:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    forwarded = any(name in request.headers for name in _FORWARDED)
    return not behind_proxy and not forwarded and _is_loopback("" if request.client is None else request.client.host)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
