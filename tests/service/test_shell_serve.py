"""`sayso serve` as people start it: a process, its announcement, its signals, its neighbours."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from sayso import HumanReview, SqliteDb, Step, Workflow
from sayso.app.serving import Readiness, check_address, make_options
from sayso.app.settings import Settings
from sayso.model.errors import StoreUnavailable
from sayso.model.requesterrors import AddressUnprotected, NotReady
from sayso.testing import FakeClock
from tests.service.hostile import strings

ROOT = Path(__file__).parents[2]
PROGRAM = """
from sayso import HumanReview, Step, Workflow

flow = Workflow("flow", steps=[Step("pay", lambda step: "paid", human_review=HumanReview(requires_confirmation=True))])
"""


class Process:
    """A running `sayso serve`."""

    def __init__(self, folder: Path, *arguments: str, module: str = "sayso", **variables: str) -> None:
        known = {name: value for name, value in os.environ.items() if not name.startswith("SAYSO_")}
        path = os.pathsep.join(filter(None, [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH")]))
        self._log = (folder / f"log-{time.monotonic_ns()}").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, "serve", *arguments],
            cwd=folder,
            env={**known, "PYTHONPATH": path, **variables},
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def ready(self) -> dict[str, Any]:
        """Return the announcement of `--json`."""
        line = self._process.stdout.readline()
        assert line, (self.end(), self.log())
        return json.loads(line)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; return the exit code and how long it took."""
        began = time.monotonic()
        self._process.send_signal(number)
        return self._process.wait(10), time.monotonic() - began

    def end(self) -> tuple[int, str]:
        """Wait for the end; return the exit code and what was printed."""
        out, _ = self._process.communicate(timeout=20)
        return self._process.returncode, out

    def log(self) -> str:
        """Return what was written to standard error."""
        self._log.seek(0)
        return self._log.read()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._log.close()


@contextlib.contextmanager
def served(folder: Path, *arguments: str, **options: str) -> Iterator[Process]:
    process = Process(folder, *arguments, **options)
    try:
        yield process
    finally:
        process.kill()


def test_it_tells_where_it_is_and_serves_health_metrics_and_openapi(tmp_path: Path) -> None:
    """And no secret that the process knows gets into its log, not even by a path that was asked for."""
    with served(tmp_path, "--port", "0", "--json", SOME_API_KEY="hush-3f9a71c2") as process:
        told = process.ready()
        assert told["event"] == "ready"
        assert told["url"] == f"http://127.0.0.1:{told['port']}"
        assert (told["database"], told["worker"]) == ("sayso.db", True)
        assert told["sign_in"].startswith(f"{told['url']}/login?once=sayso_link_")
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
            assert httpx.get(told["url"] + path).status_code == 200
        assert httpx.get(f"{told['url']}/hush-3f9a71c2").status_code == 404
        assert process.stop()[0] == 0
        events = [json.loads(line) for line in process.log().splitlines()]
    assert [event["event"] for event in events] == ["serving", *["request"] * 5]
    assert "hush" not in json.dumps(events)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_within_a_second_although_a_stream_is_open(tmp_path: Path, number: int) -> None:
    opened, ended = Event(), Event()

    def listen(url: str) -> None:
        with httpx.stream("GET", f"{url}/test/events", timeout=30) as answer:
            for line in answer.iter_lines():
                if line.startswith("data"):
                    opened.set()
        ended.set()

    with served(tmp_path, "--port", "0", "--json", module="tests.service.child") as process:
        url = process.ready()["url"]
        Thread(target=listen, args=(url,)).start()
        assert opened.wait(20)
        code, seconds = process.stop(number)
        assert ended.wait(5), "the stream was cut instead of ended"
        assert "error" not in process.log()
    assert code == 0
    assert seconds < 1


def test_500_hostile_requests_make_500_lines_of_the_log(tmp_path: Path) -> None:
    """T86 over HTTP: paths, ids and header values that try to forge a line."""
    with served(tmp_path, "--port", "0", "--json") as process:
        told = process.ready()
        with socket.create_connection(("127.0.0.1", told["port"]), timeout=30) as connection:
            reader = connection.makefile("rb")
            for text in strings():
                raw = text.encode("utf-8", "surrogatepass")
                header = bytes(byte for byte in raw if byte in range(0x20, 0x7F) or byte > 0x7F)
                head = f"GET /{quote(raw, safe='')}?once=CANARY HTTP/1.1\r\nHost: localhost\r\n".encode()
                connection.sendall(head + b"X-Request-Id: " + header + b"\r\nUser-Agent: " + header + b"\r\n\r\n")
                assert read_answer(reader).startswith(b"HTTP/1.1 404 ")
        assert process.stop()[0] == 0
        lines = process.log().splitlines()
    events = [json.loads(line) for line in lines]
    assert len(events) == 501
    assert [event["event"] for event in events[1:]] == ["request"] * 500
    assert {event["status"] for event in events[1:]} == {404}
    assert not any("forged" in event for event in events)
    assert "CANARY" not in "".join(lines)


