"""A process that drives a flow and kills itself: `python -m tests.fault.child NAME DATABASE PHASE AT`."""

import sys
from pathlib import Path

from sayso.testing import CrashPoint
from tests.fault.flows import Effects, drive

if __name__ == "__main__":
    name, database, phase, at = sys.argv[1:]
    print("begins", flush=True)
    drive(name, Path(database), Effects(Path(database).parent / "effects.log"), CrashPoint(phase, int(at)))
