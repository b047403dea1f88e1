"""Several approvals with one press: all of them shown in full first, and each decided by a command of its own.

What may be approved together is alike: approvals of one operation, of one definition and with the same arguments by
name, of low or medium risk. Each is bound to its own digest; what changed meanwhile, or somebody else has decided, is
told beside it and stops none of the others.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import HTMLResponse

from sayso.core.codec import json_bytes
from sayso.core.reviewing import operation_of
from sayso.core.risks import risk_of
from sayso.model.errors import SaysoError, TaskChanged
from sayso.model.ids import RunId
from sayso.model.requesterrors import OutOfScope
from sayso.model.tasks import ApprovalRequest, TaskSpec
from sayso.runtime.ports import Transaction
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.fields import Fields, fields_of
from sayso.web.rendering import page
from sayso.web.review.cards import Card, card_of
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
MOST = 50
"""Tasks that are decided with one press: a page of the inbox."""
Alike = tuple[str, str | None, tuple[str, ...]]
"""What approvals that go together have in common: operation, definition, names of arguments."""
Chosen = Annotated[list[str], Query(max_length=MOST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One task that was selected."""

    id: str
    card: Card | None
    """None where there is no such task, or it cannot be shown."""
    not_now: str | None
    """Why it is not decided here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of one task."""

    item: Item
    text: str
    look: str


@router.get("/review/bulk")
async def selected(asked: Visited, task: Chosen = []) -> HTMLResponse:  # noqa: B006 - FastAPI copies it
    """Show what was selected in full, with one press to approve all that may be approved together."""
    asked.require("decide_tasks")
    return _page(asked, await _items(asked, task))


@router.post("/review/bulk")
async def approve(asked: Visited) -> HTMLResponse:
    """Approve what was shown, each task by itself, and tell what became of each."""
    asked.require("decide_tasks")
    fields = await fields_of(asked.request)
    items = await _items(asked, fields.all("task")[:MOST])
    count = sum(item.not_now is None for item in items)
    return _page(asked, [], [await _decided(asked, item, fields, count) for item in items])


def alike(program: str, spec: TaskSpec) -> Alike | None:
    """Return what a task has in common with those that may be approved with it; None where it is decided alone."""
    request = spec.request
    if not isinstance(request, ApprovalRequest) or risk_of(request).level == "high":
        return None
    call = request.call
    names = sorted(call.arguments) if call is not None and isinstance(call.arguments, Mapping) else ()
    return f"{program}\n{operation_of(spec)}", None if call is None else call.digest, tuple(names)


async def _items(asked: Asking, ids: Sequence[str]) -> list[Item]:
    """Return what was selected; the first that may be decided here says what goes with it."""
    found: list[Item] = []
    first: Alike | None = None
    for task_id in dict.fromkeys(ids):
        card = await _card(asked, task_id)
        why = _not_now(card, first)
        if card is not None and why is None:
            first = alike(card.task.program, card.task.spec)
        found.append(Item(id=task_id, card=card, not_now=why))
    return found


async def _card(asked: Asking, task_id: str) -> Card | None:
    try:
        return (await card_of(asked, task_id))["card"]
    except (SaysoError, OutOfScope):
        return None


def _not_now(card: Card | None, first: Alike | None) -> str | None:
    if card is None:
        return "there is no such task that could be shown"
    if card.settled is not None:
        by = "" if card.settled.by is None else f" by {card.settled.by}"
        return f"it is no longer pending: {card.settled.said}{by}"
    if card.cannot is not None:
        return card.cannot
    kind = alike(card.task.program, card.task.spec)
    if kind is None:
        return "it is decided on a card of its own: only approvals of low or medium risk go together"
    if first is not None and kind != first:
        return "it asks about something else than the first: another operation, version of it, or other arguments"
    return None


async def _decided(asked: Asking, item: Item, fields: Fields, count: int) -> Told:
    """Approve one task as it was shown, and tell what became of it."""
    if item.card is None or item.not_now is not None:
        return Told(item=item, text=f"Not decided: {item.not_now}", look="warn")
    task_id, note = item.card.task.id, fields.text("note")
    completion: dict[str, Any] = {
        "approved": True,
        "digest": fields.one(f"digest:{task_id}") or "none",
        "metadata": {"together": count},
        **({} if note is None else {"comment": note}),
    }
    complete = asked.service.inbox.completing(task_id, completion, asked.principal, asked.reach)

    def unit(tx: Transaction) -> tuple[int, bytes]:
        return 200, json_bytes({"run": complete(tx).run_id})

    key = fields.text("key")
    try:
        answered = await asked.act(unit, completion, key=None if key is None else f"{key}.{task_id}")
    except TaskChanged:
        return Told(item=item, text="Not decided: what is asked changed after you saw it. Look again.", look="bad")
    except SaysoError as refusal:
        return Told(item=item, text=f"Not decided: {refusal.message}", look="bad")
    asked.service.runtime.wake(RunId(json.loads(answered.body)["run"]))
    return Told(item=item, text="Approved", look="good")


def _page(asked: Asking, items: Sequence[Item], told: Sequence[Told] = ()) -> HTMLResponse:
    return page(
        asked,
        "review/bulk.html",
        title="Approved together" if told else "Approve together",
        items=[item for item in items if item.not_now is None],
        left_out=[item for item in items if item.not_now is not None],
        told=told,
        key=asked.service.ids.new("form"),
    )
