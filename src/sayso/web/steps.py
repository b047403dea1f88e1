"""The steps of a session, as its page shows them: the items of its timeline, those of one thing folded into one.

Theory of operation. The timeline tells a tool call in up to four items: that the model proposed it, that a person was
asked, what they said, and what came of it. A reader wants one line. So items of one journal key are one step, which
stands where its first item stands: later items add to it, and no step ever moves. What a key stands on is what comes
before its question mark: `pay?approval` and `draft?review` belong to the call and to the step.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, Literal, NamedTuple, cast

from sayso.core.keys import WAIT
from sayso.core.readable import readable
from sayso.core.spans import covered
from sayso.core.timeline import Item
from sayso.model.ids import RunId
from sayso.model.journal import EntryKind
from sayso.model.json import Json
from sayso.model.sessions import Span
from sayso.model.tasks import TaskStatus, UserTask
from sayso.runtime.sessions import RunParts
from sayso.runtime.standing import ended_at

Kind = Literal["input", "model", "output", "tool", "step", "ask", "wait", "child", "event", "note", "limit", "end"]
Place = tuple[str, str]
"""A run, and a key in it."""


class Stretch(NamedTuple):
    """A stretch of time of one step; without an end it goes on."""

    begin: datetime
    end: datetime | None
    waiting: bool
    """Whether nothing was done in it but waiting: for a person, a time, or a child run."""
    for_person: bool = False


class Extension(NamedTuple):
    """More time that somebody has given a question."""

    by: str
    until: datetime


class Failure(NamedTuple):
    """Why something failed."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step."""

    id: str
    """The id of its first item, in a form that addresses can end in."""
    number: int
    """Its place in the session, from 1."""
    run_id: RunId
    kind: Kind
    key: str
    title: str
    begun: datetime
    ended: datetime | None
    turn: int | None = None
    input: Json = None
    output: Json = None
    failure: Failure | None = None
    skipped_by: str | None = None
    """Who ended a wait before its time."""
    tokens: int | None = None
    cost: float | None = None
    retries: tuple[str, ...] = ()
    """What failed before it succeeded."""
    state: str | None = None
    """Of a call: `succeeded`, `rejected`, ...; of a run's end: `Completed` or `Failed`."""
    child: str | None = None
    """The run that it has started."""
    tasks: tuple[UserTask, ...] = ()
    """What people were asked about it."""
    said: tuple[Mapping[str, Any], ...] = ()
    """What they have said: verdict, by, via, note, values, choices."""
    extended: tuple[Extension, ...] = ()
    """Who has extended the deadline of the question, each time until when."""
    attempts: tuple[datetime, ...] = ()
    """When each attempt at a call began."""
    stretches: tuple[Stretch, ...] = ()
    """When it was at work, and when it waited."""
    sequences: tuple[int, ...] = ()
    """The numbers of its journal entries."""

    @property
    def place(self) -> Place:
        """Where it stands in the journals."""
        return self.run_id, self.key

    def waited(self, now: datetime) -> timedelta:
        """Return how long nothing was done but waiting."""
        return covered((Span(one.begin, one.end) for one in self.stretches if one.waiting), now)

    def pending(self, now: datetime) -> list[UserTask]:
        """Return what people are asked about it and have not answered."""
        return [task for task in self.tasks if task.status_at(now) is TaskStatus.PENDING]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What steps are made from, beside the timeline's items."""

    tasks: Mapping[str, UserTask] = field(default_factory=dict[str, UserTask])
    """By id."""
    attempts: Mapping[Place, Sequence[tuple[int, datetime]]] = field(
        default_factory=dict[Place, Sequence[tuple[int, datetime]]]
    )
    """The entries at which attempts at calls began, and when, by the calls' places."""
    by_key: Mapping[Place, UserTask] = field(default_factory=dict[Place, UserTask])
    ended: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    """When runs ended, by their ids."""


def steps_of(items: Sequence[Item], known: Known) -> list[Step]:
    """Return the steps of a session, in order.

    Args:
        items: Its whole timeline.
        known: What belongs to it.
    """
    folding = _Folding(known)
    for item in items:
        _TAKEN[item.type](folding, item, cast("dict[str, Any]", item.content))
    return [_over(step, known.ended.get(step.run_id)) for step in folding.steps]


