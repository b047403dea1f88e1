"""From requirements that come back to the answers that are sent: only decisions are read, by requirement id."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sayso.core.verdicts import Refused, settle
from sayso.model.actors import TIMEOUT
from sayso.model.decisions import Verdict
from sayso.model.errors import (
    AlreadyDecided,
    Invalid,
    InvalidDecision,
    RunNotFound,
    RunNotPaused,
    TaskExpired,
    UnresolvedTasks,
)
from sayso.model.ids import TaskId
from sayso.model.runs import ENDED, Run, RunState
from sayso.model.tasks import TaskStatus, UserTask
from sayso.programs.agent.requirement import RunRequirement
from sayso.programs.agent.requirement import requirement_of as run_requirement_of
from sayso.programs.workflow.matching import refuse_changed, requirement_of
from sayso.programs.workflow.requirement import ErrorRequirement, Requirement, StepRequirement
from sayso.runtime.units import Chooser, Decide

Given = Sequence[Requirement | Mapping[str, Any]]
"""Requirements that come back, or their dicts."""


def chooser(program: str, given: Given, session_id: str | None, now: datetime, *, agent: bool = False) -> Chooser:
    """Return what works out the decisions from the requirements that came back.

    Args:
        program: The name of the program that the caller holds.
        given: The requirements, with their answers.
        session_id: The session that the caller takes the run to be in, if it says one.
        now: The time.
        agent: Whether dicts are those of an agent's run.
    """

    def choose(run: Run, tasks: Sequence[UserTask]) -> list[Decide]:
        _refuse_foreign_or_ended(run, program, session_id)
        commands = answers(given, tasks, now, agent=agent)
        if all(command.again for command in commands):
            _refuse_unresolved(run, tasks, now)
        return commands

    return choose


def _refuse_unresolved(run: Run, tasks: Sequence[UserTask], now: datetime) -> None:
    """Refuse to continue a run that waits for people, without any answer.

    Raises:
        UnresolvedTasks: Naming what is open.
    """
    due = run.ready_at is not None and run.ready_at <= now
    if run.state is RunState.WAITING and run.problem is None and not due:
        open_ = [task.key for task in tasks if task.status == "pending"]
        raise UnresolvedTasks(f"Cannot continue run {run.id} - unresolved step requirements: {open_}.", run_id=run.id)


def _refuse_foreign_or_ended(run: Run, program: str, session_id: str | None) -> None:
    """Refuse to continue what is not the caller's run, or is over.

    Raises:
        RunNotFound: It is of another program, or in another session.
        RunNotPaused: It has ended.
    """
    if session_id is not None and run.session_id != session_id:
        raise RunNotFound(f"Expected run {run.id} in session {session_id}, but it belongs to another.", run_id=run.id)
    if run.program != program:
        raise RunNotFound(f"Expected run {run.id} to be one of '{program}', but it is one of '{run.program}'.")
    if run.state in ENDED:
        status = {"failed": "ERROR"}.get(run.state, run.state.upper())
        raise RunNotPaused(f"Cannot continue a run that is not paused. Current status: {status}.", run_id=run.id)


def answers(given: Given, tasks: Sequence[UserTask], now: datetime, *, agent: bool = False) -> list[Decide]:
    """Return the decisions to record, and as `again` those that someone may have made already.

    Args:
        given: The requirements that came back, or their dicts.
        tasks: The run's tasks.
        now: The time.
        agent: Whether dicts are those of an agent's run.

    Raises:
        ValueError: A requirement is unknown or was changed, or its answer does not fit.
        AlreadyDecided: Someone else has decided otherwise.
        TaskExpired: The answer comes after the deadline.
    """
    if isinstance(given, Mapping | str):
        raise Invalid(f"Expected a list of requirements, but got a {type(given).__name__}.")
    by_id = {task.id: task for task in tasks}
    commands: list[Decide] = []
    for sent in _each(given, agent=agent):
        task = by_id.get(TaskId(str(sent.id)))  # an id of a type that is none of ours finds nothing
        if task is None:
            raise Invalid(f"Expected requirements of this run, but '{sent.id}' is not one of them.")
        command = _decision(sent, task, now)
        if command is not None:
            commands.append(command)
    return commands


def _each(given: Given, *, agent: bool) -> Iterator[Requirement]:
    """Return the requirements one by one, those of agents in steps included."""
    for item in given:
        sent = item if isinstance(item, Requirement) else _from_dict(item, agent=agent)
        if isinstance(sent, StepRequirement) and sent.requires_executor_input:
            yield from sent.executor_requirements
        else:
            yield sent


def _decision(sent: Requirement, task: UserTask, now: datetime) -> Decide | None:
    """Return the decision that a requirement brings; None where it brings none, or was decided when it was read."""
    if isinstance(sent, RunRequirement):
        stored: Any = run_requirement_of(task, now=now)
        if sent.digest not in {None, stored.digest}:
            raise Invalid(f"Expected requirement {stored.id} as it is stored, but its digest is another.")
    else:
        stored = requirement_of(task, None, now=now, index=None)
        refuse_changed(sent, stored)
    stored.answer_from(sent)
    verdict: Verdict | None = stored.verdict()
    if verdict is None:
        return None
    if is_settled(task, verdict, now, sent_before=sent.status == TaskStatus.COMPLETED):
        known = task.status is TaskStatus.COMPLETED and sent.status != TaskStatus.COMPLETED
        return Decide(task_id=task.id, verdict=verdict, digest=task.digest, again=True) if known else None
    outcome = settle(task.spec, verdict)
    if isinstance(outcome, Refused):
        raise InvalidDecision(f"Expected an answer that fits '{sent.step_id}', but: {outcome.reason}.")
    return Decide(task_id=task.id, verdict=verdict, digest=sent.digest or task.digest)


def is_settled(task: UserTask, verdict: Verdict, now: datetime, *, sent_before: bool) -> bool:
    """Tell whether an answer of this name is recorded already, or was settled when its holder read it.

    Raises:
        AlreadyDecided: Someone else has decided otherwise.
        TaskExpired: The answer comes after the deadline.
    """
    match task.status_at(now):
        case TaskStatus.PENDING:
            return False
        case TaskStatus.CANCELLED:
            return True
        case TaskStatus.COMPLETED:
            by_deadline = task.decided_by == str(TIMEOUT)
            if sent_before or (task.verdict == verdict.verdict and not by_deadline):
                return True
            raise _too_late(task, now)
        case TaskStatus.EXPIRED:
            raise TaskExpired(
                f"Expected an answer to '{task.key}' before {task.due_at}, but that time has passed.", task_id=task.id
            )


def _too_late(task: UserTask, now: datetime) -> Exception:
    if task.decided_by == str(TIMEOUT):
        return TaskExpired(
            f"Expected an answer to '{task.key}' before {task.due_at}, but that time has passed;"
            f" on_timeout='{task.spec.on_timeout}' was carried out.",
            task_id=task.id,
        )
    return AlreadyDecided(task.id, by=task.decided_by or "?", at=task.decided_at or now, verdict=task.verdict or "?")


def _from_dict(item: object, *, agent: bool) -> Requirement:
    if not isinstance(item, Mapping):
        raise Invalid(f"Expected requirements or their dicts, but got a {type(item).__name__}.")
    found = cast("Mapping[str, Any]", item)
    if agent:
        return RunRequirement.from_dict(found)
    is_error = "error_type" in found or "decision" in found
    return ErrorRequirement.from_dict(found) if is_error else StepRequirement.from_dict(found)
