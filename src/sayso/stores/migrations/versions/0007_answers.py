"""What was answered in one line, how much is at stake, and to whom a task is assigned.

Revision ID: 0007
"""

import json
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
from alembic import op

from sayso.core.codec import plain_of
from sayso.core.decisionforms import outcome_from_json
from sayso.core.risks import risk_of
from sayso.core.summaries import summary_of
from sayso.core.taskforms import spec_from_bytes
from sayso.model.errors import SaysoError
from sayso.model.tasks import TaskSpec

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

T = TypeVar("T")
_TASKS = sa.table(
    "tasks",
    sa.column("task_id"),
    sa.column("run_id"),
    sa.column("key"),
    sa.column("body"),
    sa.column("blob"),
    sa.column("risk"),
)
_BLOBS = sa.table("blobs", sa.column("run_id"), sa.column("digest"), sa.column("data"))
_JOURNAL = sa.table(
    "journal", sa.column("run_id"), sa.column("key"), sa.column("kind"), sa.column("data"), sa.column("blob")
)
_DECISIONS = sa.table("decisions", sa.column("task_id"), sa.column("summary"))


def upgrade() -> None:
    """Add the columns, and fill in what the tasks and decisions that are there say."""
    op.add_column("tasks", sa.Column("risk", sa.Text))
    op.add_column("tasks", sa.Column("assigned_to", sa.Text))
    op.add_column("decisions", sa.Column("summary", sa.Text))
    _fill()


def _fill() -> None:
    connection = op.get_bind()
    shown, said = _BLOBS.alias("shown"), _BLOBS.alias("said")
    joined = (
        _TASKS.outerjoin(shown, sa.and_(shown.c.run_id == _TASKS.c.run_id, shown.c.digest == _TASKS.c.blob))
        .outerjoin(
            _JOURNAL,
            sa.and_(_JOURNAL.c.run_id == _TASKS.c.run_id, _JOURNAL.c.key == _TASKS.c.key, _JOURNAL.c.kind == "decided"),
        )
        .outerjoin(said, sa.and_(said.c.run_id == _JOURNAL.c.run_id, said.c.digest == _JOURNAL.c.blob))
    )
    columns = (_TASKS.c.task_id, _TASKS.c.body, shown.c.data, _JOURNAL.c.data, said.c.data)
    for task_id, body, blob, entry, stored in connection.execute(sa.select(*columns).select_from(joined)).fetchall():
        spec = _read(spec_from_bytes, blob or body)
        if spec is None:
            continue
        risk = risk_of(spec.request).level
        connection.execute(sa.update(_TASKS).where(_TASKS.c.task_id == task_id).values(risk=risk))
        if stored or entry:
            summary = _read(partial(_summary, spec), stored or entry)
            connection.execute(sa.update(_DECISIONS).where(_DECISIONS.c.task_id == task_id).values(summary=summary))


def _summary(spec: TaskSpec, decided: bytes) -> str | None:
    return summary_of(spec.request, outcome_from_json(plain_of(decided)))


def _read(read: Callable[[bytes], T], data: bytes) -> T | None:
    """Return what can be read; what cannot is told nowhere."""
    try:
        return read(data)
    except (SaysoError, json.JSONDecodeError, TypeError, KeyError):
        return None
