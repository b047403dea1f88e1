"""Slow clients: connections that begin a request and then send a byte now and then.

As a program: `python -m tests.service.dripping PORT EACH SECONDS` prints what became of EACH slow heads and bodies.
"""

import contextlib
import json
import resource
import selectors
import socket
import sys
import time

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = (
    b"POST /test/payments/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b'Content-Length: 500\r\n\r\n{"amount": '
)
DEAF = BODY.replace(b"payments/x", b"deaf").replace(b" 500", b" 1000")
_DRIP_SECONDS = 0.25


class Dripping:
    """Slow connections to one server."""

    def __init__(self, port: int, starts: list[bytes]) -> None:
        self.closed: list[float] = []
        self._answers: dict[int, bytes] = {}
        self._done: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._began = time.monotonic()
        for start in starts:
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            connection.sendall(start)
            connection.setblocking(False)
            self._selector.register(connection, selectors.EVENT_READ)

    @property
    def open(self) -> int:
        return len(self._selector.get_map())

    @property
    def answers(self) -> list[bytes]:
        return list(self._answers.values())

    def drip(self, seconds: float) -> None:
        """Drip until every connection was closed by the server, or the time is over."""
        until = time.monotonic() + seconds
        while self.open and time.monotonic() < until:
            self._listen(time.monotonic() + _DRIP_SECONDS)
            for key in list(self._selector.get_map().values()):
                with contextlib.suppress(OSError):
                    key.fileobj.send(b" ")
        for connection in self._done:
            connection.close()

    def _listen(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0 and self.open:
            for key, _ in self._selector.select(left):
                self._read(key.fileobj)

    def _read(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(65536)
        except ConnectionError:
            data = b""
        if data:
            self._answers[connection.fileno()] = self._answers.get(connection.fileno(), b"") + data
            return
        self.closed.append(time.monotonic() - self._began)
        self._selector.unregister(connection)
        self._done.append(connection)  # not closed yet, so that its number is not given to another one


def main() -> None:
    port, each, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    dripping = Dripping(port, [HEAD] * each + [BODY] * each)
    print("open", flush=True)
    dripping.drip(seconds)
    answers = [answer.decode("latin-1") for answer in dripping.answers]
    print(json.dumps({"open": dripping.open, "closed": dripping.closed, "answers": answers}))


if __name__ == "__main__":
    main()
