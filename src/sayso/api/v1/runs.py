"""Runs: start them, poll them, read their conversation, send what they wait for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import Path, Query
from fastapi.responses import JSONResponse

from sayso.api.v1 import wire
from sayso.api.v1.bodies import Completion, Message, Reason, StartRun
from sayso.api.v1.linking import RUN_LINKS
from sayso.api.v1.taskwire import Plain, task_json
from sayso.api.v1.telling import A_RUN, MESSAGING, STARTING, acting, told
from sayso.core.codec import json_bytes, plain_of, to_json
from sayso.core.states import status_of
from sayso.model.errors import RunNotPaused
from sayso.model.ids import RunId, SessionId, TaskId
from sayso.model.json import Json
from sayso.model.requesterrors import BadRequest, WaitNotRunning
from sayso.model.runs import rest_of
from sayso.model.sessions import SessionStatus
from sayso.runtime.admission import Arrival, counting, headers_of, refuse_arrival
from sayso.runtime.once import Unit
from sayso.runtime.ports import Transaction
from sayso.runtime.standing import run_status
from sayso.runtime.starting import Begin, Wanted
from sayso.server.routes import router as strict_router
from sayso.server.service import Asked, Asking, answer

router = strict_router(tags=["runs"])
RunPath = Annotated[str, Path(max_length=200, description="A run's id.")]
Wait = Annotated[
    int, Query(ge=0, le=60, description="Seconds to wait for the run to end or to need somebody, before answering.")
]
Include = Annotated[
    Literal["spec"] | None, Query(description="`spec`: also what was asked in the form that is stored and hashed.")
]


@router.post("/agents/{agentId}/runs", **acting("started", *STARTING, links=RUN_LINKS))
async def start_run(
    asked: Asked,
    body: StartRun,
    agent_id: Annotated[str, Path(alias="agentId", max_length=200)],
    wait: Wait = 0,
) -> JSONResponse:
    """Start a run of an agent's deployed version, in a new session or in one that is named."""
    asked.require("start_runs")
    agent = await asked.agent(agent_id)
    trigger = await asked.trigger(agent)
    client = asked.request.client
    if trigger is not None:
        arrival = Arrival(address=client.host if client else "?", input_bytes=len(json_bytes(to_json(body.input))))
        refuse_arrival(trigger, arrival)
    wanted = Wanted(
        workspace_id=agent.workspace_id, agent_id=agent.id, trigger_id=None if trigger is None else trigger.id
    )
    plan = Begin(
        wanted=wanted,
        input=body.input,
        trigger_type="manual" if asked.principal.key is None else "api",
        started_by=asked.principal.id,
        user_id=body.user_id,
        session_id=None if body.session_id is None else SessionId(body.session_id),
    )
    runtime = asked.service.runtime
    also = None if trigger is None else counting(trigger, asked.now)
    command = await asked.service.registry.plan(runtime, plan, also=also)
    begin = asked.service.sessions.starting(command, asked.principal, asked.reach)

    def unit(tx: Transaction) -> tuple[int, bytes]:
        return 202, json_bytes(wire.started_json(begin(tx).run, agent_id=agent_id))

    answered = await asked.act(unit, body.sent())
    runtime.wake(command.run_id)
    limits = await runtime.store.read(lambda tx: headers_of(trigger, tx, asked.now))
    response = answer(answered, replayed=bool(answered.digest), headers=limits)
    if wait == 0:
        return response
    told: Plain = plain_of(bytes(response.body))
    return JSONResponse({**told, **await _rested(asked, RunId(str(told["runId"])), wait)}, 202)


async def _rested(asked: Asking, run_id: RunId, seconds: int) -> Plain:
    """Return a run when it has come to rest, or when the time is over, as it stands then."""
    until = asked.now + timedelta(seconds=seconds)
    while True:
        heard = asked.service.news.heard()
        parts = await asked.service.sessions.run(run_id, asked.reach)
        now = asked.now
        if run_status(parts, now) != SessionStatus.RUNNING or now >= until or asked.stopping:
            return wire.run_json(parts, now, exposed=asked.exposed(parts.run.origin))
        await asked.service.news.wait(heard, [rest_of(run_id)])


@router.get("/runs/{runId}", **told("run", *A_RUN, links=RUN_LINKS))
async def get_run(asked: Asked, run_id: Annotated[RunPath, Path(alias="runId")], wait: Wait = 0) -> Plain:
    """Return a run's status, output and error, and what it waits for."""
    asked.require("see_runs_of_tasks")
    return await _rested(asked, RunId(run_id), wait)


@router.get("/runs/{runId}/conversation", **told("conversation", *A_RUN))
async def get_conversation(
    asked: Asked,
    run_id: Annotated[RunPath, Path(alias="runId")],
    step_content: Annotated[Literal["slim", "full"], Query(alias="stepContent")] = "full",
) -> Plain:
    """Return the whole session of a run: its runs, and one timeline of all of them."""
    asked.require("see_runs_of_tasks")
    whole = await asked.service.sessions.whole(RunId(run_id), asked.reach)
    exposed = asked.exposed(whole.runs[0].run.origin)
    names = await asked.names()
    return wire.conversation(whole, asked.now, names, slim=step_content == "slim", exposed=exposed)


