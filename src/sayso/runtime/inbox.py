"""What people and keys do with user tasks over the service: list, read, claim, release, assign, complete.

It decides by the same command as everybody (`units.decide`); what it adds is who may: the reach of a key, tasks that
are for people only, runs that somebody started and must not decide alone, and claims.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sayso.core.codec import to_json
from sayso.core.completions import Fields, verdict_of
from sayso.core.directoryforms import email_of
from sayso.core.roles import may
from sayso.model.decisions import Decision
from sayso.model.errors import AlreadyDecided, TaskClosed, TaskNotFound
from sayso.model.ids import RunId, TaskId
from sayso.model.json import Json
from sayso.model.requesterrors import NotAssignable, OwnRun, PeopleOnly, TaskClaimed, TaskNotPending
from sayso.model.runs import Run
from sayso.model.tasks import UserTask
from sayso.model.workspaces import Member, Principal, Reach, Workspace
from sayso.runtime import extending, units
from sayso.runtime.auditing import write_down
from sayso.runtime.completing import by_keys, by_keys_of
from sayso.runtime.confiding import revealed
from sayso.runtime.door import Runtime
from sayso.runtime.integrity import refuse_unreadable
from sayso.runtime.ports import Transaction
from sayso.runtime.reach import refuse_beyond, refuse_hidden
from sayso.runtime.secrecy import cleaned, cleaned_verdict

CLAIM = timedelta(minutes=15)
"""How long a claim lasts without being renewed."""


class Inbox:
    """The user tasks of one runtime, for people and keys.

    Args:
        runtime: The door.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def show(self, task_id: TaskId, reach: Reach) -> tuple[UserTask, Run]:
        """Return a task with its run.

        Raises:
            TaskNotFound: No such task within reach.
        """
        return await self._runtime.store.read(lambda tx: found(tx, task_id, reach))

    async def by_keys(self, tasks: Sequence[UserTask]) -> Mapping[RunId, frozenset[str]]:
        """Return the kinds that a key may complete, for each run of some tasks."""
        return await self._runtime.store.read(lambda tx: by_keys_of(tx, tasks))

    async def claim(self, task_id: TaskId, principal: Principal, reach: Reach) -> UserTask:
        """Say to be on a task, for a quarter of an hour; claiming again renews.

        Raises:
            TaskNotFound: No such task within reach.
            TaskClaimed: Somebody else is on it.
            TaskNotPending, TaskExpired: It is over.
        """
        now = self._runtime.clock.now()

        def unit(tx: Transaction) -> UserTask:
            task, _ = found(tx, task_id, reach)
            _refuse_if_settled(task, now)
            if not tx.claim_task(task_id, principal.id, now=now, until=now + CLAIM):
                raise _claimed(task)
            write_down(tx, task.workspace_id, now, principal.actor, "task.claimed", task_id, {})
            return found(tx, task_id, reach)[0]

        return await self._runtime.store.run(unit)

    async def reveal(self, task_id: TaskId, place: str, principal: Principal, reach: Reach) -> Json:
        """Return one secret argument to a person who may decide now; that they are told is written down first.

        Raises:
            TaskNotFound: No such task within reach.
            PeopleOnly: A key asks.
            OwnRun, TaskClaimed: This person may not decide it.
            TaskNotPending, TaskExpired: It is over.
            Invalid: There is no secret at that place.
            LedgerConflict: What is kept is not what was sealed.
        """
        now = self._runtime.clock.now()

        def unit(tx: Transaction) -> Json:
            task, run = found(tx, task_id, reach)
            if principal.key is not None:
                raise PeopleOnly(f"Expected a person to be told a secret of task {task.id}.", task_id=task.id)
            _refuse_to_decide(tx, task, run, principal, now)
            return revealed(tx, task, place, principal.actor, now)

        return await self._runtime.store.run(unit)

    async def release(self, task_id: TaskId, principal: Principal, reach: Reach) -> UserTask:
        """Say to be no longer on a task; admins may say so for others.

        Raises:
            TaskNotFound: No such task within reach.
            TaskClaimed: Somebody else is on it.
        """
        now = self._runtime.clock.now()

        def unit(tx: Transaction) -> UserTask:
            task, _ = found(tx, task_id, reach)
            _refuse_if_claimed(task, principal, now)
            if task.claimed_by is not None:
                tx.release_task(task_id)
                write_down(tx, task.workspace_id, now, principal.actor, "task.released", task_id, {})
            return found(tx, task_id, reach)[0]

        return await self._runtime.store.run(unit)

    async def assign(self, task_id: TaskId, to: str | None, principal: Principal, reach: Reach) -> UserTask:
        """Say whose work a task is, or nobody's; it is no lock and does not lapse: others may still decide.

        Raises:
            TaskNotFound: No such task within reach.
            NotAssignable: Nobody of this address may decide it.
            TaskNotPending, TaskExpired: It is over.
        """
        now = self._runtime.clock.now()

        def unit(tx: Transaction) -> UserTask:
            task, run = found(tx, task_id, reach)
            _refuse_if_settled(task, now)
            address = None if to is None else _assignable(tx, run, to, principal)
            if address != task.assigned_to and tx.assign_task(task_id, address):
                about: dict[str, Json] = {"to": address, "before": task.assigned_to}
                write_down(tx, task.workspace_id, now, principal.actor, "task.assigned", task_id, about)
            return found(tx, task_id, reach)[0]

        return await self._runtime.store.run(unit)

    async def assignable(self, principal: Principal) -> list[str]:
        """Return who may decide tasks of the workspace, by address."""
        workspace = principal.workspace
        members = await self._runtime.store.read(lambda tx: tx.directory.list_members(workspace.id))
        return [member.person.email for member in members if _decides(member, workspace)]

    def extending(
        self, task_id: TaskId, principal: Principal, reach: Reach, *, shown: datetime | None = None
    ) -> Callable[[Transaction], UserTask]:
        """Return the unit that extends a task's deadline once; `Runtime.wake` must follow it.

        Args:
            task_id: The task.
            principal: Who wants more time: somebody who may decide the task.
            reach: What they may see.
            shown: The deadline that was shown to them, if one was.

        Raises:
            TaskNotFound: No such task within reach. (When the unit runs.)
            PeopleOnly, OwnRun, TaskClaimed: This principal may not decide it.
            TaskNotPending, TaskExpired: It is over.
            DeadlineMoved, DeadlineFixed: See `extending.extend`.
        """
        now = self._runtime.clock.now()

        def unit(tx: Transaction) -> UserTask:
            task, run = found(tx, task_id, reach)
            _refuse_to_decide(tx, task, run, principal, now)
            return extending.extend(tx, task_id, principal.actor, now, shown=shown)

        return unit

    async def extend(
        self, task_id: TaskId, principal: Principal, reach: Reach, *, shown: datetime | None = None
    ) -> UserTask:
        """Extend a task's deadline once; see `extending`."""
        task = await self._runtime.store.run(self.extending(task_id, principal, reach, shown=shown))
        self._runtime.wake(task.run_id)
        return task

    def completing(
        self, task_id: TaskId, sent: Fields, principal: Principal, reach: Reach, *, run_id: RunId | None = None
    ) -> Callable[[Transaction], Decision]:
        """Return the unit that completes a task with what was sent; `Runtime.wake` must follow it.

        Args:
            task_id: The task.
            sent: The fields of the completion, by their wire names; `digest` binds it to what was shown.
            principal: Who decides.
            reach: What they may see.
            run_id: The run that the task must be of.

        Raises:
            TaskNotFound: No such task within reach, or of another run. (When the unit runs.)
            PeopleOnly, OwnRun, TaskClaimed: This principal may not decide it.
            InvalidCompletion: The fields do not fit; the task stays pending.
            TaskNotPending: Someone was faster, or the run ended; the error says how it stands.
            TaskExpired, TaskChanged, TaskUnreadable, InvalidDecision: See `units.decide`.
        """
        now, secrets = self._runtime.clock.now(), self._runtime.secrets
        fields: dict[str, Any] = dict(sent)
        digest, metadata = fields.pop("digest", None), fields.get("metadata")

        def unit(tx: Transaction) -> Decision:
            task, run = found(tx, task_id, reach)
            if run_id is not None and task.run_id != run_id:
                raise TaskNotFound(f"Expected task {task_id} to be of run {run_id}, but it is not.", task_id=task_id)
            _refuse_to_decide(tx, task, run, principal, now)
            verdict = cleaned_verdict(secrets, verdict_of(task.spec.request, fields))
            kept = None if metadata is None else cleaned(secrets, to_json(metadata))
            return units.decide(tx, task_id, verdict, digest or task.digest, principal.actor, now, metadata=kept)

        return unit


