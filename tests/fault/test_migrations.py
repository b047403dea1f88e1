"""Every older schema becomes, by its migrations, exactly the schema that a new file begins with."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy.pool import StaticPool

from sayso import SqliteDb
from sayso.app.portal import portal
from sayso.core.completions import BY_KEYS
from sayso.core.taskforms import spec_bytes
from sayso.model.runs import RunState
from sayso.model.tasks import ApprovalRequest, TaskSpec
from sayso.stores import migrate
from sayso.stores.driver import sqlite_module
from sayso.stores.sqlite import SqliteStore
from tests.web.cardprograms import HOLD, clerk, flows


def _at(path: Path, revision: str) -> None:
    """Make a file as the migrations up to a revision leave it."""
    module = sqlite_module()
    connection = module.connect(path, isolation_level=None)
    engine = sqlalchemy.create_engine(
        "sqlite+pysqlite://", module=module, creator=lambda: connection, poolclass=StaticPool
    )
    script = ScriptDirectory(str(migrate.SCRIPTS))
    with engine.connect() as bound:
        with Operations.context(MigrationContext.configure(bound)):
            for step in reversed(list(script.iterate_revisions(revision, "base"))):
                step.module.upgrade()
        bound.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        bound.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (revision,))
        bound.commit()
    connection.close()


def _schema(path: Path) -> dict[str, Any]:
    connection = sqlite_module().connect(path)
    names = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'").fetchall()]
    columns = {
        name: sorted(row[1:] for row in connection.execute(f"pragma table_info({name})").fetchall()) for name in names
    }
    indexes = {
        row[0]: " ".join(row[1].replace('"', "").split())
        for row in connection.execute("select name, sql from sqlite_master where type = 'index' and sql is not null")
    }
    connection.close()
    return {"columns": columns, "indexes": indexes}


@pytest.mark.parametrize("revision", migrate.REVISIONS)
def test_an_older_file_becomes_what_a_new_one_is(tmp_path: Path, revision: str) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    _at(old, revision)
    SqliteStore(str(old)).close()
    SqliteStore(str(new)).close()
    found, wanted = _schema(old), _schema(new)
    assert found["columns"].keys() == wanted["columns"].keys()
    for table, columns in wanted["columns"].items():
        assert [row[:2] for row in found["columns"][table]] == [row[:2] for row in columns], table
    assert found["indexes"] == wanted["indexes"]


def test_what_was_there_belongs_to_the_default_workspace(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    _at(path, "0002")
    connection = sqlite_module().connect(path)
    with connection:
        connection.execute(
            "insert into runs (run_id, session_id, program, fingerprint, state, epoch, seq, created_at, updated_at)"
            " values ('run', 'ses', 'flow', 'f', 'waiting', 1, 1, 1, 1)"
        )
    connection.close()
    store = SqliteStore(str(path))
    run = portal.call(store.read(lambda tx: tx.find_run("run")))  # type: ignore[arg-type]
    store.close()
    assert run is not None
    assert (run.state, run.origin.workspace_id, run.usage.total_tokens) == (RunState.WAITING, "default", 0)


def test_tasks_of_before_are_found_by_their_words_and_know_when_they_were_closed(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    _at(path, "0004")
    spec = TaskSpec(request=ApprovalRequest(message="Pay ANN?"), step_name="pay", step_type="Step")
    tasks = [("open", "pending", spec_bytes(spec)), ("done", "completed", spec_bytes(spec)), ("odd", "pending", b"?")]
    connection = sqlite_module().connect(path)
    with connection:
        connection.executemany(
            "insert into tasks (task_id, run_id, session_id, program, key, kind, status, digest, body, created_at)"
            " values (?, 'run', 'ses', 'flow', 'k', 'approval', ?, 'd', ?, 7)",
            tasks,
        )
        connection.execute(
            "insert into decisions (task_id, run_id, verdict, action, by_type, by_id, via, at, digest)"
            " values ('done', 'run', 'approve', 'proceed', 'user', 'ana', 'cli', 9, 'd')"
        )
    connection.close()
    SqliteStore(str(path)).close()
    connection = sqlite_module().connect(path)
    rows = connection.execute("select task_id, operation, words, closed_at from tasks order by task_id").fetchall()
    connection.close()
    assert [tuple(row) for row in rows] == [
        ("done", "pay", "pay ann? flow pay", 9), ("odd", None, None, None), ("open", "pay", "pay ann? flow pay", None)
    ]  # fmt: skip


def test_tasks_of_before_say_what_was_answered_and_how_much_is_at_stake(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    _at(path, "0005")
    spec = TaskSpec(request=ApprovalRequest(message="Pay ANN?"), step_name="pay", step_type="Step")
    shown = spec_bytes(spec)
    tasks = [("open", "a", "pending", shown), ("done", "b", "completed", shown), ("odd", "c", "pending", b"?")]
    told = b'{"v":1,"action":"skip","verdict":"reject","note":"not this one","task":"done","by":"ana","via":"cli"}'
    connection = sqlite_module().connect(path)
    with connection:
        connection.executemany(
            "insert into tasks (task_id, key, run_id, session_id, program, kind, status, digest, body, created_at)"
            " values (?, ?, 'run', 'ses', 'flow', 'approval', ?, 'd', ?, 7)",
            tasks,
        )
        connection.execute(
            "insert into journal (run_id, seq, key, kind, at, data) values ('run', 1, 'b', 'decided', 9, ?)", (told,)
        )
        connection.execute(
            "insert into decisions (task_id, run_id, verdict, action, by_type, by_id, via, at, digest)"
            " values ('done', 'run', 'reject', 'skip', 'user', 'ana', 'cli', 9, 'd')"
        )
    connection.close()
    SqliteStore(str(path)).close()
    connection = sqlite_module().connect(path)
    rows = connection.execute(
        "select task_id, risk, assigned_to, summary from tasks left join decisions using (task_id) order by task_id"
    ).fetchall()
    connection.close()
    assert [tuple(row) for row in rows] == [
        ("done", "medium", None, "“not this one”"), ("odd", None, None, None), ("open", "medium", None, None)
    ]  # fmt: skip


_BACK = (
    "DROP INDEX ix_tasks_subject",
    "ALTER TABLE tasks DROP COLUMN subject",
    "ALTER TABLE tasks DROP COLUMN risk",
    "ALTER TABLE tasks DROP COLUMN assigned_to",
    "ALTER TABLE decisions DROP COLUMN summary",
    "DROP TABLE confided",
    "UPDATE alembic_version SET version_num = '0005'",
)
"""What makes a file of revision 0007 one of 0005."""
_SAYS = "select t.task_id, t.risk, d.summary from tasks t left join decisions d using (task_id) order by t.task_id"


def test_runs_that_wait_with_every_kind_of_question_say_the_same_after_the_upgrade_and_go_on(tmp_path: Path) -> None:
    path, done = tmp_path / "old.db", list[Any]()
    with SqliteDb(path) as db:
        agent, ways = clerk(db, done, []), flows(db, done)
        for name in HOLD:
            agent.run({"message": name}, run_id=f"agent-{name}")
        for way in ways:
            way.run("x", run_id=f"flow-{way.name}")
        for name, answer in (("look", lambda one: one.reject("no need")), ("text", lambda one: one.answer("blue"))):
            output = agent.run({"message": name}, run_id=f"decided-{name}")
            answer(output.active_requirements[0])
            agent.continue_run(output)
    connection = sqlite_module().connect(path)
    before = connection.execute(_SAYS).fetchall()
    kinds = {row[0] for row in connection.execute("select kind from tasks where status = 'pending'").fetchall()}
    for statement in _BACK:
        connection.execute(statement)
    connection.commit()
    connection.close()
    assert kinds >= BY_KEYS | {"uncertain"}
    assert {row[2] for row in before} >= {"“no need”", "blue"}
    SqliteStore(str(path)).close()
    connection = sqlite_module().connect(path)
    assert connection.execute(_SAYS).fetchall() == before
    connection.close()
    with SqliteDb(path) as db:
        agent, (confirm, *_) = clerk(db, done, []), flows(db, done)
        output = agent.get_run_output("agent-move")
        output.active_requirements[0].respond("Not today.")
        assert agent.continue_run(output).content == "Done."
        waiting = confirm.get_run_output("flow-confirm")
        waiting.step_requirements[0].confirm()
        assert str(confirm.continue_run(waiting).status) == "COMPLETED"
    assert [one[0] for one in done] == ["confirm", "after"]
