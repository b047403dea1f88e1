"""The shape of anomaly rules, as a version carries them: what stands against a list of them, pointer by pointer.

Only the form is held to here; what a rule says of a call is another law. A predicate or key that nobody knows is a
problem, never ignored: a rule that is misspelt would protect nothing.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from sayso.model.json import Json
from sayso.model.registry import Problem

MOST_RULES, MOST_DEPTH, MOST_PATTERN = 200, 8, 512
OUTCOMES = ("allow", "block", "pause", "terminate_session")

_Check = Callable[[Json], str | None]
"""Returns what stands against a value, in words."""


def rule_problems(rules: Json, pointer: str) -> Iterator[Problem]:
    """Yield what stands against the rules of one version."""
    if not isinstance(rules, list):
        yield Problem(pointer=pointer, code="wrong_type", message="expected a list of rules")
        return
    found: list[Json] = rules
    if len(found) > MOST_RULES:
        yield Problem(pointer=pointer, code="too_many", message=f"expected at most {MOST_RULES} rules")
    seen: set[str] = set()
    for number, rule in enumerate(found):
        yield from _rule(rule, f"{pointer}/{number}", seen)


def pauses(rules: Json) -> list[int]:
    """Return the places of the rules that pause."""
    found = cast("Sequence[Json]", rules) if isinstance(rules, list) else ()
    return [number for number, rule in enumerate(found) if isinstance(rule, Mapping) and rule.get("then") == "pause"]


def escaped(key: str) -> str:
    """Return a key as a part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def _rule(rule: Json, at: str, seen: set[str]) -> Iterator[Problem]:
    if not isinstance(rule, Mapping):
        yield Problem(pointer=at, code="wrong_type", message="expected an object")
        return
    yield from _unknown(rule, ("id", "when", "then", "reason"), at)
    yield from _id(rule.get("id"), f"{at}/id", seen)
    then = rule.get("then")
    if then not in OUTCOMES:
        said = f"expected one of {', '.join(OUTCOMES)}"
        yield Problem(pointer=f"{at}/then", code="unknown_outcome", message=said)
    if not isinstance(rule.get("reason"), str | None):
        yield Problem(pointer=f"{at}/reason", code="wrong_type", message="expected a text")
    if "when" not in rule:
        yield Problem(pointer=f"{at}/when", code="required", message="expected a condition")
    else:
        yield from _condition(rule["when"], f"{at}/when", depth=1, may_be_empty=True)


def _id(id_: Json, at: str, seen: set[str]) -> Iterator[Problem]:
    if not isinstance(id_, str) or not id_:
        yield Problem(pointer=at, code="required", message="expected an id of at least one character")
    elif id_ in seen:
        yield Problem(pointer=at, code="duplicate", message="expected ids that differ, but this one is there twice")
    else:
        seen.add(id_)


def _unknown(given: Mapping[str, Json], known: Sequence[str], at: str) -> Iterator[Problem]:
    for key in given:
        if key not in known:
            said = f"expected only {', '.join(known)}"
            yield Problem(pointer=f"{at}/{escaped(key)}", code="unknown_key", message=said)


def _condition(when: Json, at: str, *, depth: int, may_be_empty: bool = False) -> Iterator[Problem]:
    if not isinstance(when, Mapping):
        yield Problem(pointer=at, code="wrong_type", message="expected an object")
        return
    if depth > MOST_DEPTH:
        yield Problem(pointer=at, code="too_deep", message=f"expected conditions nested at most {MOST_DEPTH} deep")
        return
    if not when and not may_be_empty:
        yield Problem(pointer=at, code="empty", message="expected a predicate; an empty condition matches nothing")
    for name, given in when.items():
        yield from _predicate(name, given, f"{at}/{escaped(name)}", depth)


def _predicate(name: str, given: Json, at: str, depth: int) -> Iterator[Problem]:
    if name == "not":
        yield from _condition(given, at, depth=depth + 1)
    elif name in {"all_of", "any_of"}:
        yield from _several(given, at, depth)
    elif name == "tool_name_in":
        yield from _said(at, _texts(given))
    elif name == "tool_name_regex":
        yield from _said(at, _pattern(given), code="invalid_regex")
    elif name in _PARAMETERS:
        yield from _parameters(given, at, *_PARAMETERS[name])
    else:
        yield Problem(pointer=at, code="unknown_predicate", message="there is no such predicate")


