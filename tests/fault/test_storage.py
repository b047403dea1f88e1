"""The file: its revisions, its backups, and what is refused."""

import asyncio
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from sayso import HumanReview, SqliteDb, Step, Workflow
from sayso.model.errors import StoreTooNew, StoreUnavailable, UnsafeSqlite
from sayso.stores import driver, migrate
from sayso.stores.sqlite import SqliteStore

_SECOND = '''
"""A third revision."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE meta ADD COLUMN note TEXT")
'''


def paused(db: SqliteDb) -> Workflow:
    return Workflow("w", db=db, steps=[Step("s", str, human_review=HumanReview(requires_confirmation=True))])


def described(path: Path) -> list[tuple[Any, ...]]:
    """Return every column and index of a file."""
    connection = driver.sqlite_module().connect(str(path))
    try:
        tables = [
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        ]
        columns = [
            (table, *row[1:])
            for table in tables
            for row in connection.execute(f"PRAGMA table_info({table})").fetchall()
        ]
        sql = "SELECT name, replace(sql, '\"', '') FROM sqlite_master WHERE sql LIKE 'CREATE INDEX%' ORDER BY 1"
        indexes = connection.execute(sql).fetchall()
        return [*columns, *indexes]
    finally:
        connection.close()


def test_the_scripts_and_the_tables_are_the_same(tmp_path: Path) -> None:
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory
    from sqlalchemy import create_engine

    SqliteStore(str(tmp_path / "made.db")).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'scripted.db'}")
    script = ScriptDirectory(str(migrate.SCRIPTS))
    assert script.get_heads() == [migrate.HEAD]
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        for step in reversed(list(script.iterate_revisions("head", "base"))):
            step.module.upgrade()
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    engine.dispose()
    assert described(tmp_path / "scripted.db") == described(tmp_path / "made.db")


def test_an_older_file_is_copied_and_upgraded_with_its_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sayso.db"
    with SqliteDb(file) as db:
        output = paused(db).run("x")
    scripts = tmp_path / "migrations"
    shutil.copytree(migrate.SCRIPTS, scripts)
    (scripts / "versions" / "0008_second.py").write_text(_SECOND)
    monkeypatch.setattr(migrate, "SCRIPTS", scripts)
    monkeypatch.setattr(migrate, "HEAD", "0008")
    monkeypatch.setattr(migrate, "REVISIONS", ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008"))
    with SqliteDb(file) as db:
        output = paused(db).get_run_output(output.run_id)
        output.step_requirements[0].confirm()
        assert paused(db).continue_run(output).status == "COMPLETED"
    assert ("meta", "note") in {row[:2] for row in described(file)}
    copies = list(tmp_path.glob("sayso.db.before-0008-*"))
    assert len(copies) == 1
    assert ("meta", "note") not in {row[:2] for row in described(copies[0])}


def test_a_failing_upgrade_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sayso.db"
    SqliteStore(str(file)).close()
    scripts = tmp_path / "migrations"
    shutil.copytree(migrate.SCRIPTS, scripts)
    broken = _SECOND + '    raise RuntimeError("half way")\n'
    (scripts / "versions" / "0008_second.py").write_text(broken)
    before = described(file)
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "SCRIPTS", scripts)
        patched.setattr(migrate, "HEAD", "0008")
        patched.setattr(migrate, "REVISIONS", ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008"))
        with pytest.raises(RuntimeError, match="half way"):
            SqliteStore(str(file))
    assert described(file) == before
    SqliteStore(str(file)).close()


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "sayso.db"
    SqliteStore(str(file)).close()
    connection = driver.sqlite_module().connect(str(file))
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreTooNew, match="9999"):
        SqliteStore(str(file))


