"""Secret arguments are kept apart from everything that refers to them; a task says whom it concerns.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the column; what was stored before stays where it is, and concerns nobody."""
    op.create_table(
        "confided",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("ref", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.add_column("tasks", sa.Column("subject", sa.Text))
    concerns = sa.text("subject IS NOT NULL")
    columns = ["workspace_id", "operation", "subject", "created_at"]
    op.create_index("ix_tasks_subject", "tasks", columns, sqlite_where=concerns, postgresql_where=concerns)
