"""The tables of the service: workspaces, people and their credentials, keys, agents as data, the audit chain.

A run, a task and a session carry their workspace; everything here belongs to exactly one, except people, who may be
members of several.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, text

from sayso.stores.schema import metadata

workspaces = Table(
    "workspaces",
    metadata,
    Column("workspace_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("settings", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("subject", Text),
    Column("disabled_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
)
Index("ix_people_email", people.c.email, unique=True)
Index("ix_people_subject", people.c.subject, unique=True)

members = Table(
    "members",
    metadata,
    Column("workspace_id", Text, primary_key=True),
    Column("person_id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
Index("ix_members_person", members.c.person_id)

invitations = Table(
    "invitations",
    metadata,
    Column("invitation_id", Text, primary_key=True),
    Column("workspace_id", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("accepted_at", BigInteger),
)
Index("ix_invitations_secret", invitations.c.secret_hash, unique=True)
Index("ix_invitations_workspace", invitations.c.workspace_id, invitations.c.created_at)

credentials = Table(
    "credentials",
    metadata,
    Column("credential_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger),
    Column("ended_at", BigInteger),
)
Index("ix_credentials_secret", credentials.c.secret_hash, unique=True)
Index("ix_credentials_person", credentials.c.person_id)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("workspace_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("last4", Text, nullable=False),
    Column("scopes", LargeBinary, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("last_used_at", BigInteger),
)
Index("ix_api_keys_workspace", api_keys.c.workspace_id, api_keys.c.created_at)

agents = Table(
    "agents",
    metadata,
    Column("agent_id", Text, primary_key=True),
    Column("workspace_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("program", Text, nullable=False),
    Column("deployed_version_id", Text),
    Column("block_reason", Text),
    Column("blocked_by", Text),
    Column("blocked_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
Index("ix_agents_name", agents.c.workspace_id, agents.c.name, unique=True)
Index("ix_agents_program", agents.c.program)

versions = Table(
    "versions",
    metadata,
    Column("version_id", Text, primary_key=True),
    Column("agent_id", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
Index("ix_versions_label", versions.c.agent_id, versions.c.label, unique=True)

triggers = Table(
    "triggers",
    metadata,
    Column("trigger_id", Text, primary_key=True),
    Column("agent_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("active", Integer, nullable=False),
    Column("settings", LargeBinary, nullable=False),
    Column("last_fired_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
Index("ix_triggers_name", triggers.c.agent_id, triggers.c.name, unique=True)
_API = triggers.c.kind == text("'api'")
Index("ix_triggers_api", triggers.c.agent_id, unique=True, sqlite_where=_API, postgresql_where=_API)

audit = Table(
    "audit",
    metadata,
    Column("workspace_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("by_type", Text, nullable=False),
    Column("by_id", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
Index("ix_audit_target", audit.c.workspace_id, audit.c.target)

requests = Table(
    "requests",
    metadata,
    Column("workspace_id", Text, primary_key=True),
    Column("principal", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)
Index("ix_requests_at", requests.c.at)
