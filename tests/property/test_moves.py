"""Every legal move happens, and no other does."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sayso import HumanReview, SqliteDb, Step, Steps, Workflow
from sayso.app.portal import portal
from sayso.model.actors import Actor
from sayso.model.errors import DefinitionChanged, StepFailed
from sayso.model.ids import RunId
from sayso.testing import FakeClock
from tests.fault.flows import FLOWS, Effects, drive
from tests.property.moves import LEGAL, moves, watch

GATE = HumanReview(requires_confirmation=True)


def fails(_: Any) -> None:
    raise RuntimeError("down")


async def handed_back(db: SqliteDb) -> None:
    """A worker that is stopped gives its run back to the queue, where it is cancelled."""

    async def slow(_: Any) -> None:
        await asyncio.sleep(60)

    workflow = Workflow("slow", db=db, steps=[slow])
    task = asyncio.create_task(workflow.arun("x", run_id="slow"))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await workflow.acancel_run("slow")


def test_every_legal_move_happens_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "s.db"
    watch(file)
    with SqliteDb(file, clock=FakeClock()) as db:
        gated = Workflow("gated", db=db, steps=[Step("act", str, human_review=GATE)])
        gated.cancel_run(gated.run("x").run_id)
        by_operator = gated.run("x")
        portal.call(
            db.runtime.complete(RunId(by_operator.run_id), by=Actor(type="user", id="ana"), note="done by hand")
        )
        assert gated.get_run_output(by_operator.run_id).status == "COMPLETED"
        with pytest.raises(ValueError, match="completed"):
            portal.call(db.runtime.complete(RunId(by_operator.run_id), by=Actor(type="user", id="ana")))
        with pytest.raises(StepFailed):
            Workflow("fails", db=db, steps=[fails]).run("x")
        asyncio.run(handed_back(db))

        output = gated.run("x", run_id="changed", session_id="ses")
        moved = Workflow("gated", db=db, steps=[Steps("inside", steps=[Step("act", str, human_review=GATE)])])
        output.step_requirements[0].confirm()
        with pytest.raises(DefinitionChanged):
            moved.continue_run(output)
        back = Workflow("gated", db=db, steps=[Step("act", str, human_review=GATE)])
        assert back.continue_run(run_id="changed", session_id="ses").status == "COMPLETED"

        def cancels(step_input: Any) -> None:
            workflow.cancel_run("within")

        workflow = Workflow("within", db=db, steps=[cancels, Step("after", str)])
        assert workflow.run("x", run_id="within").is_cancelled
    found = moves(file)
    for name in FLOWS:
        place = tmp_path / f"{name}.db"
        watch(place)
        drive(name, place, Effects(tmp_path / "log"))
        found |= moves(place)
    assert found == LEGAL