def found(tx: Transaction, task_id: TaskId, reach: Reach) -> tuple[UserTask, Run]:
    """Return a task and its run.

    Raises:
        TaskNotFound: There is none in the workspace.
        OutOfScope: There is, but the key does not reach it, or its trigger hides tasks from keys.
    """
    task = tx.find_task(task_id)
    run = None if task is None else tx.find_run(task.run_id)
    if task is None or run is None or run.origin.workspace_id != reach.workspace_id:
        raise TaskNotFound(f"Expected a user task {task_id}, but there is none.", task_id=task_id)
    refuse_beyond(tx, reach, run)
    refuse_hidden(reach, run)
    return task, run


def _assignable(tx: Transaction, run: Run, to: str, principal: Principal) -> str:
    """Return the address of a member who may decide what a run asks.

    Raises:
        NotAssignable: Nobody of this address may.
    """
    address, workspace = email_of(to), principal.workspace
    person = None if address is None else tx.directory.find_person_by_email(address)
    member = None if person is None else tx.directory.find_member(workspace.id, person.id)
    if member is None or not _decides(member, workspace):
        raise NotAssignable("Expected the address of a member who may decide tasks, but it is nobody's.")
    if member.person.email == run.origin.started_by and not workspace.settings.starters_may_decide:
        raise NotAssignable(f"Expected somebody else, since {member.person.email} started the run.")
    return member.person.email


