"""Killed at every point of the ledger, for every effect class and every kind of answer.

The law: an effect that reached the remote has a start in the ledger; a `once` call is sent at most once; an unknown
outcome is asked of a person exactly once; no decision is lost; a rejected call never leaves.
"""

import itertools
import json
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sayso.app.portal import portal
from sayso.model.ids import RunId
from sayso.testing import CrashPoint
from tests.fault.desk import HOW, Remote, agent, drive

ROOT = Path(__file__).parents[2]
EFFECTS = ("read", "keyed", "once")


@dataclass
class Tally:
    """What a campaign did."""

    runs: int = 0
    killed: int = 0
    lost_decisions: int = 0
    once_sent_twice: int = 0
    unapproved: int = 0
    uncertain: int = 0
    """Calls whose outcome a person was asked about."""
    uncertain_without_task: int = 0
    resent: int = 0
    """`read` and `keyed` calls that were sent again, with the same key."""


def child(place: Path, effect: str, how: str, phase: str, at: int, *, in_tool: bool = False) -> int:
    command = [sys.executable, "-m", "tests.fault.desk", str(place), effect, how, phase, str(at)]
    extra = {"DIE_IN_TOOL": "1"} if in_tool else {}
    done = subprocess.run(command, cwd=ROOT, timeout=60, check=False, capture_output=True, env={**os.environ, **extra})
    assert done.returncode in {-9, 0}, done.stderr.decode()
    return done.returncode


def audit(place: Path, effect: str, how: str, tally: Tally) -> None:
    """Finish a run, and hold its ledger against what reached the remote."""
    before = _decided(place, effect, how)
    output = drive(place, effect, how)
    assert output.status == "COMPLETED"
    found = agent(place, effect, how)
    with found.db:
        runtime = found.db.runtime
        rows: Any = portal.call(runtime.store.read(lambda tx: tx.calls.of_run(RunId("run_1"))))
        tasks = portal.call(runtime.run_tasks(RunId("run_1")))
    after = {task.id: task.verdict for task in tasks}
    tally.lost_decisions += sum(after.get(task) != verdict for task, verdict in before.items())
    pays = {row.idempotency_key: row for row in rows if row.tool == "pay"}
    asked = [task.key for task in tasks if task.spec.request.kind == "uncertain"]
    assert len(asked) == len(set(asked))
    for key, times in Remote(place / "remote.log").sent().items():
        row = pays.get(key)
        tally.unapproved += row is None or row.attempt < 1 or how == "reject"
        if row is not None:
            tally.once_sent_twice += effect == "once" and times > 1
            tally.resent += effect != "once" and times > 1
            assert times <= row.attempt
    tally.uncertain += len(asked)
    if effect == "once":
        sent = Remote(place / "remote.log").sent()
        for key, row in pays.items():
            unknown = str(row.state) == "failed" and sent.get(key, 0) > 0
            tally.uncertain_without_task += unknown and f"{row.key}?uncertain" not in asked


def _decided(place: Path, effect: str, how: str) -> dict[str, str]:
    """Return the decisions that were acknowledged before the kill."""
    found = agent(place, effect, how)
    with found.db:
        try:
            tasks = portal.call(found.db.runtime.run_tasks(RunId("run_1")))
        except ValueError:
            return {}
    return {task.id: task.verdict for task in tasks if task.verdict is not None}


def campaign(effect: str, how: str, folder: Path, tally: Tally) -> None:
    point = CrashPoint("before_commit", 0)
    (folder / "calm").mkdir(parents=True)
    drive(folder / "calm", effect, how, point)
    places = [("before_commit", at, False) for at in range(1, point.commits + 1)]
    places += [("after_commit", at, False) for at in range(1, point.commits + 1)]
    places += [("never", 0, True)] if how != "reject" else []
    for phase, at, in_tool in places:
        place = folder / f"{phase}-{at}"
        place.mkdir()
        tally.runs += 1
        tally.killed += child(place, effect, how, phase, at, in_tool=in_tool) == -9
        tally.killed += child(place, effect, how, "after_commit", 1) == -9
        audit(place, effect, how, tally)


def total(tallies: list[Tally]) -> Tally:
    return Tally(*[sum(values) for values in zip(*[vars(tally).values() for tally in tallies], strict=True)])


@pytest.mark.timeout(900)
def test_every_commit_of_every_effect_class(tmp_path: Path) -> None:
    """T1, T10, T11: at least 200 kills."""
    kinds = list(itertools.product(EFFECTS, HOW))
    tallies = [Tally() for _ in kinds]

    def one(number: int) -> None:
        effect, how = kinds[number]
        campaign(effect, how, tmp_path / f"{effect}-{how}", tallies[number])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, range(len(kinds))))
    found = total(tallies)
    print("\nledger:", json.dumps(vars(found)))
    _judge(found)
    assert found.killed >= 200
    assert found.uncertain > 0
    assert found.resent > 0


def _judge(found: Tally) -> None:
    assert found.lost_decisions == found.once_sent_twice == found.unapproved == found.uncertain_without_task == 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_kills_of_calls_at_random_times(tmp_path: Path) -> None:
    """1,000 kills (`FAULT_KILLS`) while calls are under way, up to four in a row on the same run."""
    wanted, seed = int(os.environ.get("FAULT_KILLS", "1000")), int(os.environ.get("FAULT_SEED", "20261123"))
    chance, tally = random.Random(seed), Tally()
    while tally.killed < wanted:
        effect, how = chance.choice(EFFECTS), chance.choice(HOW)
        place = tmp_path / str(tally.runs)
        place.mkdir()
        tally.runs += 1
        for _ in range(4):
            command = [sys.executable, "-m", "tests.fault.desk", str(place), effect, how, "never", "0"]
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
                assert running.stdout is not None
                assert running.stdout.readline() == b"begins\n"
                time.sleep(chance.uniform(0, 0.08))
                running.kill()
            tally.killed += running.returncode == -9
            if running.returncode == 0:
                break
        audit(place, effect, how, tally)
    print(f"\nledger, random kills, seed {seed}:", json.dumps(vars(tally)))
    _judge(tally)
