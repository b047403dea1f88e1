"""The real command: whether the audit log holds, what it says, and taking it elsewhere."""

import asyncio
import csv
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso import HumanReview, SqliteDb, Step, Workflow
from sayso.core.audit import check, row_after
from sayso.core.auditforms import COLUMNS, row_from_json, row_to_json
from sayso.core.instants import to_micros
from sayso.model.actors import Actor
from sayso.model.audit import NewAudit
from sayso.model.workspaces import WorkspaceId
from sayso.runtime.auditing import write_down
from sayso.stores.driver import sqlite_module

_MINE = WorkspaceId("default")
_AT = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
_ANA = Actor(type="user", id="ana", via="cli")


def sayso(file: Path, *arguments: str, ok: int = 0) -> str:
    """Run the command and return its output; its exit code must be `ok`."""
    done = subprocess.run(
        [sys.executable, "-m", "sayso", "audit", *arguments],
        capture_output=True,
        timeout=60,
        env={**os.environ, "SAYSO_DATABASE": str(file)},
    )
    said, errors = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == ok, (done.returncode, said, errors)
    assert "Traceback" not in errors
    return said if ok == 0 else said + errors


def write(db: SqliteDb, action: str, target: str, hours: int = 0, by: Actor = _ANA, **data: Any) -> None:
    def unit(tx: Any) -> None:
        write_down(tx, _MINE, _AT + timedelta(hours=hours), by, action, target, data)

    asyncio.run(db.runtime.store.run(unit))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sayso.db"
    with SqliteDb(path) as db:
        write(db, "task.decided", "task_1", verdict="approve", note="fine, \u202e go \x1b[31mon")
        write(db, "run.cancelled", "run_1", hours=24, reason='=HYPERLINK("http://evil")')
        write(db, "task.expired", "task_2", hours=48, by=Actor(type="system", id="timeout", via="system"))
    return path


def test_what_verify_prints_is_what_verify_takes(file: Path) -> None:
    said = sayso(file, "verify")
    assert "default: 3 rows hold. Note down elsewhere: 3:" in said
    assert "Without an anchor, a tail that was cut off or a chain that was computed anew cannot be found." in said
    anchor = said.split("elsewhere: ")[1].split()[0]
    assert "Without an anchor" not in sayso(file, "verify", "--anchor", anchor)
    found = json.loads(sayso(file, "verify", "--anchor", anchor.upper(), "--json"))
    assert found == {
        "ok": True,
        "anchored": True,
        "chains": [
            {"workspace": "default", "rows": 3, "last": {"seq": 3, "hash": anchor.split(":")[1]}, "broken": None}
        ],
    }


def test_a_broken_chain_is_named_by_its_first_wrong_number(file: Path) -> None:
    anchor = sayso(file, "verify").split("elsewhere: ")[1].split()[0]
    change(file, "DELETE FROM audit WHERE seq = 3")
    assert "2 rows hold" in sayso(file, "verify")
    assert "broken at number 3: the chain ends before number 3" in sayso(file, "verify", "--anchor", anchor, ok=1)
    change(file, "UPDATE audit SET by_id = 'bob' WHERE seq = 2")
    assert "default: broken at number 2: its content is not what was hashed." in sayso(file, "verify", ok=1)
    found = json.loads(sayso(file, "verify", "--json", ok=1))
    assert (found["ok"], found["chains"][0]["broken"]["seq"], found["chains"][0]["rows"]) == (False, 2, 1)


@pytest.mark.parametrize("anchor", ["3", "0:" + "a" * 64, "3:abc", "x:" + "a" * 64])
def test_an_anchor_that_is_none_is_refused(file: Path, anchor: str) -> None:
    assert "Expected an anchor as SEQ:HASH" in sayso(file, "verify", "--anchor", anchor, ok=1)


def test_an_empty_log_says_so(tmp_path: Path) -> None:
    with SqliteDb(tmp_path / "empty.db") as db:
        db.runtime  # noqa: B018 - makes the file
    assert "default: no rows." in sayso(tmp_path / "empty.db", "verify")
    assert sayso(tmp_path / "empty.db", "ls") == ""
    assert sayso(tmp_path / "empty.db", "export") == ""
    assert "no such file" in sayso(tmp_path / "missing.db", "verify", ok=1)


