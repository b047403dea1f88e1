"""More time for a task: one press on its card extends the deadline.

The button belongs to the form of the decision, so that without scripts what was typed comes back with the card; with
them the parts that tell the deadline are all that is replaced. It stands behind the form's own buttons, so that Enter
in a field never means it. A press is bound to the deadline that was shown: sent twice, it extends once.
"""

from datetime import datetime

from starlette.responses import HTMLResponse, RedirectResponse, Response

from sayso.model.errors import Conflict, DeadlineMoved, Invalid, LedgerConflict, NotAllowed, SaysoError
from sayso.model.ids import TaskId
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.fields import Fields, fields_of
from sayso.web.rendering import given, is_part, text_of
from sayso.web.review.carding import TaskPath, shown
from sayso.web.review.cards import Card, Notice, Tried, card_of
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)


@router.post("/review/{taskId}/extend")
async def extend(asked: Visited, task_id: TaskPath) -> Response:
    """Give a task once more the time that it had at first."""
    asked.require("decide_tasks")
    fields = await fields_of(asked.request)
    try:
        due = _due(fields)
        await asked.service.inbox.extend(TaskId(task_id), asked.principal, asked.reach, shown=due)
    except (Conflict, NotAllowed, Invalid, LedgerConflict) as refusal:
        return await _answer(asked, task_id, fields, refusal)
    return await _answer(asked, task_id, fields, None)


def _due(fields: Fields) -> datetime:
    """Return the deadline that was shown.

    Raises:
        Invalid: None was sent.
    """
    try:
        due = datetime.fromisoformat(fields.one("due"))
    except ValueError:
        due = None
    if due is None or due.tzinfo is None:
        raise Invalid("Expected the deadline that was shown.", hint="Load the page anew, and press its button.")
    return due


async def _answer(asked: Asking, task_id: str, fields: Fields, refusal: SaysoError | None) -> Response:
    """Return what is new of the card: the parts that tell the deadline, or all of it with what was typed."""
    status = 200 if refusal is None else refusal.status
    if is_part(asked.request):
        values = await card_of(asked, task_id)
        values |= {"problem": None if refusal is None else _said(refusal), "pressed": True}
        return HTMLResponse(text_of("review/time_news.html", **given(asked), **values), status)
    if refusal is not None:
        return await shown(
            asked, task_id, Tried(fields=fields, notice=Notice(text=_said(refusal), look="warn")), status
        )
    tried = Tried(fields=fields, notice=Notice(text="There is more time now: see the deadline.", look="good"))
    card: Card | None = (await card_of(asked, task_id, tried))["card"]
    return await shown(asked, task_id, tried) if card and card.draft else RedirectResponse(f"/review/{task_id}", 303)


def _said(refusal: SaysoError) -> str:
    if isinstance(refusal, DeadlineMoved):
        return "Somebody has extended the deadline since it was shown here, so it was left at that."
    return f"{refusal.message} {refusal.hint}"
