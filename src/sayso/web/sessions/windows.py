"""Which steps of a long session a page shows: a window that is named by a step, so that it stays where it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sayso.web.steps import Step

SIZE = 100
"""How many steps a page shows: about 200 items of the timeline."""
MOST = 200
"""How many it shows when steps are added while somebody reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Where a reader wants to be; at the end by default."""

    since: str | None = None
    """The first step to be shown."""
    before: str | None = None
    """The step before which the page ends."""
    at: str | None = None
    """A step that is to be among them."""
    task: str | None = None
    """A user task whose step is to be among them."""
    run: str | None = None
    """A run whose first step is to be among them."""
    live: bool = False
    """Whether the page is open already, and asks for what is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a page shows."""

    steps: Sequence[Step]
    total: int
    here: str | None = None
    """The step that was asked for."""

    @property
    def first(self) -> int:
        """The number of its first step."""
        return self.steps[0].number if self.steps else 0

    @property
    def last(self) -> int:
        """The number of its last step."""
        return self.steps[-1].number if self.steps else 0

    @property
    def earlier(self) -> bool:
        """Whether there are steps before it."""
        return self.first > 1

    @property
    def later(self) -> bool:
        """Whether there are steps after it."""
        return self.last < self.total


def window(steps: Sequence[Step], wanted: Wanted) -> Window:
    """Return what is shown; a step that is not there is as none.

    Args:
        steps: Every step of the session.
        wanted: Where the reader wants to be.
    """
    sought = _index(steps, lambda step: _is_sought(step, wanted))
    since = _index(steps, lambda step: step.id == wanted.since)
    before = _index(steps, lambda step: step.id == wanted.before)
    here = None if sought is None else steps[sought].id
    if since is not None:
        begin, end = since, since + (MOST if wanted.live else SIZE)
    elif before is not None:
        begin, end = max(0, before - SIZE), before
    elif sought is not None and len(steps) > SIZE:
        begin = max(0, min(sought - SIZE // 4, len(steps) - SIZE))
        end = begin + SIZE
    else:
        begin, end = max(0, len(steps) - SIZE), len(steps)
    return Window(steps=steps[begin:end], total=len(steps), here=here)


def _is_sought(step: Step, wanted: Wanted) -> bool:
    if wanted.task is not None:
        return any(task.id == wanted.task for task in step.tasks)
    if wanted.at is not None:
        return step.id == wanted.at
    return wanted.run is not None and step.run_id == wanted.run


def _index(steps: Sequence[Step], fits: Callable[[Step], bool]) -> int | None:
    return next((index for index, step in enumerate(steps) if fits(step)), None)
