"""What a figure is, and how two contenders are timed by turns so that a noisy machine disturbs both alike."""

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a figure should be: a limit on ours, or on its ratio to the bare driver."""

    of: str
    """`ratio` or `ours`."""
    limit: float
    at_least: bool = False

    def met(self, ours: float, ratio: float | None) -> bool:
        value = ours if self.of == "ours" else ratio
        return value is not None and (value >= self.limit if self.at_least else value <= self.limit)

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{sign} {self.limit:g}{'x' if self.of == 'ratio' else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table."""

    what: str
    unit: str
    ours: float
    bare: float | None = None
    aim: Aim | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.bare if self.bare else None

    @property
    def met(self) -> bool | None:
        return None if self.aim is None else self.aim.met(self.ours, self.ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU time of all threads, and time on the wall, both in seconds."""

    cpu: float
    wall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured: the full sizes of the project's promises, or small ones to see that it works."""

    quick: bool

    def of(self, full: int, quick: int) -> int:
        return quick if self.quick else full


def cost_of(work: Callable[[], object]) -> Cost:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return Cost(cpu=time.process_time() - cpu, wall=time.perf_counter() - wall)


def by_turns(repetitions: int, *contenders: Callable[[], object]) -> list[Cost]:
    """Time each contender by turns; return the medians, after one round that does not count."""
    for work in contenders:
        work()
    rounds = [[cost_of(work) for work in contenders] for _ in range(repetitions)]
    return [median_of([round_[place] for round_ in rounds]) for place in range(len(contenders))]


def median_of(costs: list[Cost]) -> Cost:
    return Cost(cpu=statistics.median(c.cpu for c in costs), wall=statistics.median(c.wall for c in costs))


def pair(what: str, ours: Cost, bare: Cost, *, each: int, aim: Aim | None) -> list[Figure]:
    """Return the two lines of a measured pair, in milliseconds per piece of work; the aim is on the CPU time."""
    scale = 1000 / each
    return [
        Figure(what=f"{what}: CPU", unit="ms", ours=ours.cpu * scale, bare=bare.cpu * scale, aim=aim),
        Figure(what=f"{what}: wall", unit="ms", ours=ours.wall * scale, bare=bare.wall * scale),
    ]


@contextmanager
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="sayso-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
