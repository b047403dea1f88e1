"""decide -> finished from another process; run as a program it is that process, and prints what it measured."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from bench import flows
from bench.bare import Bare
from bench.measure import Cost, Figure, Size, cost_of, folder, median_of, pair
from bench.runs import FOUR_TIMES
from sayso import StepRequirement


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
    cost = {name: Cost(**found) for name, found in measured.items() if isinstance(found, dict)}
    what = "decide -> finished, other process"
    yield from pair(what, cost["ours"], cost["bare"], each=each, aim=FOUR_TIMES)
    yield from pair("... reading what is asked, before", cost["read"], cost["bare_read"], each=each, aim=None)
    yield Figure(
        what="... opening the file there, once",
        unit="ms",
        ours=measured["open"] * 1000,
        bare=measured["bare_open"] * 1000,
    )


def answer(place: Path) -> None:  # noqa: C901 - four small works and the loop that times them
    """Open both files and finish every run by its id, by turns."""
    names = json.loads((place / "names.json").read_text())
    each: int = names["each"]
    began = time.perf_counter()
    flow = flows.gated(place / "ours.db")
    flow._runtime()
    opened = time.perf_counter()
    bare = Bare(place / "bare.db")
    bare_opened = time.perf_counter()

    async def read(runs: list[tuple[str, str]]) -> list[StepRequirement]:
        """What the person looks at before deciding."""
        outputs = [await flow.aget_run_output(run_id, session_id) for run_id, session_id in runs]
        return [output.step_requirements[-1] for output in outputs]

    async def ours(runs: list[tuple[str, str]], asked: list[StepRequirement]) -> None:
        for (run_id, session_id), requirement in zip(runs, asked, strict=True):
            requirement.confirm()
            done = await flow.acontinue_run(run_id=run_id, session_id=session_id, step_requirements=[requirement])
            assert done.status == "COMPLETED", done

    def look(runs: list[str]) -> None:
        for run_id in runs:
            bare.look(run_id)

    def theirs(runs: list[str]) -> None:
        for run_id in runs:
            bare.go_on(run_id, flows.content)

    costs: dict[str, list[Cost]] = {name: [] for name in ("read", "bare_read", "ours", "bare")}
    with asyncio.Runner() as loop:
        for first in range(0, len(names["ours"]), each):
            runs, bare_runs = (names[which][first : first + each] for which in ("ours", "bare"))
            asked: list[StepRequirement] = []
            costs["read"].append(cost_of(lambda: asked.extend(loop.run(read(runs)))))  # noqa: B023
            costs["bare_read"].append(cost_of(lambda: look(bare_runs)))  # noqa: B023
            costs["ours"].append(cost_of(lambda: loop.run(ours(runs, asked))))  # noqa: B023
            costs["bare"].append(cost_of(lambda: theirs(bare_runs)))  # noqa: B023
    flow.db.close()
    bare.close()
    medians = {name: asdict(median_of(found[1:])) for name, found in costs.items()}
    print(json.dumps({**medians, "open": opened - began, "bare_open": bare_opened - opened}))


if __name__ == "__main__":
    answer(Path(sys.argv[1]))
