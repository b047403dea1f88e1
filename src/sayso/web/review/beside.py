"""What is done to a task beside deciding it: claim, release, assign, snooze, comment; telling a card what is new.

Nothing here replaces a card's form, so that nothing that somebody is typing is lost: an answer is the line that says
who is on it, the comments, and a notice where the task is decided meanwhile.
"""

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sayso.model.errors import Conflict, Invalid, NotAllowed, SaysoError
from sayso.model.ids import TaskId
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.fields import Fields, fields_of
from sayso.web.preferring import preferences_of
from sayso.web.rendering import given, is_part, text_of
from sayso.web.review.carding import TaskPath, looked, shown, told
from sayso.web.review.cards import Notice, Tried, also_looking, card_of
from sayso.web.visiting import Visited
from sayso.web.wording import zone_of

router = strict_router(include_in_schema=False)
_MORNING = 9
_HOURS = {"1h": 1, "4h": 4}
Act = Callable[[], Coroutine[Any, Any, Any]]


@router.get("/review/{taskId}/state")
async def state(asked: Visited, task_id: TaskPath, seen: Annotated[str, Query(max_length=500)] = "") -> Response:
    """Tell an open card what is new since it was seen; nothing, where nothing is."""
    asked.require("see_tasks")
    values = await card_of(asked, task_id)
    if values["card"] is None or values["card"].mark == seen:
        return Response(status_code=204)
    return HTMLResponse(text_of("review/news.html", **given(asked), **values))


@router.get("/review/{taskId}/presence")
async def presence(asked: Visited, task_id: TaskPath, told: Annotated[str, Query(max_length=5000)] = "") -> Response:
    """Say that somebody still looks at an open card, and tell who else does; nothing, where that is told already."""
    asked.require("see_tasks")
    task = await looked(asked, task_id)
    looking = also_looking(asked, task)
    if ",".join(looking) == told:
        return Response(status_code=204)
    return HTMLResponse(text_of("review/presence.html", **given(asked), task_id=task.id, looking=looking))


@router.post("/review/{taskId}/claim")
async def claim(asked: Visited, task_id: TaskPath) -> Response:
    """Say to be on a task, for a quarter of an hour; again renews."""
    asked.require("decide_tasks")
    return await _done(asked, task_id, lambda: asked.service.inbox.claim(TaskId(task_id), asked.principal, asked.reach))


@router.post("/review/{taskId}/release")
async def release(asked: Visited, task_id: TaskPath) -> Response:
    """Say to be no longer on a task."""
    asked.require("decide_tasks")
    return await _done(
        asked, task_id, lambda: asked.service.inbox.release(TaskId(task_id), asked.principal, asked.reach)
    )


@router.post("/review/{taskId}/assign")
async def assign(asked: Visited, task_id: TaskPath) -> Response:
    """Say whose work a task is, or nobody's; others may still decide it."""
    asked.require("decide_tasks")
    to = (await fields_of(asked.request)).text("to")
    return await _done(
        asked, task_id, lambda: asked.service.inbox.assign(TaskId(task_id), to, asked.principal, asked.reach)
    )


@router.post("/review/{taskId}/snooze")
async def snooze(asked: Visited, task_id: TaskPath) -> Response:
    """Keep a task out of one's sight for a while: it stays pending for everybody, and keeps its deadline."""
    asked.require("see_tasks")
    fields, zone = await fields_of(asked.request), preferences_of(asked.request).zone

    async def act() -> None:
        until = snoozed_until(fields, asked.now, zone)
        await asked.service.review.snooze(TaskId(task_id), until, asked.principal, asked.reach)

    return await _done(asked, task_id, act, event="snoozed")


@router.post("/review/{taskId}/unsnooze")
async def unsnooze(asked: Visited, task_id: TaskPath) -> Response:
    """Have a task in sight again."""
    asked.require("see_tasks")
    return await _done(
        asked, task_id, lambda: asked.service.review.unsnooze(TaskId(task_id), asked.principal, asked.reach)
    )


@router.post("/review/{taskId}/comment")
async def comment(asked: Visited, task_id: TaskPath) -> Response:
    """Say something about a task without deciding it."""
    asked.require("see_tasks")
    fields = await fields_of(asked.request)
    text = fields.one("comment")
    return await _done(
        asked,
        task_id,
        lambda: asked.service.review.comment(TaskId(task_id), text, asked.principal, asked.reach),
        comment=text,
    )


def snoozed_until(fields: Fields, now: datetime, zone: str) -> datetime:
    """Return until when somebody wants to snooze, with times of day in their zone.

    Raises:
        Invalid: It is no time.
    """
    choice, here = fields.one("for"), zone_of(zone)
    if choice in _HOURS:
        return now + timedelta(hours=_HOURS[choice])
    if choice == "tomorrow":
        day = now.astimezone(here).date() + timedelta(days=1)
        return datetime(day.year, day.month, day.day, _MORNING, tzinfo=here)
    try:
        until = datetime.fromisoformat(fields.one("until"))
    except ValueError:
        raise Invalid("Expected a day and a time to snooze until.", hint="Choose both, or one of the times.") from None
    return until if until.tzinfo is not None else until.replace(tzinfo=here)


async def _done(
    asked: Asking, task_id: str, act: Act, *, event: str | None = None, comment: str | None = None
) -> Response:
    """Act, and return what is new of the card; a refusal is told in words, and what was typed is kept."""
    problem: SaysoError | None = None
    try:
        await act()
    except (Conflict, NotAllowed, Invalid) as refusal:
        problem = refusal
    status = 200 if problem is None else problem.status
    if not is_part(asked.request):
        if problem is None:
            return RedirectResponse(f"/review/{task_id}", 303)
        return await shown(asked, task_id, Tried(notice=Notice(text=problem.message, hint=problem.hint)), status)
    values = await card_of(asked, task_id)
    values |= {"problem": problem and f"{problem.message} {problem.hint}", "typed": comment if problem else None}
    text = text_of("review/beside.html", **given(asked), **values)
    headers = {"HX-Trigger": told(event, task_id)} if event and problem is None else {}
    return HTMLResponse(text, status, headers)
