"""Whoever can write the database can change the audit log; the chain, or an anchor kept elsewhere, shows it (T87).

The figures are printed (`-s`). What no chain can show is tested as such: it must not be claimed.
"""

import asyncio
import json
import multiprocessing as mp
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sayso import HumanReview, SqliteDb, Step, Workflow
from sayso.core.audit import GENESIS, Checked, check, row_after
from sayso.core.instants import to_micros
from sayso.model.actors import Actor
from sayso.model.audit import AuditRow, NewAudit
from sayso.model.decisions import Approve
from sayso.model.ids import RunId
from sayso.model.workspaces import WorkspaceId
from sayso.runtime.auditing import write_down
from sayso.runtime.auditlog import _PAGE, check_chain
from sayso.stores.driver import sqlite_module
from sayso.testing import CrashPoint, FakeClock

ROOT = Path(__file__).parents[2]
_ROWS = 12
_MINE, _OTHER = WorkspaceId("default"), WorkspaceId("wsp_other")
_AT = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
Anchor = tuple[int, str] | None
_COLUMNS = ("workspace_id", "seq", "at", "by_type", "by_id", "via", "action", "target", "data", "prev_hash", "hash")


def fill(db: SqliteDb, count: int = _ROWS) -> None:
    def unit(tx: Any) -> None:
        for number in range(1, count + 1):
            for workspace in (_MINE, _OTHER):
                by = Actor(type="user", id=f"ana{number % 3}", via="cli")
                write_down(
                    tx, workspace, _AT, by, "task.decided", f"task_{number}", {"verdict": "approve", "n": number}
                )

    asyncio.run(db.runtime.store.run(unit))


def checked(path: Path, anchor: Anchor = None, workspace: WorkspaceId = _MINE) -> Checked:
    with SqliteDb(path, synchronous="NORMAL") as db:
        return asyncio.run(db.runtime.store.read(lambda tx: check_chain(tx, workspace, anchor)))


def rows(path: Path, workspace: WorkspaceId = _MINE) -> list[AuditRow]:
    with SqliteDb(path) as db:
        return asyncio.run(db.runtime.store.read(lambda tx: tx.audit.list(workspace, after=0, limit=10_000)))


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audit") / "intact.db"
    with SqliteDb(path) as db:
        fill(db)
    assert checked(path).broken is None
    return path


Attack = Callable[[sqlite3.Connection], object]


def attacked(intact: Path, path: Path, attack: Attack) -> None:
    """Make a copy of the database and change it by hand, with every right that its file gives."""
    shutil.copyfile(intact, path)  # it is closed, so its WAL is in it
    copy = sqlite_module().connect(path, isolation_level=None)
    copy.execute("PRAGMA synchronous=OFF")
    attack(copy)
    copy.close()


def sql(statement: str, *values: Any) -> Attack:
    return lambda db: db.execute(statement, values)


def put(db: sqlite3.Connection, row: AuditRow) -> None:
    values = (
        row.workspace_id, row.seq, to_micros(row.at), row.by.type, row.by.id, row.by.via, row.action, row.target,
        row.data, row.prev_hash, row.hash,
    )  # fmt: skip
    db.execute(f"INSERT INTO audit ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})", values)


def rewritten(chain: list[AuditRow], since: int, ana: str = "eve") -> list[AuditRow]:
    """Return the chain computed anew from a number on, with another person in it: every hash fits."""
    made = chain[: since - 1]
    for row in chain[since - 1 :]:
        last = (made[-1].seq, made[-1].hash) if made else None
        new = NewAudit(
            workspace_id=row.workspace_id, at=row.at, by=replace(row.by, id=ana), action=row.action, target=row.target,
            data=json.loads(row.data),
        )  # fmt: skip
        made.append(row_after(last, new))
    return made


