"""A worker process that has loaded operations, and knows nothing of the agents that will be made as data."""

import asyncio
import sys
from pathlib import Path

from sayso import SqliteDb, Worker
from sayso.app.dataagents import DataAgents, ModelClients
from sayso.programs.agent.operations import Operations
from sayso.testing import ScriptedModel, call
from tests.service.registrykit import look, refund


async def main(folder: Path) -> None:
    model = ScriptedModel([call("refund", order="o-1", amount=5), "done"], name="stub:refunds")
    with SqliteDb(folder / "sayso.db", lease_seconds=2) as db:
        db.runtime.resolve_with(DataAgents(Operations([refund, look]), ModelClients({"stub:refunds": model})))
        stop = asyncio.Event()
        serving = asyncio.create_task(Worker(db, [], poll_seconds=0.02).serve(stop))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)  # until the test closes it
        stop.set()
        await serving


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
