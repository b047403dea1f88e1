"""The agents that the ledger's fault tests kill: one per effect class, with a remote that counts what reaches it."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sayso import Agent, SqliteDb, ToolContext, tool
from sayso.model.calls import Effect
from sayso.model.errors import LeaseLost
from sayso.testing import CrashPoint, ScriptedModel, call

HOW = ("approve", "edit", "reject", "free")


class Remote:
    """An outside system: an append-only file of what reached it, with the key it was sent."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def apply(self, key: str, amount: float) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, (json.dumps({"key": key, "amount": amount}) + "\n").encode())
            os.fsync(handle)
        finally:
            os.close(handle)

    def arrived(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []

    def sent(self) -> Counter[str]:
        return Counter(item["key"] for item in self.arrived())


def agent(folder: Path, effect: str, how: str, observer: Any = None) -> Agent:
    remote = Remote(folder / "remote.log")

    @tool(effect=effect, requires_confirmation=how != "free")
    def pay(ctx: ToolContext, amount: float) -> str:
        remote.apply(ctx.idempotency_key, amount)
        if os.environ.get("DIE_IN_TOOL"):
            os.kill(os.getpid(), 9)
        return f"paid {amount}"

    @tool(effect="read")
    def look() -> str:
        return "seen"

    turns = [call("look"), [call("pay", amount=5), call("pay", amount=7)], "done"]
    db = SqliteDb(folder / "run.db", lease_seconds=0.25, observer=observer)
    return Agent("payer", model=ScriptedModel(turns), tools=[pay, look], db=db)


def answer(item: Any, how: str) -> None:
    if item.kind == "uncertain":
        item.it_did_not_happen("the remote was asked")
    elif how == "edit":
        item.edit({"amount": item.tool_execution.tool_args["amount"] + 100})
    elif how == "reject":
        item.reject("no")
    else:
        item.confirm()


def drive(folder: Path, effect: str, how: str, observer: Any = None) -> Any:
    """Take the run from wherever it stands to its end, answering on the way."""
    found = agent(folder, effect, how, observer)
    with found.db:
        try:
            output = found.get_run_output("run_1")
        except ValueError:
            output = taken_up(found, lambda: found.run("x", run_id="run_1", session_id="ses_1"))
        while output.status not in {"COMPLETED", "CANCELLED", "ERROR"}:
            for item in output.active_requirements:
                answer(item, how)
            output = taken_up(found, partial(found.continue_run, output))
        return output


def taken_up(found: Agent, act: Callable[[], Any]) -> Any:
    """Return what came of going on; where the machine stood still for longer than the lease, where the run stands."""
    try:
        return act()
    except LeaseLost:
        return found.get_run_output("run_1")


if __name__ == "__main__":
    place, effect_, how_, phase, at = sys.argv[1:]
    print("begins", flush=True)
    drive(Path(place), str(Effect(effect_)), how_, CrashPoint(phase, int(at)))
