"""One pass of a program over a run: what is known, and where news of it is gathered.

The parts of the context (steps, questions, calls) share it; programs do not see it.
"""

import asyncio
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

from sayso.core.codec import json_bytes, plain_of
from sayso.core.confiding import SALT, Vault
from sayso.core.instants import to_micros
from sayso.core.taskforms import digest_of, spec_bytes, spec_from_bytes
from sayso.model.calls import CallMove
from sayso.model.decisions import Outcome
from sayso.model.ids import TaskId
from sayso.model.journal import EntryKind, NewEntry
from sayso.model.runs import NewRun, NewTask, Run
from sayso.model.tasks import TaskSpec, TaskStatus, UserTask
from sayso.programs.context import Announce, CancelRequested, Suspended
from sayso.runtime import tracing
from sayso.runtime.branches import Branches
from sayso.runtime.commits import Commits
from sayso.runtime.confiding import vault_of
from sayso.runtime.ports import Clock, Ids, Secrets
from sayso.runtime.record import Record
from sayso.runtime.secrecy import Together, cleaned

live: ContextVar[bool] = ContextVar("sayso_live", default=False)
"""Whether the running branch is past what was journaled before, so that its events are news."""
waiting: ContextVar[set[str]] = ContextVar("sayso_waiting")
"""Where the running branch takes note of the questions and timers at which it stops."""


