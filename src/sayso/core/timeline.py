"""A run as people read it: the journal as a list of items, in order, each made once and never changed but by answers.

Theory of operation. The journal is the truth and the timeline is a view of it: a pure function of a run, its entries
and its user tasks. One entry becomes no item, one, or several (a turn of a model is what it said and each call that it
proposes). Item types and their content keys are those of the HTTP API. A call's `approval` and a task's outcome tell
what is known when the view is made; everything else of an item stays as it was first seen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from sayso.core.codec import plain_of
from sayso.core.instants import from_micros
from sayso.core.keys import WAIT
from sayso.core.ledger import APPROVAL, UNKNOWN
from sayso.model.calls import ANSWERED
from sayso.model.journal import Entry, EntryKind
from sayso.model.json import Json
from sayso.model.runs import Run, RunState
from sayso.model.tasks import MessageRequest, UserTask

_PREVIEW = 200
_INTERNAL = ("/version", "/began", ":began", "began")
"""Ends of keys whose steps hold nothing that a reader wants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of a timeline."""

    run_id: str
    id: str
    """The run's id, the entry's number, and the item's place in it."""
    sequence: int
    """The entry's number in its run."""
    type: str
    content: dict[str, Json]
    tokens: int | None = None
    error: Json = None
    started_at: datetime
    finished_at: datetime | None = None
    last_of_entry: bool = True
    """Whether no other item of the same entry follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What the items of one run are made from."""

    run: Run
    tasks: Mapping[str, UserTask]
    """By id."""
    by_key: Mapping[str, UserTask]
    """The newest task at each key."""
    answers: Mapping[str, Mapping[str, Any]]
    """The `decided` data, by key."""


_Made = tuple[str, dict[str, Json]]


def timeline(run: Run, entries: Sequence[Entry], tasks: Sequence[UserTask]) -> list[Item]:
    """Return the items of one run, in order.

    Args:
        run: The run.
        entries: Its journal, or a later part of it.
        tasks: Its user tasks.
    """
    view = _View(
        run=run,
        tasks={task.id: task for task in tasks},
        by_key={task.key: task for task in tasks},
        answers={entry.key: plain_of(entry.data) for entry in entries if entry.kind is EntryKind.DECIDED},
    )
    return [item for entry in entries for item in _items(view, entry)]


def merge(runs: Sequence[tuple[int, Sequence[Item]]]) -> list[Item]:
    """Return the items of several runs as one timeline.

    They are ordered by when they began, then by the depth of their run; within a run the order is the journal's.

    Args:
        runs: Each run's depth in its tree, and its items.
    """
    keyed = [
        (item.started_at, depth, number, place, item)
        for number, (depth, items) in enumerate(runs)
        for place, item in enumerate(_rising(items))
    ]
    return [entry[-1] for entry in sorted(keyed, key=lambda entry: entry[:4])]


def _rising(items: Sequence[Item]) -> list[Item]:
    """Return items none of which begins before an earlier one: a long step begins before what was told meanwhile."""
    found: list[Item] = []
    latest: datetime | None = None
    for item in items:
        latest = item.started_at if latest is None else max(latest, item.started_at)
        found.append(item if item.started_at == latest else replace(item, started_at=latest))
    return found


def _items(view: _View, entry: Entry) -> list[Item]:
    plain = cast("dict[str, Any]", plain_of(entry.data))
    made = _MAKERS[entry.kind](view, entry, plain)
    micros = plain.get("us", 0)
    begun = entry.at - timedelta(microseconds=micros) if entry.kind is EntryKind.STEP else entry.at
    failure = plain.get("e")
    return [
        Item(
            run_id=view.run.id,
            id=f"{view.run.id}:{entry.seq}.{place}",
            sequence=entry.seq,
            type=kind,
            content=_about(view, entry, kind, content),
            tokens=_tokens(content),
            error=failure if place == len(made) - 1 else None,
            started_at=begun,
            finished_at=None if kind in _OPEN_ENDED else entry.at,
            last_of_entry=place == len(made) - 1,
        )
        for place, (kind, content) in enumerate(made)
    ]


_OPEN_ENDED = frozenset({"UserTaskReq", "Wait", "SubAgentCall"})
"""Items that begin something whose end is an item of its own."""


def _about(view: _View, entry: Entry, kind: str, content: dict[str, Json]) -> dict[str, Json]:
    """Return the content with the keys that every item's has."""
    run = view.run
    common: dict[str, Json] = {
        "event_id": f"{run.id}:{entry.seq}",
        "sequence": entry.seq,
        "step_kind": kind,
        "run_id": run.id,
        "session_id": run.session_id,
        "tenant_id": run.origin.workspace_id,
        "agent_id": run.program,
        "agent_version_id": run.origin.version_id,
    }
    turn = _turn(entry.key)
    if turn is not None:
        common["iteration"] = turn
    if entry.key:
        common["key"] = entry.key
    return {**common, **content}