def test_listing_shows_the_newest_last_and_cannot_touch_the_terminal(file: Path) -> None:
    lines = sayso(file, "ls").splitlines()
    assert [line.split("\t")[0] for line in lines] == ["1", "2", "3"]
    assert lines[2].split("\t")[1:6] == ["2026-01-03 09:00:00", "system:timeout", "system", "task.expired", "task_2"]
    assert "\x1b" not in lines[0]
    assert "\u202e" not in lines[0]
    assert [line.split("\t")[0] for line in sayso(file, "ls", "--limit", "2").splitlines()] == ["2", "3"]
    assert [row["seq"] for row in json.loads(sayso(file, "ls", "--limit", "1", "--json"))["rows"]] == [3]


def test_an_export_can_be_checked_without_the_database(file: Path) -> None:
    rows = [row_from_json(json.loads(line)) for line in sayso(file, "export").splitlines()]
    found = check(rows)
    assert (found.rows, found.broken) == (3, None)
    assert [row_from_json(row_to_json(row)) for row in rows] == rows


def test_an_export_keeps_bytes_that_are_no_json(file: Path) -> None:
    change(file, "UPDATE audit SET data = x'ff00' WHERE seq = 1")
    change(file, "UPDATE audit SET data = CAST('{\"a\": 1}' AS BLOB) WHERE seq = 2")
    one, two, _ = [json.loads(line) for line in sayso(file, "export").splitlines()]
    assert row_from_json(one).data == b"\xff\x00"
    assert row_from_json(two).data == b'{"a": 1}'


def test_an_export_of_some_rows(file: Path) -> None:
    def found(*options: str) -> list[int]:
        return [json.loads(line)["seq"] for line in sayso(file, "export", *options).splitlines()]

    assert found("--since", "2026-01-02") == [2, 3]
    assert found("--since", "2026-01-02T09:00:01") == [3]
    assert found("--since", "2026-01-02T09:00:00+0000", "--action", "task.*") == [3]
    assert found("--action", "task.decided") == [1]
    assert found("--workspace", "wsp_none") == []


def test_a_table_holds_no_formulas(file: Path) -> None:
    starts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1"]
    with SqliteDb(file) as db:
        for start in starts:
            write(db, "test", start, by=Actor(type="user", id=start, via="cli"))
    text = sayso(file, "export", "--format", "csv")
    head, *rows = list(csv.reader(text.splitlines(keepends=True)))
    assert tuple(head) == COLUMNS
    assert len(rows) == 3 + len(starts)
    for row, start in zip(rows[3:], starts, strict=True):
        named = dict(zip(head, row, strict=True))
        assert named["target"] == named["by_id"] == f"'{start}"
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.lstrip()[:1] in {"=", "+", "-", "@", "\uff1d"}]


