"""What a workspace's work adds up to: what waits, how runs went, what models have used."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sayso.model.ids import RunId, SessionId
from sayso.model.messages import Usage
from sayso.model.runs import RunState

COUNTED = 20_000
"""Figures are made of so many rows at most, the oldest of what waits and the newest of what is past."""


class Waiting(NamedTuple):
    """The pending tasks of one kind."""

    kind: str
    tasks: int
    oldest: datetime
    soon: int
    """How many of them are due soon."""


class Spending(NamedTuple):
    """What the runs of one program, started with one version, have used."""

    program: str
    version_id: str | None
    model: str | None
    """The model that the version names; None where no version is stored, or where the run is of another program."""
    runs: int
    usage: Usage
    """Its cost is of those runs whose cost is known; None where none is."""
    unpriced: int
    """How many runs have used tokens whose price is not known."""


class Failure(NamedTuple):
    """A run that has failed."""

    run_id: RunId
    session_id: SessionId
    program: str
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What a workspace has done since a time, and what waits in it now; on one snapshot."""

    waiting: tuple[Waiting, ...]
    """The kind of which most waits first."""
    moved: tuple[Mapping[RunState, int], ...]
    """For each part of the time, how many runs started in it and stand in which state now."""
    spending: tuple[Spending, ...]
    """What has used most first."""
    failures: tuple[Failure, ...]
    """The newest few."""
    names: Mapping[str, str]
    """What people call the programs of agents made as data."""
