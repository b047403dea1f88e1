"""The figures of a workspace: what waits, how runs went, what models have used, how people decided; and of it alone."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, SqliteDb, StepFailed, Workflow, tool
from sayso.app.service import Parts, compose
from sayso.model.runs import RunState
from sayso.model.workspaces import DEFAULT_WORKSPACE, WorkspaceId
from sayso.runtime.measuring import Measuring
from sayso.runtime.starting import Begin, Wanted
from sayso.server.service import Service
from sayso.testing import CountingIds, FakeClock, ScriptedModel, call
from sayso.workflow import HumanReview, Step

DAY = timedelta(days=1)
HERE = DEFAULT_WORKSPACE


@tool(requires_confirmation=True, approval_timeout=1800)
def pay(amount: float) -> str:
    """Pay."""
    return f"paid {amount:g}"


def payer(db: SqliteDb) -> Agent:
    return Agent("desk", model=ScriptedModel([call("pay", amount=5), "done"], tokens=(100, 20)), tools=[pay], db=db)


async def started(service: Service, agent: Agent) -> Any:
    """Start a run of the stored version, and take it as far as it goes."""
    (record,) = (await service.registry.list_agents(HERE, limit=10)).items
    wanted = Wanted(workspace_id=HERE, agent_id=record.id)
    claimed = await service.registry.start(service.runtime, Begin(wanted=wanted, input="in", hold=True))
    await service.runtime.advance(claimed.run.id, held=claimed)
    return await agent.aget_run_output(claimed.run.id)


def test_figures_of_a_workspace(tmp_path: Path) -> None:
    asyncio.run(_figures_of_a_workspace(tmp_path))


async def _figures_of_a_workspace(tmp_path: Path) -> None:
    clock = FakeClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    with SqliteDb(tmp_path / "sayso.db", clock=clock, ids=CountingIds()) as db:
        agent = payer(db)
        service = await compose(Parts(db=db, programs=[agent]))
        first = await started(service, agent)
        clock.advance(60)
        first.active_requirements[0].confirm()
        await agent.acontinue_run(first, decided_by="ana")
        clock.advance(days=1)
        await agent.arun("without a stored version")
        second = await started(service, agent)
        clock.advance(600)
        second.active_requirements[0].reject("no")
        await agent.acontinue_run(second, decided_by="ben")
        clock.advance(120)
        await started(service, agent)

        since = clock.now() - DAY - timedelta(hours=1)
        found = await service.measures.whole(HERE, parts=[since, since + DAY])
        (waits,) = found.waiting
        assert (waits.kind, waits.tasks, waits.soon) == ("approval", 2, 2)
        assert clock.now() - waits.oldest == timedelta(minutes=12)
        assert [dict(part) for part in found.moved] == [
            {RunState.COMPLETED: 1},
            {RunState.COMPLETED: 1, RunState.WAITING: 2},
        ]
        known, unknown = found.spending
        assert (known.model, known.runs, known.usage.input_tokens, known.unpriced) == ("scripted", 3, 500, 3)
        assert (unknown.model, unknown.version_id, unknown.runs) == (None, None, 1)
        assert await service.measures.runs_waiting(HERE) == {"desk": 2}

        decided = await service.measures.decided(HERE, since=since)
        assert [(one.outcome, one.by, one.waited) for one in decided] == [
            ("rejected", "ben", 600),
            ("approved", "ana", 60),
        ]
        assert not await service.measures.decided(HERE, since=since, program="other")
        clock.advance(hours=1)
        assert not (await service.measures.whole(HERE, parts=[since])).waiting  # their time is over


def test_a_deadline_is_told_from_what_people_decide(tmp_path: Path) -> None:
    asyncio.run(_a_deadline_is_told_from_what_people_decide(tmp_path))


async def _a_deadline_is_told_from_what_people_decide(tmp_path: Path) -> None:
    clock = FakeClock()
    with SqliteDb(tmp_path / "sayso.db", clock=clock) as db:
        agent = payer(db)
        service = await compose(Parts(db=db, programs=[agent]))
        output = await agent.arun("in")
        clock.advance(hours=1)
        await service.runtime.advance(output.run_id)
        (one,) = await service.measures.decided(HERE, since=clock.now() - DAY)
        (burden,) = await service.review.burden(HERE, since=clock.now() - DAY)
    assert (one.outcome, one.by_type) == ("timed_out", "system")
    assert (burden.asked, burden.timed_out, burden.rejected, burden.median) == (1, 1, 0, timedelta(0))


def test_failures_are_named_and_another_workspace_sees_nothing(tmp_path: Path) -> None:
    asyncio.run(_failures_are_named_and_another_workspace_sees_nothing(tmp_path))


async def _failures_are_named_and_another_workspace_sees_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    with SqliteDb(tmp_path / "sayso.db", clock=clock) as db:

        def boom(given: Any) -> str:
            raise ValueError(given.input)

        review = HumanReview(requires_confirmation=True)
        flow = Workflow("flow", steps=[Step("ask", lambda given: "x", human_review=review)], db=db)
        fails = Workflow("fails", steps=[Step("boom", boom)], db=db)
        await flow.arun("in")
        with pytest.raises(StepFailed):
            await fails.arun("in")
        measuring = Measuring(db.runtime.store, clock)
        found = await measuring.whole(HERE, parts=[clock.now() - DAY])
        other = await measuring.whole(WorkspaceId("other"), parts=[clock.now() - DAY])
    (failure,) = found.failures
    assert failure.program == "fails"
    assert found.moved == ({RunState.FAILED: 1, RunState.WAITING: 1},)
    assert (other.waiting, other.moved, other.spending, other.failures) == ((), ({},), (), ())
