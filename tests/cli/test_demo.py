"""The demo as a newcomer runs it: to the end, killed in the middle, with bad rows, and decided from elsewhere."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sayso.cli.demo.refunds import COLUMNS

GOOD = "R-1,O-1,Ada,ada@example.com,20.00,EUR,wrong size,2026-09-01,2026-09-05,DE02120300000000202051"
RISKY = "R-2,O-2,Bo,bo@example.com,500.00,EUR,wrong size,2026-09-01,2026-09-05,DE02120300000000202051"


def demo(folder: Path, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sayso", "demo", "--dir", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        input=given,
        env={**os.environ, "SAYSO_USER": "ana"},
        stdin=None if given is not None else subprocess.DEVNULL,
    )


def finished(folder: Path, *arguments: str) -> dict[str, Any]:
    done = demo(folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_approving_everything_pays_all_three_groups(tmp_path: Path) -> None:
    result = finished(tmp_path / "demo", "--once", "--decide", "approve")
    assert result["state"] == "completed"
    assert result["payments"] == result["distinct"] == 197
    assert result["doubled"] == 0
    assert "R-0043" in Path(result["report"]).read_text("utf-8")


def test_rejecting_pays_only_what_needs_nobody(tmp_path: Path) -> None:
    result = finished(tmp_path / "demo", "--once", "--decide", "reject")
    assert (result["state"], result["payments"], result["doubled"]) == ("completed", 177, 0)


def test_killed_at_the_worst_moment_it_pays_each_refund_once(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    killed = demo(folder, "--once", "--decide", "approve", "--crash")
    assert killed.returncode == -signal.SIGKILL
    assert "Run `sayso demo` again" in killed.stdout
    paid = len((folder / "ledger.jsonl").read_text().splitlines())
    assert 177 < paid < 197, "it should have died in the middle of the risky payouts"
    with (folder / "ledger.jsonl").open("a") as ledger:
        ledger.write('{"key": "torn by the cra')
    result = finished(folder, "--once", "--decide", "approve")
    assert result["payments"] == result["distinct"] == 197
    assert result["doubled"] == 0


def test_bad_rows_are_named_and_not_lost(tmp_path: Path) -> None:
    rows = [
        GOOD,
        RISKY,
        "R-3,O-3,Cy,cy@example.com,abc,EUR,wrong size,2026-09-01,2026-09-05,",
        "R-4,O-4,Di,nobody,5.00,EUR,wrong size,2026-09-01,2026-09-05,",
        "R-1,O-5,Ed,ed@example.com,5.00,EUR,wrong size,2026-09-01,2026-09-05,",
        "R-6,O-6,Fi,fi@example.com,5.00,EUR,wrong size,yesterday,2026-09-05,",
    ]
    file = tmp_path / "mine.csv"
    file.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", "utf-8")
    result = finished(tmp_path / "demo", "--input", str(file), "--once", "--decide", "approve")
    assert result["payments"] == 2
    said = "\n".join(result["bad_rows"])
    assert "line 4, column 'amount': expected a number above 0" in said
    assert "line 5, column 'email'" in said
    assert "line 6, column 'refund_id': 'R-1' stands already in line 2" in said
    assert "line 7, column 'purchased_on': expected a date" in said
    report = Path(result["report"]).read_text("utf-8")
    assert all(problem in report for problem in result["bad_rows"])


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    missing = demo(tmp_path / "demo", "--input", str(tmp_path / "none.csv"), "--once", "--decide", "approve")
    assert missing.returncode == 1
    assert "Expected a UTF-8 CSV file" in missing.stderr
    (tmp_path / "short.csv").write_text("refund_id,amount\n1,2\n")
    short = demo(tmp_path / "demo", "--input", str(tmp_path / "short.csv"), "--once", "--decide", "approve")
    assert "order_id, customer" in short.stderr
    assert "Traceback" not in missing.stderr + short.stderr


def test_answers_typed_at_the_terminal(tmp_path: Path) -> None:
    typed = "maybe\ny\nDE02 1203 0000 0000 2020 51\nr\nname the day\ne\nDear all\n.\n"
    done = demo(tmp_path / "demo", "--terminal", given=typed)
    assert done.returncode == 0, done.stdout
    assert "Please answer y or n." in done.stdout
    assert "payments 197, distinct 197, doubled 0" in done.stdout
    assert "You asked us to consider: name the day" in done.stdout
    assert "Dear all" in (tmp_path / "demo" / "report.md").read_text("utf-8")


def _decided_by_others(running: "subprocess.Popen[str]", tasks: list[str], database: list[str]) -> list[str]:
    """Decide every task from other processes as it comes; return what the demo said until its end."""
    assert running.stdout is not None
    said: list[str] = []
    for line in running.stdout:
        said.append(line)
        if line.startswith("Nobody is at this terminal"):
            listed = subprocess.run([*tasks, "ls", "--json", *database], capture_output=True, check=True)
            task = json.loads(listed.stdout)["tasks"][0]
            is_form = task["request"]["kind"] == "form"
            decision = (
                ["answer", task["id"], "account_R_0043=DE02120300000000202051"] if is_form else ["approve", task["id"]]
            )
            subprocess.run([*tasks, *decision, *database], check=True, capture_output=True)
        if line.startswith("payments "):
            break
    return said


def test_another_terminal_decides_while_this_one_has_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "sayso"]
    with subprocess.Popen(
        [*command, "demo", "--terminal", "--dir", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            said = _decided_by_others(running, [*command, "tasks"], ["-d", str(folder / "sayso.db")])
        finally:
            running.kill()
    assert "payments 197, distinct 197, doubled 0\n" in said


def test_the_pages_are_served_and_decide(tmp_path: Path) -> None:
    """The printed link signs in; what is decided there moves the desk; Ctrl-C loses nothing."""
    folder = tmp_path / "demo"
    with subprocess.Popen(
        [sys.executable, "-m", "sayso", "demo", "--dir", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "SAYSO_PORT": "0"},
    ) as running:
        try:
            assert running.stdout is not None
            said = _until(running.stdout, "The inbox ")
            link = said[-1].split()[-1]
            base, once = link.split("/login?once=")
            headers = {"Sec-Fetch-Site": "same-origin"}
            with httpx.Client(base_url=base, headers=headers) as browser:
                assert browser.post("/login", data={"once": once}).status_code == 303
                _until(running.stdout, "waits for a person: Pay ")
                listed = browser.get("/v1/user-tasks").json()["items"]
                risky = next(task for task in listed if task["kind"] == "approval")
                assert risky["summary"] in browser.get("/review", headers={"Accept": "text/html"}).text
                decided = browser.post(f"/v1/user-tasks/{risky['id']}/complete", json={"approved": True})
                assert decided.status_code == 200
            _until(running.stdout, "pay risky: done, 19")
            running.send_signal(signal.SIGINT)
            rest = running.stdout.read()
            assert "nothing is lost" in rest
            assert running.wait(20) == 0
        finally:
            running.kill()
    result = finished(folder, "--once", "--decide", "approve")
    assert result["payments"] == result["distinct"] == 197


def _until(lines: Iterable[str], wanted: str) -> list[str]:
    """Return the lines up to the first that holds some words."""
    said: list[str] = []
    for line in lines:
        said.append(line)
        if wanted in line:
            return said
    raise AssertionError("".join(said))


def test_a_second_demo_in_the_same_place(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    finished(folder, "--once", "--decide", "reject")
    again = demo(folder, "--terminal")
    assert again.returncode == 0
    assert "Start anew with `sayso demo --fresh`" in again.stdout
    fresh = demo(folder, "--fresh", "--once", "--decide", "approve")
    assert "The earlier demo is kept in" in fresh.stdout
    assert "payments 197, distinct 197, doubled 0" in fresh.stdout
    assert (next(folder.glob("earlier-*")) / "ledger.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "typed", "paid"),
    [
        (["--once", "--decide", "approve"], "", ["180.0"]),
        (["--once", "--decide", "reject"], "", ["90.0"]),
        ([], "DE1\nn\ntoo much\n", ["90.0"]),
        ([], "none\n", []),
    ],
)
def test_the_desks_agent(tmp_path: Path, arguments: list[str], typed: str, paid: list[str]) -> None:
    """It looks up by itself, asks for a missing value, asks before money leaves, and takes a reason into account."""
    command = [sys.executable, "-m", "sayso", "demo", "--agent", "--dir", "d", "--json", *arguments]
    done = subprocess.run(command, cwd=tmp_path, input=typed, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout.splitlines()[-1][done.stdout.splitlines()[-1].index("{") :])
    assert (document["state"], document["paid"]) == ("COMPLETED", paid)
