"""The card: everything that helps to decide one task, in the order in which it is read.

What is shown of a call is what will run: the stored bytes that the digest covers. What nobody here can show (a kind
from a newer version, a row that was changed by hand) is said to be so, and cannot be decided.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sayso.core.confiding import masked_arguments, sealed_at
from sayso.core.reviewing import History, call_of, operation_of, subject_shown
from sayso.core.risks import Risk, risk_of
from sayso.core.roles import allows
from sayso.core.timeline import merge, timeline
from sayso.model.calls import CallState
from sayso.model.errors import UnreadableValue
from sayso.model.ids import TaskId
from sayso.model.reviews import Comment
from sayso.model.runs import Run
from sayso.model.tasks import CallShown, TaskStatus, UnreadableRequest, UserTask
from sayso.runtime.reviewing import MOST_ASKED, Closely
from sayso.server.service import Asking
from sayso.web.differing import Change
from sayso.web.fields import Fields
from sayso.web.review.deadlines import Deadline, deadline_of
from sayso.web.review.foretelling import Foretelling, foretelling
from sayso.web.review.kinds import KINDS
from sayso.web.review.kinds.approval import rejected
from sayso.web.review.kinds.kind import Kind
from sayso.web.review.scale import LOOKS, Figure, figure_of
from sayso.web.review.settled import Settled, settled, timeout_words
from sayso.web.review.showing import Shown, is_long_table, rows_of
from sayso.web.steps import Step, known_of, steps_of
from sayso.web.stepwords import KINDS as KINDS_OF_STEPS
from sayso.web.stepwords import Badge, step_badges, title_of

_UNWRITTEN = frozenset({"digest", "key", "sure", "say", "due"})
"""Fields of a form that nobody has written."""
_DAY = timedelta(hours=24)
_SOON = timedelta(minutes=10)
_BEFORE = 4
"""How many steps before the question its own page shows."""
_PROMISES = {
    "read": "It changes nothing; it may be tried again.",
    "keyed": "Should nobody know what came of it, it is sent again with the same key, by which the other side tells.",
    "once": "It is sent at most once. Should nobody know what came of it, a person is asked.",
}
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_TRIGGERS = {
    "api": "by API",
    "manual": "by hand",
    "test_run": "as a test run",
    "scheduled": "by a schedule",
    "event": "by an event",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is said on top of a card about what was just tried."""

    text: str
    look: str = "bad"
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arming:
    """A decision that takes a second press."""

    say: str
    mark: str
    """Binds the second press to what the first one has shown."""
    will: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What somebody has sent, and what came of it."""

    fields: Fields | None = None
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    notice: Notice | None = None
    arming: Arming | None = None
    told: Mapping[str, str] = field(default_factory=dict[str, str])
    """Secrets that were asked for, by their places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A step of the run before the question."""

    step: Step
    what: str
    title: str
    badges: tuple[Badge, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The run that asks."""

    run: Run
    root: Run
    step: int | None
    """The place of the question among the steps of its run, from 1."""
    before: tuple[Before, ...]
    """The last steps before it."""
    started: str
    version: str | None
    test: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """What exactly will run."""

    call: CallShown
    rows: tuple[Shown, ...]
    long: bool
    """Whether there are so many rows that they are folded."""
    promise: str
    reversible: str
    key: str | None
    """The idempotency key that is sent with it."""
    state: str | None
    """Where the call stands in the ledger."""
    preview: Foretelling | None
    """What the tool says that it would change."""
    secrets: tuple[str, ...]
    """The places of its secret arguments, as JSON pointers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One task, as it is shown to one person."""

    task: UserTask
    status: TaskStatus
    label: str
    kind: Kind | None
    """None where it cannot be decided here."""
    cannot: str | None
    """Why this person cannot decide it now, in words."""
    form: Mapping[str, Any]
    form_key: str
    """Sent with the decision, so that a repeated press is the same one."""
    tried: Tried
    risk: Risk
    figure: Figure | None
    where: Where
    soon: bool
    """Whether the deadline is near, or past."""
    deadline: Deadline | None
    then: str
    """What the deadline does."""
    why: tuple[str, ...]
    runs: Runs | None
    said: str | None
    """The agent's own words."""
    history: History
    comments: tuple[Comment, ...]
    claimant: str | None
    mine: bool
    """Whether the claim is the viewer's own."""
    snoozed_until: datetime | None
    colleagues: tuple[str, ...]
    """To whom it can be assigned, for those who may see who is there."""
    looking: tuple[str, ...]
    """Who else looks at it, for those who may decide it."""
    settled: Settled | None
    told: Mapping[str, str] = field(default_factory=dict[str, str])
    """Secrets that this person has just asked for, by their places."""

    @property
    def look(self) -> str:
        """The class of the risk's badge."""
        return LOOKS[self.risk.level]

    @property
    def operation(self) -> str:
        """What is asked about: the tool, or else the step."""
        return operation_of(self.task.spec)

    @property
    def rejected(self) -> str:
        """What a no does."""
        return rejected(self.task)

    @property
    def pending(self) -> bool:
        """Whether it can still be decided."""
        return self.status is TaskStatus.PENDING

    @property
    def draft(self) -> list[tuple[str, str]]:
        """What was typed and not sent, with how each field is called."""
        fields = self.tried.fields
        sent = {} if fields is None else fields.below("")
        labels: Mapping[str, str] = {} if self.kind is None else self.kind.labels
        return [
            (labels.get(name, name.partition(":")[2] or name), text)
            for name, texts in sent.items()
            for text in texts
            if name not in _UNWRITTEN and text
        ]

    @property
    def mark(self) -> str:
        """What changes whenever the card's outcome, deadline, claim, snooze or comments do."""
        until = self.task.claimed_until
        asked = (self.status, self.task.due_at, self.claimant, until, self.task.assigned_to)
        parts = (*asked, len(self.comments), self.snoozed_until)
        return "|".join(map(str, parts))


