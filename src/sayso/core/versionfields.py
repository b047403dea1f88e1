"""The fields of an agent's version as clients write them: wire names, bounds and defaults.

`FIELDS` is the law (docs/reference/registry.md tells it to clients): what is not in it is a problem, never ignored.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from sayso.core.ledger import canonical
from sayso.core.schemas import schema_problems
from sayso.model.json import Json
from sayso.model.tasks import MOST_EXTENSIONS

MOST_BYTES = 1024 * 1024
"""Of a whole version, as JSON."""
MOST_SCHEMA_BYTES = 64 * 1024
"""Of one schema: it is held against a metaschema, and values against it, which takes its time."""
MOST_DESCRIPTION = 512
_MOST_WHOLE = 2**53 - 1
_MOST_SECONDS = 3_153_600_000  # a hundred years: a longer time cannot be added to a date

Found = tuple[str, str] | None
"""A problem's code and message."""


# -- values ----------------------------------------------------------------------------------------------------


def _text(most: int, *, least: int = 0) -> Callable[[Json], Found]:
    def check(value: Json) -> Found:
        if not isinstance(value, str):
            return "wrong_type", "expected a text"
        if len(value.strip()) < least:
            return "required", "expected a text that is not empty"
        return ("too_long", f"expected at most {most} characters, but got {len(value)}") if len(value) > most else None

    return check


def _title(most: int) -> Callable[[Json], Found]:
    """Check a text that people read in lists: one line."""
    inner = _text(most, least=1)

    def check(value: Json) -> Found:
        found = inner(value)
        if found is None and not cast("str", value).isprintable():
            return "not_printable", "expected printable characters on one line"
        return found

    return check


def _number(low: float, high: float) -> Callable[[Json], Found]:
    def check(value: Json) -> Found:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return "wrong_type", f"expected a number from {low:g} to {high:g}"
        return None if low <= value <= high else ("out_of_bounds", f"expected a number from {low:g} to {high:g}")

    return check


def or_more(low: int, high: int = _MOST_WHOLE) -> Callable[[Json], Found]:
    """Check a whole number between bounds."""
    said = f"expected a whole number of at least {low}" if high == _MOST_WHOLE else f"expected {low} to {high}"

    def check(value: Json) -> Found:
        if not isinstance(value, int) or isinstance(value, bool):
            return "wrong_type", said
        return None if low <= value <= high else ("out_of_bounds", said)

    return check


def _or_null(inner: Callable[[Json], Found]) -> Callable[[Json], Found]:
    return lambda value: None if value is None else inner(value)


def flag(value: Json) -> Found:
    """Check a switch."""
    return None if isinstance(value, bool) else ("wrong_type", "expected true or false")


def _one_of(*names: str) -> Callable[[Json], Found]:
    said = f"expected one of {', '.join(names)}"
    return lambda value: None if isinstance(value, str) and value in names else ("out_of_bounds", said)


def _ids(value: Json) -> Found:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        return "wrong_type", "expected a list of ids"
    items = cast("list[str]", value)
    return None if len(set(items)) == len(items) else ("duplicate", "expected each id once")


def _schema(value: Json) -> Found:
    if not isinstance(value, Mapping):
        return "wrong_type", "expected a JSON Schema, which is an object"
    size = len(canonical(dict(value)))
    if size > MOST_SCHEMA_BYTES:
        return "too_large", f"expected at most {MOST_SCHEMA_BYTES} bytes, but got {size}"
    found = schema_problems(value)
    return ("invalid_schema", "expected a JSON Schema, but: " + "; ".join(found)) if found else None


def _anything(value: Json) -> Found:
    del value
    return None


class Field(NamedTuple):
    """One field of a version."""

    check: Callable[[Json], Found]
    default: Json = None
    required: bool = False


_SECONDS = _or_null(or_more(1, _MOST_SECONDS))
_TITLE_MOST = 200
title_problem = _title(_TITLE_MOST)
"""What stands against the name of an agent, a trigger or a version."""

FIELDS: dict[str, Field] = {
    "versionLabel": Field(title_problem, required=True),
    "llmModel": Field(title_problem, required=True),
    "instructions": Field(_text(MOST_BYTES), ""),
    "description": Field(_or_null(_text(MOST_DESCRIPTION))),
    "inputSchema": Field(_schema, {}),
    "outputSchema": Field(_schema, {}),
    "temperature": Field(_number(0, 1), 1),
    "topP": Field(_or_null(_number(0.1, 1))),
    "topK": Field(_or_null(or_more(1, 100))),
    "maxIterations": Field(or_more(1), 10),
    "maxTokensPerRun": Field(or_more(1), 400_000),
    "maxToolCalls": Field(or_more(1), 32),
    "anomalyControl": Field(flag, default=False),
    "rules": Field(_anything, []),  # their problems have pointers of their own: rule_problems
    "allowedOperationIds": Field(_ids, []),
    "canExecuteSubAgents": Field(flag, default=False),
    "allowedSubAgentIds": Field(_ids, []),
    "subAgentExecutionModel": Field(_one_of("sequential", "parallel"), "sequential"),
    "maxSessionTokens": Field(_or_null(or_more(1))),
    "maxSessionDurationSec": Field(_SECONDS),
    # ours, beyond the reference
    "maxActiveDurationSec": Field(_SECONDS),
    "waitBudgetSec": Field(or_more(0, _MOST_SECONDS), 604_800),
    "questionTimeoutSec": Field(_SECONDS),
    "onQuestionTimeout": Field(_one_of("skip", "reject", "cancel"), "skip"),
    "questionExtensions": Field(or_more(0, MOST_EXTENSIONS), MOST_EXTENSIONS),
    "historyRuns": Field(or_more(0, 100), 3),
}
"""Every field by its wire name; of these defaults nobody changes one in place."""

SCHEMAS = ("inputSchema", "outputSchema")
"""The fields whose check may take long."""
