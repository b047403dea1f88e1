"""Recorded journals: what a run of each flow leaves behind, and where a replay of every beginning of it stops.

`python -m tests.replay.recording` writes one file per flow into `journals/VERSION`. A file of a released version is
never changed: journals in the field cannot be either.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import sayso
from sayso import SqliteDb, Workflow
from sayso.core.codec import from_json, to_json
from sayso.model.ids import RunId
from sayso.model.journal import Entry, EntryKind
from sayso.model.runs import Run
from sayso.programs.context import RunCancelled, Suspended
from sayso.runtime.record import Record
from sayso.runtime.replay import ReplayContext
from sayso.testing import CountingIds, FakeClock
from tests.fault.flows import DEADLINES, EXTENDED, FLOWS, answer, build, extend_once

FOLDER = Path(__file__).parent / "journals"


class NoEffects:
    """Stands for the outside world."""

    def apply(self, run_context: Any) -> None:
        """Do nothing."""


class Watching(ReplayContext):
    """A dry replay that takes note of where it cannot go on."""

    stops: list[str]

    async def step(self, key: str, effect: Any) -> Any:
        return await self._noted(key, super().step(key, effect))

    async def ask(self, key: str, spec: Any, announce: Any = None) -> Any:
        return await self._noted(key, super().ask(key, spec, announce))

    async def _noted(self, key: str, outcome: Any) -> Any:
        try:
            return await outcome
        except Suspended:
            self.stops.append(key)
            raise


def record(name: str) -> dict[str, Any]:
    """Run a flow to its end on a still clock, and return its journal."""
    clock = FakeClock()
    with SqliteDb(clock=clock, ids=CountingIds()) as db:
        workflow = build(name, db, NoEffects())
        output = workflow.run("x", run_id="run_1", session_id="ses_1")
        while output.is_paused:
            if name in EXTENDED:
                extend_once(db)
            if name in DEADLINES or name == "outlasted":
                clock.advance(1)
            else:
                answer(name, output)
            output = workflow.continue_run(output)
        run, entries = asyncio.run(db.runtime.load_run_with_entries(RunId("run_1")))
        return {
            "flow": name,
            "shape": dict(workflow.shape()),
            "entries": [_entry_to_json(entry) for entry in entries],
            "stops": stops_of(workflow, run, entries),
            "status": output.status,
            "content": to_json(output.content),
        }


def stops_of(workflow: Workflow, run: Run, entries: list[Entry]) -> list[list[str]]:
    """Return, for every beginning of a journal, the keys at which a replay stops."""
    return [replay(workflow, run, entries[: count + 1])[0] for count in range(len(entries))]


def replay(workflow: Workflow, run: Run, entries: list[Entry]) -> tuple[list[str], Any]:
    """Replay entries without doing anything; return where it stops, and the output if it does not."""

    async def go() -> tuple[list[str], Any]:
        record = Record(run.id).fold(entries)
        context = Watching(
            run, record, clock=FakeClock(), ids=CountingIds(), commits=None, listening=False, fingerprint_of=str
        )
        context.stops = []
        try:
            output = await workflow.execution().run(context, from_json(record.started))
        except RunCancelled as exc:
            output = exc.reason
        except Suspended:
            output = None
        return context.stops, getattr(output, "value", output)

    return asyncio.run(go())


def entries_of(stored: dict[str, Any]) -> list[Entry]:
    """Return the entries of a recorded journal."""
    clock = FakeClock()
    return [
        Entry(RunId("run_1"), seq, item["key"], EntryKind(item["kind"]), clock.now(), json.dumps(item["data"]).encode())
        for seq, item in enumerate(stored["entries"], 1)
    ]


def _entry_to_json(entry: Entry) -> dict[str, Any]:
    return {"key": entry.key, "kind": str(entry.kind), "data": json.loads(entry.data)}


def text_of(recorded: dict[str, Any]) -> str:
    """Return a recorded journal as the text of its file."""
    return json.dumps(recorded, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    folder = FOLDER / sayso.__version__
    folder.mkdir(parents=True, exist_ok=True)
    for flow in FLOWS:
        (folder / f"{flow}.json").write_text(text_of(record(flow)), "utf-8")
        print(f"recorded {flow}", file=sys.stderr)
