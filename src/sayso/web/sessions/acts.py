"""What is done to sessions and runs: terminate, mark complete, cancel, skip a wait, reply.

What cannot be undone is asked about on a page of its own, which says what it will do; looking at it does nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from starlette.responses import HTMLResponse, RedirectResponse, Response

from sayso.core.codec import json_bytes, plain_of
from sayso.model.errors import Conflict, Invalid, RunNotPaused
from sayso.model.ids import RunId, SessionId
from sayso.model.runs import ENDED, Run
from sayso.model.sessions import SessionStatus
from sayso.runtime.ports import Transaction
from sayso.runtime.sessions import Whole
from sayso.runtime.standing import pending_of, session_status
from sayso.server.routes import router as strict_router
from sayso.server.service import Asking
from sayso.web.fields import fields_of
from sayso.web.rendering import page
from sayso.web.sessions.session import RunPath, SessionPath, shown
from sayso.web.sessions.windows import Wanted
from sayso.web.stepwords import STATUSES
from sayso.web.visiting import Visited

router = strict_router(include_in_schema=False)
_LONGEST = 2_000
WAITS = frozenset(
    {
        SessionStatus.WAITING_FOR_HITL,
        SessionStatus.WAITING_FOR_AITL,
        SessionStatus.WAITING_FOR_RESPONSE,
        SessionStatus.WAITING_FOR_TIMER,
    }
)
"""Where a session can be marked complete."""
End = Literal["terminate", "complete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A page that asks before it acts."""

    title: str
    press: str
    look: str
    """Of the button."""
    says: str
    """The label of the text that may be given."""
    what: tuple[str, ...]
    """What it will do, a sentence each."""


def _terminate(whole: Whole, asked: Asking) -> Asked:
    open_ = [parts for parts in whole.runs if parts.run.state not in ENDED]
    waiting = sum(len(pending_of(parts, asked.now)) for parts in open_)
    what = [
        _count(len(open_), "open run fails", "open runs fail"),
        _count(waiting, "question that waits for a person is dropped", "questions that wait for people are dropped"),
        "What has been done stays done: a tool call that was sent is not taken back.",
        "This cannot be undone.",
    ]
    return Asked(title="Terminate this session", press="Terminate", look="bad", says="Reason", what=_told(what))


def _complete(whole: Whole, asked: Asking) -> Asked:
    waiting = sum(len(pending_of(parts, asked.now)) for parts in whole.runs)
    what = [
        "The session ends as completed, without an output, on your word.",
        _count(waiting, "question that waits for a person is dropped", "questions that wait for people are dropped"),
        "Your note and your name are kept with it. This cannot be undone.",
    ]
    return Asked(title="Mark this session complete", press="Mark complete", look="act", says="Note", what=_told(what))


_ASKS = {"terminate": _terminate, "complete": _complete}


def _count(number: int, one: str, several: str) -> str:
    return "" if number == 0 else f"{number} {one if number == 1 else several}."


def _told(what: list[str]) -> tuple[str, ...]:
    return tuple(sentence for sentence in what if sentence)


@router.get("/sessions/{sessionId}/terminate")
async def ask_to_terminate(asked: Visited, session_id: SessionPath) -> HTMLResponse:
    """Ask before a session is terminated."""
    return await _asking(asked, session_id, "terminate")


@router.post("/sessions/{sessionId}/terminate")
async def terminate(asked: Visited, session_id: SessionPath) -> Response:
    """End every run of a session."""
    return await _ended(asked, session_id, "terminate")


@router.get("/sessions/{sessionId}/complete")
async def ask_to_complete(asked: Visited, session_id: SessionPath) -> HTMLResponse:
    """Ask before a session is marked complete."""
    return await _asking(asked, session_id, "complete")


@router.post("/sessions/{sessionId}/complete")
async def complete(asked: Visited, session_id: SessionPath) -> Response:
    """Mark a session that waits as completed."""
    return await _ended(asked, session_id, "complete")


async def _asking(asked: Asking, session_id: str, end: End) -> HTMLResponse:
    """Return the page that asks before a session is ended."""
    asked.require("end_sessions")
    whole = await asked.service.sessions.session(SessionId(session_id), asked.reach)
    status, about = session_status(whole, asked.now), _ASKS[end](whole, asked)
    refusal = _not_now(end, status, whole)
    if refusal is not None:
        return await shown(asked, whole, Wanted(), status=409, refusal=refusal)
    return _confirm(asked, about, back=f"/sessions/{session_id}")


def _not_now(end: End, status: SessionStatus, whole: Whole) -> str | None:
    """Return why a session cannot be ended so, as it stands."""
    word = STATUSES[status].text.lower()
    if all(parts.run.state in ENDED for parts in whole.runs):
        return f"This session is over already ({word}), so nothing was changed."
    if end == "complete" and status not in WAITS:
        return f"Only a session that waits can be marked complete, and this one is {word}. Nothing was changed."
    return None


