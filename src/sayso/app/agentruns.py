"""Runs of agents as their callers see them: outputs, the answers that come back, and what earlier runs have said."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sayso.app.outputs import STATUSES, error_of
from sayso.core.codec import from_json, plain_of, to_json
from sayso.model.agents import AgentVersion
from sayso.model.ids import SessionId
from sayso.model.journal import EntryKind
from sayso.model.messages import Message, Usage, UserMessage
from sayso.model.runs import Run, RunState
from sayso.model.tasks import UserTask
from sayso.programs.agent import replies
from sayso.programs.agent.definition import AgentExecution
from sayso.programs.agent.requirement import RunRequirement, requirement_of
from sayso.programs.agent.texts import rendered
from sayso.programs.workflow.output import RunStatus
from sayso.runtime.door import Runtime
from sayso.runtime.runner import Rest

_OWN_TURN = re.compile(r"turn#\d+/model")
"""The key of an answer of the run's own model; those of a team's members lie under its calls."""


@dataclass
class RunOutput:
    """A run of an agent as it stood when this was made."""

    run_id: str
    session_id: str
    status: RunStatus
    agent_name: str | None = None
    content: Any = None
    """The final answer; of a cancelled or failed run, one sentence that says why."""
    messages: list[Message] = field(default_factory=list[Message])
    """The conversation so far, what earlier runs of the session said included."""
    requirements: list[RunRequirement] = field(default_factory=list[RunRequirement])
    """Every question of the run so far, the newest last."""
    usage: Usage = field(default_factory=Usage)
    waiting_for: str | None = None
    """Of a paused run: `hitl`, `response` (the next message) or `timer`."""
    error: str | None = None
    error_code: str | None = None
    """Which limit was reached, or what went wrong."""
    problem: str | None = None
    """Why the run cannot be advanced by this code."""
    created_at: datetime | None = None

    @property
    def is_paused(self) -> bool:
        """Whether the run waits."""
        return self.status is RunStatus.paused

    @property
    def active_requirements(self) -> list[RunRequirement]:
        """Questions that wait for an answer in the store."""
        return [item for item in self.requirements if item.is_open]


def run_output_of(
    version: AgentVersion, run: Run, state: RunState, tasks: list[UserTask], now: datetime, rest: Rest | None
) -> RunOutput:
    """Return the output of a run; `rest` is missing where this code cannot replay it."""
    decided = {} if rest is None else rest.record.decisions
    output = RunOutput(
        run_id=run.id,
        session_id=run.session_id,
        status=STATUSES[state],
        agent_name=version.name,
        requirements=[requirement_of(task, now=now, outcome=decided.get(task.key)) for task in tasks],
        created_at=run.created_at,
        problem=run.problem,
    )
    if rest is None:
        return output
    result = cast("AgentExecution", rest.execution).result
    output.messages, output.usage = result.messages, result.usage
    finished = rest.record.finished or {}
    match state:
        case RunState.COMPLETED:
            output.content = rest.output
        case RunState.CANCELLED:
            output.content = rest.reason
        case RunState.FAILED:
            output.error = error_of(rest, finished)
            output.error_code = finished.get("e", {}).get("type")
            output.content = f"Agent failed: {output.error}"
        case RunState.QUEUED | RunState.RUNNING | RunState.WAITING | RunState.UNKNOWN:
            output.waiting_for = _waiting_for(output) if state is RunState.WAITING else None
    return output


def _waiting_for(output: RunOutput) -> str:
    kinds = {item.kind for item in output.active_requirements}
    if kinds - {"message"}:
        return "hitl"
    return "response" if kinds else "timer"


async def earlier_messages(runtime: Runtime, session_id: SessionId, program: str, most: int) -> Any:
    """Return what the session's last runs have said, in the codec's form: their inputs and their final answers."""
    runs = await runtime.list_runs(session_id=session_id, program=program, state=RunState.COMPLETED, limit=most)
    found: list[Message] = []
    for run in reversed(runs):
        _, entries = await runtime.load_run_with_entries(run.id)
        started = plain_of(entries[0].data)
        answers = [
            replies.restored(plain_of(entry.data)["v"])
            for entry in entries
            if entry.kind is EntryKind.STEP and _OWN_TURN.fullmatch(entry.key) and "v" in plain_of(entry.data)
        ]
        found.append(UserMessage(text=rendered(from_json(started.get("input")))))
        found += [answer for answer in answers[-1:] if not answer.calls]
    return to_json(found) if found else None
