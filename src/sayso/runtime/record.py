"""A run's journal, folded into what replay asks for.

The journal is the truth; a record is its fold, made anew at each claim and kept up to date while a worker holds the
run.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sayso.core.codec import plain_of
from sayso.core.decisionforms import outcome_from_json
from sayso.core.instants import from_micros
from sayso.core.keys import is_wait, time_of_wait
from sayso.core.ledger import APPROVAL
from sayso.model.actors import TIMEOUT
from sayso.model.decisions import Outcome
from sayso.model.errors import JournalCorrupt
from sayso.model.ids import RunId, TaskId
from sayso.model.journal import FROM_OUTSIDE, OUTCOMES, Entry, EntryKind, NewEntry


class Shown(NamedTuple):
    """What the question about a tool call has shown."""

    call: str
    """The digest of the call."""
    parts: Mapping[str, str]
    """What the tool's definition consisted of."""
    task: str
    """The digest of the question itself."""


@dataclass(slots=True)
class Record:
    """What a journal says, by key."""

    run_id: RunId
    started: dict[str, Any] = field(default_factory=dict)
    """The stored input, in the codec's JSON form."""
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Outcomes of steps, emitted events and ended children."""
    decisions: dict[str, Outcome] = field(default_factory=dict)
    answers: dict[str, Entry] = field(default_factory=dict[str, Entry])
    """The entries of those decisions."""
    lapsed: set[str] = field(default_factory=set[str])
    """Questions that a deadline has answered."""
    asked: dict[str, TaskId] = field(default_factory=dict)
    timers: dict[str, datetime] = field(default_factory=dict)
    """When each timer that has begun is due."""
    waits: dict[str, timedelta] = field(default_factory=dict[str, timedelta])
    """How long each wait was to take that a program has begun; other timers are none."""
    fired: set[str] = field(default_factory=set)
    """Timers that are over, in time or skipped."""
    skipped: dict[str, str] = field(default_factory=dict[str, str])
    """Who ended a wait before its time."""
    children: dict[str, RunId] = field(default_factory=dict)
    """Child runs that were started, ended or not."""
    due: dict[str, datetime] = field(default_factory=dict)
    """Deadlines of the tasks that are still open."""
    shown: dict[str, Shown] = field(default_factory=dict[str, Shown])
    """What each question about a tool call has shown."""
    attempts: dict[str, int] = field(default_factory=dict[str, int])
    """How often each tool call was started."""
    started_digest: dict[str, str] = field(default_factory=dict[str, str])
    """The digest of what was started."""
    started_effect: dict[str, str] = field(default_factory=dict[str, str])
    """The effect class that it was started with."""
    first_sent: dict[str, datetime] = field(default_factory=dict[str, datetime])
    """When each tool call was started first."""
    last_sent: dict[str, datetime] = field(default_factory=dict[str, datetime])
    """When it was started last."""
    trace: str | None = None
    """The span in which the run came to wait last, in W3C form."""
    rested_at: datetime | None = None
    """When the run last began to wait for something."""
    cancelled_by: dict[str, Any] | None = None
    finished: dict[str, Any] | None = None
    started_at: datetime | None = None
    seen: int = 0
    """The number of the last entry."""
    fresh: set[str] = field(default_factory=set[str])
    """Outcomes from outside that no pass has taken in yet."""
    moved: bool = False
    """Whether any worker has written to the run."""

    def fold(self, entries: Iterable[Entry]) -> "Record":
        """Add stored entries, in order.

        Raises:
            JournalCorrupt: Two outcomes carry the same key.
        """
        for entry in entries:
            self._add(entry.key, entry.kind, plain_of(entry.data), entry.at)
            self.seen = entry.seq
            if entry.kind is EntryKind.DECIDED:
                self.answers[entry.key] = entry
            if entry.kind is EntryKind.EXTENDED:
                continue  # no outcome, and no pass of a worker: what is fresh stays so
            if entry.kind in FROM_OUTSIDE:
                self.fresh.add(entry.key)
            elif entry.kind is not EntryKind.STARTED:
                self.fresh.clear()
                self.moved = True
        return self

    def add(self, entry: NewEntry, plain: dict[str, Any]) -> None:
        """Add an entry that this worker is about to commit; `plain` is its data before it became bytes."""
        self._add(entry.key, entry.kind, plain, entry.at)

    def used_keys(self) -> list[str]:
        """Return every key that the run stands on."""
        return [*self.steps, *self.asked, *self.timers, *self.children, *self.attempts]

    def open_tasks(self) -> list[str]:
        """Return the keys of the tasks that nobody has decided."""
        return [key for key in self.asked if key not in self.decisions]

    def open_tasks_but(self, waiting: set[str]) -> tuple[TaskId, ...]:
        """Return the undecided tasks that nothing waits for: a branch asked, and the block around it failed."""
        return tuple(self.asked[key] for key in self.open_tasks() if key not in waiting)

    def open_calls(self) -> list[str]:
        """Return the keys of the calls that were asked for or started, and have no outcome."""
        asked = [key.removesuffix(APPROVAL) for key in self.asked if key.endswith(APPROVAL)]
        return [key for key in [*asked, *self.attempts] if key not in self.steps]

    def open_children(self) -> list[str]:
        """Return the keys of the children that have not ended."""
        return [key for key in self.children if key not in self.steps]

    def next_due(self, waiting: set[str]) -> datetime | None:
        """Return when the run should be looked at again if nobody decides before.

        Args:
            waiting: The keys of the questions and timers at which the run stands.
        """
        timers = [at for key, at in self.timers.items() if key in waiting and key not in self.fired]
        deadlines = [at for key, at in self.due.items() if key in waiting and key not in self.decisions]
        return min([*timers, *deadlines], default=None)

    def next_from(self, due: datetime) -> datetime | None:
        """Return when a run that was to be looked at when `due` comes should be, now that a deadline has moved.

        Where it stands is not known here: what was due before is over, or is nothing that it waits for.
        """
        open_ = {key for key in (*self.due, *self.timers) if self._time_of(key) >= due}
        return self.next_due(open_)

    def _time_of(self, key: str) -> datetime:
        return self.timers[key] if key in self.timers else self.due[key]

    def has(self, key: str) -> bool:
        """Tell whether the key's outcome is known."""
        return key in self.steps or key in self.decisions or key in self.fired

    def _add(self, key: str, kind: EntryKind, plain: dict[str, Any], at: datetime) -> None:  # noqa: C901 - an arm per kind
        if kind in OUTCOMES and self.has(key):
            raise JournalCorrupt(
                f"Expected one outcome for '{key}' of run {self.run_id}, but its journal has two.", run_id=self.run_id
            )
        match kind:
            case EntryKind.STARTED:
                self.started, self.started_at = plain, at
            case EntryKind.STEP | EntryKind.EMITTED | EntryKind.CHILD_ENDED:
                self.steps[key] = plain
            case EntryKind.DECIDED:
                self.decisions[key] = outcome_from_json(plain)
                if plain.get("by") == str(TIMEOUT):
                    self.lapsed.add(key)
            case EntryKind.ASKED:
                self.asked[key] = TaskId(plain["task"])
                self.trace, self.rested_at = plain.get("trace"), at
                if "call" in plain:
                    self.shown[key] = Shown(plain["call"], plain.get("tool", {}), plain.get("shown", ""))
                if "due" in plain:
                    self.due[key] = from_micros(plain["due"])
            case EntryKind.EXTENDED:
                until = from_micros(plain["due"])
                self.due[key] = max(self.due.get(key, until), until)  # it never moves back, read twice or not
            case EntryKind.TIMER:
                self.timers[key] = from_micros(plain["until"])
                if is_wait(key):
                    self.waits[key] = time_of_wait(self.timers[key], at)
                self.trace, self.rested_at = plain.get("trace"), at
            case EntryKind.FIRED:
                self.fired.add(key)
            case EntryKind.SKIPPED:
                self.fired.add(key)
                self.skipped[key] = plain["by"]
            case EntryKind.SPAWNED:
                self.children[key] = RunId(plain["run"])
            case EntryKind.CALL:
                self.attempts[key], self.started_digest[key] = plain["attempt"], plain["digest"]
                self.started_effect[key] = plain.get("effect", "once")
                self.first_sent.setdefault(key, at)
                self.last_sent[key] = at
            case EntryKind.CANCEL:
                self.cancelled_by = plain
            case EntryKind.FINISHED:
                self.finished = plain