@router.get("/runs/{runId}/user-tasks", **told("run_tasks", *A_RUN))
async def list_run_tasks(
    asked: Asked, run_id: Annotated[RunPath, Path(alias="runId")], include: Include = None
) -> Plain:
    """Return every user task of a run, oldest first; none to a key whose trigger does not expose them."""
    asked.require("see_runs_of_tasks")
    parts = await asked.service.sessions.run(RunId(run_id), asked.reach)
    exposed = asked.exposed(parts.run.origin)
    listed = [task for task in parts.tasks if exposed and task.spec.request.kind != "message"]
    names = await asked.names()
    items = [task_json(task, asked.now, names, parts, spec=include == "spec") for task in listed]
    return {"items": items, "total": len(listed)}


@router.post("/runs/{runId}/messages", **acting("moved", *MESSAGING))
async def send_message(asked: Asked, body: Message, run_id: Annotated[RunPath, Path(alias="runId")]) -> JSONResponse:
    """Send a run what it waits for: a message of the conversation, or the completion of a user task."""
    return await _send(asked, body, RunId(run_id))


@router.post("/runs/{runId}/input", **acting("moved", *MESSAGING))
async def send_input(asked: Asked, body: Message, run_id: Annotated[RunPath, Path(alias="runId")]) -> JSONResponse:
    """Do what `messages` does."""
    return await _send(asked, body, RunId(run_id))


async def _send(asked: Asking, body: Message, run_id: RunId) -> JSONResponse:
    asked.require("decide_tasks")
    if body.run_id is not None and body.run_id != run_id:
        raise BadRequest(f"Expected runId to be that of the path, but got {body.run_id!r}.")
    texts = [text for text in (body.text, body.message) if text is not None]
    _refuse_mixed(body, texts)
    sent = body.sent()
    if body.skip_agent_wait:
        return await _skip_wait(asked, run_id, sent)
    if body.user_task_id is not None:
        fields = Completion.model_validate(
            {name: value for name, value in sent.items() if name not in _OF_MESSAGES}
        ).sent()
        decide = asked.service.inbox.completing(
            TaskId(body.user_task_id), fields, asked.principal, asked.reach, run_id=run_id
        )
        return await moved(asked, run_id, decide, sent)
    deliver = asked.service.sessions.sending(run_id, "\n".join(texts), asked.principal, asked.reach)
    return await moved(asked, run_id, deliver, sent)


def _refuse_mixed(body: Message, texts: list[str]) -> None:
    """Refuse a message that says nothing, and one that says two things of which one would go nowhere."""
    said = [
        name
        for name, given in (
            ("userTaskId", body.user_task_id is not None),
            ("text or message", any(texts)),
            ("files", bool(body.files)),
            ("skipAgentWait", bool(body.skip_agent_wait)),
        )
        if given
    ]
    if not said:
        raise BadRequest("Expected userTaskId, text, message or files, but got none of them.")
    if len(said) > 1:
        raise BadRequest(f"Expected one thing at a time, but got {' and '.join(said)}.")
    if body.files:
        raise BadRequest("Expected no files: this server takes none yet.")


_OF_MESSAGES = frozenset({"runId", "userTaskId", "text", "message", "files", "skipAgentWait", "completedByEmail"})


async def moved(asked: Asking, run_id: RunId, act: Callable[[Transaction], object], sent: Json) -> JSONResponse:
    """Carry out an act on a run, wake it, and answer with where it stands after it."""

    def unit(tx: Transaction) -> tuple[int, bytes]:
        act(tx)
        return 202, json_bytes(_standing(tx, run_id))

    return await _acted(asked, run_id, unit, sent)


async def _acted(asked: Asking, run_id: RunId, unit: Unit, sent: Json) -> JSONResponse:
    answered = await asked.act(unit, sent)
    asked.service.runtime.wake(run_id)
    return answer(answered, replayed=bool(answered.digest))


def _standing(tx: Transaction, run_id: RunId) -> Plain:
    run = tx.find_run(run_id)
    kinds = [task.spec.request.kind for task in tx.run_tasks(run_id, pending_only=True)]
    return {"status": "Running" if run is None else str(status_of(run.state, kinds))}


@router.post("/runs/{runId}/skip-agent-wait", **acting("moved", *A_RUN, WaitNotRunning))
async def skip_agent_wait(asked: Asked, run_id: Annotated[RunPath, Path(alias="runId")]) -> JSONResponse:
    """Let a run that waits for a time go on now."""
    return await _skip_wait(asked, RunId(run_id), None)


async def _skip_wait(asked: Asking, run_id: RunId, sent: Json) -> JSONResponse:
    asked.require("skip_waits")
    skip = asked.service.sessions.skipping(run_id, asked.principal, asked.reach)
    try:
        return await moved(asked, run_id, skip, sent)
    except RunNotPaused as exc:
        raise WaitNotRunning(exc.message, run_id=run_id) from exc


@router.post("/runs/{runId}/cancel", **acting("moved", *A_RUN))
async def cancel_run(asked: Asked, body: Reason, run_id: Annotated[RunPath, Path(alias="runId")]) -> JSONResponse:
    """End a run with its tree and close its tasks; a run that has ended stays as it is."""
    asked.require("end_sessions")
    end = asked.service.sessions.cancelling(RunId(run_id), body.reason, asked.principal, asked.reach)

    def unit(tx: Transaction) -> tuple[int, bytes]:
        done = end(tx)
        return 202, json_bytes({**_standing(tx, RunId(run_id)), "cancelled": done})

    return await _acted(asked, RunId(run_id), unit, body.sent())
