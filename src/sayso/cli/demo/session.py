"""One sitting at the refund desk: keep the run going, show what happens, and see to its questions."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, cast

from sayso.app.agent import Agent
from sayso.app.settings import Settings
from sayso.app.worker import Worker
from sayso.app.workflow import Workflow
from sayso.cli.demo.asking import EndOfInput, Lines, ask
from sayso.cli.text import one_line, safe
from sayso.model.actors import Actor
from sayso.model.decisions import Answer, Approve, Reject, Verdict
from sayso.model.errors import Conflict
from sayso.model.ids import RunId
from sayso.model.journal import Entry, EntryKind
from sayso.model.runs import ENDED, Run
from sayso.model.tasks import FormRequest, TaskStatus, TextRequest, UserTask
from sayso.runtime.door import Runtime

_POLL_SECONDS = 0.1
Decide = Literal["approve", "reject"] | None


class Watch:
    """Shows what one run does, until it has ended.

    Args:
        runtime: The door.
        run_id: The run.
        say: Prints for people.
    """

    def __init__(self, runtime: Runtime, run_id: RunId, say: Callable[[str], None]) -> None:
        self._runtime = runtime
        self._run_id = run_id
        self._say = say
        self._seen = 0

    async def to_the_end(self) -> Run:
        """Show what happens until the run has ended."""
        asked: set[str] = set()
        while True:
            run, tasks = await self._runtime.load_run_with_tasks(self._run_id)
            await self.show_news()
            if run.state in ENDED:
                return run
            for task in tasks:
                if task.status is TaskStatus.PENDING and task.id not in asked:
                    asked.add(task.id)
                    self._say(f"  waits for a person: {one_line(task.spec.request.message)}")
            await asyncio.sleep(_POLL_SECONDS)

    async def show_news(self) -> None:
        """Show what has happened since the last time."""
        entries = await self._runtime.store.read(lambda tx: tx.load_entries(self._run_id, after=self._seen))
        for entry in entries:
            self._seen = entry.seq
            text = _told(entry)
            if text is not None:
                self._say(text)


class Sitting:
    """Sees to the questions of one run at a terminal, until it has ended.

    Args:
        workflow: The desk, or its agent.
        run_id: The run.
        settings: Who decides.
        decide: What to say to every question, instead of asking.
        say: Prints for people.
    """

    def __init__(
        self, workflow: Workflow | Agent, run_id: RunId, settings: Settings, decide: Decide, say: Callable[[str], None]
    ) -> None:
        self._workflow = workflow
        self._runtime = workflow.db.runtime
        self._run_id = run_id
        self._settings = settings
        self._decide = decide
        self._say = say
        self._watch = Watch(self._runtime, run_id, say)
        self._lines: Lines | None = None
        self._asked: set[str] = set()

    async def to_the_end(self) -> Run:
        """Keep the run going until it has ended."""
        self._lines = Lines()
        worker = Worker(self._workflow.db, [self._workflow], poll_seconds=self._settings.poll_seconds)
        async with worker:
            while True:
                run, tasks = await self._runtime.load_run_with_tasks(self._run_id)
                await self._watch.show_news()
                if run.state in ENDED:
                    return run
                now = self._runtime.clock.now()
                open_ = [task for task in tasks if task.status_at(now) is TaskStatus.PENDING]
                if open_ and open_[0].id not in self._asked:
                    await self._see_to(open_[0])
                else:
                    await asyncio.sleep(_POLL_SECONDS)

    async def _see_to(self, task: UserTask) -> None:
        if self._decide is not None:
            await self._send(task, _scripted(task, self._decide))
            return
        elsewhere = asyncio.create_task(self._decided_elsewhere(task))
        here = asyncio.create_task(ask(task, self._line, self._say, at=f" -d {self._workflow.db.db_file}"))
        try:
            await asyncio.wait({elsewhere, here}, return_when=asyncio.FIRST_COMPLETED)
            if here.done():
                await self._send(task, here.result())
            else:
                self._say(f"\nDecided elsewhere: {elsewhere.result()}")
        except EndOfInput:
            self._asked.add(task.id)
            self._say(
                "\nNobody is at this terminal: decide with the commands above; Ctrl-C leaves, and nothing is lost."
            )
        finally:
            for waiting in (elsewhere, here):
                waiting.cancel()
                with contextlib.suppress(asyncio.CancelledError, EndOfInput):
                    await waiting

    async def _line(self, prompt: str) -> str:
        if self._lines is None:
            raise EndOfInput
        return await self._lines.ask(prompt)

    async def _send(self, task: UserTask, verdict: Verdict) -> None:
        by = Actor(type="user", id="demo" if self._decide else self._settings.user, via="cli")
        try:
            decision = await self._runtime.decide(task.id, verdict, digest=task.digest, by=by)
        except Conflict as exc:
            self._say(safe(exc.message))
        else:
            self._say(f"  {task.spec.step_name}: {decision.outcome.verdict} by {safe(by)}")

    async def _decided_elsewhere(self, task: UserTask) -> str:
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            found = await self._runtime.load_task(task.id)
            if found.status_at(self._runtime.clock.now()) is not TaskStatus.PENDING:
                return f"{found.verdict or found.status} by {safe(found.decided_by or 'the end of the run')}"


def _told(entry: Entry) -> str | None:
    if entry.kind is not EntryKind.STEP:
        return None
    plain = json.loads(entry.data)
    if "e" in plain:
        return f"  {entry.key}: failed with {plain['e']['type']}: {safe(plain['e']['message'])}"
    value = plain["v"]
    if not isinstance(value, dict):
        return None
    told = cast("dict[str, Any]", value)
    if "state" in told and "/call:" in entry.key:
        return f"  {entry.key}: {told['state']}{_sum(told.get('value'))}"
    calls = [call["tool"] for call in told.get("calls", ())]
    what = f"asks for {', '.join(calls)}" if calls else "done"
    return f"  {entry.key}: {what}{_sum(told.get('content', told.get('text')))}"


def _sum(content: object) -> str:
    return f", {content}" if isinstance(content, int) else f", {one_line(content)}" if isinstance(content, str) else ""


def _scripted(task: UserTask, decide: str) -> Verdict:
    """Return what the unattended demo says: a rejected letter would be drafted for ever, so it is always accepted."""
    request = task.spec.request
    if isinstance(request, FormRequest) and decide == "approve":
        return Answer(values={field.name: "DE02120300000000202051" for field in request.fields}, note="a demo account")
    if isinstance(request, TextRequest):
        return Answer(values={"value": "DE02120300000000202051"}, note="a demo account")
    if decide == "reject" and request.kind != "output_review":
        return Reject(note="rejected by --decide reject")
    return Approve()


def stamp() -> str:
    """Return the time for a folder's name."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")  # noqa: TID251 - names a folder, decides nothing
