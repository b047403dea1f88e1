"""Bodies arrive within a size and a time, and streams end when the server stops.

uvicorn waits for a body for ever, and at shutdown it waits for streams for ever. Here a body has a deadline, and when
the server stops, every request that still streams is told that its client has gone, and is ended properly.
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sayso.model.requesterrors import BodyTooLarge, BodyTooSlow
from sayso.server.options import Options


class Receiving:
    """Wraps an application.

    Args:
        app: What answers.
        options: The limit and the deadline.
        stopping: Set when the server stops.
    """

    def __init__(self, app: ASGIApp, options: Options, stopping: asyncio.Event) -> None:
        self._app = app
        self._options = options
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._options, self._stopping)
        answered = _Answer(send)
        await self._app(scope, body.receive, answered.send)
        if answered.open and self._stopping.is_set():
            await answered.send({"type": "http.response.body", "body": b"", "more_body": False})


class _Body:
    """What a request still receives."""

    def __init__(self, receive: Receive, options: Options, stopping: asyncio.Event) -> None:
        self._receive = receive
        self._limit = options.json.size
        self._seconds = options.receive_seconds
        self._stopping = stopping
        self._until: float | None = None
        self._size = 0
        self._complete = False

    async def receive(self) -> Message:
        """Return the next part of the body, then the end of the connection or of the server.

        Raises:
            BodyTooLarge: The body is above the limit.
            BodyTooSlow: It has not arrived in time.
        """
        return await (self._end() if self._complete else self._part())

    async def _part(self) -> Message:
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlow(f"Expected the body within {self._seconds:g} seconds, but it is not complete.") from None
        self._complete = not message.get("more_body", False)
        self._size += len(message.get("body", b""))
        if self._size > self._limit:
            raise BodyTooLarge(f"Expected a body of at most {self._limit} bytes.", limit=self._limit)
        return message

    async def _end(self) -> Message:
        gone = asyncio.ensure_future(self._receive())
        stopped = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({gone, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return gone.result() if gone.done() else {"type": "http.disconnect"}
        finally:
            gone.cancel()
            stopped.cancel()


class _Answer:
    """What a request has answered."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.open = False

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on."""
        self.open = message["type"] == "http.response.start" or bool(message.get("more_body", False))
        await self._send(message)
