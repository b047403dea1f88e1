"""Killed with SIGKILL before and after every commit of every kind of gate; resumed in a new process.

The figures are printed (`-s`) and have floors: a run that was not killed proves nothing.
"""

import json
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from sayso import SqliteDb
from sayso.app.portal import portal
from sayso.core.codec import plain_of
from sayso.core.instants import from_micros
from sayso.model.audit import AuditFilter
from sayso.model.ids import RunId
from sayso.model.journal import EntryKind
from sayso.model.workspaces import DEFAULT_WORKSPACE
from tests.fault.flows import FLOWS, Effects, drive

ROOT = Path(__file__).parents[2]
_ENDS = ("COMPLETED", "CANCELLED")
_PHASES = ("before_commit", "after_commit")


@dataclass
class Tally:
    """What a campaign did."""

    runs: int = 0
    killed: int = 0
    lost: int = 0
    doubled: int = 0
    repeated: int = 0
    """Effects that arrived again with the same key, because the kill fell between them and their commit."""


def child(name: str, path: Path, phase: str, at: int) -> int:
    """Drive a flow in a process of its own that kills itself; return its exit code: killed, or at its end."""
    command = [sys.executable, "-m", "tests.fault.child", name, str(path), phase, str(at)]
    done = subprocess.run(command, cwd=ROOT, timeout=60, check=False, capture_output=True, text=True)
    assert done.returncode in {-9, 0}, done.stderr
    return done.returncode


def expected(name: str, folder: Path) -> tuple[object, dict[str, int], int]:
    """Return the content, the effects and the number of commits of an undisturbed run."""
    from sayso.testing import CrashPoint

    effects, point = Effects(folder / "calm.log"), CrashPoint("before_commit", 0)
    output = drive(name, folder / "calm.db", effects, point)
    assert output.status in _ENDS
    assert all(count == 1 for count in effects.attempts().values())
    return output.content, dict(effects.effects()), point.commits


def assert_extended_once(path: Path) -> None:
    """Expect one extension, in the journal, in the row and in the audit log alike, however often it was tried."""
    wanted = AuditFilter(action="task.extended")
    with SqliteDb(path) as db:
        store = db.runtime.store
        (task,), entries, rows = portal.call(
            store.read(
                lambda tx: (
                    tx.run_tasks(RunId("run_1"), pending_only=False),
                    tx.load_entries(RunId("run_1"), after=0),
                    tx.audit.fitting(DEFAULT_WORKSPACE, wanted, after=0, limit=9),
                )
            )
        )
    said = [from_micros(plain_of(entry.data)["due"]) for entry in entries if entry.kind is EntryKind.EXTENDED]
    assert said == [task.due_at]
    assert task.due_at == task.created_at + timedelta(hours=2)
    assert [row.target for row in rows] == [task.id]


def campaign(name: str, folder: Path, tally: Tally) -> None:
    """Kill a flow at each of its commits, both sides, and let it go on."""
    content, effects, commits = expected(name, folder)
    assert commits >= 4
    for at in range(1, commits + 1):
        for phase in _PHASES:
            place = folder / f"{phase}-{at}"
            place.mkdir()
            code = child(name, place / "run.db", phase, at)
            tally.runs += 1
            tally.killed += code == -9
            again = child(name, place / "run.db", "after_commit", 1)  # and once more, while it recovers
            tally.killed += again == -9
            after = Effects(place / "effects.log")
            output = drive(name, place / "run.db", after)
            assert output.status in _ENDS
            assert output.content == content
            if name == "extended":
                assert_extended_once(place / "run.db")
            tally.lost += len(effects.keys() - after.effects().keys())
            tally.doubled += sum(count > effects.get(step, 0) for step, count in after.effects().items())
            tally.repeated += sum(count > 1 for count in after.attempts().values())
            assert max(after.attempts().values()) <= 3, "a finished step was executed again"


@pytest.mark.timeout(900)
def test_every_commit_of_every_gate(tmp_path: Path) -> None:
    tallies = {name: Tally() for name in FLOWS if name != "outlasted"}

    def one(name: str) -> None:
        folder = tmp_path / name
        folder.mkdir()
        campaign(name, folder, tallies[name])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, tallies))
    for name, tally in tallies.items():
        print(name, vars(tally))
    total = Tally(*[sum(values) for values in zip(*[vars(tally).values() for tally in tallies.values()], strict=True)])
    print("\ncrash points:", json.dumps(vars(total)))
    assert total.killed >= 200
    assert total.lost == total.doubled == 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_kills_at_random_times(tmp_path: Path) -> None:
    """1,000 kills (`FAULT_KILLS`) while a run is being driven, up to five in a row on the same run.

    The clock starts when the process says that it begins, so that kills do not fall into its imports.
    """
    wanted = int(os.environ.get("FAULT_KILLS", "1000"))
    seed = int(os.environ.get("FAULT_SEED", "20261121"))
    chance = random.Random(seed)
    tally = Tally()
    calm: dict[str, tuple[object, dict[str, int], int]] = {}
    while tally.killed < wanted:
        name = chance.choice(list(FLOWS))
        if name not in calm:
            (tmp_path / name).mkdir()
            calm[name] = expected(name, tmp_path / name)
        content, effects, _ = calm[name]
        folder = tmp_path / str(tally.runs)
        folder.mkdir()
        tally.runs += 1
        for _ in range(5):
            code = killed_at_random(name, folder / "run.db", chance.uniform(0, 0.06))
            tally.killed += code == -9
            if code == 0:
                break
        output = drive(name, folder / "run.db", Effects(folder / "effects.log"))
        assert output.status in _ENDS
        assert output.content == content
        after = Effects(folder / "effects.log")
        tally.lost += len(effects.keys() - after.effects().keys())
        tally.doubled += sum(count > effects.get(step, 0) for step, count in after.effects().items())
        tally.repeated += sum(count > 1 for count in after.attempts().values())
    print(f"\nrandom kills, seed {seed}:", json.dumps(vars(tally)))
    assert tally.lost == tally.doubled == 0


def killed_at_random(name: str, path: Path, seconds: float) -> int:
    """Drive a flow in a process that is killed some time after it has begun; return its exit code."""
    command = [sys.executable, "-m", "tests.fault.child", name, str(path), "never", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"begins\n"
        time.sleep(seconds)
        running.kill()
    return running.returncode
