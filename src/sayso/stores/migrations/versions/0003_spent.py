"""What runs have used, and the version that each was started with.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of runs that are there already nothing is known."""
    op.add_column("runs", sa.Column("version", sa.Text))
    op.add_column("runs", sa.Column("input_tokens", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("output_tokens", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("cost_nano", sa.BigInteger))
    op.add_column("runs", sa.Column("active_us", sa.BigInteger, nullable=False, server_default="0"))
