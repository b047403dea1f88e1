"""A real service on a free port, in a thread of its own, with people who can sign in: what the pages are tested on."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
from structlog.testing import capture_logs

from sayso import SqliteDb, Worker, web
from sayso.api.v1 import router
from sayso.app.service import Parts, compose
from sayso.model.workspaces import Principal, Role
from sayso.server.application import create_app
from sayso.server.listening import Server, listen
from sayso.server.options import Options
from sayso.server.service import Service

T = TypeVar("T")
COOKIE = "sayso_session"


@dataclass
class Site:
    """One running service."""

    port: int
    service: Service
    db: SqliteDb
    loop: asyncio.AbstractEventLoop
    root: Principal
    sessions: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the service's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def session(self, role: Role = "owner", email: str | None = None) -> str:
        """Sign somebody with a role in, and return the text of the browser session."""
        address = email or f"{role}@example.com"
        if address not in self.sessions:
            self.sessions[address] = self.do(self._signed_in(role, address))
        return self.sessions[address]

    async def _signed_in(self, role: Role, address: str) -> str:
        directory = self.service.directory
        member = await directory.people.find(self.root, address) or await directory.people.add(
            self.root, email=address, role=role
        )
        link = await directory.sign_in.make_link(self.root, member.person.id)
        return (await directory.sign_in.by_link(link.text)).text

    def client(self, role: Role | None = "owner", email: str | None = None) -> httpx.Client:
        """Return a client that sends what a browser would, without its scripts."""
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        cookies = {} if role is None else {COOKIE: self.session(role, email)}
        return httpx.Client(base_url=self.url, headers=headers, cookies=cookies, timeout=30)


@contextmanager
def site(folder: Path, programs: Callable[[SqliteDb], Sequence[Any]], *, worker: bool = True) -> Iterator[Site]:
    """Serve until the block ends.

    Args:
        folder: Where the database is.
        programs: Makes the agents and workflows over it.
        worker: Whether runs go on by themselves.
    """
    ready: list[Any] = []
    up = threading.Event()

    async def serve() -> None:
        with SqliteDb(folder / "sayso.db", synchronous="NORMAL") as db:
            made = list(programs(db))
            service = await compose(Parts(db=db, programs=made, options=Options(version="test")))
            listening = listen("127.0.0.1", 0)
            server = Server(create_app(service, [router, web.router], refused=web.refused), service)
            stop = asyncio.Event()
            working = asyncio.create_task(Worker(db, made).serve(stop)) if worker else None
            root = await service.directory.local("root")
            serving = asyncio.create_task(server.serve([listening]))
            await server.ready.wait()
            ready.extend([listening.getsockname()[1], service, db, asyncio.get_running_loop(), root, server])
            up.set()
            await serving
            service.news.close()
            stop.set()
            if working is not None:
                await working

    with capture_logs():
        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        assert up.wait(30), "the service does not start"
        *parts, server = ready
        try:
            yield Site(*parts)
        finally:
            server.stop()
            thread.join(20)
            assert not thread.is_alive(), "the service does not stop"
