"""What the page of a session is filled with: pure functions of what was read on one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sayso.core.codec import plain_of
from sayso.core.fingerprint import Shape
from sayso.core.spans import covered
from sayso.core.timeline import output_of
from sayso.model.journal import Entry
from sayso.model.json import Json
from sayso.model.runs import ENDED, Run
from sayso.model.sessions import SessionStatus, Span
from sayso.model.tasks import UserTask
from sayso.runtime.sessions import RunParts, Whole
from sayso.runtime.standing import (
    depths_of,
    ended_at,
    merged,
    pending_of,
    root_of,
    run_status,
    session_status,
    spans_of,
    version_of,
)
from sayso.web.sessions.tree import Branch, branches
from sayso.web.sessions.values import LONGEST, Allowance, Shown
from sayso.web.sessions.waterfall import Lane, Waterfall, waterfall
from sayso.web.sessions.windows import Wanted, Window, window
from sayso.web.steps import Failure, Step, known_of, steps_of
from sayso.web.stepwords import KINDS, Badge, failed, run_badge, said_badge, step_badges, title_of

_MOST_CARDS = 80
"""How many runs the tree of a session shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person has said about a step."""

    badge: Badge
    by: str
    note: str | None
    more: Shown | None
    """The values or choices that they gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A journal entry as it is stored."""

    seq: int
    key: str
    kind: str
    at: datetime
    data: Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One step as it is shown."""

    step: Step
    what: str
    title: str
    """What it is about, on one line."""
    badges: Sequence[Badge]
    opened: bool
    here: bool
    """Whether it is what the reader asked for."""
    run: str | None
    """The name of its run, where the session has several."""
    depth: int
    begins: str | None
    """The id of its run, where it is the first of it on the page."""
    input: Shown | None
    output: Shown | None
    said: Sequence[Said]
    pending: Sequence[UserTask]
    raw: Sequence[Raw]
    lasted: timedelta
    waited: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One run in the tree."""

    run: Run
    name: str
    depth: int
    badge: Badge
    branch: Branch
    cancellable: bool
    skippable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that the page of a session shows."""

    whole: Whole
    name: str
    status: SessionStatus
    badge: Badge
    over: bool
    duration: timedelta
    waiting: timedelta
    """How much of it a person was waited for."""
    active: timedelta
    ended: datetime | None
    failure: Failure | None
    problem: str | None
    """Why it cannot go on."""
    pending: Sequence[UserTask]
    """What waits for people, replies to be given included."""
    window: Window
    lines: Sequence[Line]
    cards: Sequence[Card]
    runs_left_out: int
    drawn: Waterfall | None
    lanes: Sequence[Line]
    """The steps of the waterfall, a row each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a view is made from, beside the session."""

    names: Mapping[str, str]
    """What agents are called, by their programs."""
    workflows: frozenset[str]
    shapes: Mapping[str, Shape]
    wanted: Wanted
    now: datetime
    raw: bool
    """Whether journal entries are shown."""


def view_of(whole: Whole, given: Given) -> View:
    """Return what the page of a session shows."""
    now, root = given.now, root_of(whole)
    steps = steps_of(merged(whole), known_of(whole.runs))
    shown = window(steps, given.wanted)
    lines = _lines(whole, shown, given)
    lanes = [line for line in lines if line.step.stretches]
    spans, status = spans_of(whole), session_status(whole, now)
    cards = _cards(whole, steps, given)
    over = all(parts.run.state in ENDED for parts in whole.runs)
    return View(
        whole=whole,
        name=name_of(root, given.names),
        status=status,
        badge=run_badge(root.run, status),
        over=over,
        duration=covered(spans.roots, now),
        waiting=covered(spans.asked, now),
        active=sum((parts.run.active for parts in whole.runs), timedelta(0)),
        ended=ended_at(root) if over else None,
        failure=_failure(output_of(root.run, root.entries)[1]),
        problem=next((parts.run.problem for parts in whole.runs if parts.run.problem), None),
        pending=[task for parts in whole.runs for task in pending_of(parts, now)],
        window=shown,
        lines=lines,
        cards=cards[:_MOST_CARDS],
        runs_left_out=len(cards[_MOST_CARDS:]),
        drawn=waterfall([_lane(line.step) for line in lanes], now),
        lanes=lanes,
    )


def name_of(parts: RunParts, names: Mapping[str, str]) -> str:
    """Return what a run executes, as people call it."""
    version = version_of(parts)
    return names.get(parts.run.program, parts.run.program if version is None else version.name)


