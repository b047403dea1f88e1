"""What commands from outside say, cleaned of the secrets that this process knows.

What a program does is cleaned where it is journaled (passes.py): there the program goes on with what was stored, so
that it is told the same now and on every replay.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TypeVar, cast

from sayso.core.scrub import Scrubber
from sayso.model.decisions import Verdict
from sayso.model.json import Json
from sayso.model.runs import Run
from sayso.model.tasks import UserTask
from sayso.runtime.ports import Secrets
from sayso.runtime.units import Chooser, Decide

NO_SECRETS: Secrets = Scrubber()
"""Those of a process that knows none."""
J = TypeVar("J", bound=Json)


class Together:
    """The secrets of a process and those of one run; answers the `Secrets` port.

    Args:
        one: Some secrets.
        other: More of them.
    """

    def __init__(self, one: Secrets, other: Secrets) -> None:
        self._one = one
        self._other = other

    def found_in(self, data: bytes) -> bool:
        """See the port."""
        return self._one.found_in(data) or self._other.found_in(data)

    def clean(self, value: Json) -> Json:
        """See the port."""
        return self._other.clean(self._one.clean(value))


def cleaned(secrets: Secrets, value: J) -> J:
    """Return a value of the same form with every secret masked."""
    return cast("J", secrets.clean(value))


def cleaned_verdict(secrets: Secrets, verdict: Verdict) -> Verdict:
    """Return a verdict whose note, values and content are cleaned."""
    parts = {field.name: getattr(verdict, field.name) for field in fields(verdict) if field.name != "verdict"}
    found = {name: secrets.clean(part) for name, part in parts.items()}
    if "choices" in found:
        found["choices"] = tuple(cast("Sequence[str]", found["choices"]))
    return verdict if found == parts else replace(verdict, **found)


def cleaned_chooser(secrets: Secrets, choose: Chooser) -> Chooser:
    """Return a chooser whose verdicts are cleaned."""

    def chosen(run: Run, tasks: Sequence[UserTask]) -> Sequence[Decide]:
        commands = choose(run, tasks)
        return [replace(command, verdict=cleaned_verdict(secrets, command.verdict)) for command in commands]

    return chosen