class _Folding:
    """The steps so far."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.steps: list[Step] = []
        self._at: dict[Place, int] = {}

    def add(self, item: Item, kind: Kind, key: str, title: str, **more: Any) -> None:
        """Begin a step."""
        step = Step(
            id=anchor(item.id), number=len(self.steps) + 1, run_id=RunId(item.run_id), kind=kind, key=key, title=title,
            begun=item.started_at, ended=item.finished_at, turn=cast("int | None", item.content.get("iteration")),
            sequences=(item.sequence,), **more,
        )  # fmt: skip
        self._at[step.place] = len(self.steps)
        self.steps.append(step)

    def find(self, item: Item, key: str) -> Step | None:
        """Return the step at a key of an item's run."""
        at = self._at.get((item.run_id, key))
        return None if at is None else self.steps[at]

    def put(self, step: Step, item: Item, **changed: Any) -> None:
        """Add to a step."""
        numbers = step.sequences if item.sequence in step.sequences else (*step.sequences, item.sequence)
        self.steps[step.number - 1] = replace(step, sequences=numbers, **changed)


def _over(step: Step, at: datetime | None) -> Step:
    """Return a step of a run that has ended, in which nothing goes on any more."""
    if at is None or (step.ended is not None and all(one.end is not None for one in step.stretches)):
        return step
    stretches = tuple(one if one.end is not None else one._replace(end=max(at, one.begin)) for one in step.stretches)
    return replace(step, ended=step.ended or max(at, step.begun), stretches=stretches)


def anchor(item_id: str) -> str:
    """Return the id of an item in a form that needs no escaping in addresses and selectors."""
    return item_id.replace(":", "-").replace(".", "-")


def known_of(runs: Sequence[RunParts]) -> Known:
    """Return what the steps of some runs are made from, beside their items."""
    tasks = [task for parts in runs for task in parts.tasks]
    attempts: dict[Place, list[tuple[int, datetime]]] = {}
    for parts in runs:
        for entry in parts.entries:
            if entry.kind is EntryKind.CALL:
                attempts.setdefault((parts.run.id, entry.key), []).append((entry.seq, entry.at))
    return Known(
        tasks={task.id: task for task in tasks},
        by_key={(task.run_id, task.key): task for task in tasks},
        attempts=attempts,
        ended={parts.run.id: at for parts in runs if (at := ended_at(parts)) is not None},
    )


def base_of(key: str) -> str:
    """Return what a key stands on: the step or call that a question or a wait belongs to."""
    return key.partition("?")[0].removesuffix(WAIT)


def _key(content: Mapping[str, Any]) -> str:
    return content.get("key", "")


