"""`sayso serve` composed: one process with the API and, unless it is told otherwise, a worker on one database.

The address is taken before the database is opened, so that a port that is
taken leaves no file behind.
"""

import asyncio
import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter

from sayso import web as pages
from sayso.api.v1 import router
from sayso.app.announcing import Announcement
from sayso.app.database import SqliteDb
from sayso.app.service import Parts, compose
from sayso.app.settings import Settings, settings_shown
from sayso.app.signingin import make_provider
from sayso.app.worker import Worker
from sayso.model.requesterrors import AddressUnprotected, NotReady
from sayso.programs.context import Program
from sayso.runtime.ports import Clock, Store
from sayso.server.about import About
from sayso.server.application import create_app
from sayso.server.listening import Server, listen
from sayso.server.options import LOOPBACK_NAMES, Options
from sayso.server.service import Service
from sayso.server.strict import JsonLimits

_log = structlog.get_logger("sayso.serve")
_READY_FOR = timedelta(seconds=1)


def routers() -> list[APIRouter]:
    """Return the routes that are served beside health and metrics."""
    return [router, pages.router]


async def sign_in_link(service: Service, settings: Settings, url: str) -> str | None:
    """Return a link that signs this machine's user in, once; None where people sign in by a provider."""
    if settings.oidc is not None:
        return None
    link = await service.directory.first_link(settings.user)
    return f"{url}/login?once={link.text}"


async def serve(
    db: SqliteDb, settings: Settings, programs: Sequence[Program], announce: Callable[[Announcement], None]
) -> None:
    """Serve until SIGTERM or SIGINT; the worker's runs are then handed back.

    Raises:
        AddressUnprotected: Others could reach the service, and nobody would have to sign in.
        AddressTaken: Another process listens there.
    """
    check_address(settings)
    with listen(settings.host, settings.port) as listening:
        worker = _Work(db, settings, programs)
        services = await make_service(db, settings, programs, worker)
        app = create_app(services, routers(), refused=pages.refused)
        server = Server(app, services, trusted_proxies=settings.trusted_proxies)
        _stop_on_signals(server)
        working = worker.start(services.stopping)
        serving = asyncio.create_task(server.serve([listening]))
        await server.ready.wait()
        announce(await _announcement(services, settings, programs, listening))
        await asyncio.wait({serving, working} if working else {serving}, return_when=asyncio.FIRST_COMPLETED)
        server.stop()
        await serving
        if working is not None:
            await working


def check_address(settings: Settings) -> None:
    """Refuse an address that others can reach unless people have to sign in.

    Raises:
        AddressUnprotected: It is such an address, and no identity provider is set.
    """
    if settings.oidc is None and not is_loopback(settings.host):
        raise AddressUnprotected(
            f"Expected an address of this machine alone, but others can reach {settings.host}, and nobody would have"
            " to sign in.",
            host=settings.host,
        )


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


async def make_service(
    db: SqliteDb, settings: Settings, programs: Sequence[Program], worker: "_Work | None" = None
) -> Service:
    """Return the composed service: what is loaded is deployed, and what is made as data can run here."""
    clock = db.runtime.clock
    ready = Readiness(db.runtime.store, clock, (lambda: True) if worker is None else worker.is_well)
    provider = make_provider(settings, clock)
    options = make_options(settings)
    about = make_about(settings, programs, clock.now())
    return await compose(Parts(db=db, programs=programs, options=options, ready=ready, provider=provider, about=about))


def make_about(settings: Settings, programs: Sequence[Program], now: datetime) -> About:
    """Return what the pages tell owners and admins about this process."""
    return About(
        database=str(settings.database),
        started_at=now,
        worker=settings.worker,
        programs=tuple(program.name for program in programs),
        settings=tuple(settings_shown(settings)),
    )


def make_options(settings: Settings) -> Options:
    """Return what the shell is told."""
    base = urlsplit(settings.base_url or "")
    own = {name.lower() for name in (base.hostname, settings.host, *settings.allowed_hosts) if name}
    token = settings.metrics_token
    return Options(
        version=version("sayso"),
        environment=settings.environment,
        hosts=LOOPBACK_NAMES | own,
        secure=base.scheme == "https",
        json=JsonLimits(size=settings.body_limit_bytes),
        receive_seconds=settings.receive_deadline_seconds,
        metrics_token=None if token is None else token.get_secret_value(),
        behind_proxy=bool(settings.trusted_proxies) or not is_loopback(base.hostname or "localhost"),
    )


class Readiness:
    """Whether the service can take work: asked by anybody, answered from the last second.

    Args:
        store: The database, which has to take changes.
        clock: The time.
        working: Whether the worker is at work.
    """

    def __init__(self, store: Store, clock: Clock, working: Callable[[], bool]) -> None:
        self._store = store
        self._clock = clock
        self._working = working
        self._asked: datetime | None = None
        self._lock = asyncio.Lock()

    async def __call__(self) -> None:
        """Return when it can.

        Raises:
            NotReady: The worker has ended.
            StoreUnavailable: The database takes no changes.
        """
        if not self._working():
            raise NotReady("Expected the worker to be at work, but it has ended.")
        async with self._lock:
            now = self._clock.now()
            if self._asked is None or not timedelta() <= now - self._asked < _READY_FOR:
                await self._store.probe()
                self._asked = now


class _Work:
    """The worker of this process, if it is to have one."""

    def __init__(self, db: SqliteDb, settings: Settings, programs: Sequence[Program]) -> None:
        self._worker = Worker(db, programs, concurrency=settings.concurrency, poll_seconds=settings.poll_seconds)
        self._wanted = settings.worker
        self._task: asyncio.Task[None] | None = None

    def start(self, stopping: asyncio.Event) -> "asyncio.Task[None] | None":
        if self._wanted:
            self._task = asyncio.create_task(self._worker.serve(stopping))
        return self._task

    def is_well(self) -> bool:
        return self._task is None or not self._task.done()


def _stop_on_signals(server: Server) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.hurry)


async def _announcement(
    service: Service, settings: Settings, programs: Sequence[Program], listening: socket.socket
) -> Announcement:
    host, port = listening.getsockname()[:2]
    url = settings.base_url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    _log.info("serving", url=url, host=host, port=port, worker=settings.worker, pid=os.getpid())
    return Announcement(
        url=url,
        host=host,
        port=port,
        database=str(settings.database),
        programs=tuple(program.name for program in programs),
        worker=settings.worker,
        sign_in=await sign_in_link(service, settings, url),
    )
