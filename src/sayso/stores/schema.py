"""The tables, in one place, for SQLite and PostgreSQL alike.

Every access path of the runtime has an index, and those that serve a queue are partial: they hold only the rows that
wait. Large bodies live in `blobs`, once, beside the row that names them.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("program", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("owner", Text),
    Column("ready_at", BigInteger),
    Column("parent_id", Text),
    Column("parent_key", Text),
    Column("problem", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("version", Text),
    Column("input_tokens", BigInteger, nullable=False, server_default="0"),
    Column("output_tokens", BigInteger, nullable=False, server_default="0"),
    Column("cost_nano", BigInteger),
    Column("active_us", BigInteger, nullable=False, server_default="0"),
    Column("workspace_id", Text, nullable=False, server_default="default"),
    Column("version_id", Text),
    Column("trigger_type", Text),
    Column("trigger_id", Text),
    Column("started_by", Text),
)
_READY = runs.c.ready_at.is_not(None)
Index("ix_runs_ready", runs.c.program, runs.c.ready_at, sqlite_where=_READY, postgresql_where=_READY)
Index("ix_runs_session", runs.c.session_id, runs.c.created_at)
_CHILD = runs.c.parent_id.is_not(None)
Index("ix_runs_parent", runs.c.parent_id, sqlite_where=_CHILD, postgresql_where=_CHILD)
Index("ix_runs_created", runs.c.created_at)
_TRIGGERED = runs.c.trigger_id.is_not(None)
Index("ix_runs_trigger", runs.c.trigger_id, runs.c.created_at, sqlite_where=_TRIGGERED, postgresql_where=_TRIGGERED)

journal = Table(
    "journal",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("data", LargeBinary),
    Column("blob", Text),
)

blobs = Table(
    "blobs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

confided = Table(
    "confided",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("ref", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

tasks = Table(
    "tasks",
    metadata,
    Column("task_id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("program", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("body", LargeBinary),
    Column("blob", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("workspace_id", Text, nullable=False, server_default="default"),
    Column("claimed_by", Text),
    Column("claimed_until", BigInteger),
    Column("operation", Text),
    Column("words", Text),
    Column("closed_at", BigInteger),
    Column("subject", Text),
    Column("risk", Text),
    Column("assigned_to", Text),
)
_PENDING = tasks.c.status == text("'pending'")
Index("ix_tasks_run", tasks.c.run_id)
_PLACE = (tasks.c.created_at, tasks.c.task_id)
Index("ix_tasks_pending", tasks.c.workspace_id, *_PLACE, sqlite_where=_PENDING, postgresql_where=_PENDING)
Index("ix_tasks_kind", tasks.c.workspace_id, tasks.c.kind, *_PLACE, sqlite_where=_PENDING, postgresql_where=_PENDING)
_CONCERNS = tasks.c.subject.is_not(None)
Index(
    "ix_tasks_subject",
    tasks.c.workspace_id,
    tasks.c.operation,
    tasks.c.subject,
    tasks.c.created_at,
    sqlite_where=_CONCERNS,
    postgresql_where=_CONCERNS,
)
_CLOSED = tasks.c.closed_at.is_not(None)
_CLOSING = (tasks.c.closed_at, tasks.c.task_id)
Index(
    "ix_tasks_closed", tasks.c.workspace_id, tasks.c.status, *_CLOSING, sqlite_where=_CLOSED, postgresql_where=_CLOSED
)
Index(
    "ix_tasks_operation",
    tasks.c.workspace_id,
    tasks.c.program,
    tasks.c.operation,
    *_CLOSING,
    sqlite_where=_CLOSED,
    postgresql_where=_CLOSED,
)
_DUE = _PENDING & tasks.c.due_at.is_not(None)
Index("ix_tasks_due", tasks.c.due_at, sqlite_where=_DUE, postgresql_where=_DUE)

snoozes = Table(
    "snoozes",
    metadata,
    Column("task_id", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),
)

comments = Table(
    "comments",
    metadata,
    Column("comment_id", Text, primary_key=True),
    Column("task_id", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
)
Index("ix_comments_task", comments.c.task_id, comments.c.at)

decisions = Table(
    "decisions",
    metadata,
    Column("task_id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("note", Text),
    Column("by_type", Text, nullable=False),
    Column("by_id", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("metadata", LargeBinary),
    Column("summary", Text),
)

calls = Table(
    "calls",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("tool_digest", Text, nullable=False),
    Column("effect", Text, nullable=False),
    Column("arguments", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("first_sent_at", BigInteger),
)
Index("ix_calls_run", calls.c.run_id, calls.c.key, unique=True)

call_attempts = Table(
    "call_attempts",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("outcome", Text),
    Column("evidence", LargeBinary),
    Column("late", LargeBinary),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("user_id", Text),
    Column("state", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("workspace_id", Text, nullable=False, server_default="default"),
)

definitions = Table(
    "definitions",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("program", Text, nullable=False),
    Column("shape", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