def _input(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    key = base_of(_key(content))
    asked = folding.find(item, key) if key else None
    if asked is None:
        folding.add(item, "input", key, "Input", input=readable(content.get("message")))
    else:
        said = {"verdict": "reply", "by": content.get("by"), "values": content.get("message")}
        waited = _closed(asked, item.started_at, waiting=True)
        folding.put(asked, item, ended=item.finished_at, stretches=waited, said=(*asked.said, said))


def _prepared(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    worked = (Stretch(item.started_at, item.finished_at, waiting=False),)
    folding.add(item, "model", _key(content), content.get("model") or "Model", stretches=worked)


def _spoke(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    turn = folding.find(item, _key(content))
    if turn is not None:
        folding.put(
            turn, item, kind="output" if item.type == "output" else "model", output=content.get("message") or None,
            tokens=item.tokens, cost=content.get("cost"), retries=tuple(content.get("retries", ())),
            failure=_failure(item.error),
        )  # fmt: skip


def _called(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    key = content["tool_call_id"]
    began = folding.known.attempts.get((item.run_id, key), ())
    times = [at for _, at in began]
    tries = (Stretch(at, until, waiting=False) for at, until in zip_longest(times, times[1:]))
    folding.add(
        item, "tool", key, content["name"], input=readable(content.get("arguments")), attempts=tuple(times),
        stretches=tuple(tries),
    )  # fmt: skip
    step = folding.steps[-1]
    numbers = (*step.sequences, *(number for number, _ in began))
    folding.steps[-1] = replace(step, begun=item.finished_at or item.started_at, ended=None, sequences=numbers)


def _result(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    step, result = folding.find(item, content["tool_call_id"]), content["result"]
    if step is not None:
        folding.put(
            step, item, ended=item.finished_at, state=content["state"], output=readable(result["data"]),
            input=readable(content["edited_arguments"]) if "edited_arguments" in content else step.input,
            failure=_failure(result["error"]), stretches=_closed(step, item.started_at, waiting=False),
        )  # fmt: skip


def _asked(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    key = base_of(_key(content))
    task = folding.known.tasks.get(content.get("user_task_id", "")) or folding.known.by_key.get(
        (item.run_id, _key(content))
    )
    if folding.find(item, key) is None:
        folding.add(item, "ask", key, content.get("message") or key)
    step = cast("Step", folding.find(item, key))
    end = None if task is None else task.closed_at or task.due_at
    wait = Stretch(item.started_at, end, waiting=True, for_person=True)
    tasks = step.tasks if task is None else (*step.tasks, task)
    folding.put(step, item, tasks=tasks, stretches=(*step.stretches, wait), ended=task and task.closed_at)


def _answered(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    step = folding.find(item, base_of(_key(content)))
    if step is not None:
        kept = {name: value for name, value in content.items() if name in _SAID}
        waited = _closed(step, item.started_at, waiting=True)
        folding.put(step, item, ended=item.finished_at, said=(*step.said, kept), stretches=waited)


def _extended(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    step = folding.find(item, base_of(_key(content)))
    if step is not None:
        more = Extension(content["by"], datetime.fromisoformat(content["until"]))
        folding.put(step, item, extended=(*step.extended, more))


_SAID = frozenset({"verdict", "action", "note", "values", "choices", "by", "via"})


def _wait(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    key = base_of(_key(content))
    if folding.find(item, key) is None:
        folding.add(item, "wait", key, "Wait until a time", input=content.get("until"))
    step = cast("Step", folding.find(item, key))
    wait = Stretch(item.started_at, None, waiting=True)
    folding.put(step, item, ended=None, stretches=(*step.stretches, wait))


def _waited(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    step = folding.find(item, base_of(_key(content)))
    if step is not None:
        folding.put(
            step, item, ended=item.finished_at, skipped_by=content.get("skipped_by"),
            stretches=_closed(step, item.started_at, waiting=True),
        )  # fmt: skip


def _step(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    key, output, failure = _key(content), _content(readable(content.get("output"))), _failure(item.error)
    worked = Stretch(item.started_at, item.finished_at, waiting=False)
    asked = folding.find(item, key)
    if asked is None:
        folding.add(item, "step", key, key, output=output, failure=failure, stretches=(worked,))
    else:  # a person was asked before it began
        folding.put(
            asked, item, kind="step", title=key, output=output, failure=failure, ended=item.finished_at,
            stretches=(*asked.stretches, worked),
        )  # fmt: skip


def _content(output: Json) -> Json:
    """Return what a step gave; what else its output holds is shown where there is any."""
    if isinstance(output, dict) and set(output) == {"content"}:
        return output["content"]
    return output


def _spawned(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    wait = Stretch(item.started_at, None, waiting=True)
    folding.add(item, "child", _key(content), content["agent"], child=content["child_run_id"], stretches=(wait,))


def _joined(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    step = folding.find(item, _key(content))
    if step is not None:
        folding.put(
            step, item, ended=item.finished_at, output=readable(content.get("output")),
            failure=_failure(content.get("error")), stretches=_closed(step, item.started_at, waiting=True),
        )  # fmt: skip


def _event(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    folding.add(item, "event", _key(content), _key(content) or "Event", output=readable(content.get("data")))


def _note(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    folding.add(item, "note", "", content.get("message") or "Note")


def _limit(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    folding.add(item, "limit", _key(content), f"Limit reached: {content.get('limit')}")


def _completed(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    said = ({"verdict": "complete", "by": content.get("by"), "note": content.get("note")},) if "note" in content else ()
    folding.add(
        item, "end", "", "Run completed" if content["status"] == "Completed" else "Run failed", said=said,
        state=content["status"], output=readable(content.get("output")), failure=_failure(content.get("error")),
    )  # fmt: skip


def _told(folding: _Folding, item: Item, content: dict[str, Any]) -> None:
    """Take what another item of the same entry tells."""


def _closed(step: Step, at: datetime, *, waiting: bool) -> tuple[Stretch, ...]:
    """Return the stretches of a step, those that were open ended."""
    return tuple(
        one._replace(end=at) if one.waiting is waiting and (one.end is None or one.end > at) else one
        for one in step.stretches
    )


def _failure(error: Any) -> Failure | None:
    if not isinstance(error, dict):
        return None
    told = cast("dict[str, Any]", error)
    return Failure(str(told.get("code") or told.get("type") or "failed"), str(told.get("message") or ""))


_TAKEN: Mapping[str, Callable[[_Folding, Item, dict[str, Any]], None]] = {
    "UserMessage": _input,
    "llm_request_prepared": _prepared,
    "reasoning": _spoke,
    "output": _spoke,
    "ToolCall": _called,
    "ToolResult": _result,
    "UserTaskReq": _asked,
    "AssistantMessage": _asked,
    "UserTaskRes": _answered,
    "UserTaskExtended": _extended,
    "Wait": _wait,
    "WaitDone": _waited,
    "LimitReached": _limit,
    "Step": _step,
    "SubAgentCall": _spawned,
    "SubAgentResult": _joined,
    "Event": _event,
    "SystemNote": _note,
    "RunCompleted": _completed,
    "SessionCompleted": _told,
}
