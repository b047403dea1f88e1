"""Slow clients (T92): nobody holds a connection by dripping, and the others do not feel it."""

import json
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest

from sayso.server.options import Options
from tests.service.dripping import BODY, DEAF, HEAD, Dripping
from tests.service.serving import Served, received, serving


def p95(url: str, *, until: Event | None = None, count: int = 200) -> float:
    """Return the 95th percentile of the seconds of healthy requests."""
    taken: list[float] = []
    with httpx.Client(base_url=url, timeout=20) as client:
        while len(taken) < count if until is None else not until.is_set():
            began = time.perf_counter()
            assert client.post("/test/payments/x", json={"amount": 1}).status_code == 200
            taken.append(time.perf_counter() - began)
    return sorted(taken)[int(len(taken) * 0.95)]


def attack(served: Served, each: int, seconds: float, *, limit: float) -> None:
    """Drip on many connections from another process while a healthy client works, and judge what both saw."""
    before = p95(served.url)
    command = [sys.executable, "-m", "tests.service.dripping", str(served.port), str(each), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as slow:
        assert slow.stdout is not None
        assert slow.stdout.readline() == "open\n"
        over, told = Event(), []
        thread = Thread(target=lambda: (told.append(json.loads(slow.stdout.read())), over.set()))
        thread.start()
        during = p95(served.url, until=over)
        thread.join()
    closed, answers = told[0]["closed"], told[0]["answers"]
    print(f"closed {len(closed)}, the last after {max(closed):.1f} s; healthy p95 {before:.4f} -> {during:.4f} s")
    assert told[0]["open"] == 0
    assert len(closed) == len(answers) == 2 * each
    assert max(closed) < limit
    assert all(answer.startswith("HTTP/1.1 408 ") and '"body_too_slow"' in answer for answer in answers)
    # A loaded machine doubles a millisecond by itself; a server that is blocked would answer after whole deadlines.
    assert during < max(2 * before, before + 0.1)


def test_200_slow_connections_are_closed_and_not_felt(tmp_path: Path) -> None:
    """T92's bounded form: the deadline is 1 second instead of 10."""
    with serving(tmp_path, options=Options(receive_seconds=1)) as served:
        attack(served, 100, seconds=12, limit=8)


@pytest.mark.slow
def test_1000_slow_connections_are_closed_within_15_seconds(tmp_path: Path) -> None:
    """T92 as it stands, with the default deadline."""
    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    try:
        with serving(tmp_path) as served:
            attack(served, 500, seconds=30, limit=15)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, options=Options(receive_seconds=0.5)) as served:
        yield served


def test_who_never_says_anything_is_closed(quick: Served) -> None:
    with socket.create_connection(("127.0.0.1", quick.port), timeout=10) as connection:
        assert received(connection) == b""


def test_the_rest_of_a_body_that_nobody_wants_does_not_hold_the_connection(quick: Served) -> None:
    """The route answers without looking at its body; plain uvicorn then waits for the rest for ever."""
    dripping = Dripping(quick.port, [DEAF])
    dripping.drip(10)
    assert dripping.open == 0
    assert dripping.answers[0].startswith(b"HTTP/1.1 200 ")


def test_a_second_request_has_a_deadline_too(quick: Served) -> None:
    whole = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    dripping = Dripping(quick.port, [whole + HEAD])
    dripping.drip(10)
    assert dripping.open == 0
    assert b'{"status":"ok"}' in b"".join(dripping.answers)


def test_a_slow_body_is_answered_408_and_a_quick_one_after_it_is_not(quick: Served) -> None:
    with socket.create_connection(("127.0.0.1", quick.port), timeout=10) as connection:
        connection.sendall(BODY)
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer
    assert httpx.post(f"{quick.url}/test/payments/x", json={"amount": 1}).status_code == 200


def test_a_client_that_does_not_read_is_cut_off(quick: Served) -> None:
    """A stream without end to somebody who does not take it: the server lets go of it."""
    with socket.create_connection(("127.0.0.1", quick.port), timeout=20) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /test/flood HTTP/1.1\r\nHost: localhost\r\n\r\n")
        logged = quick.logged()
    assert [(log["event"], log.get("route")) for log in logged] == [("request", "/test/flood")]


def test_a_stream_to_somebody_who_reads_stays_open(quick: Served) -> None:
    """The deadlines are for those who are slow; a quiet stream is not."""
    with httpx.stream("GET", f"{quick.url}/test/events", timeout=3) as answer:
        lines = answer.iter_lines()
        assert next(line for line in lines if line.startswith("data")) == 'data: {"n": 1}'
        with pytest.raises(httpx.ReadTimeout):
            [line for line in lines if line.startswith("data")]


def test_the_server_stops_within_a_second_with_open_streams(tmp_path: Path) -> None:
    ended = Event()

    def listen(url: str) -> None:
        with httpx.stream("GET", f"{url}/test/events", timeout=20) as answer:
            for line in answer.iter_lines():
                if line.startswith("data"):
                    opened.set()
        ended.set()  # the stream was ended properly: httpx raises when it is cut

    opened = Event()
    with serving(tmp_path) as served:
        Thread(target=listen, args=(served.url,)).start()
        slow = socket.create_connection(("127.0.0.1", served.port))
        slow.sendall(BODY)
        assert opened.wait(10)
        began = time.monotonic()
    assert time.monotonic() - began < 1
    assert ended.wait(5)
    slow.close()
