"""The server: uvicorn, which stops within a second although streams are open.

Plain uvicorn hangs at SIGTERM while an SSE client is connected. Here the stop is told to all requests first
(server/receiving.py ends their streams), and signals are the composition root's business, which has more to stop.
"""

import asyncio
import errno
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from sayso.model.requesterrors import AddressTaken
from sayso.server.protocol import protocol
from sayso.server.services import Services

_BACKLOG = 2048
_LAST_SECONDS = 1


class Server(uvicorn.Server):
    """Serves an application until it is told to stop.

    Args:
        app: The application.
        services: Those that the application was made with.
        trusted_proxies: Addresses whose `X-Forwarded-` headers are believed.
    """

    def __init__(self, app: ASGIApp, services: Services, *, trusted_proxies: tuple[str, ...] = ()) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol(services.options.receive_seconds),
                ws="none",
                loop="asyncio",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(trusted_proxies),
                forwarded_allow_ips=list(trusted_proxies),
                h11_max_incomplete_event_size=2 * services.options.head.header_bytes,
                timeout_graceful_shutdown=_LAST_SECONDS,
                backlog=_BACKLOG,
            )
        )
        self._stopping: asyncio.Event = services.stopping
        self.ready = asyncio.Event()
        """Set when the server answers."""

    def stop(self) -> None:
        """Tell the server to stop."""
        self.should_exit = True

    def hurry(self) -> None:
        """Tell the server to stop; told twice, it waits for nobody."""
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell every request that it is over, and wait for them a little."""
        self._stopping.set()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 is any free one.

    Raises:
        AddressTaken: Another process listens there, or the address is not this machine's.
    """
    family, kind, number, _, address = _resolved(host, port)
    listening = socket.socket(family, kind, number)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as exc:
        listening.close()
        why = "another process listens there" if exc.errno == errno.EADDRINUSE else str(exc.strerror or exc)
        raise AddressTaken(f"Expected to listen at {host} port {port}, but {why}.", host=host, port=port) from exc
    listening.setblocking(False)
    return listening


def _resolved(host: str, port: int) -> tuple[int, int, int, str, tuple[object, ...]]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as exc:
        raise AddressTaken(
            f"Expected an address of this machine, but {host} is none: {exc.strerror}.", host=host, port=port
        ) from exc
