"""Bringing a SQLite file to this version's tables when it is opened.

A new file gets the tables at once; an older one is first copied beside itself, then upgraded by the packaged Alembic
scripts in one transaction; a newer one is refused. Alembic is imported only when there is something to upgrade. A test
holds the scripts and `schema.metadata` to the same result.
"""

from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from sayso.core.codec import VERSION
from sayso.model.errors import StoreTooNew, StoreUnavailable
from sayso.stores.schema import metadata

HEAD = "0007"
"""The newest revision in migrations/versions."""
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every revision this version knows, oldest first."""
SCRIPTS = Path(__file__).parent / "migrations"


def migrate(module: ModuleType, connection: Any, path: str) -> None:
    """Bring the database to `HEAD`; several processes may try at once.

    Raises:
        StoreTooNew: The file is at a revision that this version does not know.
        StoreUnavailable: The file is a database of something else, or cannot be copied before an upgrade.
    """
    if revision(connection) == HEAD:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = revision(connection)
        if found is None:
            _create(connection, path)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    if found is None or found == HEAD:
        return
    if found not in REVISIONS:
        raise StoreTooNew(f"Expected a database of revision {HEAD} or older, but {path} is at {found}.", path=path)
    _upgrade(module, connection, path, found)


def revision(connection: Any) -> str | None:
    """Return the revision that the file is at; None when it has none."""
    if not _tables(connection) >= {"alembic_version"}:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else row[0]


def _tables(connection: Any) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()}


def _create(connection: Any, path: str) -> None:
    foreign = _tables(connection)
    if foreign:
        raise StoreUnavailable(
            f"Expected {path} to be empty or a Sayso database, but it holds the tables {', '.join(sorted(foreign))}.",
            hint="Give another file.",
            path=path,
        )
    dialect = sqlite.dialect()
    for table in metadata.sorted_tables:
        connection.execute(str(CreateTable(table).compile(dialect=dialect)))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))
    connection.execute("INSERT INTO meta VALUES ('codec', ?)", (str(VERSION),))


def _upgrade(module: ModuleType, connection: Any, path: str, found: str) -> None:
    """Copy the file, then run the scripts from `found` to `HEAD` in one transaction."""
    import sqlalchemy  # Lazy: alembic takes a second to import, and only an upgrade needs it.
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory

    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")  # noqa: TID251 - names a backup, decides nothing
    copy = f"{path}.before-{HEAD}-{stamp}"
    try:
        connection.execute("VACUUM INTO ?", (copy,))
    except module.Error as exc:
        raise StoreUnavailable(f"Expected to copy {path} to {copy} before the upgrade, but: {exc}.", path=path) from exc
    engine = sqlalchemy.create_engine(
        "sqlite+pysqlite://", module=module, creator=lambda: connection, poolclass=sqlalchemy.StaticPool
    )
    script = ScriptDirectory(str(SCRIPTS))
    with engine.connect() as bound:
        bound.exec_driver_sql("BEGIN EXCLUSIVE")
        if revision(connection) == found:  # another process may have been faster
            with Operations.context(MigrationContext.configure(bound)):
                for step in reversed(list(script.iterate_revisions(HEAD, found))):
                    step.module.upgrade()
            bound.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (HEAD,))
        bound.commit()
