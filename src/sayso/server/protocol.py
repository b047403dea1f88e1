"""uvicorn's HTTP protocol with deadlines: nobody holds a connection open by being slow.

uvicorn waits without end for headers, for a body that nobody reads any more, and for a client that does not take what
is sent to it (Kludex/uvicorn#157). Three timers close such connections. The deadline of a body that is being read is
kept where it is read (server/receiving.py), so that it is answered properly. What is no HTTP at all is answered as a
problem, too.
"""

import asyncio
import sys
from typing import ClassVar, Literal

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from sayso.model.errors import SaysoError
from sayso.model.requesterrors import BodyTooSlow, HeadTooLarge, RequestRefused
from sayso.server.heading import ALWAYS
from sayso.server.problems import MEDIA_TYPE, encoded

_LEFT_OVER_SECONDS = 2.0
"""How long the rest of a body is still read after the answer, so that its sender gets to read that."""
_HEAD_TOO_LARGE = 431

_Phase = Literal["head", "body", "left over"]


class DeadlineProtocol(H11Protocol):
    """One connection."""

    receive_seconds: ClassVar[float] = 10.0
    """How long the headers may take, and how long the client may not read."""

    _phase: _Phase | None = None
    _receiving: asyncio.TimerHandle | None = None
    _sending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for the headers."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        for timer in (self._receiving, self._sending):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; slow drops do not move a deadline."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait a little for the rest of a body that nobody wants."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._watch()

    def pause_writing(self) -> None:
        """Give a client that does not read a deadline."""
        super().pause_writing()
        self._sending = self.loop.call_later(self.receive_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Take that deadline away."""
        super().resume_writing()
        if self._sending is not None:
            self._sending.cancel()

    def shutdown(self) -> None:
        """Close at once where no complete request has come: nothing was accepted yet."""
        super().shutdown()
        if self.conn.their_state is h11.SEND_BODY:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP request, or one whose headers are above h11's limit."""
        error = sys.exception()
        if isinstance(error, h11.RemoteProtocolError) and error.error_status_hint == _HEAD_TOO_LARGE:
            self._refuse(HeadTooLarge("Expected fewer or shorter headers and parameters."))
        else:
            self._refuse(RequestRefused("Expected an HTTP request, but this is none."))

    # -- inside ------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Start or stop the deadline when the connection enters another phase."""
        phase = self._current_phase()
        if phase == self._phase:
            return
        self._phase = phase
        if self._receiving is not None:
            self._receiving.cancel()
            self._receiving = None
        if phase == "head":
            self._receiving = self.loop.call_later(self.receive_seconds, self._no_head)
        elif phase == "left over":
            self._receiving = self.loop.call_later(_LEFT_OVER_SECONDS, self.transport.close)

    def _current_phase(self) -> _Phase:
        if self.conn.their_state is h11.IDLE and self.conn.our_state is h11.IDLE:
            return "head"
        unwanted = self.conn.our_state in {h11.DONE, h11.MUST_CLOSE} and self.conn.their_state is h11.SEND_BODY
        return "left over" if unwanted else "body"

    def _no_head(self) -> None:
        if self.conn.trailing_data[0] and not self.transport.is_closing():
            self._refuse(BodyTooSlow(f"Expected the headers within {self.receive_seconds:g} seconds."))
        self.transport.close()

    def _refuse(self, error: SaysoError) -> None:
        """Answer without any application, and close."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.close()
            return
        body = encoded(error)
        headers = [
            *ALWAYS,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        for event in (
            h11.Response(status_code=error.status, headers=headers, reason=b""),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def protocol(receive_seconds: float) -> type[DeadlineProtocol]:
    """Return the protocol with a deadline."""

    class Bound(DeadlineProtocol):
        """The protocol with the deadline of one server."""

    Bound.receive_seconds = receive_seconds
    return Bound
