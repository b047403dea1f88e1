"""Following a session over a stream that may break: nothing is lost, and nothing is told twice.

The service tells with each event where to go on after it (`id`), but for the first ones of several that happen at one
moment. Whoever comes back gets these again, so what was told since a run's last `id` is remembered and left out.
"""

import codecs
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from sayso.client.answers import ENDED, Event, Session
from sayso.client.errors import ServerFailed
from sayso.client.flow import Came, Retries, asked_pause, failure, may_again
from sayso.client.reading import value

_END = "engine.session.completed"


class Parser:
    """Reads server-sent events from the bytes of one connection. Lines end as the standard says, and nowhere else."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._data: list[str] = []
        self._id: str | None = None

    def feed(self, data: bytes) -> Iterator[tuple[str | None, str]]:
        """Yield the id and data of each event that is whole by now."""
        text = self._rest + self._decoder.decode(data)
        held = "\r" if text.endswith("\r") else ""  # perhaps the first half of a line's end
        *lines, last = text.removesuffix(held).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = last + held
        for line in lines:
            if line:
                self._take(*_field(line))
            elif self._data:
                yield self._id, "\n".join(self._data)
                self._data, self._id = [], None

    def _take(self, name: str, text: str) -> None:
        if name == "data":
            self._data.append(text)
        elif name == "id":
            self._id = text


def _field(line: str) -> tuple[str, str]:
    name, _, text = line.partition(":")
    return name, text.removeprefix(" ")


class Following:
    """One session being followed, over as many connections as it takes.

    Args:
        run_id: Any run of the session.
        last_event_id: Where to begin; None at the beginning.
        retries: How often and when to come back without having got anything.
    """

    def __init__(self, run_id: str, last_event_id: str | None, retries: Retries) -> None:
        self.run_id = run_id
        self.over = False
        self.pause = 0.0
        """How long to wait before the next connection."""
        self._position = last_event_id
        self._retries = retries
        self._parser = Parser()
        self._unmarked: dict[str, set[tuple[str, str]]] = {}
        self._tried = 0
        self._got = False
        self._last = ""
        self._ended = False

    def connect(self) -> dict[str, str]:
        """Begin a connection; return the headers of its request."""
        self._parser, self._got = Parser(), False
        headers = {"Accept": "text/event-stream"}
        return headers if self._position is None else {**headers, "Last-Event-ID": self._position}

    def take(self, data: bytes) -> Iterator[Event]:
        """Yield the events in some bytes that were not told before."""
        for position, text in self._parser.feed(data):
            event = _event(position, text)
            self._got, self._last = True, event.subject
            if not self._told(event):
                self._tried = 0
                yield event

    def _told(self, event: Event) -> bool:
        told = self._unmarked.setdefault(event.data.run_id, set())
        name = (event.data.id, event.subject)
        known = name in told
        if event.id is None:
            told.add(name)
        else:
            told.clear()
            self._position = event.id
        return known

    def broken(self, came: Came) -> None:
        """Take note that a connection was refused or cut.

        Raises:
            ApiError: It is of no use to come back.
        """
        self._tried += 1
        pause = self._retries.pause(self._tried, asked_pause(came)) if may_again(came) else None
        if pause is None:
            raise failure(came)
        self.pause = pause

    def closed(self, session: Session) -> None:
        """Take note that the service closed a stream: at the end of the session, or because it stops itself."""
        known, self._ended = self._ended, session.status in ENDED
        # An end that was known before the connection began, or one that was told: nothing can have been missed.
        self.over = self._ended and (self._last == _END or (known and not self._got))
        self.pause = 0.0
        if not self._ended and not self._got:
            self.broken(None)

    @staticmethod
    def opened(status: int, headers: Mapping[str, str]) -> bool:
        """Tell whether an answer is the stream.

        Raises:
            ServerFailed: It is a success, but something else.
        """
        if 200 <= status < 300 and not headers.get("content-type", "").startswith("text/event-stream"):
            what = "Expected a stream of events, but what answered sent something else."
            raise ServerFailed(what, status=status)
        return status == 200


def _event(position: str | None, text: str) -> Event:
    try:
        plain: object = json.loads(text)
    except ValueError as exc:
        raise ServerFailed("Expected an event to be JSON, but it is not.", status=200) from exc
    found: dict[str, Any] = cast("dict[str, Any]", plain) if isinstance(plain, dict) else {}
    return value(Event, {"data": {}, **found, "id": position})