async def card_of(asked: Asking, task_id: str, tried: Tried | None = None) -> dict[str, Any]:
    """Return what the card's template is given.

    Raises:
        TaskNotFound: No such task within reach.
    """
    try:
        found = await asked.service.review.closely(TaskId(task_id), asked.principal.id, asked.reach)
    except UnreadableValue as unreadable:
        return {"card": None, "task_id": task_id, "unreadable": unreadable.message}
    colleagues = await asked.service.inbox.assignable(asked.principal) if allows(asked.principal, "see_people") else []
    return {"card": shaped(asked, found, tried or Tried(), colleagues), "task_id": task_id}


def shaped(asked: Asking, found: Closely, tried: Tried, colleagues: Sequence[str] = ()) -> Card:
    """Return a task as a card."""
    task, now, request = found.task, asked.now, found.task.spec.request
    kind, claimant, status = KINDS.find(request.kind), task.claimant_at(now), task.status_at(now)
    call = call_of(request)
    cannot = _cannot(asked, found, kind)
    kept = tried.fields.text("key") if tried.fields is not None else None
    return Card(
        task=task,
        status=status,
        label=KINDS.label(request.kind),
        kind=kind,
        cannot=cannot,
        form={} if kind is None else kind.given(task, tried.fields),
        form_key=kept or asked.service.ids.new("form"),
        tried=tried,
        risk=risk_of(request),
        figure=figure_of(request),
        where=_where(found, now),
        soon=task.due_at is not None and task.due_at - now < _SOON,
        deadline=deadline_of(found, may_decide=cannot is None),
        then=timeout_words(task),
        why=tuple(_why(found, call, now)),
        runs=None if call is None else _runs(found, call),
        said=None if call is None else call.said,
        history=found.history,
        comments=tuple(found.comments),
        claimant=claimant,
        mine=claimant == asked.principal.id,
        snoozed_until=found.snoozed_until if found.snoozed_until and found.snoozed_until > now else None,
        colleagues=tuple(colleagues),
        looking=also_looking(asked, task) if status is TaskStatus.PENDING else (),
        settled=settled(task, found.parts, now),
        told=tried.told,
    )


def also_looking(asked: Asking, task: UserTask) -> tuple[str, ...]:
    """Return who else looks at a task, for those who may decide tasks: for nobody else it is of any use."""
    if not allows(asked.principal, "decide_tasks"):
        return ()
    return asked.service.looking.others(task.id, asked.principal.id, asked.now)


