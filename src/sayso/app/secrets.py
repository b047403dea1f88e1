"""The secrets that this process knows: of its environment, of its model clients, and what it is told of.

They are taken as values, so that they can be masked in whatever is stored or logged; none of them is kept elsewhere.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import structlog

from sayso.core.scrub import Scrubber, masked
from sayso.llm import keys
from sayso.model.json import Json

_NAMED = ("_API_KEY", "_SECRET_KEY")
"""How variables end whose values are secrets: OPENAI_API_KEY, SAYSO_API_KEY, SAYSO_SECRET_KEY, ..."""


class KnownSecrets:
    """Masks the secrets of this process; answers the `Secrets` port.

    Args:
        values: Secrets that neither the environment nor a model client tells of.
        environment: Where variables named `..._API_KEY` and `..._SECRET_KEY` are read, once; the process's by default.
    """

    def __init__(self, values: Iterable[str] = (), *, environment: Mapping[str, str] | None = None) -> None:
        found = os.environ if environment is None else environment
        self._values = {*values, *(value for name, value in found.items() if name.endswith(_NAMED) and _odd(value))}
        self._used = -1
        self._scrubber = Scrubber()

    def add(self, *values: str) -> None:
        """Take note of more secrets; what is stored from now on is cleaned of them too."""
        self._values = {*self._values, *values}
        self._used = -1

    def found_in(self, data: bytes) -> bool:
        """See the port."""
        return self._current().found_in(data)

    def clean(self, value: Json) -> Json:
        """See the port."""
        return self._current().clean(value)

    def text(self, text: str) -> str:
        """Return a text with every secret masked, and with what looks like one: for logs."""
        return masked(self._current().text(text))

    def _current(self) -> Scrubber:
        count = keys.count()
        if count != self._used:
            self._scrubber = Scrubber({*self._values, *keys.used()})
            self._used = count
        return self._scrubber


def log_scrubber(secrets: KnownSecrets) -> Callable[[Any, str, Any], Any]:
    """Return a last processor of structlog, which masks secrets in the line that the one before it has made."""

    def scrub(logger: Any, method: str, line: Any) -> Any:
        del logger, method
        match line:
            case str():
                return secrets.text(line)
            case bytes():
                return secrets.text(line.decode("utf-8", "backslashreplace")).encode()
            case _:
                return line

    return scrub


def scrub_logs(secrets: KnownSecrets) -> None:
    """Have the secrets that a process knows masked in whatever it logs from now on."""
    structlog.configure(processors=[*structlog.get_config()["processors"], log_scrubber(secrets)])


def _odd(value: str) -> bool:
    """Tell whether a variable's value can be a secret: a mere word (`disabled`) is none, and masking it would hurt."""
    return not value.strip().isalpha()