def test_a_file_is_there_only_when_it_is_whole(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit.ndjson"
    sayso(file, "export", "-o", str(out))
    assert len(out.read_text("utf-8").splitlines()) == 3
    assert sorted(path.suffix for path in tmp_path.iterdir() if "audit" in path.name) == [".ndjson"]
    assert "Expected to write" in sayso(file, "export", "-o", str(tmp_path / "missing" / "a"), ok=1)


@pytest.fixture
def session(tmp_path: Path) -> Path:
    path = tmp_path / "run.db"
    with SqliteDb(path) as db:
        flow = Workflow("flow", db=db, steps=[
            Step("pay", lambda _: "paid", human_review=HumanReview(requires_confirmation=True))
        ])  # fmt: skip
        output = flow.run("x", session_id="../ses 1")
        output.step_requirements[0].confirm()
        flow.continue_run(output)
    return path


def test_a_packet_is_written_and_checked(session: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    assert sayso(session, "evidence", "../ses 1", "-o", str(folder), "--html") == ""
    assert sorted(path.name for path in folder.iterdir()) == ["evidence-___ses_1.html", "evidence-___ses_1.json"]
    packet = folder / "evidence-___ses_1.json"
    said = sayso(tmp_path / "none.db", "check", str(packet))
    assert "holds. Hash: " in said
    assert "Without the hash that was noted down" in said
    whole = said.split("Hash: ")[1].split()[0]
    assert "Without the hash" not in sayso(session, "check", str(packet), "--expect", whole.upper())
    assert "is not the one that was noted down" in sayso(session, "check", str(packet), "--expect", "a" * 64, ok=1)
    packet.write_text(packet.read_text("utf-8").replace('"verdict":"approve"', '"verdict":"reject"'), "utf-8")
    found = json.loads(sayso(session, "check", str(packet), "--json", ok=1))
    assert (found["ok"], "the part 'decisions' is not what was hashed" in found["problems"]) == (False, True)
    assert found["whole"] == whole


def test_a_packet_goes_where_it_is_sent(session: Path, tmp_path: Path) -> None:
    plain = sayso(session, "evidence", "../ses 1")
    assert json.loads(plain)["format"] == "sayso/evidence/v1"
    assert sayso(session, "evidence", "../ses 1", "--html").startswith("<!doctype html>")
    sayso(session, "evidence", "../ses 1", "-o", str(tmp_path / "a.html"), "--html")
    assert (tmp_path / "a.html").read_text("utf-8").startswith("<!doctype html>")
    assert "there is none" in sayso(session, "evidence", "ses_none", ok=3)


def test_what_is_no_packet_is_said(session: Path, tmp_path: Path) -> None:
    (tmp_path / "junk.json").write_bytes(b'{"a": 1, "a": 2}')
    assert "it says something twice" in sayso(session, "check", str(tmp_path / "junk.json"), ok=1)
    assert "Expected to read" in sayso(session, "check", str(tmp_path / "missing.json"), ok=1)
    (tmp_path / "other.json").write_bytes(b"{}")
    assert "it is no packet" in sayso(session, "check", str(tmp_path / "other.json"), ok=1)


def change(file: Path, statement: str) -> None:
    connection = sqlite_module().connect(file, isolation_level=None)
    connection.execute(statement)
    connection.close()


_MEASURED = """
import re, sys
from sayso.cli import app
try:
    app(sys.argv[1:])
except SystemExit as exc:
    assert not exc.code, exc.code
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1], file=sys.stderr)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's own peak")
def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    def peak(path: Path, *arguments: str) -> int:
        command = [sys.executable, "-c", _MEASURED, "audit", *arguments, "-d", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
        return int(done.stderr.split()[-1])

    peaks: dict[str, list[int]] = {"verify": [], "ndjson": [], "csv": []}
    for count in (1_000, 100_000):
        path = tmp_path / f"{count}.db"
        with SqliteDb(path) as db:
            db.runtime  # noqa: B018 - makes the file
        long_chain(path, count)
        peaks["verify"].append(peak(path, "verify"))
        for format_ in ("ndjson", "csv"):
            out = tmp_path / f"{count}.{format_}"
            peaks[format_].append(peak(path, "export", "--format", format_, "-o", str(out)))
            assert out.read_bytes().count(b"\n") == count + (format_ == "csv")
    print("\npeak KiB at 1,000 and 100,000 rows:", json.dumps(peaks))
    assert all(large - small < 8 * 1024 for small, large in peaks.values())


def long_chain(path: Path, count: int) -> None:
    def made() -> Any:
        last = None
        for number in range(count):
            new = NewAudit(
                workspace_id=_MINE, at=_AT, by=_ANA, action="task.decided", target=f"task_{number}", data={"n": number}
            )
            row = row_after(last, new)
            last = (row.seq, row.hash)
            at = to_micros(row.at)
            yield (_MINE, row.seq, at, "user", "ana", "cli", row.action, row.target, row.data, row.prev_hash, row.hash)

    connection = sqlite_module().connect(path)
    connection.executemany(f"INSERT INTO audit VALUES ({', '.join('?' * 11)})", made())
    connection.commit()
    connection.close()