ID_KEYS = frozenset({"event_id", "session_id", "run_id", "tenant_id", "agent_id", "agent_version_id"})
"""What a slim conversation leaves out of every content."""


def _turn(key: str) -> int | None:
    _, mark, rest = key.rpartition("turn#")
    digits = rest.split("/")[0].split(":")[0]
    return int(digits) if mark and digits.isdigit() else None


def _tokens(content: Mapping[str, Json]) -> int | None:
    found = content.get("tokens_used")
    return found if isinstance(found, int) else None


# -- one maker per kind of entry --------------------------------------------------------------------------------


def _started(view: _View, entry: Entry, plain: dict[str, Any]) -> list[_Made]:
    del view, entry
    return [("UserMessage", {"message": plain.get("input")})]


def _step(view: _View, entry: Entry, plain: dict[str, Any]) -> list[_Made]:
    if entry.key.endswith("/model") and _turn(entry.key) is not None:
        return _model_turn(view, entry, plain)
    value = plain.get("v")
    if isinstance(value, dict) and "/call:" in entry.key and "state" in value:
        return [("ToolResult", _tool_result(entry.key, cast("dict[str, Any]", value)))]
    if entry.key.endswith(_INTERNAL):
        return []
    return [("Step", {"name": entry.key, "output": value})]


def _model_turn(view: _View, entry: Entry, plain: dict[str, Any]) -> list[_Made]:
    answer: dict[str, Any] = plain.get("v") or {}
    used = answer.get("usage", [0, 0, None])
    spent: dict[str, Json] = {"tokens_used": used[0] + used[1]}
    if used[2] is not None:
        spent["cost"] = used[2]
    if answer.get("retries"):
        spent["retries"] = answer["retries"]
    made: list[_Made] = [("llm_request_prepared", {"model": answer.get("model")})]
    calls = answer.get("calls", ())
    text = answer.get("text", "")
    if calls or "e" in plain:
        made.append(("reasoning", {"message": text, "preview": text[:_PREVIEW], **spent}))
    else:
        made.append(("output", {"message": text, **spent, "total_tokens_used": view.run.usage.total_tokens}))
    base = entry.key.removesuffix("/model")
    for number, proposal in enumerate(calls, 1):
        key = f"{base}/call:{number}"
        made.append(("ToolCall", {**_proposal(key, proposal), **_approval(view, key)}))
    return made


def _proposal(key: str, proposal: dict[str, Any]) -> dict[str, Json]:
    return {
        "name": proposal["tool"],
        "operation_name": proposal["tool"],
        "arguments": proposal.get("arguments"),
        "tool_call_id": key,
    }


def _approval(view: _View, key: str) -> dict[str, Json]:
    task = view.by_key.get(key + APPROVAL)
    if task is None:
        return {"approval": "not_required"}
    said = view.answers.get(task.key)
    if said is None:
        return {"approval": "pending" if task.decided_by is None else "approved", "user_task_id": task.id}
    approval = "approved" if said["action"] == "proceed" else "rejected"
    return {"approval": approval, "user_task_id": task.id, "decided_by": said["by"]}


def _tool_result(key: str, value: dict[str, Any]) -> dict[str, Json]:
    succeeded, answered = value["state"] == "succeeded", value.get("code") == ANSWERED
    error: Json = {"code": value.get("code"), "message": value.get("message")}
    result: dict[str, Json] = {
        "data": value.get("message") if answered else value.get("value"),
        "error": None if succeeded or answered else error,
        "log_id": key,
        "successful": succeeded,
    }
    told: dict[str, Json] = {"tool_call_id": key, "state": value["state"], "result": result}
    if "arguments" in value:
        told["edited_arguments"] = value["arguments"]
    return told


def _asked(view: _View, entry: Entry, plain: dict[str, Any]) -> list[_Made]:
    task = view.tasks.get(plain["task"])
    if task is None:
        return [("UserTaskReq", {"user_task_id": plain["task"]})]
    request = task.spec.request
    if isinstance(request, MessageRequest):
        return [("AssistantMessage", {"message": request.message})]
    content: dict[str, Json] = {"user_task_id": task.id, "kind": request.kind, "message": request.message}
    for mark in (APPROVAL, UNKNOWN):
        if entry.key.endswith(mark):
            content["tool_call_id"] = entry.key.removesuffix(mark)
    return [("UserTaskReq", content)]


def _decided(view: _View, entry: Entry, plain: dict[str, Any]) -> list[_Made]:
    task = view.tasks.get(plain["task"])
    values = plain.get("values")
    if task is not None and isinstance(task.spec.request, MessageRequest):
        said = cast("dict[str, Json]", values or {}).get("value")
        return [("UserMessage", {"message": said, "by": plain["by"]})]
    told = {
        name: plain[name] for name in ("verdict", "action", "note", "values", "choices", "by", "via") if name in plain
    }
    return [("UserTaskRes", {"user_task_id": plain["task"], **told})]


