"""Where a session and its runs stand, and how they read: pure functions of what was read on one snapshot."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sayso.core.codec import from_json, plain_of
from sayso.core.readable import readable
from sayso.core.states import status_of
from sayso.core.timeline import Item, merge, timeline
from sayso.model.agents import AgentVersion
from sayso.model.ids import RunId
from sayso.model.journal import EntryKind
from sayso.model.json import Json
from sayso.model.sessions import SessionSpans, SessionStatus, Span
from sayso.model.tasks import TaskStatus, UserTask
from sayso.runtime.sessions import RunParts, Whole


def pending_of(parts: RunParts, now: datetime) -> list[UserTask]:
    """Return the tasks of a run that wait for an answer."""
    return [task for task in parts.tasks if task.status_at(now) is TaskStatus.PENDING]


def run_status(parts: RunParts, now: datetime) -> SessionStatus:
    """Return where a run stands, in one word."""
    return status_of(parts.run.state, [task.spec.request.kind for task in pending_of(parts, now)])


def session_status(whole: Whole, now: datetime) -> SessionStatus:
    """Return where a session stands, in one word."""
    kinds = [task.spec.request.kind for parts in whole.runs for task in pending_of(parts, now)]
    moving = any(parts.run.parent_id is not None and parts.run.state in {"queued", "running"} for parts in whole.runs)
    return status_of(root_of(whole).run.state, kinds, children_move=moving)


def root_of(whole: Whole) -> RunParts:
    """Return the newest root run of a session."""
    return next(parts for parts in whole.runs if parts.run.id == whole.session.root_run_id)


def depths_of(whole: Whole) -> Mapping[RunId, int]:
    """Return how deep each run is in its tree."""
    depths: dict[RunId, int] = {}
    for parts in whole.runs:
        parent = parts.run.parent_id
        depths[parts.run.id] = 0 if parent is None else depths.get(parent, 0) + 1
    return depths


def merged(whole: Whole) -> list[Item]:
    """Return the timeline of a session: the items of all its runs."""
    depths = depths_of(whole)
    return merge([(depths[parts.run.id], timeline(parts.run, parts.entries, parts.tasks)) for parts in whole.runs])


def ended_at(parts: RunParts) -> datetime | None:
    """Return when a run ended."""
    last = parts.entries[-1] if parts.entries else None
    return last.at if last is not None and last.kind is EntryKind.FINISHED else None


def input_of(parts: RunParts) -> Json:
    """Return what a run was started with."""
    return readable(_started(parts).get("input"))


def version_of(parts: RunParts) -> AgentVersion | None:
    """Return the agent version that is frozen in a run; None where it is a workflow's."""
    stored = _started(parts).get("version")
    return None if stored is None else from_json(stored)


def spans_of(whole: Whole) -> SessionSpans:
    """Return when a session was at it, and when it waited for people."""
    roots = [Span(parts.run.created_at, ended_at(parts)) for parts in whole.runs if parts.run.parent_id is None]
    asked = [Span(task.created_at, task.closed_at or task.due_at) for parts in whole.runs for task in parts.tasks]
    return SessionSpans(roots=tuple(roots), asked=tuple(asked))


def _started(parts: RunParts) -> dict[str, Any]:
    return plain_of(parts.entries[0].data) if parts.entries else {}
