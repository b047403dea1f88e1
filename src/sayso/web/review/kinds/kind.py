"""What a kind of task is on a card: how it is called, what its form is given, and how what was sent is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sayso.model.json import Json
from sayso.model.tasks import UserTask
from sayso.web.differing import Change
from sayso.web.fields import Fields

CHECK = "check"
"""What a form says that is sent by Enter in one of its fields: look at it, and decide nothing."""


class Unfit(Exception):
    """What was sent is no answer.

    Args:
        errors: What is wrong, by the name of the field; the empty name stands for the whole.
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An answer that was read from a form."""

    completion: Mapping[str, Json]
    """The fields of the completion, by their wire names (core/completions.py)."""
    will: str
    """What follows, in one sentence, for whoever is about to confirm it."""
    confirm: bool = False
    """Whether it takes a second press, whatever the risk is."""
    risky: bool = False
    """Whether it lets something happen, so that it takes a second press where the risk is high."""
    changes: tuple[Change, ...] = ()
    """What it changes of what was shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of task."""

    name: str
    """As requests name it."""
    label: str
    """As people read it."""
    template: str
    """The form, under `templates/review/kinds/`."""
    given: Callable[[UserTask, Fields | None], Mapping[str, Any]]
    """Returns what the template is given, from the task and from what was sent before."""
    read: Callable[[UserTask, Fields], Sent]
    """Reads what was sent; raises `Unfit`."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """How the fields of the form are called where a draft is shown."""


class Kinds:
    """The kinds of tasks that can be decided on a card.

    Args:
        kinds: The kinds.
    """

    def __init__(self, *kinds: Kind) -> None:
        self._kinds = {kind.name: kind for kind in kinds}

    def find(self, name: str) -> Kind | None:
        """Return a kind; None for one that nobody knows, whose tasks are shown and not decided."""
        return self._kinds.get(name)

    def label(self, name: str) -> str:
        """Return how a kind is called."""
        kind = self._kinds.get(name)
        return name if kind is None else kind.label


def nothing(task: UserTask, fields: Fields | None) -> Mapping[str, Any]:
    """Return nothing: what a template is given that needs no more than the card."""
    del task, fields
    return {}


def note_of(fields: Fields, *, needed: bool = False) -> dict[str, Json]:
    """Return the note, as a completion has it.

    Raises:
        Unfit: It is needed, and there is none.
    """
    note = fields.text("note")
    if note is None and needed:
        raise Unfit({"note": "Say why: whoever asked is told, and so is everybody who looks this up later."})
    return {} if note is None else {"comment": note}