def read_answer(reader: Any) -> bytes:
    """Read one answer with its body."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = reader.readline()
        assert line, head
        head += line
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return head + reader.read(int(length.partition(b":")[2]))


def test_a_port_that_is_taken_is_said_and_leaves_no_file(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with served(tmp_path, "--port", port) as process:
            assert process.end() == (1, "")
            assert f"port {port}, but another process listens there" in process.log()
            assert "Hint: Choose another port" in process.log()
    assert not (tmp_path / "sayso.db").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_an_address_that_others_can_reach_is_refused_without_sign_in(tmp_path: Path, host: str) -> None:
    with served(tmp_path, "--host", host, "--port", "0", "--json") as process:
        code, out = process.end()
    assert code == 1
    assert json.loads(out)["error"]["code"] == "address_unprotected"
    assert not (tmp_path / "sayso.db").exists()


def test_loopback_and_signed_in_addresses_are_taken() -> None:
    oidc = {"issuer": "https://id.example", "client_id": "sayso", "client_secret": "x"}
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        check_address(Settings(host=host))
    check_address(Settings(host="0.0.0.0", oidc=oidc))
    with pytest.raises(AddressUnprotected):
        check_address(Settings(host="0.0.0.0"))


def test_the_shell_is_told_what_the_settings_say() -> None:
    plain = make_options(Settings())
    assert plain.hosts == {"localhost", "127.0.0.1", "::1"}
    assert (plain.secure, plain.behind_proxy, plain.metrics_token) == (False, False, None)
    proxied = make_options(
        Settings(base_url="https://Sayso.example:444/x", allowed_hosts="a.example", metrics_token="t", host="10.0.0.1")
    )
    assert proxied.hosts == plain.hosts | {"sayso.example", "a.example", "10.0.0.1"}
    assert (proxied.secure, proxied.behind_proxy, proxied.metrics_token) == (True, True, "t")


def test_two_servers_work_on_one_file_and_either_may_go(tmp_path: Path) -> None:
    with served(tmp_path, "--port", "0", "--json") as one, served(tmp_path, "--port", "0", "--json") as two:
        urls = [process.ready()["url"] for process in (one, two)]
        assert urls[0] != urls[1]
        for _ in range(3):
            assert [httpx.get(f"{url}/readyz").status_code for url in urls] == [200, 200]
        one.kill()
        assert httpx.get(f"{urls[1]}/readyz").status_code == 200
        assert two.stop()[0] == 0


@pytest.mark.parametrize("worker", [True, False])
def test_its_worker_goes_on_with_runs_unless_it_is_to_have_none(tmp_path: Path, worker: bool) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    review = HumanReview(requires_confirmation=True)
    with SqliteDb(tmp_path / "sayso.db") as db:
        paused = Workflow("flow", db=db, steps=[Step("pay", lambda _: "paid", human_review=review)]).run("x")
        arguments = ["program.py:flow", "--port", "0", "--json", *([] if worker else ["--no-worker"])]
        with served(tmp_path, *arguments) as process:
            told = process.ready()
            assert (told["programs"], told["worker"]) == (["flow"], worker)
            approve = ["tasks", "approve", paused.requirements[0].id, "-d", str(tmp_path / "sayso.db")]
            subprocess.run([sys.executable, "-m", "sayso", *approve], check=True, capture_output=True, timeout=30)
            state = settled(db, paused.run_id, seconds=10 if worker else 0.5)
    assert state == ("completed" if worker else "queued")


def settled(db: SqliteDb, run_id: Any, *, seconds: float) -> str:
    """Return a run's state once it has ended, or after a time."""
    until = time.monotonic() + seconds
    while True:
        state = asyncio.run(db.runtime.load_run(run_id)).state
        if state == "completed" or time.monotonic() > until:
            return state
        Event().wait(0.05)


def test_readiness_asks_the_database_once_a_second_and_says_when_the_worker_has_ended() -> None:
    asked: list[int] = []
    full = False

    async def probe() -> None:
        asked.append(1)
        if full:
            raise StoreUnavailable("Expected room, but the disk is full.")

    async def story() -> None:
        nonlocal full
        clock, working = FakeClock(), [True]
        ready = Readiness(SimpleNamespace(probe=probe), clock, lambda: working[0])  # pyright: ignore[reportArgumentType]
        await asyncio.gather(*[ready() for _ in range(50)])
        assert len(asked) == 1
        clock.advance(1)
        full = True
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await ready()
        full = False
        await ready()
        assert len(asked) == 4
        working[0] = False
        with pytest.raises(NotReady, match="worker"):
            await ready()

    asyncio.run(story())


def test_no_other_command_loads_the_web_framework() -> None:
    script = "import sys, sayso.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "sayso" in loaded
    assert not loaded & {"fastapi", "starlette", "uvicorn", "prometheus_client"}
