"""The first tables.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_PENDING = sa.text("status = 'pending'")
_DUE = sa.text("status = 'pending' AND due_at IS NOT NULL")


def upgrade() -> None:
    """Create every table of the first version."""
    op.create_table(
        "runs",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("ready_at", sa.BigInteger),
        sa.Column("parent_id", sa.Text),
        sa.Column("parent_key", sa.Text),
        sa.Column("problem", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    _index("ix_runs_ready", "runs", ["program", "ready_at"], sa.text("ready_at IS NOT NULL"))
    op.create_index("ix_runs_session", "runs", ["session_id", "created_at"])
    _index("ix_runs_parent", "runs", ["parent_id"], sa.text("parent_id IS NOT NULL"))
    op.create_index("ix_runs_created", "runs", ["created_at"])
    op.create_table(
        "journal",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("data", sa.LargeBinary),
        sa.Column("blob", sa.Text),
    )
    op.create_table(
        "blobs",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    _people()
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "definitions",
        sa.Column("fingerprint", sa.Text, primary_key=True),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("shape", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table("meta", sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False))
    op.execute("INSERT INTO meta VALUES ('codec', '1')")


def _people() -> None:
    op.create_table(
        "tasks",
        sa.Column("task_id", sa.Text, primary_key=True),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("blob", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger),
    )
    op.create_index("ix_tasks_run", "tasks", ["run_id"])
    _index("ix_tasks_pending", "tasks", ["created_at", "task_id"], _PENDING)
    _index("ix_tasks_kind", "tasks", ["kind", "created_at", "task_id"], _PENDING)
    _index("ix_tasks_due", "tasks", ["due_at"], _DUE)
    op.create_table(
        "decisions",
        sa.Column("task_id", sa.Text, primary_key=True),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("by_type", sa.Text, nullable=False),
        sa.Column("by_id", sa.Text, nullable=False),
        sa.Column("via", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
    )


def _index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
