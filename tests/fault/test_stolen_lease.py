"""A worker that is stopped past its lease (SIGSTOP) loses the run; what it still says does not count (T1, fault 4)."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sayso import RunContext, SqliteDb, StepInput, Workflow
from sayso.app.portal import portal
from sayso.model.errors import LeaseLost
from sayso.model.ids import RunId
from tests.fault.flows import Effects

ROOT = Path(__file__).parents[2]
_LEASE = 0.3
_ROUNDS = 5


def slow(step_input: StepInput, run_context: RunContext) -> str:
    """Reach the outside world, then take as long as the second argument of the process says."""
    run_context.dependencies["effects"].apply(run_context)
    time.sleep(run_context.dependencies["seconds"])
    return f"by {os.getpid()}"


def workflow(folder: Path, seconds: float) -> Workflow:
    db = SqliteDb(folder / "run.db", lease_seconds=_LEASE)
    return Workflow("w", db=db, steps=[slow], dependencies={"effects": Effects(folder / "log"), "seconds": seconds})


def test_a_stopped_worker_is_fenced_off(tmp_path: Path) -> None:
    stale = 0
    for number in range(_ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        command = [sys.executable, "-m", "tests.fault.test_stolen_lease", str(folder)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as first:
            effects = Effects(folder / "log")
            for _ in range(1000):
                if effects.arrived():
                    break
                time.sleep(0.01)
            os.kill(first.pid, signal.SIGSTOP)
            time.sleep(2 * _LEASE)
            second = workflow(folder, 0)
            output = second.continue_run(run_id="run", session_id="ses")
            assert (output.status, output.content) == ("COMPLETED", f"by {os.getpid()}")
            os.kill(first.pid, signal.SIGCONT)
            said, _ = first.communicate(timeout=30)
        assert json.loads(said) == {"raised": "LeaseLost", "sees": f"by {os.getpid()}"}
        run, entries = portal.call(second.db.runtime.load_run_with_entries(RunId("run")))
        stale += [entry.kind for entry in entries] != ["started", "step", "finished"]
        assert run.epoch == 2
        # The same effect arrived twice, under one key: a remote that honours keys has done it once.
        assert (sum(effects.attempts().values()), sum(effects.effects().values())) == (2, 1)
        second.db.close()
    print(f"\nstopped past the lease: {_ROUNDS}, stale writes accepted: {stale}")
    assert stale == 0


if __name__ == "__main__":
    mine = workflow(Path(sys.argv[1]), 1.0)
    try:
        mine.run("x", run_id="run", session_id="ses")
    except LeaseLost as exc:
        print(json.dumps({"raised": type(exc).__name__, "sees": mine.get_run_output("run").content}))
