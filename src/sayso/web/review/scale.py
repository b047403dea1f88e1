"""The number that a question is about, and how its risk looks."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sayso.core.reviewing import call_of
from sayso.core.risks import Level
from sayso.model.tasks import TaskRequest

LOOKS: Mapping[Level, str] = {"low": "good", "medium": "warn", "high": "bad"}
"""The class of the badge of each risk."""
_AMOUNT = re.compile(r"(^|_)(amount|total|sum|price|cost|value|quantity|count|number)(_|$)", re.IGNORECASE)
_CURRENCY = re.compile(r"(^|_)(currency|unit)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """The number that it is about."""

    text: str
    unit: str
    name: str
    """Of the argument."""


def figure_of(request: TaskRequest) -> Figure | None:
    """Return the number that the sentence is about: the argument named like one, or the only number there is."""
    call = call_of(request)
    if call is None or not isinstance(call.arguments, Mapping):
        return None
    numbers = {
        name: value
        for name, value in call.arguments.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    named = [name for name in numbers if _AMOUNT.search(name)]
    name = named[0] if named else next(iter(numbers)) if len(numbers) == 1 else None
    if name is None:
        return None
    units = [value for key, value in call.arguments.items() if _CURRENCY.search(key) and isinstance(value, str)]
    return Figure(text=_grouped(numbers[name]), unit=units[0][:12] if units else "", name=name)


def _grouped(value: float) -> str:
    """Return a number with its digits in groups, and not one of them lost."""
    text = json.dumps(value)
    whole, point, rest = text.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}{point}{rest}" if digits.isdigit() else text
