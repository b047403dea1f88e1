"""Workspaces: the columns that carry them, and the tables of the service.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_PENDING = sa.text("status = 'pending'")


def upgrade() -> None:
    """Put what is there into the default workspace, and create the tables of the service."""
    op.add_column("runs", sa.Column("workspace_id", sa.Text, nullable=False, server_default="default"))
    for name in ("version_id", "trigger_type", "trigger_id", "started_by"):
        op.add_column("runs", sa.Column(name, sa.Text))
    triggered = sa.text("trigger_id IS NOT NULL")
    op.create_index(
        "ix_runs_trigger", "runs", ["trigger_id", "created_at"], sqlite_where=triggered, postgresql_where=triggered
    )
    op.add_column("sessions", sa.Column("workspace_id", sa.Text, nullable=False, server_default="default"))
    op.add_column("tasks", sa.Column("workspace_id", sa.Text, nullable=False, server_default="default"))
    op.add_column("tasks", sa.Column("claimed_by", sa.Text))
    op.add_column("tasks", sa.Column("claimed_until", sa.BigInteger))
    op.add_column("decisions", sa.Column("metadata", sa.LargeBinary))
    for name, columns in {
        "ix_tasks_pending": ["workspace_id", "created_at", "task_id"],
        "ix_tasks_kind": ["workspace_id", "kind", "created_at", "task_id"],
    }.items():
        op.drop_index(name, "tasks")
        op.create_index(name, "tasks", columns, sqlite_where=_PENDING, postgresql_where=_PENDING)
    _people()
    _credentials()
    _agents()
    _log()


def _people() -> None:
    op.create_table(
        "workspaces",
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("settings", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "people",
        sa.Column("person_id", sa.Text, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("subject", sa.Text),
        sa.Column("disabled_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_people_email", "people", ["email"], unique=True)
    op.create_index("ix_people_subject", "people", ["subject"], unique=True)
    op.create_table(
        "members",
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("person_id", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_members_person", "members", ["person_id"])
    op.create_table(
        "invitations",
        sa.Column("invitation_id", sa.Text, primary_key=True),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("accepted_at", sa.BigInteger),
    )
    op.create_index("ix_invitations_secret", "invitations", ["secret_hash"], unique=True)
    op.create_index("ix_invitations_workspace", "invitations", ["workspace_id", "created_at"])


def _credentials() -> None:
    op.create_table(
        "credentials",
        sa.Column("credential_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_index("ix_credentials_person", "credentials", ["person_id"])
    op.create_index("ix_credentials_secret", "credentials", ["secret_hash"], unique=True)
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("last4", sa.Text, nullable=False),
        sa.Column("scopes", sa.LargeBinary, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("last_used_at", sa.BigInteger),
    )
    op.create_index("ix_api_keys_workspace", "api_keys", ["workspace_id", "created_at"])


def _agents() -> None:
    op.create_table(
        "agents",
        sa.Column("agent_id", sa.Text, primary_key=True),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("deployed_version_id", sa.Text),
        sa.Column("block_reason", sa.Text),
        sa.Column("blocked_by", sa.Text),
        sa.Column("blocked_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_agents_name", "agents", ["workspace_id", "name"], unique=True)
    op.create_index("ix_agents_program", "agents", ["program"])
    op.create_table(
        "versions",
        sa.Column("version_id", sa.Text, primary_key=True),
        sa.Column("agent_id", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_versions_label", "versions", ["agent_id", "label"], unique=True)
    op.create_table(
        "triggers",
        sa.Column("trigger_id", sa.Text, primary_key=True),
        sa.Column("agent_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("active", sa.Integer, nullable=False),
        sa.Column("settings", sa.LargeBinary, nullable=False),
        sa.Column("last_fired_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_index(
        "ix_triggers_api",
        "triggers",
        ["agent_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'api'"),
        postgresql_where=sa.text("kind = 'api'"),
    )
    op.create_index("ix_triggers_name", "triggers", ["agent_id", "name"], unique=True)


def _log() -> None:
    op.create_table(
        "audit",
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by_type", sa.Text, nullable=False),
        sa.Column("by_id", sa.Text, nullable=False),
        sa.Column("via", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("prev_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.create_index("ix_audit_target", "audit", ["workspace_id", "target"])
    op.create_table(
        "requests",
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("principal", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_requests_at", "requests", ["at"])
