"""The page of a session: its runs, its timeline, what waits in it; and where runs and steps are in it."""

from asyncio import to_thread
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, Path, Query
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sayso.model.evidence import RecordedAttempt
from sayso.model.ids import RunId, SessionId
from sayso.model.requesterrors import RouteUnknown
from sayso.runtime.sessions import Whole
from sayso.runtime.standing import merged
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.fields import fields_of
from sayso.web.preferring import keep_preferences, preferences_of
from sayso.web.rendering import page
from sayso.web.review.cards import card_of
from sayso.web.sessions.naming import names_of
from sayso.web.sessions.values import Allowance
from sayso.web.sessions.view import Given, View, line_of, view_of
from sayso.web.sessions.windows import Wanted
from sayso.web.steps import Step, known_of, steps_of
from sayso.web.stepwords import trigger
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
SessionPath = Annotated[str, Path(alias="sessionId", max_length=200)]
RunPath = Annotated[str, Path(alias="runId", max_length=200)]
Place = Annotated[str | None, Query(max_length=300)]
_PLACES = ("since", "before", "at", "task", "run")


def wanted(
    since: Place = None,
    before: Place = None,
    at: Place = None,
    task: Place = None,
    run: Place = None,
    live: bool = False,
) -> Wanted:
    """Return where in a session a reader wants to be."""
    return Wanted(since=since, before=before, at=at, task=task, run=run, live=live)


@router.get("/sessions/{sessionId}")
async def show_session(
    asked: Visited, session_id: SessionPath, place: Annotated[Wanted, Depends(wanted)], card: Place = None
) -> HTMLResponse:
    """Show a session; the part of it that changes, where it is asked for as a part."""
    asked.require("see_runs_of_tasks")
    whole = await asked.service.sessions.session(SessionId(session_id), asked.reach)
    return await shown(asked, whole, place, card=card)


async def shown(
    asked: Asking, whole: Whole, place: Wanted, *, card: str | None = None, status: int = 200,
    refusal: str | None = None, draft: str | None = None,
) -> HTMLResponse:  # fmt: skip
    """Return the page of a session.

    Args:
        asked: Who looks.
        whole: The session.
        place: Where in it they want to be.
        card: The task whose card is open on the page already.
        status: Of the answer.
        refusal: Why what was just tried was not done.
        draft: What was written and not sent.
    """
    service = asked.service
    given = Given(
        names=await names_of(asked),
        workflows=frozenset(service.workflows),
        shapes=await service.sessions.shapes([parts.run for parts in whole.runs]),
        wanted=place,
        now=asked.now,
        raw=preferences_of(asked.request).advanced,
    )
    view = await to_thread(view_of, whole, given)  # of a long session it takes a while, and others are served meanwhile
    chosen = card or _chosen(view, place)
    values = await card_of(asked, chosen) if chosen is not None and card is None else {}
    return page(
        asked,
        "sessions/session.html",
        title=f"{view.name}: {view.badge.text.lower()}",
        status=status,
        view=view,
        place=place,
        chosen=chosen,
        embedded=bool(values),
        again=_again(view, place, chosen),
        query=_query(place),
        refusal=refusal,
        draft=draft,
        trigger=trigger,
        **values,
    )


def _chosen(view: View, place: Wanted) -> str | None:
    """Return the task whose card stands in the page: the one that was asked for, or the first that waits."""
    waiting = [task.id for line in view.lines for task in line.pending if task.spec.request.kind != "message"]
    if place.task in waiting:
        return place.task
    return waiting[0] if waiting else None


def _again(view: View, place: Wanted, chosen: str | None) -> str:
    """Return the address at which the page asks for what is new: from the same step on, so that none disappears."""
    at_end = not view.window.later and view.lines
    start = {"since": view.lines[0].step.id, "live": "1"} if at_end else {}
    query = {**_given(place), **start, **({"card": chosen} if chosen else {})}
    return f"/sessions/{view.whole.session.id}" + (f"?{urlencode(query)}" if query else "")


def _given(place: Wanted) -> dict[str, str]:
    named = {name: getattr(place, name) for name in _PLACES}
    return {name: value for name, value in named.items() if value is not None}


def _query(place: Wanted) -> str:
    return urlencode(_given(place))


@router.get("/sessions/{sessionId}/steps/{stepId}")
async def show_step(
    asked: Visited, session_id: SessionPath, step_id: Annotated[str, Path(alias="stepId", max_length=300)]
) -> HTMLResponse:
    """Show one step with everything that is kept of it, none of it cut short."""
    asked.require("see_runs_of_tasks")
    whole = await asked.service.sessions.session(SessionId(session_id), asked.reach)
    steps = await to_thread(_steps, whole)
    step = next((step for step in steps if step.id == step_id), None)
    if step is None:
        raise RouteUnknown("Expected a step of the session, but there is none at this address.")
    parts = next(parts for parts in whole.runs if parts.run.id == step.run_id)
    entries = [entry for entry in parts.entries if entry.seq in step.sequences]
    line = line_of(step, asked.now, Allowance(None), entries=entries)
    names = await names_of(asked)
    return page(
        asked,
        "sessions/step.html",
        title=f"Step {step.number}: {line.what.lower()}",
        whole=whole,
        line=line,
        agent=names.get(parts.run.program, parts.run.program),
        attempts=await _attempts(asked, step),
    )


def _steps(whole: Whole) -> list[Step]:
    return steps_of(merged(whole), known_of(whole.runs))


async def _attempts(asked: Asking, step: Step) -> Sequence[RecordedAttempt]:
    return await asked.service.sessions.attempts(step.run_id, step.key, asked.reach) if step.attempts else ()


@router.get("/runs/{runId}")
async def show_run(asked: Visited, run_id: RunPath, task: Place = None) -> RedirectResponse:
    """Lead to a run's place in its session."""
    asked.require("see_runs_of_tasks")
    parts = await asked.service.sessions.run(RunId(run_id), asked.reach)
    query = urlencode({"run": run_id} if task is None else {"task": task})
    return RedirectResponse(f"/sessions/{parts.run.session_id}?{query}#{task or run_id}", 303)


@router.post("/sessions/{sessionId}/layout")
async def choose_layout(asked: Visited, session_id: SessionPath) -> Response:
    """Keep which layout somebody prefers, and show the session in it."""
    asked.require("see_runs_of_tasks")
    await asked.service.sessions.session(SessionId(session_id), asked.reach)
    fields = await fields_of(asked.request)
    chosen = replace(preferences_of(asked.request), advanced=fields.one("layout") == "advanced")
    kept = {name: value for name, value in parse_qsl(fields.one("query")[:2_000]) if name in _PLACES}
    response = RedirectResponse(f"/sessions/{session_id}" + (f"?{urlencode(kept)}" if kept else ""), 303)
    keep_preferences(response, asked.service.options, chosen)
    return response
