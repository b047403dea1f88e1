"""How the service's log is written: one event, one line, whatever is in it.

Text in an event may come from anywhere: paths, names, what a model said. Everything outside printable ASCII is escaped,
so that no line break, escape sequence or look-alike can forge a line (JSON and console alike). What libraries log
goes the same way. Of an exception the type and the places are written, not the text: that may hold anything.
"""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Literal, TextIO

import structlog

LogFormat = Literal["console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

_PLAIN = re.compile(r"[\w./:@{}+-]+", re.ASCII)
_LONGEST = 4000
_MOST_PLACES = 12
_FIRST = ("time", "level", "logger", "event")


def configure(form: LogFormat, level: LogLevel, stream: TextIO | None = None) -> None:
    """Have everything that is logged in this process written to a stream (standard error)."""
    threshold = getattr(logging, level.upper())
    lines = _Lines(stream or sys.stderr)
    structlog.configure(
        processors=[
            _name,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _json_line if form == "json" else _console_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lines.logger,
        cache_logger_on_first_use=False,
    )
    logging.captureWarnings(capture=True)
    logging.basicConfig(handlers=[_Bridge()], level=max(threshold, logging.INFO), force=True)
    for chatty in ("uvicorn", "httpx", "httpcore", "asyncio"):
        logging.getLogger(chatty).setLevel(max(threshold, logging.WARNING))


class _Lines:
    """Writes lines whole, from any thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def logger(self, *names: str) -> "_Logger":
        return _Logger(self, names[0] if names else "sayso")

    def write(self, line: str) -> None:
        with self._lock:
            self._stream.write(f"{line}\n")
            self._stream.flush()


class _Logger:
    """What structlog hands a finished line to."""

    def __init__(self, lines: _Lines, name: str) -> None:
        self.name = name
        self.debug = self.info = self.warning = self.error = self.critical = lines.write


class _Bridge(logging.Handler):
    """Passes what is logged by `logging` on to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info or (None, None, None)
        more = {} if error[0] is None else {"error": error[0].__name__, "at": places(error[2])}
        log = structlog.get_logger(record.name)
        at_least = next((write for level, write in _levels(log) if record.levelno >= level), log.debug)
        at_least(record.getMessage()[:_LONGEST], **more)


def _levels(log: Any) -> tuple[tuple[int, Any], ...]:
    return (logging.ERROR, log.error), (logging.WARNING, log.warning), (logging.INFO, log.info)


def places(trace: TracebackType | None) -> list[str]:
    """Return the last places of a traceback."""
    frames = traceback.extract_tb(trace)[-_MOST_PLACES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _name(logger: _Logger, _: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["logger"] = logger.name
    return event


def _json_line(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    return _escaped({**{name: event[name] for name in _FIRST}, **event})


def _console_line(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    head = f"{event['time'][:19]} {event['level']:<7} {_escaped(event['event'])[1:-1]}"
    rest = [f"{_shown(name)}={_shown(value)}" for name, value in event.items() if name not in _FIRST]
    return " ".join([head, *rest])


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else _escaped(value)
    return text if _PLAIN.fullmatch(text) else _escaped(value)


def _escaped(value: object) -> str:
    """Return a value as JSON in printable ASCII."""
    return json.dumps(value, default=str).replace("\x7f", "\\u007f")
