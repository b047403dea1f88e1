"""What must agree within an evidence packet: what was shown, decided, approved, started, and told.

Each law is a function of the packet's parts alone, so the same laws hold when a packet is made and when it is checked.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sayso.core.audit import hash_of
from sayso.core.auditforms import row_from_json
from sayso.core.ledger import APPROVAL, call_digest, call_id, canonical, idempotency_key
from sayso.core.taskforms import digest_of
from sayso.model.calls import Effect, ToolCall
from sayso.model.ids import CallId, RunId
from sayso.model.json import Json

Part = Mapping[str, Any]
_DECIDED = frozenset({"task.decided", "task.expired"})


def contradictions(parts: Part) -> list[str]:
    """Return what does not agree, one sentence each.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: The parts do not have the form of a packet.
    """
    return [*_of_steps(parts), *_of_tasks(parts), *_of_decisions(parts), *_of_calls(parts), *_of_audit(parts)]


def exact(data: bytes) -> dict[str, str]:
    """Return bytes so that they can be had again: as text, or in base64 where they are none."""
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def exact_bytes(plain: Part) -> bytes:
    """Return the bytes of what `exact` has made."""
    return plain["text"].encode() if "text" in plain else base64.b64decode(plain["base64"])


def _of_steps(parts: Part) -> Iterator[str]:
    """A journal has no gaps, and every question in it is there."""
    tasks = {task["id"] for task in parts["tasks"]}
    numbers: dict[str, list[int]] = {}
    for step in parts["steps"]:
        numbers.setdefault(step["run"], []).append(step["seq"])
    for run in parts["runs"]:
        if numbers.get(run["id"]) != list(range(1, run["entries"] + 1)):
            yield f"the journal of {run['id']} does not have the entries 1 to {run['entries']}"
    for step in parts["steps"]:
        if step["kind"] == "asked" and step["data"].get("task") not in tasks:
            yield f"entry {step['seq']} of {step['run']} asks a task that is not there"


def _of_tasks(parts: Part) -> Iterator[str]:
    """What was shown has the digest that a decision is bound to."""
    for task in parts["tasks"]:
        body = exact_bytes(task["bytes"])
        if digest_of(body, run_id=task["run"], key=task["key"]) != task["digest"]:
            yield f"what task {task['id']} shows does not have its digest"
        elif _json_of(body) != task["shown"]:
            yield f"what task {task['id']} shows is not what its bytes say"


def _json_of(body: bytes) -> Json:
    """Return what bytes say; None where they are no JSON, and a packet can only show them as they are."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _of_decisions(parts: Part) -> Iterator[str]:
    """A decision was made on what was shown, is in the journal, and was told to the audit log."""
    tasks = {task["id"]: task for task in parts["tasks"]}
    entries = {step["data"].get("task"): step["data"] for step in parts["steps"] if step["kind"] == "decided"}
    told = {row["target"]: row for row in parts["audit"]["rows"] if row["action"] in _DECIDED}
    decided = {item["task"]: item for item in parts["decisions"]}
    for name, task in tasks.items():
        if (task["status"] == "completed") != (name in decided):
            yield f"task {name} is {task['status']}, but {'has a' if name in decided else 'has no'} decision"
    for name, item in decided.items():
        if name not in tasks or item["digest"] != tasks[name]["digest"]:
            yield f"the decision on task {name} was not made on what it shows"
        if not _agree(item, entries.get(name)):
            yield f"the decision on task {name} is not what the journal says"
        if name not in told or not _told(item, told[name]):
            yield f"the decision on task {name} is not what the audit log says"


def _agree(item: Part, entry: Part | None) -> bool:
    return entry is not None and all(
        item[name] == entry.get(name) for name in ("verdict", "action", "note")
    ) and (item["name"], item["by"]["via"]) == (entry.get("by"), entry.get("via"))  # fmt: skip


def _told(item: Part, row: Part) -> bool:
    data = row.get("data", {})
    return item["by"] == row["by"] and item["at"] == row["at"] and all(
        item[name] == data.get(name) for name in ("verdict", "action", "note", "digest")
    )  # fmt: skip


def _of_calls(parts: Part) -> Iterator[str]:
    """What was approved is what was started, byte for byte."""
    approved = {(item["run"], item["key"]) for item in parts["decisions"] if item["action"] == "proceed"}
    asked = {(task["run"], task["key"]) for task in parts["tasks"]}
    calls = {(call["run"], call["key"]): call for call in parts["calls"]}
    for (run, key), call in calls.items():
        if call["id"] != call_id(RunId(run), key) or call["digest"] != _digest(call):
            yield f"call {call['id']} does not have the digest of what it says"
        if call["idempotency_key"] != idempotency_key(CallId(call["id"]), call["digest"]):
            yield f"call {call['id']} does not have the idempotency key of what it says"
        place = (run, key + APPROVAL)
        if call["attempts"] and place in asked and place not in approved:
            yield f"call {call['id']} was started, but nobody let it go ahead"
    for step in parts["steps"]:
        if step["kind"] == "call":
            yield from _of_start(step, calls.get((step["run"], step["key"])))


def _of_start(step: Part, call: Part | None) -> Iterator[str]:
    numbers = [] if call is None else [attempt["number"] for attempt in call["attempts"]]
    if call is None or step["data"]["attempt"] not in numbers:
        yield f"entry {step['seq']} of {step['run']} starts an attempt that the ledger does not have"
    elif step["data"]["digest"] != call["digest"]:
        yield f"entry {step['seq']} of {step['run']} starts something else than what the ledger has"


def _digest(call: Part) -> str:
    arguments = exact_bytes(call["arguments"])
    made = ToolCall(
        tool=call["tool"], tool_digest=call["tool_digest"], effect=Effect(call["effect"]),
        arguments=json.loads(arguments),
    )  # fmt: skip
    same = canonical(made.arguments) == arguments
    return call_digest(RunId(call["run"]), call["key"], made, arguments) if same else ""


def _of_audit(parts: Part) -> Iterator[str]:
    """The rows are what was hashed, follow each other where they are neighbours, and end where the chain does."""
    chain, last = parts["audit"]["chain"], parts["audit"]["chain"]["anchor"]
    if chain["broken"] is not None:
        yield f"the audit log is broken at number {chain['broken']['seq']}: {chain['broken']['reason']}"
    before: Part | None = None
    for plain in parts["audit"]["rows"]:
        row = row_from_json(plain)
        follows = before is None or before["seq"] + 1 < row.seq or before["hash"] == row.prev_hash
        if row.hash != hash_of(row) or not follows or (before is not None and before["seq"] >= row.seq):
            yield f"row {row.seq} of the audit log is not what was hashed"
        before = plain
    if before is not None and not _ends(before, last):
        yield f"row {before['seq']} of the audit log is not in the chain that ends at {last and last['seq']}"


def _ends(row: Part, last: Part | None) -> bool:
    return last is not None and (row["seq"] < last["seq"] or (row["seq"], row["hash"]) == (last["seq"], last["hash"]))