def _extended(view: _View, entry: Entry, plain: dict[str, Any]) -> list[_Made]:
    del view, entry
    until = from_micros(plain["due"]).isoformat()
    return [("UserTaskExtended", {"user_task_id": plain["task"], "until": until, "by": plain["by"]})]


def _timer(view: _View, entry: Entry, plain: dict[str, Any]) -> list[_Made]:
    del view
    if not entry.key.endswith(WAIT):
        return []
    return [("Wait", {"until": from_micros(plain["until"]).isoformat()})]


def _fired(view: _View, entry: Entry, plain: dict[str, Any]) -> list[_Made]:
    del view
    if not entry.key.endswith(WAIT):
        return [("LimitReached", {"limit": entry.key.rpartition("/")[2]})]
    return [("WaitDone", {"skipped_by": plain.get("by")})]


def _spawned(view: _View, entry: Entry, plain: dict[str, Any]) -> list[_Made]:
    del view, entry
    return [("SubAgentCall", {"agent": plain["program"], "child_run_id": plain["run"]})]


def _child_ended(view: _View, entry: Entry, plain: dict[str, Any]) -> list[_Made]:
    del view, entry
    return [("SubAgentResult", {"output": plain.get("v"), "error": plain.get("e")})]


def _emitted(view: _View, entry: Entry, plain: dict[str, Any]) -> list[_Made]:
    del view, entry
    return [("Event", {"data": plain.get("v")})]


def _cancel(view: _View, entry: Entry, plain: dict[str, Any]) -> list[_Made]:
    del view, entry
    return [("SystemNote", {"message": plain["reason"], "by": plain.get("by")})]


def _finished(view: _View, entry: Entry, plain: dict[str, Any]) -> list[_Made]:
    del entry
    status = {"completed": "Completed"}.get(view.run.state, "Failed")
    content: dict[str, Json] = {
        "run_id": view.run.id,
        "status": status,
        "output": plain.get("v"),
        "error": ended_with(plain),
        "total_tokens_used": view.run.usage.total_tokens,
    }
    if "note" in plain:
        content |= {"completion_kind": "operator", "note": plain["note"], "by": plain.get("by")}
    made: list[_Made] = [("RunCompleted", content)]
    if view.run.parent_id is None:
        made.append(("SessionCompleted", {"status": status, "output": plain.get("v"), "error": ended_with(plain)}))
    return made


def _attempt(view: _View, entry: Entry, plain: dict[str, Any]) -> list[_Made]:
    del view, entry, plain
    return []


def ended_with(plain: Mapping[str, Any]) -> Json:
    """Return the error of a run's end, as `{code, message}`; None where it has none.

    Args:
        plain: The data of its `finished` entry.
    """
    if "e" in plain:
        return {"code": plain["e"]["type"], "message": plain["e"]["message"]}
    if "cancelled" in plain:
        return {"code": "session_terminated", "message": plain["cancelled"]}
    return None


def output_of(run: Run, entries: Sequence[Entry]) -> tuple[Json, Json]:
    """Return the output and the error of a run; both None while it goes on."""
    if run.state not in {RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED} or not entries:
        return None, None
    last = cast("dict[str, Any]", plain_of(entries[-1].data))
    if "of" in last:
        return _referred(entries, last["of"]), None
    return last.get("v"), ended_with(last)


def ends_alone(last: Entry) -> bool:
    """Tell whether the last entry of a run says its output itself, and does not name the entry that has it."""
    return "of" not in cast("dict[str, Any]", plain_of(last.data))


def _referred(entries: Sequence[Entry], key: str) -> Json:
    """Return the output that is another entry's, which the end only names."""
    for entry in entries:
        if entry.key == key and entry.kind is EntryKind.STEP:
            value = plain_of(entry.data).get("v")
            return cast("dict[str, Json]", value).get("content") if isinstance(value, dict) else value
    return None


_MAKERS: Mapping[EntryKind, Callable[[_View, Entry, dict[str, Any]], list[_Made]]] = {
    EntryKind.STARTED: _started,
    EntryKind.STEP: _step,
    EntryKind.ASKED: _asked,
    EntryKind.DECIDED: _decided,
    EntryKind.EXTENDED: _extended,
    EntryKind.TIMER: _timer,
    EntryKind.FIRED: _fired,
    EntryKind.SKIPPED: _fired,
    EntryKind.SPAWNED: _spawned,
    EntryKind.CHILD_ENDED: _child_ended,
    EntryKind.CALL: _attempt,
    EntryKind.EMITTED: _emitted,
    EntryKind.CANCEL: _cancel,
    EntryKind.FINISHED: _finished,
}