def _decides(member: Member, workspace: Workspace) -> bool:
    return member.person.disabled_at is None and may(member.role, "decide_tasks", workspace.settings)


def _refuse_if_settled(task: UserTask, now: datetime) -> None:
    try:
        units.refuse_if_settled(task, now)
    except (AlreadyDecided, TaskClosed) as exc:
        raise TaskNotPending(
            exc.message,
            task_id=task.id,
            status=str(task.status_at(now)),
            verdict=task.verdict,
            decided_by=task.decided_by,
            decided_at=None if task.decided_at is None else task.decided_at.isoformat(),
        ) from exc


def _refuse_to_decide(tx: Transaction, task: UserTask, run: Run, principal: Principal, now: datetime) -> None:
    """Refuse what only somebody may do who may decide a task, while it is open."""
    _refuse_if_settled(task, now)
    refuse_unreadable(task)
    kind = task.spec.request.kind
    if principal.key is not None and kind not in by_keys(tx, run):
        raise PeopleOnly(f"Expected a person to decide task {task.id}, since it is of kind '{kind}'.", task_id=task.id)
    own = run.origin.started_by == principal.id
    if own and (principal.key is not None or not principal.workspace.settings.starters_may_decide):
        raise OwnRun(
            f"Expected somebody else to decide task {task.id}: {principal.id} started its run.", task_id=task.id
        )
    _refuse_if_claimed(task, principal, now)


def _refuse_if_claimed(task: UserTask, principal: Principal, now: datetime) -> None:
    holder = task.claimant_at(now)
    if holder not in {None, principal.id} and principal.role not in {"owner", "admin"}:
        raise _claimed(task)


def _claimed(task: UserTask) -> TaskClaimed:
    until = "?" if task.claimed_until is None else f"{task.claimed_until:%H:%M} UTC"
    return TaskClaimed(
        f"Expected task {task.id} to be free, but {task.claimed_by} is on it until {until}.", task_id=task.id
    )
