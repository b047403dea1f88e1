"""The review inbox: what a task is about and found by, when it was closed, snoozes and comments.

Revision ID: 0005
"""

import json

import sqlalchemy as sa
from alembic import op

from sayso.core.reviewing import operation_of, words_of
from sayso.core.taskforms import spec_from_bytes
from sayso.model.errors import SaysoError

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_CLOSED = sa.text("closed_at IS NOT NULL")
_TASKS = sa.table(
    "tasks",
    sa.column("task_id"),
    sa.column("run_id"),
    sa.column("program"),
    sa.column("status"),
    sa.column("body"),
    sa.column("blob"),
    sa.column("created_at"),
    sa.column("operation"),
    sa.column("words"),
    sa.column("closed_at"),
)
_BLOBS = sa.table("blobs", sa.column("run_id"), sa.column("digest"), sa.column("data"))
_DECISIONS = sa.table("decisions", sa.column("task_id"), sa.column("at"))


def upgrade() -> None:
    """Add the columns and tables, and fill in what the tasks that are there say."""
    for name, kind in (("operation", sa.Text), ("words", sa.Text), ("closed_at", sa.BigInteger)):
        op.add_column("tasks", sa.Column(name, kind))
    _fill()
    for name, columns in {
        "ix_tasks_closed": ["workspace_id", "status", "closed_at", "task_id"],
        "ix_tasks_operation": ["workspace_id", "program", "operation", "closed_at", "task_id"],
    }.items():
        op.create_index(name, "tasks", columns, sqlite_where=_CLOSED, postgresql_where=_CLOSED)
    op.create_table(
        "snoozes",
        sa.Column("task_id", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "comments",
        sa.Column("comment_id", sa.Text, primary_key=True),
        sa.Column("task_id", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("ix_comments_task", "comments", ["task_id", "at"])


def _fill() -> None:
    connection = op.get_bind()
    joined = _TASKS.outerjoin(
        _BLOBS, sa.and_(_BLOBS.c.run_id == _TASKS.c.run_id, _BLOBS.c.digest == _TASKS.c.blob)
    ).outerjoin(_DECISIONS, _DECISIONS.c.task_id == _TASKS.c.task_id)
    found = connection.execute(
        sa.select(
            _TASKS.c.task_id,
            _TASKS.c.program,
            _TASKS.c.status,
            _TASKS.c.body,
            _TASKS.c.created_at,
            _BLOBS.c.data,
            _DECISIONS.c.at,
        ).select_from(joined)
    ).fetchall()
    for task_id, program, status, body, created, data, decided in found:
        values = {"closed_at": None if status == "pending" else decided or created, **_about(program, data or body)}
        connection.execute(sa.update(_TASKS).where(_TASKS.c.task_id == task_id).values(values))


def _about(program: str, body: bytes) -> dict[str, str]:
    """Return what is said of a task; one that cannot be read is found by nothing."""
    try:
        spec = spec_from_bytes(body)
    except (SaysoError, json.JSONDecodeError, TypeError, KeyError):
        return {}
    return {"operation": operation_of(spec), "words": words_of(program, spec)}
