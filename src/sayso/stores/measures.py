"""The sums that the figures of a workspace are made of; each reads a bounded number of rows along an index."""

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ClauseElement, and_, case, func, or_, select

from sayso.core.instants import from_micros, to_micros
from sayso.model.ids import RunId, SessionId
from sayso.model.measures import COUNTED, Failure, Spending, Waiting
from sayso.model.runs import RunState
from sayso.model.workspaces import WorkspaceId
from sayso.stores.rows import state_of, usage_of
from sayso.stores.schema import runs, tasks
from sayso.stores.statements import ONE, ZERO, P, constant
from sayso.stores.workspace_schema import agents, versions

_MOST_GROUPS = 200
"""Programs and versions, those that have used most."""

_PENDING = and_(
    tasks.c.workspace_id == P("workspace_id"),
    tasks.c.status == constant("pending"),
    tasks.c.kind != constant("message"),
    or_(tasks.c.due_at.is_(None), tasks.c.due_at > P("now")),
)
_OLDEST = (
    select(tasks.c.kind, tasks.c.program, tasks.c.run_id, tasks.c.created_at, tasks.c.due_at)
    .where(_PENDING)
    .order_by(tasks.c.created_at, tasks.c.task_id)
    .limit(P("limit"))
    .offset(ZERO)
    .subquery()
)
_SINCE = and_(runs.c.workspace_id == P("workspace_id"), runs.c.created_at >= P("since"))
_NEWEST = (
    select(runs.c.program, runs.c.version_id, runs.c.input_tokens, runs.c.output_tokens, runs.c.cost_nano)
    .where(_SINCE)
    .order_by(runs.c.created_at.desc())
    .limit(P("limit"))
    .offset(ZERO)
    .subquery()
)
_USED = _NEWEST.c.input_tokens + _NEWEST.c.output_tokens
_UNPRICED = case((and_(_NEWEST.c.cost_nano.is_(None), _USED > ZERO), ONE), else_=ZERO)
_TOTAL = func.sum(_USED)
STATEMENTS: Mapping[str, ClauseElement] = {
    "waiting_by_kind": select(
        _OLDEST.c.kind,
        func.count().label("count"),
        func.min(_OLDEST.c.created_at),
        func.sum(case((_OLDEST.c.due_at <= P("soon"), ONE), else_=ZERO)),
    )
    .group_by(_OLDEST.c.kind)
    .order_by(func.count().desc(), _OLDEST.c.kind),
    "waiting_by_program": select(_OLDEST.c.program, func.count(_OLDEST.c.run_id.distinct())).group_by(
        _OLDEST.c.program
    ),
    "moved": select(runs.c.created_at, runs.c.state)
    .where(_SINCE)
    .order_by(runs.c.created_at.desc())
    .limit(P("limit"))
    .offset(ZERO),
    "spending": select(
        _NEWEST.c.program,
        _NEWEST.c.version_id,
        func.count(),
        func.sum(_NEWEST.c.input_tokens),
        func.sum(_NEWEST.c.output_tokens),
        func.sum(_NEWEST.c.cost_nano),
        func.sum(_UNPRICED),
    )
    .where(_USED > ZERO)
    .group_by(_NEWEST.c.program, _NEWEST.c.version_id)
    .order_by(_TOTAL.desc(), _NEWEST.c.program)
    .limit(P("groups"))
    .offset(ZERO),
    "version_model": select(agents.c.program, versions.c.body)
    .select_from(versions.join(agents, agents.c.agent_id == versions.c.agent_id))
    .where(versions.c.version_id == P("version_id"), agents.c.workspace_id == P("workspace_id")),
    "failures": select(runs.c.run_id, runs.c.session_id, runs.c.program, runs.c.created_at, runs.c.updated_at)
    .where(_SINCE, runs.c.state == constant("failed"))
    .order_by(runs.c.created_at.desc())
    .limit(P("limit"))
    .offset(ZERO),
    "program_names": select(agents.c.program, agents.c.name)
    .where(agents.c.workspace_id == P("workspace_id"), agents.c.program != agents.c.name)
    .limit(P("limit"))
    .offset(ZERO),
}


class MeasureRows:
    """The part of a transaction that adds up.

    Args:
        all_: Runs a selecting statement by name, and returns its rows.
    """

    def __init__(self, all_: Callable[..., list[Any]]) -> None:
        self._all = all_

    def waiting(self, workspace_id: WorkspaceId, *, now: datetime, soon: datetime) -> Sequence[Waiting]:
        """See the port."""
        rows = self._all(
            "waiting_by_kind", workspace_id=workspace_id, now=to_micros(now), soon=to_micros(soon), limit=COUNTED
        )
        return [Waiting(kind, count, from_micros(oldest), int(due)) for kind, count, oldest, due in rows]

    def runs_waiting(self, workspace_id: WorkspaceId, *, now: datetime) -> Mapping[str, int]:
        """See the port."""
        rows = self._all("waiting_by_program", workspace_id=workspace_id, now=to_micros(now), limit=COUNTED)
        return dict(rows)

    def moved(self, workspace_id: WorkspaceId, *, parts: Sequence[datetime]) -> Sequence[Mapping[RunState, int]]:
        """See the port."""
        begins = [to_micros(part) for part in parts]
        rows = self._all("moved", workspace_id=workspace_id, since=begins[0], limit=COUNTED)
        counted = Counter((bisect_right(begins, at) - 1, state) for at, state in rows)
        found: list[dict[RunState, int]] = [{} for _ in begins]
        for (place, state), count in counted.items():
            found[place][state_of(state)] = count
        return found

    def spending(self, workspace_id: WorkspaceId, *, since: datetime) -> Sequence[Spending]:
        """See the port."""
        rows = self._all(
            "spending", workspace_id=workspace_id, since=to_micros(since), limit=COUNTED, groups=_MOST_GROUPS
        )
        return [
            Spending(
                program, version, self._model(workspace_id, version, program), count, usage_of(given, made, cost),
                int(unpriced),
            )
            for program, version, count, given, made, cost, unpriced in rows
        ]  # fmt: skip

    def failures(self, workspace_id: WorkspaceId, *, since: datetime, limit: int) -> Sequence[Failure]:
        """See the port."""
        rows = self._all("failures", workspace_id=workspace_id, since=to_micros(since), limit=limit)
        return [
            Failure(RunId(run), SessionId(session), program, from_micros(begun), from_micros(ended))
            for run, session, program, begun, ended in rows
        ]

    def names(self, workspace_id: WorkspaceId) -> Mapping[str, str]:
        """See the port."""
        rows = self._all("program_names", workspace_id=workspace_id, limit=COUNTED)
        return dict(rows)

    def _model(self, workspace_id: WorkspaceId, version_id: str | None, program: str) -> str | None:
        """Return the model of a version; a child run carries the version of its root, which says nothing of its own."""
        found = version_id and self._all("version_model", workspace_id=workspace_id, version_id=version_id)
        if not found or found[0][0] != program:
            return None
        return json.loads(found[0][1]).get("llmModel")  # a workflow's version names none
