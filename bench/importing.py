"""What an import costs a fresh interpreter, less what the interpreter itself costs."""

import subprocess
import sys
from collections.abc import Callable, Iterator

from bench.measure import Aim, Figure, Size, by_turns

_AIM = Aim(of="ours", limit=150)
_PROGRAMS = (
    ("import sayso", "import sayso", _AIM),
    ("from sayso import Workflow, Step, SqliteDb", "from sayso import Workflow, Step, SqliteDb", None),
)


def import_time(size: Size) -> Iterator[Figure]:
    """Start interpreters that import, and some that do not, by turns."""
    nothing, *others = by_turns(size.of(9, 1), lambda: _start("pass"), *(_starter(code) for _, code, _ in _PROGRAMS))
    for (what, _, aim), cost in zip(_PROGRAMS, others, strict=True):
        yield Figure(
            what=f"{what}, beyond a bare interpreter", unit="ms", ours=(cost.wall - nothing.wall) * 1000, aim=aim
        )
    yield Figure(what="... (a bare interpreter)", unit="ms", ours=nothing.wall * 1000)


def _starter(code: str) -> Callable[[], None]:
    return lambda: _start(code)


def _start(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)
