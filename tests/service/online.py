"""A whole service on a real port, in a thread, and a line to it that breaks on purpose."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from sayso.server.listening import Server, listen
from tests.service.served import Served, served

T = TypeVar("T")


@dataclass
class Online:
    """A service that others can call."""

    url: str
    loop: asyncio.AbstractEventLoop
    it: Served

    def ask(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Await something on the service's own loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)


@contextlib.contextmanager
def online(folder: Path, *turns: Any, **options: Any) -> Iterator[Online]:
    """Serve until the block ends."""
    ready = threading.Event()
    found: list[Any] = []

    async def main() -> None:
        async with served(folder, *turns, **options) as it:
            listening = listen("127.0.0.1", 0)
            server = Server(it.app, it.service)
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            found.extend((server, Online(url, asyncio.get_running_loop(), it)))
            ready.set()
            await server.serve([listening])

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield found[1]
    finally:
        found[0].stop()
        thread.join(30)
        assert not thread.is_alive()


@dataclass
class Deaf(httpx.BaseTransport):
    """Sends requests, and loses the first answer to every path that changes something."""

    inner: httpx.BaseTransport = field(default_factory=httpx.HTTPTransport)
    lost: list[str] = field(default_factory=list)
    sent: list[httpx.Request] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.inner.handle_request(request)
        self.sent.append(request)
        if request.method == "POST" and request.url.path not in self.lost:
            self.lost.append(request.url.path)
            response.read()
            raise httpx.ReadError("the line went dead", request=request)
        return response

    def close(self) -> None:
        self.inner.close()


@dataclass
class Cutting(httpx.BaseTransport):
    """Cuts streams after so many events each, in the middle of the next one."""

    after: int
    times: int
    inner: httpx.BaseTransport = field(default_factory=httpx.HTTPTransport)
    cuts: int = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.inner.handle_request(request)
        if request.url.path.endswith("/stream") and response.status_code == 200:
            response.stream = _Cut(self, response)
        return response

    def close(self) -> None:
        self.inner.close()


class _Cut(httpx.SyncByteStream):
    def __init__(self, line: Cutting, response: httpx.Response) -> None:
        self._line, self._stream = line, response.stream

    def __iter__(self) -> Iterator[bytes]:
        whole, told = b"", 0
        for chunk in self._stream:
            whole += chunk
            while b"\n\n" in whole:
                event, _, whole = whole.partition(b"\n\n")
                if b"data:" in event and told == self._line.after and self._line.cuts < self._line.times:
                    self._line.cuts += 1
                    yield event[: len(event) // 2]
                    raise httpx.ReadError("the line went dead")
                told += b"data:" in event
                yield event + b"\n\n"

    def close(self) -> None:
        self._stream.close()
