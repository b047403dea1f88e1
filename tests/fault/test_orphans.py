"""T7: the worker is killed in the middle of a request, and the remote applies it later, or has done so already.

The remote is a server of its own: it has the bytes, whatever becomes of the client. It applies them before the restart,
after the restart's second request, or after the run's end; no sleeping decides which.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, SqliteDb, ToolContext, tool
from sayso.testing import ScriptedModel, call

ROOT = Path(__file__).parents[2]
WHEN = ("before the restart", "after the second request", "after the end")


class Remote:
    """A server that takes requests, applies them when it is told to, and honours keys where it is told to."""

    def __init__(self, honours_keys: bool) -> None:
        self._honours_keys = honours_keys
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.arrived: list[dict[str, Any]] = []
        self._applied: list[str] = []
        self._seen: set[str] = set()
        self._news = threading.Condition()
        self.answers = False
        """Whether requests get a response."""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        held: list[socket.socket] = []
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection.makefile("rb") as lines:
                request = json.loads(lines.readline())
            with self._news:
                self.arrived.append(request)
                if self.answers:
                    self._apply(request)
                    connection.sendall(b"applied\n")
                    connection.close()
                else:
                    held.append(connection)  # left open: the client waits for a response until it is killed
                self._news.notify_all()

    def wait_for(self, count: int) -> None:
        with self._news:
            assert self._news.wait_for(lambda: len(self.arrived) >= count, timeout=30)

    def apply_orphans(self) -> None:
        """Apply what arrived and got no response."""
        with self._news:
            self._apply(self.arrived[0])

    def _apply(self, request: dict[str, Any]) -> None:
        if self._honours_keys and request["key"] in self._seen:
            return
        self._seen.add(request["key"])
        self._applied.append(request["key"])

    @property
    def effects(self) -> int:
        return len(self._applied)

    def close(self) -> None:
        self._listening.close()


def payer(path: Path, effect: str, port: int) -> Agent:
    @tool(effect=effect)
    def pay(ctx: ToolContext, amount: float) -> str:
        """Send a request, and wait for the response."""
        with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rwb") as stream:
            stream.write(json.dumps({"key": ctx.idempotency_key, "amount": amount}).encode() + b"\n")
            stream.flush()
            return stream.readline().decode().strip()

    turns = [call("pay", amount=5), lambda request: request.messages[-1].text]
    return Agent("payer", model=ScriptedModel(turns), tools=[pay], db=SqliteDb(path, lease_seconds=0.3))


def orphaned(folder: Path, effect: str, when: str) -> tuple[int, int, int]:
    """Kill a worker in its request and go on at once; return requests, effects and questions."""
    remote = Remote(honours_keys=effect == "keyed")
    path = folder / "s.db"
    command = [sys.executable, "-m", "tests.fault.test_orphans", str(path), effect, str(remote.port)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL) as worker:
        remote.wait_for(1)
        worker.kill()
    assert worker.returncode == -9
    if when == "before the restart":
        remote.apply_orphans()
    remote.answers = True
    agent = payer(path, effect, remote.port)
    output = agent.continue_run(run_id="run", session_id="ses")
    questions = len(output.active_requirements)
    if when == "after the second request":
        remote.apply_orphans()
    for item in output.active_requirements:
        item.it_happened() if remote.effects else item.it_did_not_happen("it is not there yet")
    if output.is_paused:
        output = agent.continue_run(output)
    assert output.status == "COMPLETED"
    if when == "after the end":
        remote.apply_orphans()
    agent.db.close()
    remote.close()
    return len(remote.arrived), remote.effects, questions


@pytest.mark.timeout(600)
@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.slow)])
@pytest.mark.parametrize("effect", ["keyed", "once"])
def test_an_orphaned_request_has_one_effect(tmp_path: Path, effect: str, rounds: int) -> None:
    """`keyed` is sent again and applied once; `once` is never sent again, and a person is asked."""
    figures = Counter[str]()
    for number in range(rounds):
        for when in WHEN:
            folder = tmp_path / f"{number} {when}"
            folder.mkdir()
            requests, effects, questions = orphaned(folder, effect, when)
            figures["killed"] += 1
            figures["requests"] += requests
            figures["effects"] += effects
            figures["asked"] += questions
    print(f"\nT7 {effect}:", json.dumps(figures))
    killed = rounds * len(WHEN)
    assert figures["killed"] == figures["effects"] == killed
    assert figures["requests"] == killed * (2 if effect == "keyed" else 1)
    assert figures["asked"] == (0 if effect == "keyed" else killed)


if __name__ == "__main__":
    place, effect_, port_ = sys.argv[1:]
    payer(Path(place), effect_, int(port_)).run("x", run_id="run", session_id="ses")
    os._exit(0)
