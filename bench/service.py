"""The service under load: 64 clients at once take runs from start over approval to the end, over HTTP.

The server is a process of its own (`python -m bench.service FOLDER`). Beside it stands the same work in one process,
through the runtime alone, so the ratio is what HTTP, sign-in and the API cost. The client is a few lines over asyncio's
streams, since it shares the machine with the server.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.agents import payer
from bench.measure import Figure, Size, folder
from sayso import Worker
from sayso.api.v1 import router
from sayso.app.service import Parts, compose
from sayso.model.workspaces import DEFAULT_WORKSPACE
from sayso.server.application import create_app
from sayso.server.listening import Server, listen

CLIENTS = 64


def service(size: Size) -> Iterator[Figure]:
    """Start (wait for the pause), approve, wait for the end: three requests, six commits."""
    clients, each = size.of(CLIENTS, 4), size.of(10, 2)
    with folder() as place, _serving(place) as (port, who):
        asyncio.run(_crowd(port, who, clients, 1, []))  # the first round does not count
        times: list[float] = []
        began = time.perf_counter()
        asyncio.run(_crowd(port, who, clients, each, times))
        took = time.perf_counter() - began
    with folder() as place:
        alone = asyncio.run(_in_process(place, clients, each))
    runs = clients * each
    yield Figure(
        what=f"{clients} clients: start -> approve -> done over HTTP (bare: in process)",
        unit="runs/s",
        ours=runs / took,
        bare=runs / alone,
    )
    yield Figure(what="... requests over HTTP", unit="requests/s", ours=len(times) / took)
    percentiles = statistics.quantiles(times, n=100)
    yield Figure(what="... one request, p50", unit="ms", ours=percentiles[49] * 1000)
    yield Figure(what="... one request, p99", unit="ms", ours=percentiles[98] * 1000)


async def _in_process(place: Path, clients: int, each: int) -> float:
    agent = payer(place / "ours.db")

    async def one(times: int) -> None:
        for _ in range(times):
            output = await agent.arun("in")
            output.active_requirements[0].confirm()
            done = await agent.acontinue_run(output)
            assert done.status == "COMPLETED", done

    await asyncio.gather(*(one(1) for _ in range(clients)))
    began = time.perf_counter()
    await asyncio.gather(*(one(each) for _ in range(clients)))
    took = time.perf_counter() - began
    agent.db.close()
    return took


# -- the client --------------------------------------------------------------------------------------------------------


class Client:
    """One connection that is kept, and the times of its requests."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        self._reader, self._writer, self._token = reader, writer, token
        self.times: list[float] = []

    async def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._token}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        began = time.perf_counter()
        self._writer.write(head.encode() + content)
        answered = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answered.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        told = json.loads(await self._reader.readexactly(length))
        self.times.append(time.perf_counter() - began)
        assert answered.startswith(b"http/1.1 20"), told
        return told


async def _crowd(port: int, who: dict[str, str], clients: int, each: int, times: list[float]) -> None:
    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        client = Client(reader, writer, who["token"])
        for _ in range(each):
            begun = await client.ask("POST", f"/v1/agents/{who['agent']}/runs?wait=60", {"input": "in"})
            task = begun["pendingUserTasks"][0]["id"]
            await client.ask("POST", f"/v1/user-tasks/{task}/complete", {"approved": True})
            done = await client.ask("GET", f"/v1/runs/{begun['runId']}?wait=60")
            assert done["status"] == "Completed", done
        times.extend(client.times)
        writer.close()

    await asyncio.gather(*(one() for _ in range(clients)))


# -- the server --------------------------------------------------------------------------------------------------------


@contextmanager
def _serving(place: Path) -> Iterator[tuple[int, dict[str, str]]]:
    command = [sys.executable, "-m", "bench.service", str(place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            told = json.loads(running.stdout.readline())
            yield told["port"], told
        finally:
            running.kill()


async def _serve(place: Path) -> None:
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    agent = payer(place / "sayso.db")
    made = await compose(Parts(db=agent.db, programs=[agent]))
    directory = made.directory
    root = await directory.local("bench")
    owner = await directory.people.add(root, email="owner@example.com", role="owner")
    signed = await directory.sign_in.by_link((await directory.sign_in.make_link(root, owner.person.id)).text)
    token = (await directory.tokens.create(signed.principal, name="bench")).text
    (found,) = (await made.registry.list_agents(DEFAULT_WORKSPACE, limit=10)).items
    listening = listen("127.0.0.1", 0)
    print(json.dumps({"port": listening.getsockname()[1], "agent": found.id, "token": token}), flush=True)
    async with Worker(agent.db, [agent]):
        await Server(create_app(made, [router]), made).serve([listening])


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
