"""decide -> finished from another process; run as a program it is that process, and prints what it measured."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import flows
from bench.bare import Bare
from bench.measure import Cost, Figure, Size, cost_of, folder, median_of, pair
from bench.runs import FOUR_TIMES


def decide_to_finished(size: Size) -> Iterator[Figure]:
    """Park runs here; let another process read, answer and finish them: two commits each."""
    each, rounds = size.of(50, 2), size.of(15, 1)
    with folder() as place:
        flow, bare = flows.gated(place / "ours.db"), Bare(place / "bare.db")

        async def park(count: int) -> list[tuple[str, str]]:
            parked = [await flow.arun("in") for _ in range(count)]
            return [(run.run_id, run.session_id) for run in parked]

        count = each * (rounds + 1)
        names = {"each": each, "ours": asyncio.run(park(count)), "bare": [bare.park() for _ in range(count)]}
        flow.db.close()
        bare.close()
        (place / "names.json").write_text(json.dumps(names))
        command = [sys.executable, "-m", "bench.deciding", str(place)]
        measured = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    mine, its = Cost(**measured["ours"]), Cost(**measured["bare"])
    yield from pair("decide -> finished, other process", mine, its, each=each, aim=FOUR_TIMES)
    yield Figure(
        what="... opening the file there, once",
        unit="ms",
        ours=measured["open"] * 1000,
        bare=measured["bare_open"] * 1000,
    )


def answer(place: Path) -> None:
    """Open both files and finish every run by its id, by turns."""
    names = json.loads((place / "names.json").read_text())
    each: int = names["each"]
    began = time.perf_counter()
    flow = flows.gated(place / "ours.db")
    flow._runtime()
    opened = time.perf_counter()
    bare = Bare(place / "bare.db")
    bare_opened = time.perf_counter()

    async def ours(runs: list[tuple[str, str]]) -> None:
        for run_id, session_id in runs:
            paused = await flow.aget_run_output(run_id, session_id)
            requirement = paused.step_requirements[-1]
            requirement.confirm()
            done = await flow.acontinue_run(run_id=run_id, session_id=session_id, step_requirements=[requirement])
            assert done.status == "COMPLETED", done

    def theirs(runs: list[str]) -> None:
        for run_id in runs:
            bare.go_on(run_id, flows.content)

    mine: list[Cost] = []
    its: list[Cost] = []
    with asyncio.Runner() as loop:
        for first in range(0, len(names["ours"]), each):
            last = first + each
            mine.append(cost_of(lambda: loop.run(ours(names["ours"][first:last]))))  # noqa: B023
            its.append(cost_of(lambda: theirs(names["bare"][first:last])))  # noqa: B023
    flow.db.close()
    bare.close()
    medians = {
        name: {"cpu": cost.cpu, "wall": cost.wall}
        for name, cost in {"ours": median_of(mine[1:]), "bare": median_of(its[1:])}.items()
    }
    print(json.dumps({**medians, "open": opened - began, "bare_open": bare_opened - opened}))


if __name__ == "__main__":
    answer(Path(sys.argv[1]))
