"""One task on a page of its own, and deciding it: pressing is a POST, and looking never decides.

A press is bound to what was shown (the digest) and to itself (the key of the form, so that one that is repeated after a
broken connection is the same one). What needs a second press is shown first: what it will do, and what it changes; the
second press is bound to that. Refusals come back as the card, with what was typed kept in it.
"""

import hashlib
import json
from typing import Annotated, Any

from fastapi import Path
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sayso.core.codec import json_bytes
from sayso.core.roles import allows
from sayso.model.errors import Conflict, Invalid, NotAllowed, SaysoError, TaskChanged, TaskClosed, TaskExpired
from sayso.model.ids import RunId, TaskId
from sayso.model.json import Json
from sayso.model.requesterrors import KeyReused, TaskNotPending
from sayso.model.tasks import UserTask
from sayso.runtime.ports import Transaction
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.fields import Fields, fields_of
from sayso.web.rendering import given, is_part, page, text_of
from sayso.web.review.cards import Arming, Card, Notice, Tried, card_of
from sayso.web.review.kinds.kind import CHECK, Sent, Unfit
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
TaskPath = Annotated[str, Path(alias="taskId", max_length=200)]


@router.get("/review/{taskId}")
async def show(asked: Visited, task_id: TaskPath) -> HTMLResponse:
    """Show a task; the card alone where it is asked for as a part."""
    asked.require("see_tasks")
    await looked(asked, task_id)
    return await shown(asked, task_id)


@router.post("/review/{taskId}/decide")
async def decide(asked: Visited, task_id: TaskPath) -> Response:
    """Decide a task, or show what a second press would do."""
    return await _pressed(asked, task_id, deciding=True)


@router.post("/review/{taskId}/preview")
async def preview(asked: Visited, task_id: TaskPath) -> Response:
    """Show what was changed, and what is wrong with it; nothing is decided."""
    return await _pressed(asked, task_id, deciding=False)


@router.post("/review/{taskId}/reveal")
async def reveal(asked: Visited, task_id: TaskPath) -> Response:
    """Tell one secret argument to a person who may decide; the audit log has it before."""
    asked.require("decide_tasks")
    place = (await fields_of(asked.request)).one("place")
    try:
        value = await asked.service.inbox.reveal(TaskId(task_id), place, asked.principal, asked.reach)
    except (Conflict, NotAllowed, Invalid, TaskExpired, TaskClosed) as refusal:
        if is_part(asked.request):
            return HTMLResponse(text_of("review/told.html", **given(asked), problem=refusal.message), refusal.status)
        return await shown(
            asked, task_id, Tried(notice=Notice(text=refusal.message, hint=refusal.hint)), refusal.status
        )
    told_text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if is_part(asked.request):
        return HTMLResponse(text_of("review/told.html", **given(asked), value=told_text))
    return await shown(asked, task_id, Tried(told={place: told_text}))


async def looked(asked: Asking, task_id: str) -> UserTask:
    """Take note that somebody who may decide a task looks at it.

    Raises:
        TaskNotFound: No such task within reach.
    """
    task, _ = await asked.service.inbox.show(TaskId(task_id), asked.reach)
    if allows(asked.principal, "decide_tasks"):
        asked.service.looking.saw(task.id, asked.principal.id, asked.now)
    return task


async def shown(asked: Asking, task_id: str, tried: Tried | None = None, status: int = 200) -> HTMLResponse:
    """Return a card: on a page of its own, or alone."""
    values = await card_of(asked, task_id, tried)
    if is_part(asked.request):
        return HTMLResponse(text_of("review/card.html", **given(asked), **values), status)
    return page(asked, "review/task.html", title=_title(values["card"]), status=status, **values)


def _title(card: Card | None) -> str:
    return "Task" if card is None else f"{card.label}: {card.task.spec.request.message[:80]}"


