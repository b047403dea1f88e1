"""Every bench runs with its smallest sizes, and tells what the figures mean; the figures themselves are not judged."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import BENCHES
from bench.measure import Aim, Figure

ROOT = Path(__file__).resolve().parents[2]
HEADER = {"sqlite", "journal_mode", "synchronous", "python", "cpus", "method", "figures"}
FIGURE = {"bench", "what", "unit", "ours", "bare", "ratio", "aim", "met"}


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=110)


@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_prints_its_figures(name: str) -> None:
    done = bench("--json", "--quick", name)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document.keys() >= HEADER
    assert document["synchronous"] == "FULL"
    assert document["figures"]
    for figure in document["figures"]:
        assert figure.keys() >= FIGURE
        assert figure["bench"] == name


def test_the_table_says_what_was_measured() -> None:
    done = bench("--quick", "start-to-paused")
    assert done.returncode == 0, done.stderr
    assert "synchronous: FULL" in done.stdout
    assert "met?" in done.stdout
    assert "start -> paused: CPU" in done.stdout


def test_an_unknown_name_is_refused() -> None:
    done = bench("nonsense")
    assert done.returncode == 2
    assert "Expected names of benches" in done.stderr


def test_an_aim_is_a_limit_on_the_ratio_or_on_the_figure() -> None:
    slow = Figure(what="slow", unit="ms", ours=5, bare=1, aim=Aim(of="ratio", limit=4))
    many = Figure(what="many", unit="runs/s", ours=40, bare=100, aim=Aim(of="ratio", limit=1 / 3, at_least=True))
    free = Figure(what="free", unit="ms", ours=5)
    assert (slow.ratio, slow.met) == (5, False)
    assert many.met is True
    assert (free.ratio, free.met) == (None, None)
