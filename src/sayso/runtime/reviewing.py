"""What reviewers do with tasks beside deciding them: list, look closely, snooze, comment.

Deciding, claiming and releasing are `Inbox`'s; nothing here settles anything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from sayso.core.reviewing import History, burdens, operation_of
from sayso.model.calls import StoredCall
from sayso.model.errors import Invalid
from sayso.model.ids import TaskId
from sayso.model.reviews import Burden, Comment, ReviewFilter, ReviewPage, Tab
from sayso.model.runs import Run
from sayso.model.tasks import UserTask
from sayso.model.workspaces import Principal, Reach, WorkspaceId
from sayso.runtime.auditing import write_down
from sayso.runtime.confiding import said_of
from sayso.runtime.door import Runtime
from sayso.runtime.inbox import found
from sayso.runtime.ports import Transaction
from sayso.runtime.secrecy import cleaned
from sayso.runtime.sessions import RunParts, parts_of

T = TypeVar("T")
_SIMILAR = 20
_ASKED_WITHIN = timedelta(days=1)
MOST_ASKED = 100
"""Up to which number questions about the same are counted."""
_LONGEST_COMMENT = 4_000
_LONGEST_SNOOZE = timedelta(days=30)
_TABS: tuple[Tab, ...] = ("pending", "snoozed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Closely:
    """A task with everything that helps to decide it, on one snapshot."""

    task: UserTask
    parts: RunParts
    """Its run, with the journal and all tasks."""
    root: Run
    """The root of the run's tree; the run itself, mostly."""
    call: StoredCall | None
    """The call in question, as the ledger has it."""
    history: History
    """What was decided about the same operation of the same program before."""
    asked: int
    """How often the same operation was asked about with the same subject in the day until it was; see `MOST_ASKED`."""
    comments: Sequence[Comment]
    snoozed_until: datetime | None
    """For whoever looks."""


