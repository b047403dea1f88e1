"""Secret arguments are kept apart from everything that refers to them.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; what was stored before stays where it is."""
    op.create_table(
        "confided",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("ref", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
