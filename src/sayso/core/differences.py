"""What a person has changed: two JSON values, told apart place by place, and texts line by line."""

import json
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Literal, cast

from sayso.model.json import Json

_MOST_LINES = 2_000
"""Lines of a text up to which its lines are compared; beyond, both versions are shown whole."""
Sign = Literal["same", "was", "now"]


def differences(was: Json, now: Json, at: str = "") -> list[dict[str, Json]]:
    """Return every place (a JSON pointer) at which two values differ, with what was and what is there.

    What was added has no `was`, what was removed no `now`. Lists of different lengths are one place.
    """
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        return [
            found
            for key in [*was, *(key for key in now if key not in was)]
            for found in _at_key(was, now, key, f"{at}/{_escaped(key)}")
        ]
    if _is_list(was) and _is_list(now) and len(cast("list[Json]", was)) == len(cast("list[Json]", now)):
        pairs = zip(cast("list[Json]", was), cast("list[Json]", now), strict=True)
        return [found for place, (one, other) in enumerate(pairs) for found in differences(one, other, f"{at}/{place}")]
    return [] if _text(was) == _text(now) else [{"at": at, "was": was, "now": now}]


def lines_between(was: str, now: str) -> Sequence[tuple[Sign, str]]:
    """Return the lines of two texts in one list, each with whether it was, is now, or is the same."""
    one, other = was.split("\n"), now.split("\n")
    if len(one) + len(other) > _MOST_LINES:
        return ()
    found: list[tuple[Sign, str]] = []
    for tag, start, end, begin, stop in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        found += _signed("same" if tag == "equal" else "was", one[start:end])
        found += _signed("now", [] if tag == "equal" else other[begin:stop])
    return found


def _signed(sign: Sign, lines: Sequence[str]) -> list[tuple[Sign, str]]:
    return [(sign, line) for line in lines]


def _at_key(was: Mapping[str, Json], now: Mapping[str, Json], key: str, at: str) -> list[dict[str, Json]]:
    if key not in now:
        return [{"at": at, "was": was[key]}]
    if key not in was:
        return [{"at": at, "now": now[key]}]
    return differences(was[key], now[key], at)


def _is_list(value: Json) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _text(value: Json) -> str:
    """Return a value's own text: in Python `True == 1 == 1.0`, but these are three values."""
    return json.dumps(value, sort_keys=True)