def _several(given: Json, at: str, depth: int) -> Iterator[Problem]:
    if not isinstance(given, list):
        yield Problem(pointer=at, code="wrong_type", message="expected a list of conditions")
        return
    parts: list[Json] = given
    if not parts:
        yield Problem(
            pointer=at, code="empty", message="expected at least one condition; an empty list matches nothing"
        )
    for number, part in enumerate(parts):
        yield from _condition(part, f"{at}/{number}", depth=depth + 1)


def _parameters(
    given: Json, at: str, required: Mapping[str, _Check], optional: Mapping[str, _Check]
) -> Iterator[Problem]:
    if not isinstance(given, Mapping):
        yield Problem(pointer=at, code="wrong_type", message="expected an object")
        return
    known = {**required, **optional}
    yield from _unknown(given, tuple(known), at)
    for name in required:
        if name not in given:
            yield Problem(pointer=f"{at}/{name}", code="required", message="expected a value")
    for name, check in known.items():
        if name in given:
            code = "invalid_regex" if name == "pattern" else "wrong_type"
            yield from _said(f"{at}/{name}", check(given[name]), code=code)


def _said(at: str, message: str | None, code: str = "wrong_type") -> Iterator[Problem]:
    if message is not None:
        yield Problem(pointer=at, code=code, message=message)


# -- values ----------------------------------------------------------------------------------------------------


def _text(value: Json) -> str | None:
    return None if isinstance(value, str) and value else "expected a text of at least one character"


def _texts(value: Json) -> str | None:
    fits = isinstance(value, list) and bool(value) and all(_text(item) is None for item in value)
    return None if fits else "expected a list of at least one text"


def _list(value: Json) -> str | None:
    return None if isinstance(value, list) and value else "expected a list of at least one value"


def _any(value: Json) -> str | None:
    del value
    return None


def _number(value: Json) -> str | None:
    return None if isinstance(value, int | float) and not isinstance(value, bool) else "expected a number"


def _whole(value: Json) -> str | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return None if fits else "expected a whole number of at least 0"


def _seconds(value: Json) -> str | None:
    return None if _whole(value) is None and value else "expected a whole number above 0"


def _pattern(value: Json) -> str | None:
    if not isinstance(value, str) or not value:
        return "expected a regular expression"
    if len(value) > MOST_PATTERN:
        return f"expected at most {MOST_PATTERN} characters"
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError) as exc:
        return f"expected a regular expression, but: {exc}"
    return None


_PATH: dict[str, _Check] = {"path": _text}
_NUMBERED: dict[str, _Check] = {**_PATH, "value": _number}
_COUNTED: dict[str, _Check] = {"value": _whole}
_TOOL: dict[str, _Check] = {"tool": _text}
_PARAMETERS: dict[str, tuple[dict[str, _Check], dict[str, _Check]]] = {
    **dict.fromkeys(("arg_eq", "arg_neq"), ({**_PATH, "value": _any}, {})),
    **dict.fromkeys(("arg_gt", "arg_gte", "arg_lt", "arg_lte"), (_NUMBERED, {})),
    "arg_between": ({**_PATH, "min": _number, "max": _number}, {}),
    **dict.fromkeys(("arg_in", "arg_not_in"), ({**_PATH, "values": _list}, {})),
    "arg_regex": ({**_PATH, "pattern": _pattern}, {"flags": _text}),
    **dict.fromkeys(("arg_exists", "arg_missing"), (_PATH, {})),
    "arg_length_gt": ({**_PATH, "value": _whole}, {}),
    **dict.fromkeys(("call_count_in_run_gt", "call_count_in_session_gt"), (_COUNTED, _TOOL)),
    "call_count_in_window_gt": ({**_COUNTED, "windowSeconds": _seconds}, _TOOL),
}
"""Of each predicate, its required and its optional parameters."""
