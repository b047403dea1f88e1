"""A run that is followed from elsewhere: through a restart of the server, and without it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sayso import SqliteDb

SLOW = """
import pathlib, threading
from sayso import Agent, Workflow, Step
from sayso.testing import ScriptedModel

def waits(given):
    while not pathlib.Path("go").exists():
        threading.Event().wait(0.02)
    with open("effects", "a") as file:
        file.write("once\\n")
    return f"did {given.input}"

slow = Workflow("slow", steps=[Step("first", waits)])
quick = Agent("quick", model=ScriptedModel(["Hello."] * 9))
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Service:
    """`sayso serve` at one port, and people's terminals elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "slow.py").write_text(SLOW)
        self.port = free_port()
        self.token = ""
        self.serving: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = ["serve", "slow.py:slow", "slow.py:quick", "-d", "s.db", "--port", str(self.port), "--json"]
        env = {**os.environ, "SAYSO_LEASE_SECONDS": "0.5"}
        with (self.folder / "log").open("a") as log:
            self.serving = subprocess.Popen(
                [sys.executable, "-m", "sayso", *command],
                cwd=self.folder, env=env, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        assert self.serving.stdout is not None
        assert self.serving.stdout.readline(), (self.folder / "log").read_text()

    def kill(self) -> None:
        assert self.serving is not None
        self.serving.kill()
        self.serving.communicate(timeout=10)

    def terminal(self, *arguments: str) -> "subprocess.Popen[str]":
        url = f"http://127.0.0.1:{self.port}"
        return subprocess.Popen(
            [sys.executable, "-m", "sayso", *arguments],
            cwd=self.folder, env={**os.environ, "SAYSO_URL": url, "SAYSO_API_KEY": self.token},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def runs(self) -> list[dict[str, Any]]:
        done = subprocess.run(
            [sys.executable, "-m", "sayso", "runs", "ls", "--json", "-d", "s.db"],
            cwd=self.folder, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        return json.loads(done.stdout)["runs"]

    def begun(self) -> dict[str, Any]:
        """Wait until a run is at work."""
        while True:
            found = [run for run in self.runs() if run["state"] == "running"]
            if found:
                return found[0]


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    service = Service(folder)
    with SqliteDb(folder / "s.db"):
        pass
    service.start()
    made = [["people", "add", "ann@example.com", "--role", "owner"], ["tokens", "create", "ann@example.com"]]
    for arguments in made:
        done = subprocess.run(
            [sys.executable, "-m", "sayso", *arguments, "-d", "s.db"],
            cwd=folder, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        service.token = done.stdout.strip()
    try:
        yield service
    finally:
        (folder / "go").touch()
        service.kill()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path) as it:
        yield it


def test_a_server_that_is_killed_and_comes_back_is_waited_for(service: Service) -> None:
    following = service.terminal("run", "slow", "it", "--json")
    begun = service.begun()
    service.kill()
    service.start()
    (service.folder / "go").touch()
    said, err = following.communicate(timeout=90)
    assert following.returncode == 0, err
    told = json.loads(said)
    assert (told["run_id"], told["status"], told["content"]) == (begun["id"], "COMPLETED", "did it")
    assert [run["id"] for run in service.runs()] == [begun["id"]]  # started once, whatever was lost on the way


def test_whoever_stops_following_is_told_where_to_look(service: Service) -> None:
    following = service.terminal("run", "slow", "it")
    begun = service.begun()
    following.send_signal(signal.SIGINT)
    said, err = following.communicate(timeout=30)
    assert (following.returncode, said) == (130, "")
    assert f"The run goes on at the server: sayso runs show {begun['id']}" in err
    (service.folder / "go").touch()
    done = service.terminal("run", "quick", "hello")
    out, err = done.communicate(timeout=60)
    assert (done.returncode, out) == (0, "Hello.\n"), err
    assert "of the agent: completed" in err