def replaced(chain: list[AuditRow]) -> Attack:
    def attack(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM audit WHERE workspace_id = ?", (_MINE,))
        for row in chain:
            put(db, row)

    return attack


_AT_SEQ = "WHERE workspace_id = 'default' AND seq = ?"


def _values(column: str, row: AuditRow) -> list[Any]:
    """Return what a column may be changed to: another value, and other types."""
    changed = {
        "workspace_id": ["wsp_third"],
        "seq": [100 + row.seq, -row.seq, 2.5, "x"],
        "at": [to_micros(row.at) + 1, "yesterday", 2.5, 2**62, b"\x00"],
        "by_type": ["system", "robot", b"user"],
        "by_id": ["eve", "", b"ana"],
        "via": ["ui", b"cli"],
        "action": ["task.decideD", b"task.decided"],
        "target": ["task_99", f"{row.target} ", 5],
        "data": [row.data.replace(b"approve", b"reject"), row.data + b" ", b"", b"\xff", "text", 5],
        "prev_hash": ["0" * 63 + "1", row.prev_hash.upper() + "F", b"x"],
        "hash": ["0" * 64, "", b"x"],
    }
    return changed[column]


def visible(chain: list[AuditRow]) -> dict[str, tuple[Attack, int | None]]:
    """Return the attacks that the chain shows by itself, each with the first wrong number where it is one of ours."""
    middle, last = _ROWS // 2, _ROWS
    found: dict[str, tuple[Attack, int | None]] = {
        f"delete {number}": (sql(f"DELETE FROM audit {_AT_SEQ}", number), number) for number in range(1, last)
    }
    found["delete 3 to 6"] = sql("DELETE FROM audit WHERE seq BETWEEN 3 AND 6"), 3
    found |= {name: attack for number in (1, middle, last) for name, attack in edits(chain[number - 1])}
    for number in range(1, last):
        found[f"edit {number} and hash it again"] = _forged(rewritten(chain[:number], number)[-1]), number + 1
    for one, other in ((1, 2), (middle, middle + 1), (2, last), (1, last)):
        found[f"swap {one} and {other}"] = _swapped(one, other), one
    for number in (0, -5):
        found[f"insert before all at {number}"] = partial_put(replace(chain[0], seq=number)), number
    found["insert at the end, copied"] = partial_put(replace(chain[-1], seq=last + 1)), last + 1
    found["insert at the end, from nothing"] = partial_put(replace(chain[0], seq=last + 1)), last + 1
    found["insert in the middle, the rest renumbered"] = _insert(chain[middle]), middle + 1
    for number in (1, middle, last):
        found[f"fork: a second {number}"] = _second(replace(chain[number - 1], target="task_99")), number
        found[f"fork: {number} twice"] = _second(chain[number - 1]), number
    found["another workspace's chain in its place"] = _transplanted, 1
    return found


def edits(row: AuditRow) -> Iterator[tuple[str, tuple[Attack, int | None]]]:
    for column in _COLUMNS:
        if column == "workspace_id" and row.seq == _ROWS:
            continue  # a tail that was cut off; it shows in the other workspace
        for value in _values(column, row):
            change = sql(f"UPDATE audit SET {column} = ? {_AT_SEQ}", value, row.seq)
            yield f"edit {column} of {row.seq} to {value!r}", (change, None if column == "seq" else row.seq)


def _forged(row: AuditRow) -> Attack:
    def attack(db: sqlite3.Connection) -> None:
        db.execute(f"DELETE FROM audit {_AT_SEQ}", (row.seq,))
        put(db, row)

    return attack


def _swapped(one: int, other: int) -> Attack:
    def attack(db: sqlite3.Connection) -> None:
        for was, now in ((one, -99), (other, one), (-99, other)):
            db.execute(f"UPDATE audit SET seq = ? {_AT_SEQ}", (now, was))

    return attack


def partial_put(row: AuditRow) -> Attack:
    return lambda db: put(db, row)


def _insert(row: AuditRow) -> Attack:
    def attack(db: sqlite3.Connection) -> None:
        for number in range(_ROWS, row.seq - 1, -1):
            db.execute(f"UPDATE audit SET seq = seq + 1 {_AT_SEQ}", (number,))
        put(db, replace(row, target="task_99"))

    return attack


def _second(row: AuditRow) -> Attack:
    """A primary key forbids two rows of one number; whoever has the file can make the table without one."""

    def attack(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE other AS SELECT * FROM audit")
        db.execute("DROP TABLE audit")
        db.execute("ALTER TABLE other RENAME TO audit")
        put(db, row)

    return attack


def _transplanted(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM audit WHERE workspace_id = 'default'")
    db.execute("UPDATE audit SET workspace_id = 'default'")


def test_the_chain_shows_every_change_to_what_is_in_it(intact: Path, tmp_path: Path) -> None:
    attacks = visible(rows(intact))
    missed, misplaced = [], []
    for name, (attack, number) in attacks.items():
        path = tmp_path / "attacked.db"
        attacked(intact, path, attack)
        broken = checked(path).broken
        if broken is None:
            missed.append(name)
        elif number is not None and broken.seq != number:
            misplaced.append((name, number, broken))
    figures = {"cases": len(attacks), "detected": len(attacks) - len(missed), "named another number": len(misplaced)}
    print("\naudit chain:", json.dumps(figures))
    assert not missed
    assert not misplaced
    assert len(attacks) > 120


def hidden(chain: list[AuditRow]) -> dict[str, Attack]:
    """Return the attacks that leave a chain in which every hash fits."""
    found: dict[str, Attack] = {
        f"truncate to {keep}": sql("DELETE FROM audit WHERE seq > ?", keep) for keep in range(_ROWS)
    }
    for number in (1, 2, _ROWS // 2, _ROWS):
        found[f"rewrite from {number}"] = replaced(rewritten(chain, number))
        found[f"rewrite from {number}, and go on"] = replaced(rewritten(chain + chain[-2:], number))
    return found


def test_a_cut_tail_and_a_rewritten_chain_are_found_with_an_anchor_and_only_then(intact: Path, tmp_path: Path) -> None:
    chain = rows(intact)
    anchor = checked(intact).last
    assert anchor == (_ROWS, chain[-1].hash)
    attacks = hidden(chain)
    without = with_anchor = 0
    for attack in attacks.values():
        path = tmp_path / "attacked.db"
        attacked(intact, path, attack)
        without += checked(path).broken is not None
        with_anchor += checked(path, anchor).broken is not None
    print("\nhidden:", json.dumps({"cases": len(attacks), "without an anchor": without, "with one": with_anchor}))
    assert without == 0, "the documents say that this cannot be seen"
    assert with_anchor == len(attacks) == 20


def test_an_anchor_holds_what_comes_before_it_and_not_what_comes_after(intact: Path, tmp_path: Path) -> None:
    chain = rows(intact)
    early = (6, chain[5].hash)
    attacked(intact, tmp_path / "a.db", replaced(rewritten(chain, 7)))
    assert checked(tmp_path / "a.db", early).broken is None
    attacked(intact, tmp_path / "a.db", replaced(rewritten(chain, 6)))
    broken = checked(tmp_path / "a.db", early).broken
    assert broken is not None
    assert (broken.seq, broken.reason) == (6, "its hash is not the one that was noted down")
    forged = row_after((chain[-1].seq, chain[-1].hash), NewAudit(
        workspace_id=_MINE, at=_AT, by=Actor(type="user", id="eve"), action="task.decided", target="task_99", data={}
    ))  # fmt: skip
    attacked(intact, tmp_path / "a.db", partial_put(forged))
    assert checked(tmp_path / "a.db", (_ROWS, chain[-1].hash)).broken is None


def test_a_row_that_was_given_to_another_workspace_shows_there(intact: Path, tmp_path: Path) -> None:
    change = sql(f"UPDATE audit SET workspace_id = 'wsp_third' {_AT_SEQ}", _ROWS)
    attacked(intact, tmp_path / "a.db", change)
    assert checked(tmp_path / "a.db").broken is None
    assert checked(tmp_path / "a.db", workspace=WorkspaceId("wsp_third")).broken is not None
    command = [sys.executable, "-m", "sayso", "audit", "verify", "-d", str(tmp_path / "a.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "wsp_third: broken at number 1" in done.stdout) == (1, True)


def test_a_second_row_of_a_number_is_seen_where_pages_meet(tmp_path: Path) -> None:
    path = tmp_path / "long.db"
    with SqliteDb(path) as db:
        fill(db, 2 * _PAGE + 10)
    assert checked(path).rows == 2 * _PAGE + 10
    chain = rows(path)
    for number in (_PAGE - 1, _PAGE, _PAGE + 1, 2 * _PAGE - 1, 2 * _PAGE):
        attacked(path, tmp_path / "a.db", _second(chain[number - 1]))
        broken = checked(tmp_path / "a.db").broken
        assert broken is not None
        assert broken.seq == number


def test_text_that_is_none_does_not_pass(intact: Path, tmp_path: Path) -> None:
    """A TEXT column can hold bytes that are no UTF-8; the driver cannot even read them."""
    attacked(intact, tmp_path / "a.db", sql(f"UPDATE audit SET by_id = CAST(x'ff' AS TEXT) {_AT_SEQ}", 3))
    command = [sys.executable, "-m", "sayso", "audit", "verify", "-d", str(tmp_path / "a.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


def test_a_chain_without_rows_holds_and_an_anchor_says_that_it_had_some() -> None:
    assert check([]) == Checked(rows=0, last=None, broken=None)
    assert check([], (1, GENESIS)).broken is not None


# -- writing -----------------------------------------------------------------------------------------------


def _writer(number: int, path: Path, start: Any) -> None:
    by = Actor(type="user", id=f"writer {number}")

    async def write_all(db: SqliteDb) -> None:
        for turn in range(50):
            unit = lambda tx, turn=turn: write_down(tx, _MINE, _AT, by, "test", f"{number}.{turn}", {})  # noqa: E731
            await db.runtime.store.run(unit)

    with SqliteDb(path, synchronous="NORMAL") as db:
        db.runtime  # noqa: B018 - opened before the race
        start.wait(60)
        asyncio.run(write_all(db))


def test_eight_writers_make_one_chain(tmp_path: Path) -> None:
    path, context = tmp_path / "sayso.db", mp.get_context("spawn")
    with SqliteDb(path) as db:
        fill(db, 1)
    start = context.Barrier(8)
    writers = [context.Process(target=_writer, args=(n, path, start)) for n in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(100)
    assert [writer.exitcode for writer in writers] == [0] * 8
    found, chain = checked(path), rows(path)
    turns = sum(one.by != other.by for one, other in pairwise(chain))
    print("\nwriters:", json.dumps({"processes": 8, "rows": found.rows, "changes of hand": turns}))
    assert (found.rows, found.broken) == (401, None)
    assert {row.target for row in chain[1:]} == {f"{n}.{turn}" for n in range(8) for turn in range(50)}
    assert turns > 8, "there was no race"


def acts(path: Path, point: CrashPoint) -> None:
    """Do one of each privileged act, and eight decisions that share commits."""
    clock = FakeClock()
    with SqliteDb(path, clock=clock, observer=point) as db:
        gate = HumanReview(requires_confirmation=True, timeout=60, on_timeout="cancel")
        flow = Workflow("flow", db=db, steps=[Step("pay", lambda _: "paid", human_review=gate)])
        outputs = [flow.run("x") for _ in range(13)]
        by, runtime = Actor(type="user", id="ana", via="cli"), db.runtime

        def decided(number: int) -> Any:
            item = outputs[number].step_requirements[0]
            return runtime.decide(item.id, Approve(), digest=str(item.digest), by=by)

        async def work() -> None:
            await decided(0)
            await asyncio.gather(*[decided(number) for number in range(1, 9)])
            await runtime.cancel(RunId(outputs[9].run_id), by=by, reason="a duplicate")
            await runtime.complete(RunId(outputs[10].run_id), by=by, note="done by hand")
            clock.advance(61)
            await runtime.expire_due()

        asyncio.run(work())


def told_apart(path: Path) -> tuple[int, list[str]]:
    """Return how many acts are in the file, and every one that is told without being done, or the reverse."""
    connection = sqlite_module().connect(path)

    def of(statement: str) -> set[str]:
        return {row[0] for row in connection.execute(statement)}

    done = {
        "task": of("SELECT task_id FROM decisions"),
        "status": of("SELECT task_id FROM tasks WHERE status = 'completed'"),
        "journal": of("SELECT json_extract(data, '$.task') FROM journal WHERE kind = 'decided'"),
        "told": of("SELECT target FROM audit WHERE action IN ('task.decided', 'task.expired')"),
    }
    ended = {
        "cancelled": of("SELECT run_id FROM journal WHERE kind = 'cancel'"),
        "completed": of("SELECT run_id FROM journal WHERE kind = 'finished' AND json_extract(data, '$.by') = 'ana'"),
    }
    told = {name: of(f"SELECT target FROM audit WHERE action = 'run.{name}'") for name in ended}
    connection.close()
    apart = [f"{name} {item}" for name, items in done.items() for item in items ^ done["task"]]
    apart += [f"{name} {item}" for name, items in ended.items() for item in items ^ told[name]]
    return len(done["task"]) + sum(map(len, ended.values())), apart


@pytest.mark.timeout(300)
def test_an_act_and_its_row_are_one_commit(tmp_path: Path) -> None:
    point = CrashPoint("before_commit", 0)
    acts(tmp_path / "calm.db", point)
    assert told_apart(tmp_path / "calm.db") == (13, [])
    begun = 13  # the commits in which the runs came to their gates tell nothing yet

    def killed(phase: str, at: int) -> tuple[int, int, list[str], Checked]:
        path = tmp_path / f"{phase}-{at}.db"
        command = [sys.executable, "-m", "tests.fault.test_audit_chain", str(path), phase, str(at)]
        done = subprocess.run(command, cwd=ROOT, timeout=60, check=False, capture_output=True, text=True)
        assert done.returncode in {-9, 0}, done.stderr
        return done.returncode, *told_apart(path), checked(path)

    cases = [(phase, at) for at in range(begun, point.commits + 1) for phase in ("before_commit", "after_commit")]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda case: killed(*case), cases))
    kills = sum(code == -9 for code, *_ in results)
    counts = sorted({count for _, count, _, _ in results})
    apart = [item for _, _, found, _ in results for item in found]
    broken = [found for *_, found in results if found.broken is not None]
    print(
        "\none commit:", json.dumps({"kills": kills, "told apart": len(apart), "broken": len(broken), "seen": counts})
    )
    assert kills == len(cases) >= 20
    assert not apart
    assert not broken
    assert {0, 1} <= set(counts)
    assert max(counts) == 13
    assert all(found.rows == count for _, count, _, found in results)


if __name__ == "__main__":
    acts(Path(sys.argv[1]), CrashPoint(sys.argv[2], int(sys.argv[3])))
