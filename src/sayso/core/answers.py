"""Answers to what agents ask: a text, a number, an option, a result from outside, edited arguments.

An answer that does not fit is a `Refused` with the reason; the task stays pending.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sayso.core.codec import from_json
from sayso.core.ledger import HAPPENED, NOT_HAPPENED, STOP, canonical
from sayso.core.schemas import problems
from sayso.model.decisions import Answer, Choose, Edit, Outcome, Respond
from sayso.model.errors import UnreadableValue
from sayso.model.json import Json
from sayso.model.tasks import (
    CallShown,
    ExternalRequest,
    MessageRequest,
    NumberRequest,
    OptionsRequest,
    TextRequest,
    UncertainRequest,
)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a verdict does not fit its task."""

    reason: str


VALUE = "value"
"""The name under which the one value of an answer is given."""


def answered(
    request: TextRequest | NumberRequest | OptionsRequest | ExternalRequest | MessageRequest, verdict: Answer
) -> Outcome | Refused:
    """Take the one value of an answer."""
    if set(verdict.values) != {VALUE}:
        return Refused(f"expected one value named '{VALUE}', but got {sorted(verdict.values)}")
    value = verdict.values[VALUE]
    match request:
        case TextRequest():
            problem = _text(value, request.max_length)
        case MessageRequest():
            problem = _text(value, None)
        case NumberRequest():
            problem = _number(value, request)
        case OptionsRequest():
            allowed = request.allow_other
            problem = _text(value, None) if allowed else "only the options can be chosen here (expected choose)"
        case ExternalRequest():
            problem = None
    if problem is not None:
        return Refused(problem)
    return Outcome(action="proceed", verdict="answer", note=verdict.note, values={VALUE: value})


def chosen(request: OptionsRequest | UncertainRequest, verdict: Choose) -> Outcome | Refused:
    """Take exactly one of the options."""
    known = [HAPPENED, NOT_HAPPENED, STOP]
    if isinstance(request, OptionsRequest):
        known = [option.id for option in request.options]
    if len(verdict.choices) != 1 or verdict.choices[0] not in known:
        return Refused(f"expected one of {', '.join(known)}, but got {', '.join(verdict.choices) or 'none'}")
    return Outcome(action="proceed", verdict="choose", note=verdict.note, choices=verdict.choices)


def in_its_place(verdict: Respond) -> Outcome | Refused:
    """Take what an agent is told in the place of a result; the call does not run."""
    problem = _text(verdict.value, None)
    if problem is not None:
        return Refused(problem)
    return Outcome(action="skip", verdict="respond", note=verdict.note, values={VALUE: verdict.value})


def edited_call(call: CallShown, verdict: Edit) -> Outcome | Refused:
    """Take edited arguments that fit the tool's schema."""
    if not isinstance(verdict.content, dict):
        return Refused("expected the edited arguments as an object")
    found = problems(call.schema, verdict.content) or _unwritable(verdict.content)
    if found:
        return Refused("the edited arguments do not fit:\n  - " + "\n  - ".join(found))
    return Outcome(action="proceed", verdict="edit", note=verdict.note, content=verdict.content, edited=True)


def _unwritable(arguments: dict[str, Json]) -> list[str]:
    """Return why arguments cannot be executed as they are: they hold what no JSON text can carry."""
    try:
        given = from_json(arguments)
        same = isinstance(given, dict) and canonical(cast("Json", given)) == canonical(arguments)
    except (ValueError, TypeError, UnreadableValue) as exc:
        return [str(exc)]
    return [] if same else ["they hold values that are not JSON"]


def by_schema(schema: Json, verdict: Answer, *, said: str) -> Outcome | Refused:
    """Take values that fit a JSON Schema."""
    values: Mapping[str, Any] = verdict.values
    found = problems(schema, dict(values))
    if found:
        return Refused("the values do not fit:\n  - " + "\n  - ".join(found))
    return Outcome(action="proceed", verdict=said, note=verdict.note, values=dict(values))


def _text(value: object, most: int | None) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return "expected a text that is not empty"
    if most is not None and len(value) > most:
        return f"expected a text of at most {most} characters, but it has {len(value)}"
    return None


def _number(value: object, request: NumberRequest) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return f"expected a number, but got {value!r}"
    if request.minimum is not None and value < request.minimum:
        return f"expected at least {request.minimum:g}, but got {value:g}"
    if request.maximum is not None and value > request.maximum:
        return f"expected at most {request.maximum:g}, but got {value:g}"
    return None
