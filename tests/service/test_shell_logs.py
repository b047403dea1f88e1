"""T86: one event is one line, whatever is in it; and what must not be in a log is not."""

import io
import json
import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any, get_args

import pytest
import structlog

from sayso.app.logs import LogFormat, configure
from tests.service.hostile import strings

FORMATS = get_args(LogFormat)
PRINTABLE = re.compile(r"[\x20-\x7e]*")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Put back how this process logs."""
    kept, root = structlog.get_config(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.configure(**kept)
    logging.captureWarnings(capture=False)
    root.handlers, root.level = handlers, level


def written(form: LogFormat, level: Any = "debug") -> io.StringIO:
    stream = io.StringIO()
    configure(form, level, stream)
    return stream


@pytest.mark.parametrize("form", FORMATS)
def test_500_hostile_strings_make_500_lines(form: LogFormat) -> None:
    stream = written(form)
    hostile = strings()
    assert len(hostile) == 500
    for number, text in enumerate(hostile):
        log = structlog.get_logger(f"sayso.{text}")
        (log.info, log.warning)[number % 2](text, value=text, nested={text: [text]}, **{f"k{text}": 1})
    text = stream.getvalue()
    lines = text.split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(text.splitlines()) == 500
    assert all(PRINTABLE.fullmatch(line) for line in lines)
    if form == "json":
        events = [json.loads(line) for line in lines]
        assert [event["event"] for event in events] == hostile
        assert {event["level"] for event in events} == {"info", "warning"}
        assert not any("forged" in event for event in events)


@pytest.mark.parametrize("form", FORMATS)
def test_what_libraries_log_goes_the_same_way(form: LogFormat) -> None:
    stream = written(form)
    log = logging.getLogger("some.library")
    for text in strings():
        log.warning(text)
        log.warning("%s", text)
    assert len(stream.getvalue().splitlines()) == 1000
    assert PRINTABLE.fullmatch(stream.getvalue().replace("\n", ""))


def test_of_an_exception_the_type_and_the_places_are_logged_not_the_text() -> None:
    stream = written("json")
    try:
        raise ValueError("the password is CANARY\nforged")
    except ValueError:
        logging.getLogger("some.library").exception("it failed")
    (event,) = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (event["event"], event["error"], event["level"], event["logger"]) == (
        "it failed", "ValueError", "error", "some.library",
    )  # fmt: skip
    assert "test_shell_logs.py" in event["at"][0]
    assert "CANARY" not in stream.getvalue()


def test_levels_are_kept_and_strange_ones_do_no_harm() -> None:
    stream = written("json", "warning")
    structlog.get_logger("sayso").info("quiet")
    structlog.get_logger("sayso").warning("loud")
    logging.getLogger("x").info("quiet")
    logging.getLogger("x").log(35, "between")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("a warning", stacklevel=1)
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["level"] for event in events] == ["warning", "warning", "warning"]


def test_a_line_says_when_how_bad_and_from_where() -> None:
    stream = written("json")
    structlog.get_logger("sayso.access").info("request", path="/x", status=200)
    assert list(json.loads(stream.getvalue())) == ["time", "level", "logger", "event", "path", "status"]
    stream = written("console")
    structlog.get_logger("sayso.access").info("request", path="/x y", status=200)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d info    request path=\"/x y\" status=200\n", stream.getvalue())
