"""A real server on a free port, in a thread, with routes that only tests need."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field
from structlog.testing import capture_logs

from sayso import SqliteDb
from sayso.app.clock import SystemClock, SystemIds
from sayso.model.errors import AlreadyDecided
from sayso.server.application import create_app
from sayso.server.listening import Server, listen
from sayso.server.options import Options
from sayso.server.routes import Body, router
from sayso.server.services import Services

CANARY = "CANARY_7f3a"


class Payment(Body):
    """What the test route takes."""

    amount: int = Field(gt=0)
    note: str = ""
    more: dict[str, int] = Field(default_factory=dict)


routes = router(prefix="/test")


@routes.post("/payments/{name}")
async def pay(name: str, payment: Payment, dry: bool = False) -> dict[str, object]:
    return {"name": name, "amount": payment.amount, "note": payment.note, "dry": dry}


@routes.get("/payments/{name}")
async def show(name: str) -> dict[str, str]:
    return {"name": name}


@routes.post("/deaf")
async def deaf() -> dict[str, bool]:
    return {"heard": False}


@routes.get("/boom")
async def boom() -> None:
    raise RuntimeError(f"{CANARY}\nforged line")


@routes.get("/conflict")
async def conflict() -> None:
    raise AlreadyDecided("task_1", by="ana", at=SystemClock().now(), verdict="approve")


@routes.get("/events", response_class=EventSourceResponse)
async def events() -> AsyncIterator[ServerSentEvent]:
    yield ServerSentEvent(data={"n": 1}, id="1")
    await asyncio.Event().wait()


@routes.get("/flood")
async def flood() -> StreamingResponse:
    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)

    return StreamingResponse(chunks(), media_type="text/plain")


@dataclass
class Served:
    """A running server."""

    port: int
    services: Services
    server: Server
    logs: list[MutableMapping[str, Any]]
    """What it has logged."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def logged(self, request_id: str | None = None) -> list[MutableMapping[str, Any]]:
        """Return what was logged of a request, waiting for its line: that comes behind the answer."""
        until = time.monotonic() + 10
        while True:
            found = [log for log in self.logs if request_id in {None, log.get("request_id")}]
            if any(log["event"] == "request" for log in found) or time.monotonic() > until:
                return found
            threading.Event().wait(0.01)

    def raw(self, data: bytes, *, seconds: float = 10) -> bytes:
        """Send bytes as they are, and return everything that comes until the connection is closed or silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(data)
            return received(connection)


def received(connection: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(OSError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


@contextlib.contextmanager
def serving(
    folder: Path, *, options: Options | None = None, routers: Sequence[APIRouter] | None = None
) -> Iterator[Served]:
    """Serve until the block ends; the server must then stop by itself."""
    with SqliteDb(folder / "s.db") as db, capture_logs() as logs:
        runtime = db.runtime
        services = Services(
            runtime=runtime,
            clock=SystemClock(),
            ids=SystemIds(),
            ready=runtime.store.probe,
            options=options or Options(),
        )
        app = create_app(services, [routes] if routers is None else routers)
        listening = listen("127.0.0.1", 0)
        server = Server(app, services)
        thread = threading.Thread(target=asyncio.run, args=(server.serve([listening]),))
        thread.start()
        try:
            yield Served(listening.getsockname()[1], services, server, logs)
        finally:
            server.stop()
            thread.join(10)
            assert not thread.is_alive(), "the server does not stop"
