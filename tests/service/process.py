"""The service as a process of its own, which tests may kill: `python -m tests.service.process FOLDER`.

It prints one line of JSON: its address, and on the first start of a folder the secrets of some callers. A request with
the header `X-Test-Die` kills it, before or after the commit of what it asks for, with no answer sent.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from sayso import Agent, SqliteDb, ToolContext, Worker, tool
from sayso.app.service import Parts, compose
from sayso.model.json import Json
from sayso.model.requests import Answered
from sayso.runtime.once import Unit
from sayso.server.guessing import Guesses
from sayso.server.listening import Server, listen
from sayso.server.service import Asking
from sayso.testing import ScriptedModel, call
from tests.fault.desk import Remote
from tests.service.served import Served, flow

ROOT = Path(__file__).parents[2]
OPERATORS = 8


class Patient(Guesses):
    """Never tires of guesses: everybody comes from one address here."""

    def refuse(self, address: str, now: datetime) -> None:
        del address, now


def payer(db: SqliteDb, remote: Remote) -> Agent:
    @tool(requires_confirmation=True, summary="Pay {amount}", approval_timeout=86_400)
    def pay(ctx: ToolContext, amount: float) -> str:
        """Pay."""
        remote.apply(ctx.idempotency_key, amount)
        return f"paid {amount:g}"

    return Agent("desk", model=ScriptedModel([call("pay", amount=5), "All paid."]), tools=[pay], db=db)


def die(phase: str, wanted: str | None) -> None:
    if wanted == phase:
        os.kill(os.getpid(), signal.SIGKILL)


def make_mortal() -> None:
    """Have requests with `X-Test-Die` kill the process around their commit."""
    act = Asking.act

    async def dying(self: Asking, unit: Unit, body: Json = None) -> Answered:
        wanted = self.request.headers.get("x-test-die")
        die("before_commit", wanted)
        answered = await act(self, unit, body)
        die("after_commit", wanted)
        return answered

    Asking.act = dying  # type: ignore[method-assign]


async def secrets_of(it: Served) -> dict[str, Any]:
    return {
        "agent": await it.agent_id(),
        "key": await it.key(),
        "owner": await it.token("owner"),
        "operators": [await it.token("operator", f"operator{n}@example.com") for n in range(OPERATORS)],
    }


async def serve(folder: Path, synchronous: Any) -> None:
    make_mortal()
    known = folder / "who.json"
    with SqliteDb(folder / "sayso.db", lease_seconds=0.5, synchronous=synchronous) as db:
        programs = [payer(db, Remote(folder / "remote.log")), flow(db)]
        service = replace(await compose(Parts(db=db, programs=programs)), guesses=Patient())
        it = Served(db, service, [])
        if not known.exists():
            known.write_text(json.dumps(await secrets_of(it)), "utf-8")
        listening = listen("127.0.0.1", 0)
        print(json.dumps({"url": f"http://127.0.0.1:{listening.getsockname()[1]}"}), flush=True)
        os.dup2(2, 1)  # nobody reads what is logged into a pipe
        async with Worker(db, programs):
            await Server(it.app, service).serve([listening])


@dataclass
class Process:
    """A running service."""

    url: str
    running: "subprocess.Popen[str]"
    who: dict[str, Any] = field(default_factory=dict)

    def client(self, *, token: str | None = None, key: str | None = None, **more: Any) -> httpx.Client:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        headers |= {} if key is None else {"X-API-Key": key}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, **more)

    def kill(self) -> None:
        self.running.kill()
        self.running.wait(10)


@contextmanager
def process(folder: Path, *, synchronous: str = "FULL") -> Iterator[Process]:
    """Serve a folder from a process of its own; it is killed at the end, if nobody has before."""
    command = [sys.executable, "-m", "tests.service.process", str(folder), synchronous]
    with (folder / "server.log").open("a") as log:
        running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert running.stdout is not None
            line = running.stdout.readline()
            assert line, (folder / "server.log").read_text("utf-8")
            yield Process(json.loads(line)["url"], running, json.loads((folder / "who.json").read_text("utf-8")))
        finally:
            running.kill()
            running.communicate(timeout=10)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
