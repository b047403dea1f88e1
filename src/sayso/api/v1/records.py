"""What is kept of runs: their rows, journals, and tool calls."""

from typing import Annotated

from fastapi import Path, Query

from sayso.api.v1.recordwire import call_json, entry_json, row_json
from sayso.api.v1.runs import RunPath
from sayso.api.v1.taskwire import Plain
from sayso.api.v1.telling import A_RUN, told
from sayso.model.errors import Invalid
from sayso.model.ids import RunId, SessionId
from sayso.model.requesterrors import OutOfScope
from sayso.model.runs import Run, RunFilter, RunState
from sayso.server.routes import router as strict_router
from sayso.server.service import Asked, Asking

router = strict_router(tags=["runs"])
Take = Annotated[int, Query(ge=1, le=100)]
Of = Annotated[str | None, Query(max_length=200, description="The name of one agent or workflow, as `program` has it.")]


@router.get("/runs", **told("runs", Invalid))
async def list_runs(
    asked: Asked,
    of: Of = None,
    state: RunState | None = None,
    session_id: Annotated[str | None, Query(alias="sessionId", max_length=200)] = None,
    take: Take = 20,
    cursor: Annotated[str | None, Query(max_length=500, description="`nextCursor` of the page before.")] = None,
) -> Plain:
    """List runs as rows, newest first, child runs included; with a key, those within its scopes."""
    asked.require("see_sessions")
    wanted = RunFilter(program=of, state=state, session_id=None if session_id is None else SessionId(session_id))
    page = await asked.service.sessions.runs(wanted, asked.reach, limit=take, cursor=cursor)
    names = await asked.names()
    return {"items": [row_json(run, names) for run in page.runs], "nextCursor": page.next_cursor}


@router.get("/runs/{runId}/journal", **told("journal", *A_RUN))
async def get_journal(
    asked: Asked,
    run_id: Annotated[RunPath, Path(alias="runId")],
    after: Annotated[int, Query(ge=0, le=2**62, description="`nextAfter` of the page before.")] = 0,
    take: Take = 100,
) -> Plain:
    """Return a run's row and its journal as it is stored, in order; `nextAfter` is null at the end."""
    asked.require("see_runs_of_tasks")
    run, entries = await asked.service.sessions.journal(RunId(run_id), asked.reach, after=after)
    _refuse_hidden(asked, run)
    more = entries[take - 1].seq if len(entries) > take else None
    row = row_json(run, await asked.names())
    return {"run": row, "items": [entry_json(entry) for entry in entries[:take]], "nextAfter": more}


@router.get("/runs/{runId}/calls", **told("calls", *A_RUN))
async def list_calls(asked: Asked, run_id: Annotated[RunPath, Path(alias="runId")]) -> Plain:
    """List a run's tool calls as the ledger has them, in the order in which they were proposed."""
    asked.require("see_runs_of_tasks")
    run, calls = await asked.service.sessions.calls(RunId(run_id), asked.reach)
    _refuse_hidden(asked, run)
    return {"items": [call_json(call) for call in calls], "total": len(calls)}


def _refuse_hidden(asked: Asking, run: Run) -> None:
    """Refuse the steps of a run to a key whose trigger does not show them."""
    if not asked.exposed(run.origin):
        raise OutOfScope(f"Expected a key that may see the steps of run {run.id}, but its trigger hides them.")