def _failure(error: Json) -> Failure | None:
    if not isinstance(error, dict):
        return None
    return Failure(str(error.get("code") or "failed"), str(error.get("message") or ""))


def _lane(step: Step) -> Lane:
    work = [Span(one.begin, one.end) for one in step.stretches if not one.waiting]
    return Lane(work, [Span(one.begin, one.end) for one in step.stretches if one.waiting])


def _lines(whole: Whole, shown: Window, given: Given) -> list[Line]:
    depths, allowance = depths_of(whole), Allowance()
    names = {parts.run.id: name_of(parts, given.names) for parts in whole.runs}
    entries = {parts.run.id: {entry.seq: entry for entry in parts.entries} for parts in whole.runs} if given.raw else {}
    begun: set[str] = set()
    found: list[Line] = []
    for step in shown.steps:
        first = step.run_id not in begun
        begun.add(step.run_id)
        found.append(
            line_of(
                step,
                given.now,
                allowance,
                entries=_of(step, entries.get(step.run_id, {})),
                here=step.id == shown.here,
                run=names[step.run_id] if len(whole.runs) > 1 else None,
                depth=depths[step.run_id],
                begins=step.run_id if first else None,
            )
        )
    return found


def _of(step: Step, entries: Mapping[int, Entry]) -> list[Entry]:
    return [entries[number] for number in step.sequences if number in entries]


def line_of(
    step: Step, now: datetime, allowance: Allowance, *, entries: Sequence[Entry] = (), here: bool = False,
    run: str | None = None, depth: int = 0, begins: str | None = None,
) -> Line:  # fmt: skip
    """Return a step as it is shown.

    Args:
        step: The step.
        now: The time.
        allowance: What its values may take.
        entries: Its journal entries, where they are shown.
        here: Whether it is what the reader asked for.
        run: The name of its run.
        depth: How deep its run is.
        begins: The id of its run, where it is the first of it.
    """
    pending = step.pending(now)
    return Line(
        step=step,
        what=KINDS[step.kind],
        title=title_of(step),
        badges=step_badges(step, now),
        opened=here or bool(pending) or _opens(step, depth),
        here=here,
        run=run,
        depth=depth,
        begins=begins,
        input=_shown(allowance, step.input),
        output=_shown(allowance, step.output),
        said=[_said(said, allowance) for said in step.said],
        pending=pending,
        raw=[_raw(entry, allowance) for entry in entries],
        lasted=(step.ended or now) - step.begun,
        waited=step.waited(now),
    )


def _opens(step: Step, depth: int) -> bool:
    """Tell whether a step is open at first: what failed is, and what the session came to."""
    return step.state == "Completed" and depth == 0 if step.kind == "end" else failed(step)


def _shown(allowance: Allowance, value: Json) -> Shown | None:
    return None if value is None else allowance.show(value)


def _said(said: Mapping[str, Json], allowance: Allowance) -> Said:
    more = said.get("values") or said.get("choices")
    if isinstance(more, dict) and set(more) == {"value"}:
        more = more["value"]
    note = said.get("note")
    return Said(
        badge=said_badge(said),
        by=str(said.get("by") or "nobody"),
        note=None if not note else str(note)[:LONGEST],
        more=None if more is None else allowance.show(more),
    )


def _raw(entry: Entry, allowance: Allowance) -> Raw:
    data = allowance.show(plain_of(entry.data))
    return Raw(seq=entry.seq, key=entry.key, kind=str(entry.kind), at=entry.at, data=data)


def _cards(whole: Whole, steps: Sequence[Step], given: Given) -> list[Card]:
    return [
        Card(
            run=branch.parts.run,
            name=name_of(branch.parts, given.names),
            depth=branch.depth,
            badge=run_badge(branch.parts.run, run_status(branch.parts, given.now)),
            branch=branch,
            cancellable=branch.parts.run.state not in ENDED and branch.parts.run.program in given.workflows,
            skippable=waits_for_a_time(branch.parts, steps, given.now),
        )
        for branch in branches(whole.runs, steps, given.shapes, given.now)
    ]


def waits_for_a_time(parts: RunParts, steps: Sequence[Step], now: datetime) -> bool:
    """Tell whether a run waits for nothing but a time, so that somebody may end the wait."""
    if run_status(parts, now) is not SessionStatus.WAITING_FOR_TIMER:
        return False
    mine = (step for step in steps if step.run_id == parts.run.id and step.child is None)
    return any(one.end is None and one.waiting and not one.for_person for step in mine for one in step.stretches)