async def _pressed(asked: Asking, task_id: str, *, deciding: bool) -> Response:
    """Take a press: show what is wrong, show what it would do, or do it."""
    asked.require("decide_tasks")
    fields = await fields_of(asked.request)
    card: Card | None = (await card_of(asked, task_id))["card"]
    kind = None if card is None else card.kind
    if card is None or kind is None:
        notice = Notice(text="This task cannot be decided here: what it asks cannot be shown.")
        return await shown(asked, task_id, Tried(fields=fields, notice=notice), 409)
    try:
        sent = kind.read(card.task, fields)
    except Unfit as unfit:
        return await (_unfit(asked, task_id, fields, unfit) if card.pending else _too_late(asked, card, fields))
    mark = _mark(sent, fields)
    if not deciding or fields.one("say") == CHECK or (_needs_two(sent, card) and fields.one("sure") != mark):
        if not card.pending:
            return await _too_late(asked, card, fields)
        arming = Arming(say=_said(sent, fields), mark=mark, will=sent.will, changes=sent.changes)
        return await shown(asked, task_id, Tried(fields=fields, arming=arming))
    return await _decided(asked, card, fields, sent)


async def _decided(asked: Asking, card: Card, fields: Fields, sent: Sent) -> Response:
    """Decide, once."""
    task_id = card.task.id
    completion: dict[str, Any] = {**sent.completion, "digest": fields.one("digest") or "none"}
    complete = asked.service.inbox.completing(task_id, completion, asked.principal, asked.reach)

    def unit(tx: Transaction) -> tuple[int, bytes]:
        decision = complete(tx)
        return 200, json_bytes({"run": decision.run_id})

    try:
        answered = await asked.act(unit, completion, key=fields.text("key"))
    except SaysoError as refusal:
        return await _refused(asked, card, fields, refusal)
    asked.service.runtime.wake(RunId(json.loads(answered.body)["run"]))
    if not is_part(asked.request):
        return RedirectResponse(f"/review/{task_id}", 303)
    response = await shown(asked, task_id)
    response.headers["HX-Trigger"] = told("decided", task_id)
    return response


async def _refused(asked: Asking, card: Card, fields: Fields, refusal: SaysoError) -> Response:
    """Return the card with a refusal on top, and with what was typed."""
    match refusal:
        case TaskNotPending() | TaskExpired() | TaskClosed() | KeyReused():
            return await _too_late(asked, card, fields)
        case TaskChanged():
            text = "What this page showed is not what is asked now. Look again: the card below shows what it is."
            notice = Notice(text=text)
        case Conflict() | NotAllowed() | Invalid():
            notice = Notice(text=refusal.message, hint=refusal.hint)
        case _:
            raise refusal
    return await shown(asked, card.task.id, Tried(fields=fields, notice=notice), refusal.status)


async def _too_late(asked: Asking, card: Card, fields: Fields) -> HTMLResponse:
    """Return the card of a task that is decided: who decided what and when, with the draft kept."""
    latest: Card = (await card_of(asked, card.task.id))["card"]
    timed_out = latest.settled is not None and latest.settled.timed_out
    text = "The time to decide has passed." if timed_out else "This is already decided, so yours was not sent."
    notice = Notice(text=text, look="warn")
    return await shown(asked, card.task.id, Tried(fields=fields, notice=notice), 410 if timed_out else 409)


async def _unfit(asked: Asking, task_id: str, fields: Fields, unfit: Unfit) -> HTMLResponse:
    whole = unfit.errors.get("")
    text = "Not sent yet: " + (whole or "something is missing or does not fit.")
    return await shown(asked, task_id, Tried(fields=fields, errors=unfit.errors, notice=Notice(text=text)), 422)


def _needs_two(sent: Sent, card: Card) -> bool:
    return sent.confirm or (sent.risky and card.risk.level == "high")


def _said(sent: Sent, fields: Fields) -> str:
    said = fields.one("say")
    return "edit" if said == CHECK and sent.changes else said


def _mark(sent: Sent, fields: Fields) -> str:
    """Return what binds a second press to what the first one has shown; the note may still change."""
    about: dict[str, Json] = {name: value for name, value in sent.completion.items() if name != "comment"}
    return hashlib.sha256(json_bytes([fields.one("digest"), about])).hexdigest()


def told(event: str, task_id: str) -> str:
    """Return an event that the card fires when it is swapped in."""
    return json.dumps({event: {"target": "#card", "id": task_id}})