class Reviewing:
    """The inbox of one runtime, for people.

    Args:
        runtime: The door.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def page(self, wanted: ReviewFilter, *, limit: int, cursor: str | None = None) -> ReviewPage:
        """Return one page of an inbox.

        Raises:
            Invalid: The cursor is none that a page of this order returned.
        """
        now = self._runtime.clock.now()
        return await self._read(lambda tx: tx.reviews.page(wanted, now=now, limit=limit, cursor=cursor))

    async def opened(
        self, wanted: ReviewFilter, *, limit: int, cursor: str | None = None
    ) -> tuple[ReviewPage, Mapping[Tab, int]]:
        """Return one page of an inbox, and how many tasks wait for whoever looks and are snoozed by them.

        Both are counted up to `COUNTED`, on one snapshot; what the page has counted already is not counted twice.

        Raises:
            Invalid: The cursor is none that a page of this order returned.
        """
        now = self._runtime.clock.now()
        plain: Mapping[Tab, ReviewFilter] = {
            tab: ReviewFilter(person=wanted.person, reach=wanted.reach, tab=tab) for tab in _TABS
        }

        def unit(tx: Transaction) -> tuple[ReviewPage, Mapping[Tab, int]]:
            page = tx.reviews.page(wanted, now=now, limit=limit, cursor=cursor)
            known = {replace(wanted, sort="oldest"): page.total}
            counts: dict[Tab, int] = {}
            for tab in _TABS:
                each = plain[tab]
                counts[tab] = known[each] if each in known else tx.reviews.count(each, now=now)
            return page, counts

        return await self._read(unit)

    async def pending(self, person: str, reach: Reach) -> int:
        """Return how many tasks wait for a person, up to `COUNTED`."""
        now, wanted = self._runtime.clock.now(), ReviewFilter(person=person, reach=reach)
        return await self._read(lambda tx: tx.reviews.count(wanted, now=now))

    async def closely(self, task_id: TaskId, person: str, reach: Reach) -> Closely:
        """Return a task with everything that helps to decide it.

        Raises:
            TaskNotFound: No such task within reach.
        """

        def unit(tx: Transaction) -> Closely:
            task, run = found(tx, task_id, reach)
            operation = operation_of(task.spec)
            past = tx.reviews.similar(reach, task.program, operation, beside=task_id, limit=_SIMILAR)
            base = task.key.rpartition("?")[0]
            return Closely(
                task=task,
                parts=parts_of(tx, run),
                root=_root_of(tx, run),
                call=next((call for call in tx.calls.of_run(run.id) if call.key == base), None),
                history=History(decisions=past),
                asked=tx.reviews.asked_about(task_id, within=_ASKED_WITHIN, most=MOST_ASKED),
                comments=tx.reviews.comments(task_id),
                snoozed_until=tx.reviews.snoozed_until(task_id, person),
            )

        return await self._read(unit)

    async def snooze(self, task_id: TaskId, until: datetime, principal: Principal, reach: Reach) -> None:
        """Keep a task out of one person's sight until a time; it stays pending for everybody, and keeps its deadline.

        Raises:
            TaskNotFound: No such task within reach.
            Invalid: The time is not ahead, or too far ahead.
        """
        now = self._runtime.clock.now()
        if not now < until <= now + _LONGEST_SNOOZE:
            raise Invalid(f"Expected a time within {_LONGEST_SNOOZE.days} days from now to snooze until.")

        def unit(tx: Transaction) -> None:
            task, _ = found(tx, task_id, reach)
            tx.reviews.snooze(task_id, principal.id, until)
            about = {"until": until.isoformat()}
            write_down(tx, task.workspace_id, now, principal.actor, "task.snoozed", task_id, about)

        await self._runtime.store.run(unit)

    async def unsnooze(self, task_id: TaskId, principal: Principal, reach: Reach) -> None:
        """Show a task to that person again.

        Raises:
            TaskNotFound: No such task within reach.
        """
        now = self._runtime.clock.now()

        def unit(tx: Transaction) -> None:
            task, _ = found(tx, task_id, reach)
            tx.reviews.unsnooze(task_id, principal.id)
            write_down(tx, task.workspace_id, now, principal.actor, "task.unsnoozed", task_id, {})

        await self._runtime.store.run(unit)

    async def comment(self, task_id: TaskId, text: str, principal: Principal, reach: Reach) -> Comment:
        """Say something about a task without deciding it.

        Raises:
            TaskNotFound: No such task within reach.
            Invalid: There is nothing in it, or too much.
        """
        if not 0 < len(text.strip()) <= _LONGEST_COMMENT:
            raise Invalid(f"Expected a comment of 1 to {_LONGEST_COMMENT} characters.")
        now = self._runtime.clock.now()
        comment = Comment(
            id=self._runtime.ids.new("cmt"),
            task_id=task_id,
            by=principal.id,
            at=now,
            text=cleaned(self._runtime.secrets, text.strip()),
        )

        def unit(tx: Transaction) -> Comment:
            task, _ = found(tx, task_id, reach)
            said = replace(comment, text=said_of(tx, task.run_id, comment.text))
            tx.reviews.comment(said)
            write_down(tx, task.workspace_id, now, principal.actor, "task.commented", task_id, {"comment": comment.id})
            return said

        return await self._runtime.store.run(unit)

    async def burden(self, workspace_id: WorkspaceId, *, since: datetime, program: str | None = None) -> list[Burden]:
        """Return what each operation has asked of people since a time."""
        return burdens(await self._read(lambda tx: tx.reviews.weighed(workspace_id, since=since, program=program)))

    async def _read(self, unit: Callable[[Transaction], T]) -> T:
        return await self._runtime.store.read(unit)


def _root_of(tx: Transaction, run: Run) -> Run:
    while run.parent_id is not None:
        parent = tx.find_run(run.parent_id)
        if parent is None:
            return run
        run = parent
    return run
