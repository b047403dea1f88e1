"""Watching a file: every change of a run's state and of a task's status, as the database itself sees it."""

from pathlib import Path

from sayso.core.states import RUN_MOVES, TASK_MOVES
from sayso.stores.driver import sqlite_module
from sayso.stores.sqlite import SqliteStore

Moves = set[tuple[str, str, str]]

LEGAL: Moves = {("runs", old, new) for (old, _), new in RUN_MOVES.items() if old != new} | {
    ("tasks", old, new) for (old, _), new in TASK_MOVES.items()
}


def watch(file: Path) -> None:
    """Let triggers write down what moves in a file."""
    SqliteStore(str(file)).close()
    connection = sqlite_module().connect(str(file), isolation_level=None)
    connection.execute("CREATE TABLE IF NOT EXISTS moves (what TEXT, old TEXT, new TEXT, UNIQUE (what, old, new))")
    for table, column in (("runs", "state"), ("tasks", "status")):
        connection.execute(
            f"CREATE TRIGGER IF NOT EXISTS {table}_move AFTER UPDATE OF {column} ON {table}"
            f" WHEN old.{column} <> new.{column}"
            f" BEGIN INSERT OR IGNORE INTO moves VALUES ('{table}', old.{column}, new.{column}); END"
        )
    connection.close()


def moves(file: Path) -> Moves:
    """Return what has moved in a watched file."""
    connection = sqlite_module().connect(str(file))
    found = {tuple(row) for row in connection.execute("SELECT what, old, new FROM moves")}
    connection.close()
    return found
