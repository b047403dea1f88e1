"""A worker stopped in the middle of a `once` call: another asks a person, and the first one's late word closes that."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sayso import Agent, SqliteDb, ToolContext, tool
from sayso.model.errors import LeaseLost
from sayso.testing import ScriptedModel, call
from tests.fault.desk import Remote

ROOT = Path(__file__).parents[2]
_LEASE = 0.4


def payer(folder: Path, seconds: float) -> Agent:
    remote = Remote(folder / "remote.log")

    @tool
    def pay(ctx: ToolContext, amount: float) -> str:
        """Reach the remote, then take as long as this process was told."""
        remote.apply(ctx.idempotency_key, amount)
        time.sleep(seconds)
        return "paid"

    turns = [call("pay", amount=5), lambda request: request.messages[-1].text]
    db = SqliteDb(folder / "run.db", lease_seconds=_LEASE)
    return Agent("payer", model=ScriptedModel(turns), tools=[pay], db=db)


def test_a_late_outcome_closes_the_question(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fault.test_late_outcome", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as first:
        for _ in range(1000):
            if Remote(tmp_path / "remote.log").arrived():
                break
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGSTOP)
        time.sleep(2 * _LEASE)
        second = payer(tmp_path, 0)
        output = second.continue_run(run_id="run", session_id="ses")
        assert output.active_requirements[0].kind == "uncertain"
        os.kill(first.pid, signal.SIGCONT)
        said, _ = first.communicate(timeout=30)
    assert json.loads(said) == {"raised": "LeaseLost"}
    output = second.get_run_output("run")
    assert output.requirements[0].decided_by == "system:late-outcome"
    output = second.continue_run(run_id="run", session_id="ses")
    assert (output.status, output.requirements[0].choice) == ("COMPLETED", "happened")
    assert sum(Remote(tmp_path / "remote.log").sent().values()) == 1
    second.db.close()


if __name__ == "__main__":
    try:
        payer(Path(sys.argv[1]), 1.0).run("x", run_id="run", session_id="ses")
    except LeaseLost as exc:
        print(json.dumps({"raised": type(exc).__name__}))
