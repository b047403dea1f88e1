"""The pages with much in the workspace: how long the server takes for each, over loopback HTTP in this process.

10,000 tasks wait and as many are decided, in 1,000 sessions. A request is timed from its first byte to the last of its
answer; the client is a few lines over asyncio's streams.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import structlog

from bench.agents import payer
from bench.filling import Filler
from bench.measure import Aim, Cost, Figure, Size, folder, say
from bench.storage import memory_now
from sayso import Agent, web
from sayso.api.v1 import router
from sayso.app.service import Parts, compose
from sayso.model.reviews import ReviewFilter
from sayso.model.workspaces import DEFAULT_WORKSPACE, Reach
from sayso.runtime.starting import Begin, Wanted
from sayso.server.application import create_app
from sayso.server.cookies import cookie_name
from sayso.server.listening import Server, listen
from sayso.server.service import Service

_LONG = (10_000, 50_000)
"""Steps of the long sessions."""
_AIM = Aim(of="ours", limit=100)
_OK, _NOT_FOUND = 200, 404


def pages(size: Size) -> Iterator[Figure]:
    """Ask for each page again and again: the median and the 95th per cent."""
    with folder() as place:
        found = asyncio.run(_measured(place, size))
    for what, costs in found.items():
        parts = statistics.quantiles([cost.wall for cost in costs], n=20, method="inclusive")
        cpu = statistics.median(cost.cpu for cost in costs)
        yield Figure(what=f"{what}: server and client, CPU", unit="ms", ours=cpu * 1000)
        yield Figure(
            what=f"{what}: server, p50", unit="ms", ours=parts[9] * 1000, aim=None if "steps" in what else _AIM
        )
        yield Figure(what=f"{what}: server, p95", unit="ms", ours=parts[18] * 1000)


async def _measured(place: Path, size: Size) -> dict[str, list[Cost]]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    agent = payer(place / "sayso.db")
    service = await compose(Parts(db=agent.db, programs=[agent]))
    agent_id = await _seed(service, agent)
    filler = Filler(place / "sayso.db")
    filler.fill(sessions=size.of(1_000, 20), pending=size.of(10_000, 30), decided=size.of(10_000, 30))
    long = {steps: filler.lengthen(size.of(steps, steps // 100)) for steps in _LONG}
    filler.close()
    cookie = await _signed_in(service)
    addresses = await _addresses(service, agent_id)
    addresses |= {f"a session of {steps:,} steps": f"/sessions/{session}" for steps, session in long.items()}
    with listen("127.0.0.1", 0) as listening:
        server = Server(create_app(service, [router, web.router], refused=web.refused), service)
        serving = asyncio.create_task(server.serve([listening]))
        await server.ready.wait()
        port = listening.getsockname()[1]
        found: dict[str, list[Cost]] = {}
        for what, path in addresses.items():
            before = memory_now()[1]
            times = await _times(port, cookie, path, size.of(20 if "steps" in what else 60, 3))
            if times is None:
                say(f"{what} ({path}) is not served")
            else:
                found[what] = times
                say(f"{what}: resident memory {(memory_now()[1] - before) / 1_048_576:+.1f} MiB")
        server.stop()
        await serving
    agent.db.close()
    return found


async def _seed(service: Service, agent: Agent) -> str:
    """Leave one finished run and one paused one, of the stored version; both are copied."""
    (record,) = (await service.registry.list_agents(DEFAULT_WORKSPACE, limit=10)).items
    for confirmed in (True, False):
        begin = Begin(wanted=Wanted(workspace_id=DEFAULT_WORKSPACE, agent_id=record.id), input="in", hold=True)
        claimed = await service.registry.start(service.runtime, begin)
        await service.runtime.advance(claimed.run.id, held=claimed)
        if confirmed:
            output = await agent.aget_run_output(claimed.run.id)
            output.active_requirements[0].confirm()
            await agent.acontinue_run(output)
    return record.id


async def _signed_in(service: Service) -> str:
    root = await service.directory.local("bench")
    owner = await service.directory.people.add(root, email="owner@example.com", role="owner")
    link = await service.directory.sign_in.make_link(root, owner.person.id)
    signed = await service.directory.sign_in.by_link(link.text)
    return f"{cookie_name(service.options)}={signed.text}"


async def _addresses(service: Service, agent_id: str) -> dict[str, str]:
    reach = Reach(workspace_id=DEFAULT_WORKSPACE)
    (task,) = (await service.review.page(ReviewFilter(person="owner@example.com", reach=reach), limit=1)).tasks
    return {
        "/review": "/review",
        "a card": f"/review/{task.id}",
        "/sessions": "/sessions",
        "a session": f"/sessions/{task.session_id}",
        "an agent": f"/agents/{agent_id}",
        "/dashboard, 30 days": "/dashboard?period=30d",
    }


async def _times(port: int, cookie: str, path: str, count: int) -> list[Cost] | None:
    """Return how long each request took, after two that do not count; None where the page does not exist."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nCookie: {cookie}\r\n\r\n".encode()
    found: list[Cost] = []
    try:
        for _ in range(count + 2):
            began, cpu = time.perf_counter(), time.process_time()
            writer.write(head)
            answered = await reader.readuntil(b"\r\n\r\n")
            length = int(answered.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            found.append(Cost(cpu=time.process_time() - cpu, wall=time.perf_counter() - began))
            status = int(answered.split()[1])
            if status == _NOT_FOUND:
                return None
            assert status == _OK, (path, status)
    finally:
        writer.close()
    return found[2:]
