"""Journal keys: readable paths that survive edits elsewhere in the tree.

    fetch                     the step `fetch`
    pipeline/draft            the step `draft` inside `pipeline`
    refine#2/draft            ... in the loop's second pass
    draft@3                   the third execution of `draft` (a retry, or a re-run after a review)
    draft(2)                  the second of several items of that name in one list
    draft?confirm  draft?review  refine#1?review  pick?route@2   questions to people
    check:evaluator           user code that decides a way: evaluators, selectors, predicates

A position in a list is never a key. Names are percent-encoded where they hold one of the marks.
"""

import re
from datetime import datetime, timedelta

_MARKS = re.compile(r"[%/#@?:()\x00-\x1f]")
_RUNTIME_PART = re.compile(r"[#@]\d+")


def segment(name: str, ordinal: int = 1) -> str:
    """Return the path segment of a name; `ordinal` tells namesakes of one list apart (from 1)."""
    safe = _MARKS.sub(lambda match: f"%{ord(match.group()):02X}", name)
    return safe if ordinal == 1 else f"{safe}({ordinal})"


def segments(names: list[str]) -> list[str]:
    """Return the segments of the items of one list, in order."""
    seen: dict[str, int] = {}
    result: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(segment(name, seen[name]))
    return result


def join(parent: str, child: str) -> str:
    """Return the path of a child."""
    return f"{parent}/{child}" if parent else child


def attempt(key: str, number: int) -> str:
    """Return the key of the n-th execution (from 1)."""
    return key if number == 1 else f"{key}@{number}"


def iteration(path: str, number: int) -> str:
    """Return the path of a loop's n-th pass (from 1)."""
    return f"{path}#{number}"


def static(key: str) -> str:
    """Return the key as the definition knows it: without pass and execution numbers."""
    return _RUNTIME_PART.sub("", key)


WAIT = ":wait"
"""Ends the key of a timer that a program waits for, and that a person may skip; deadlines have others."""


def is_wait(key: str) -> bool:
    """Tell whether a timer is a wait of a program, and no deadline."""
    return key.endswith(WAIT)


def time_of_wait(until: datetime, begun: datetime) -> timedelta:
    """Return how long a wait was to take; none where its time had passed when it began."""
    return max(until - begun, timedelta())