def _cannot(asked: Asking, found: Closely, kind: Kind | None) -> str | None:
    """Return why this person cannot decide a pending task; the runtime refuses it all the same."""
    task, principal = found.task, asked.principal
    own = found.parts.run.origin.started_by == principal.id
    if isinstance(task.spec.request, UnreadableRequest):
        return "What is asked cannot be read by this version, so it cannot be decided here. Its run can be terminated."
    if kind is None:
        return f"This version cannot show a task of kind “{task.spec.request.kind}”, so it cannot be decided here."
    if not task.intact:
        return "The stored question is not what was asked: it was changed in the database. It takes no answer."
    if not allows(principal, "decide_tasks"):
        return f"Your role ({principal.role}) reads tasks; owners, admins, developers and operators decide them."
    if own and not principal.workspace.settings.starters_may_decide:
        return "You started this run, so somebody else decides. Anybody else whose role decides tasks may."
    holder = task.claimant_at(asked.now)
    if holder not in {None, principal.id} and principal.role not in {"owner", "admin"}:
        return (
            f"{holder} is on this. It is free again when the claim ends or is released; an admin may decide meanwhile."
        )
    return None


def _where(found: Closely, now: datetime) -> Where:
    run, root = found.parts.run, found.root
    steps = steps_of(merge([(0, timeline(run, found.parts.entries, found.parts.tasks))]), known_of([found.parts]))
    asked = next((step.number for step in steps if found.task.id in {task.id for task in step.tasks}), None)
    earlier = steps if asked is None else steps[: asked - 1]
    how = _TRIGGERS.get(root.origin.trigger_type or "", "by code")
    by = f"{root.origin.started_by}, {how}" if root.origin.started_by else how
    return Where(
        run=run,
        root=root,
        step=asked,
        before=tuple(_before(step, now) for step in earlier[-_BEFORE:]),
        started=by,
        version=run.origin.version,
        test=root.origin.trigger_type == "test_run",
    )


def _before(step: Step, now: datetime) -> Before:
    badges = tuple(step_badges(step, now))
    return Before(step=step, what=KINDS_OF_STEPS[step.kind], title=title_of(step), badges=badges)


def _why(found: Closely, call: CallShown | None, now: datetime) -> list[str]:
    """Return why a person is asked: the rule, and what the record says beside it."""
    task, said = found.task, list[str]()
    if call is None:
        said.append(f"{task.spec.step_type} “{task.spec.step_name}” waits for a person")
    else:
        unknown = "it was sent, its outcome is unknown, and it is never sent again by itself"
        said.append(f"{call.tool}: {call.why or unknown}")
    operation = operation_of(task.spec)
    same = [other for other in found.parts.tasks if operation_of(other.spec) == operation]
    place = [other.id for other in same].index(task.id) + 1 if task.id in {other.id for other in same} else 1
    if place > 1:
        said.append(f"question number {place} about {operation} in this run")
    if found.asked and call is not None and call.subject is not None:
        about = json.dumps(subject_shown(call), ensure_ascii=False)
        said.append(f"{_counted(found.asked)} {call.tool} for {call.subject} = {about} within 24 hours")
    today = sum(now - one.at < _DAY for one in found.history.decisions)
    if today:
        more = " or more" if today == len(found.history.decisions) == 20 else ""
        said.append(f"{today}{more} about {operation} decided in the last 24 hours")
    return said


def _counted(number: int) -> str:
    if number >= MOST_ASKED:
        return f"at least the {MOST_ASKED}th"
    return f"the {_ORDINALS[number - 1]}" if number <= len(_ORDINALS) else f"number {number}:"


def _runs(found: Closely, call: CallShown) -> Runs:
    rows = rows_of(masked_arguments(call))
    stored = found.call
    return Runs(
        call=call,
        rows=rows,
        long=is_long_table(rows),
        promise=_PROMISES.get(call.effect, "Nothing is known of what it does."),
        reversible="nothing to reverse" if call.effect == "read" else "not by us",
        key=None if stored is None else stored.idempotency_key,
        state=None if stored is None or stored.state is CallState.AWAITING else str(stored.state).replace("_", " "),
        preview=foretelling(call.preview),
        secrets=tuple(sealed_at(call)),
    )