class Pass:
    """What the parts of one context share.

    Args:
        run: The run.
        record: Its folded journal.
        clock: The time.
        ids: New ids for tasks and child runs.
        commits: Where outcomes are gathered; None makes the pass dry: it performs nothing and suspends instead.
        listening: Whether anybody wants events.
        secrets: What must not be stored.
    """

    def __init__(
        self,
        run: Run,
        record: Record,
        *,
        clock: Clock,
        ids: Ids,
        commits: Commits | None,
        listening: bool,
        secrets: Secrets,
    ) -> None:
        self.run = run
        self.record = record
        self.clock = clock
        self.ids = ids
        self.commits = commits
        self._known = secrets
        self.secrets = secrets
        """What must not be stored: the secrets of the process, and those of the run as soon as they are known."""
        self.vault: Vault | None = None
        """The secrets of the run; None until a call with secret arguments is met."""
        self.listening = listening and commits is not None
        self.branches = Branches()
        self.awakenings = 0
        self.waiting: set[str] = set()
        """The questions and timers at which this pass stopped; whatever else is open, nothing waits for it any more."""
        waiting.set(self.waiting)
        self.stopping = False
        """Whether this process hands the run back as soon as the running effects are over."""
        live.set(not record.moved)

    def notice(self, key: str) -> None:
        """Take in an outcome from outside; the first time, the program has come to where it goes on."""
        if key in self.record.fresh:
            self.record.fresh.discard(key)
            self.wake_up()

    def wake_up(self) -> None:
        """Take note that what follows is news."""
        self.awakenings += 1
        live.set(True)

    async def before_effect(self) -> Commits:
        """Make everything durable that came before an effect; return where its outcome goes.

        Raises:
            Suspended: The pass is dry.
            CancelRequested: No further effect may start.
            LeaseLost: Another worker has the run.
        """
        if self.commits is None:
            raise Suspended
        await self.commits.flush()
        self.refuse_if_cancelled()
        return self.commits

    def refuse_if_cancelled(self) -> None:
        """Raise where no further effect may start."""
        if self.stopping:
            raise asyncio.CancelledError
        if self.record.cancelled_by is not None:
            raise CancelRequested

    async def confided(self) -> Vault | None:
        """Return the secrets of the run as they are kept now; None where the pass is dry."""
        if self.commits is None:
            return None
        stored = await self.commits.confided()
        if self.vault is None:
            self.vault = vault_of(stored, lambda: self.ids.new("salt"))
            if SALT not in stored:
                self.commits.keep_secrets({SALT: self.vault.salt})
        self.vault.learn({ref: value for ref, value in stored.items() if ref != SALT})
        self.secrets = Together(self._known, self.vault.scrubber())
        return self.vault

    def confide(self) -> None:
        """Keep what was sealed since, with the next commit, and mask it wherever else it appears."""
        fresh = {} if self.vault is None else self.vault.take_fresh()
        if fresh and self.vault is not None and self.commits is not None:
            self.commits.keep_secrets(fresh)
            self.secrets = Together(self._known, self.vault.scrubber())

    def add(
        self,
        key: str,
        kind: EntryKind,
        plain: dict[str, Any],
        data: bytes | None = None,
        *,
        task: NewTask | None = None,
        child: NewRun | None = None,
        calls: tuple[CallMove, ...] = (),
    ) -> dict[str, Any]:
        """Take an entry into the record and the next commit; `data` is `plain` as bytes, where they are at hand.

        Returns what was taken: `plain` itself, or a copy in which the secrets are masked.
        """
        if self.commits is None:
            raise Suspended
        self.confide()
        data = json_bytes(plain) if data is None else data
        if self.secrets.found_in(data):
            plain = cleaned(self.secrets, plain)
            data = json_bytes(plain)
        entry = NewEntry(key, kind, self.clock.now(), data)
        self.record.add(entry, plain)
        self.commits.add(entry, task=task, child=child, calls=calls, alone=not self.branches.running)
        return plain

    def ask(
        self, key: str, spec: TaskSpec, announce: Announce | None = None, calls: tuple[CallMove, ...] = ()
    ) -> Outcome:
        """Return how a task was decided; the first time, open it (with what that moves in the ledger).

        Raises:
            Suspended: Nobody has decided.
        """
        if key not in self.record.asked and key not in self.record.decisions and self.commits is not None:
            self._open(self.commits, key, spec, announce, calls)
        return self.answer(key, announce)

    def answer(self, key: str, announce: Announce | None = None) -> Outcome:
        """Return how a task that was opened is decided.

        Raises:
            Suspended: Nobody has decided.
        """
        outcome = self.record.decisions.get(key)
        if outcome is None:
            waiting.get().add(key)
            raise Suspended
        if key in self.record.fresh:
            self.notice(key)
            self._announce_continued(announce)
        return outcome

    def timed(self, outcome: dict[str, Any], begun: datetime) -> dict[str, Any]:
        """Return an outcome with the microseconds that its effect took."""
        micros = (self.clock.now() - begun) // timedelta(microseconds=1)
        return {**outcome, "us": micros} if micros > 0 else outcome

    def _open(
        self, commits: Commits, key: str, spec: TaskSpec, announce: Announce | None, calls: tuple[CallMove, ...]
    ) -> None:
        self.refuse_if_cancelled()
        self.wake_up()
        now = self.clock.now()
        due = None if spec.timeout_seconds is None else now + timedelta(seconds=spec.timeout_seconds)
        task_id = TaskId(self.ids.new("task"))
        body = spec_bytes(spec)
        if self.secrets.found_in(body):
            body = json_bytes(cleaned(self.secrets, plain_of(body)))
            spec = spec_from_bytes(body)
        digest = digest_of(body, run_id=self.run.id, key=key)
        asked: dict[str, Any] = {"task": task_id} if due is None else {"task": task_id, "due": to_micros(due)}
        if calls:
            asked["call"] = calls[0].digest
            asked["tool"] = dict(calls[0].call.parts)
            asked["shown"] = digest
        within = tracing.current()
        if within is not None:
            asked["trace"] = within
        new = NewTask(id=task_id, key=key, spec=spec, body=body, digest=digest, created_at=now, due_at=due)
        self.add(key, EntryKind.ASKED, asked, task=new, calls=calls)
        if self.listening and announce is not None:
            task = UserTask(
                id=task_id,
                run_id=self.run.id,
                session_id=self.run.session_id,
                program=self.run.program,
                key=key,
                spec=spec,
                digest=digest,
                status=TaskStatus.PENDING,
                created_at=now,
                due_at=due,
            )
            for event in announce.paused(task):
                commits.announce(event)

    def _announce_continued(self, announce: Announce | None) -> None:
        if self.listening and self.commits is not None and announce is not None and announce.continued is not None:
            for event in announce.continued():
                self.commits.announce(event)
