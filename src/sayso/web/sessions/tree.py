"""The runs of a session as a tree, and in each the steps by their key paths: loops, branches, nested workflows, turns.

A key says where a step stands (`review#2/draft` is the draft in the second pass of the review); what a part of it is,
a loop or a parallel block, the definition says that the run follows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import unquote

from sayso.core.fingerprint import Shape
from sayso.core.keys import static
from sayso.runtime.sessions import RunParts
from sayso.web.steps import Step
from sayso.web.stepwords import failed

State = Literal["done", "failed", "waiting", "running"]
_GRAVITY: Mapping[State, int] = {"done": 0, "running": 1, "waiting": 2, "failed": 3}
_SHOWN = frozenset({"model", "output", "tool", "step", "ask", "wait", "child"})
_FIRST, _LAST = 10, 30
"""How many parts of one part are shown, from its beginning and from its end."""
MOST = 400
"""How many parts a tree shows."""


@dataclass(slots=True, kw_only=True)
class Part:
    """A part of a run: a step, or what steps stand in."""

    label: str
    what: str = ""
    """Loop, Parallel, ..."""
    step: Step | None = None
    state: State = "done"
    parts: "dict[str, Part]" = field(default_factory=dict[str, "Part"])
    left_out: int = 0
    """How many parts of it are not shown, after the first ones."""

    @property
    def shown(self) -> "list[Part]":
        """Its parts that are shown, in order."""
        return list(self.parts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A run in the tree of runs."""

    parts: RunParts
    depth: int
    root: Part
    first: str | None
    """Its first step."""


def branches(
    runs: Sequence[RunParts], steps: Sequence[Step], shapes: Mapping[str, Shape], now: datetime
) -> list[Branch]:
    """Return the runs of a session, each followed by its child runs.

    Args:
        runs: Oldest first.
        steps: Every step of the session.
        shapes: The definitions that the runs follow, by fingerprint.
        now: The time.
    """
    by_run: dict[str, list[Step]] = {}
    for step in steps:
        by_run.setdefault(step.run_id, []).append(step)
    found: list[Branch] = []
    left = MOST
    for parts, depth in _in_order(runs):
        mine = by_run.get(parts.run.id, [])
        root = _tree(mine, shapes.get(parts.run.fingerprint, {}), now)
        left = _pruned(root, left)
        found.append(Branch(parts=parts, depth=depth, root=root, first=mine[0].id if mine else None))
    return found


def _in_order(runs: Sequence[RunParts]) -> Iterator[tuple[RunParts, int]]:
    """Yield each run with its depth, a child after its parent."""
    children: dict[str | None, list[RunParts]] = {}
    for parts in runs:
        children.setdefault(parts.run.parent_id, []).append(parts)
    waiting = [(parts, 0) for parts in reversed(children.get(None, []))]
    while waiting:
        parts, depth = waiting.pop()
        yield parts, depth
        waiting.extend((child, depth + 1) for child in reversed(children.get(parts.run.id, [])))


def _tree(steps: Sequence[Step], shape: Shape, now: datetime) -> Part:
    root = Part(label="")
    for step in steps:
        if step.kind in _SHOWN and step.key:
            _placed(root, step, shape, _state(step, now))
    return root


def _placed(root: Part, step: Step, shape: Shape, state: State) -> None:
    """Put a step into the tree, with everything that it stands in."""
    here, key = root, ""
    for name in step.key.split("/"):
        key = f"{key}/{name}" if key else name
        for segment, label in _segments(name):
            known = here.parts.get(segment)
            if known is None:
                known = here.parts[segment] = Part(label=label, what=_what(shape, key, segment))
            if _GRAVITY[state] > _GRAVITY[known.state]:
                known.state = state
            here = known
    here.step = step
    here.label = _label(step, here.label)


def _segments(name: str) -> list[tuple[str, str]]:
    """Return the parts that one segment of a key stands for, with their labels: a pass stands in its loop."""
    base, mark, number = name.partition("#")
    if base == "turn" and mark:
        return [(name, f"Turn {number}")]
    if mark:
        return [(base, unquote(base)), (name, f"Pass {number}")]
    base, mark, number = name.partition("@")
    return [(name, f"{unquote(base)} (again, {number})" if mark else unquote(base))]


def _what(shape: Shape, key: str, segment: str) -> str:
    """Return what a part is, where it is more than a step."""
    if "#" in segment:
        return ""
    kind = shape.get(static(key), "").partition(",")[0]
    return "" if kind == "Step" else kind


def _label(step: Step, segment: str) -> str:
    match step.kind:
        case "model" | "output":
            return "Model"
        case "tool" | "child":
            return step.title
        case _:
            return segment


def _state(step: Step, now: datetime) -> State:
    if failed(step):
        return "failed"
    if step.pending(now):
        return "waiting"
    return "running" if step.ended is None else "done"


def _pruned(part: Part, left: int) -> int:
    """Leave out what is too much of a part; return how many parts may still be shown."""
    names = list(part.parts)
    dropped = names[_FIRST : max(_FIRST, len(names) - _LAST)]
    if left <= 0:
        dropped = names
    for name in dropped:
        del part.parts[name]
    part.left_out = len(dropped)
    left -= len(part.parts)
    for inner in part.shown:
        left = _pruned(inner, left)
    return left