def _confirm(asked: Asking, about: Asked, *, back: str) -> HTMLResponse:
    return page(asked, "sessions/confirm.html", title=about.title, about=about, back=back)


async def _ended(asked: Asking, session_id: str, end: End) -> Response:
    """End a session: terminate it, or mark it complete."""
    asked.require("end_sessions")
    said = (await fields_of(asked.request)).text("said")
    if said is not None and len(said) > _LONGEST:
        raise Invalid(f"Expected at most {_LONGEST} characters, but got {len(said)}.")
    sessions = asked.service.sessions
    make = sessions.terminating if end == "terminate" else sessions.completing
    work = make(SessionId(session_id), said, asked.principal, asked.reach)

    def unit(tx: Transaction) -> tuple[int, bytes]:
        return 200, json_bytes([run.id for run in work(tx)])

    try:
        answered = await asked.act(unit)
    except RunNotPaused:
        whole = await sessions.session(SessionId(session_id), asked.reach)
        why = _not_now(end, session_status(whole, asked.now), whole) or "It has just gone on. Nothing was changed."
        return await shown(asked, whole, Wanted(), status=409, refusal=why)
    for run_id in cast("list[str]", plain_of(answered.body)):
        asked.service.runtime.wake(RunId(run_id))
    return RedirectResponse(f"/sessions/{session_id}", 303)


@router.get("/runs/{runId}/cancel")
async def ask_to_cancel(asked: Visited, run_id: RunPath) -> HTMLResponse:
    """Ask before a run is cancelled."""
    asked.require("end_sessions")
    parts = await asked.service.sessions.run(RunId(run_id), asked.reach)
    if parts.run.state in ENDED:
        return await _refused(asked, parts.run, "This run is over already, so nothing was changed.")
    waiting = len(pending_of(parts, asked.now))
    what = [
        f"This run of {parts.run.program} and everything under it ends as cancelled.",
        _count(waiting, "question that waits for a person is dropped", "questions that wait for people are dropped"),
        "This cannot be undone.",
    ]
    about = Asked(title="Cancel this run", press="Cancel the run", look="bad", says="Reason", what=_told(what))
    return _confirm(asked, about, back=f"/runs/{run_id}")


@router.post("/runs/{runId}/cancel")
async def cancel_run(asked: Visited, run_id: RunPath) -> Response:
    """Cancel a run with its tree."""
    asked.require("end_sessions")
    said = (await fields_of(asked.request)).text("said")
    work = asked.service.sessions.cancelling(RunId(run_id), said, asked.principal, asked.reach)

    def unit(tx: Transaction) -> tuple[int, bytes]:
        return 200, json_bytes(work(tx))

    answered = await asked.act(unit)
    asked.service.runtime.wake(RunId(run_id))
    if not plain_of(answered.body):
        parts = await asked.service.sessions.run(RunId(run_id), asked.reach)
        return await _refused(asked, parts.run, "This run is over already, so nothing was changed.")
    return RedirectResponse(f"/runs/{run_id}", 303)


@router.post("/runs/{runId}/skip-wait")
async def skip_wait(asked: Visited, run_id: RunPath) -> Response:
    """Let a run that waits for a time go on now."""
    asked.require("skip_waits")
    work = asked.service.sessions.skipping(RunId(run_id), asked.principal, asked.reach)
    return await _moved(asked, RunId(run_id), work, "This run does not wait for a time any more. Nothing was changed.")


@router.post("/runs/{runId}/reply")
async def reply(asked: Visited, run_id: RunPath) -> Response:
    """Give a run the reply that it waits for."""
    asked.require("decide_tasks")
    text = (await fields_of(asked.request)).text("text")
    if text is None:
        raise Invalid("Expected a reply, but it is empty.", hint="Write something and send it again.")
    work = asked.service.sessions.sending(RunId(run_id), text, asked.principal, asked.reach)
    refusal = "This run does not wait for a reply any more. Yours was not sent:"
    return await _moved(asked, RunId(run_id), work, refusal, text)


async def _moved(
    asked: Asking, run_id: RunId, work: Callable[[Transaction], object], refusal: str, draft: str | None = None
) -> Response:
    """Carry out an act on a run and wake it; what is too late is told in words, with what was written."""

    def unit(tx: Transaction) -> tuple[int, bytes]:
        work(tx)
        return 200, json_bytes(None)

    try:
        await asked.act(unit)
    except Conflict:
        parts = await asked.service.sessions.run(run_id, asked.reach)
        return await _refused(asked, parts.run, refusal, draft)
    asked.service.runtime.wake(run_id)
    return RedirectResponse(f"/runs/{run_id}", 303)


async def _refused(asked: Asking, run: Run, refusal: str, draft: str | None = None) -> HTMLResponse:
    """Return the session's page with why nothing was done."""
    whole = await asked.service.sessions.session(run.session_id, asked.reach)
    return await shown(asked, whole, Wanted(), status=409, refusal=refusal, draft=draft)
