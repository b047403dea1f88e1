"""Journals that were recorded stay readable: code that came later stops and ends at the same places."""

import json
from pathlib import Path
from typing import Any

import pytest

import sayso
from sayso import SqliteDb
from sayso.core.codec import from_json
from sayso.core.fingerprint import changes
from sayso.model.ids import RunId, SessionId
from sayso.model.runs import Run, RunState
from sayso.runtime.record import Record
from sayso.testing import FakeClock
from tests.fault.flows import FLOWS, build
from tests.replay.recording import FOLDER, NoEffects, entries_of, record, replay, stops_of, text_of

JOURNALS = sorted(FOLDER.glob("*/*.json"))


def _run() -> Run:
    now = FakeClock().now()
    return Run(
        id=RunId("run_1"), session_id=SessionId("ses_1"), program="flow", fingerprint="", state=RunState.RUNNING,
        epoch=1, seq=0, created_at=now, updated_at=now, ready_at=None,
    )  # fmt: skip


@pytest.mark.parametrize("path", JOURNALS, ids=[f"{path.parent.name}/{path.stem}" for path in JOURNALS])
def test_every_beginning_of_a_recorded_journal(path: Path) -> None:
    stored: dict[str, Any] = json.loads(path.read_text("utf-8"))
    entries = entries_of(stored)
    with SqliteDb() as db:
        workflow = build(stored["flow"], db, NoEffects())
        assert changes(stored["shape"], workflow.shape(), Record(RunId("run_1")).fold(entries).used_keys()) == []
        assert stops_of(workflow, _run(), entries) == stored["stops"]
        stops, output = replay(workflow, _run(), entries)
        assert (stops, output) == ([], from_json(stored["content"]))


@pytest.mark.parametrize("name", FLOWS)
def test_what_is_recorded_now_is_what_was_recorded(name: str) -> None:
    """A change of the journal's form is a decision: a new version's folder, beside those that stay readable."""
    stored = (FOLDER / sayso.__version__ / f"{name}.json").read_text("utf-8")
    assert text_of(record(name)) == stored, "run python -m tests.replay.recording, if this was meant"