def test_what_is_no_database_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database, but quite long enough to look like one " * 20)
    with pytest.raises(StoreUnavailable):
        SqliteStore(str(tmp_path / "text.db"))
    connection = driver.sqlite_module().connect(str(tmp_path / "other.db"))
    connection.execute("CREATE TABLE cats (name TEXT)")
    connection.close()
    with pytest.raises(StoreUnavailable, match="cats"):
        SqliteStore(str(tmp_path / "other.db"))
    with pytest.raises(StoreUnavailable, match="does not exist"):
        SqliteStore(str(tmp_path / "none" / "s.db"))


def test_an_old_sqlite_is_refused_with_the_wheel_to_install() -> None:
    with pytest.raises(UnsafeSqlite, match="pysqlite3"):
        driver.check_version(SimpleNamespace(sqlite_version_info=(3, 40, 1), sqlite_version="3.40.1"))  # pyright: ignore[reportArgumentType] - stands for a module


def test_a_full_database_refuses_and_recovers(tmp_path: Path) -> None:
    """Nothing behind the failed commit has run, nothing is lost, and the run goes on once there is room."""
    ran: list[str] = []

    def act(_: Any) -> str:
        ran.append("act")
        return "x" * 60_000

    with SqliteDb(tmp_path / "s.db", lease_seconds=0.1) as db:
        workflow = Workflow("w", db=db, steps=[Step("one", act), Step("two", lambda _: ran.append("two"))])
        store: Any = db.runtime.store

        def limit(pages: int) -> None:
            asyncio.run(store.run(lambda tx: tx._cursor.execute(f"PRAGMA max_page_count={pages}").fetchone()))

        limit(1)
        with pytest.raises(StoreUnavailable, match="full"):
            workflow.run("y" * 200_000, run_id="run", session_id="ses")
        assert ran == []
        limit(1_000_000)
        assert workflow.run("y", run_id="run", session_id="ses").status == "COMPLETED"
    assert ran == ["act", "two"]


def test_a_lock_is_waited_for_and_then_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock storm (T1's fault 16): short locks only delay, a long one refuses the answer and loses nothing."""
    monkeypatch.setattr(driver, "BUSY_SECONDS", 0.6)
    file = tmp_path / "s.db"
    with SqliteDb(file) as db:
        workflow = paused(db)
        output = workflow.run("x", run_id="run", session_id="ses")
        other = driver.sqlite_module().connect(str(file), isolation_level=None, check_same_thread=False)
        for _ in range(3):
            other.execute("BEGIN IMMEDIATE")
            threading.Timer(0.2, other.execute, ("ROLLBACK",)).start()
            assert workflow.run("y").is_paused
        other.execute("BEGIN IMMEDIATE")
        output.step_requirements[0].confirm()
        with pytest.raises(StoreUnavailable, match="locked"):
            workflow.continue_run(output)
        assert workflow.get_run_output("run").is_paused
        other.execute("ROLLBACK")
        assert workflow.continue_run(output).status == "COMPLETED"
        other.close()


def test_a_watcher_that_fails_stops_neither_the_others_nor_the_writing(tmp_path: Path) -> None:
    told: dict[str, int] = {"before": 0, "failing": 0, "after": 0}

    def count(name: str) -> None:
        told[name] += 1

    def fail(_: object) -> None:
        count("failing")
        raise RuntimeError("the password is sesame-open")

    async def commit(store: SqliteStore, times: int) -> None:
        for _ in range(times):
            await asyncio.wait_for(store.probe(), timeout=20)

    with capture_logs() as lines:
        store = SqliteStore(str(tmp_path / "a.db"))
        store.watch(lambda _: count("before"))
        store.watch(fail)
        store.watch(lambda _: count("after"))
        asyncio.run(commit(store, 101))
        store.close()
    assert told == {"before": 101, "failing": 101, "after": 101}
    assert [line["error"] for line in lines] == ["RuntimeError"] * 101
    assert "test_storage.py" in lines[0]["at"][-1]
    assert "sesame" not in str(lines), "what an error says may be a secret; where it was raised is enough"
