"""Decide, expire, cancel, continue and reopen in any order, against a model of twenty lines.

After every command the store says what the model says; a refused command changes nothing; what was replayed is
what was live.
"""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sayso import HumanReview, OnTimeout, Parallel, SqliteDb, Step, Steps, Workflow
from sayso.app.portal import portal
from sayso.model.actors import Actor
from sayso.model.decisions import Approve, Choose, Reject
from sayso.model.errors import AlreadyDecided, InvalidDecision, SaysoError, TaskChanged, TaskClosed, TaskExpired
from sayso.testing import CountingIds, FakeClock
from tests.property.moves import LEGAL, moves, watch

ANA = Actor(type="user", id="ana")
SEEN: Counter[str] = Counter()
_BRANCHES = ("p", "q", "r")
_TIMEOUTS = {"p": None, "q": OnTimeout.approve, "r": OnTimeout.skip}


class RunMachine(RuleBasedStateMachine):
    """One run with three gated branches side by side; one waits for ever, two have deadlines."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "s.db"
        self.clock, self.ids = FakeClock(), CountingIds()
        self.ran: Counter[str] = Counter()
        self.model: dict[str, str] = dict.fromkeys(_BRANCHES, "pending")
        self.cancelled = False
        watch(self.file)
        self.open()
        self.last = self.workflow.run("x", run_id="run", session_id="ses")
        self.tasks = {item.step_name: item for item in self.last.step_requirements}
        self.deadline = 60.0

    def open(self) -> None:
        self.db = SqliteDb(self.file, clock=self.clock, ids=self.ids, synchronous="NORMAL")
        self.workflow = Workflow(
            "w", db=self.db, steps=[Parallel(*[self.branch(name) for name in _BRANCHES], name="all")]
        )

    def branch(self, name: str) -> Steps:
        def act(_: Any) -> str:
            self.ran[name] += 1
            return name

        deadline = _TIMEOUTS[name]
        policy = {} if deadline is None else {"timeout": 60, "on_timeout": deadline}
        return Steps(
            f"s{name}", steps=[Step(name, act, human_review=HumanReview(requires_confirmation=True, **policy))]
        )

    # -- the model -----------------------------------------------------------------------------------------

    def now(self, name: str) -> str:
        """What a branch's task is now: expired is a function of the row and the time."""
        if self.cancelled and self.model[name] == "pending":
            return "cancelled"
        late = _TIMEOUTS[name] is not None and self.deadline <= 0
        return "expired" if self.model[name] == "pending" and late else self.model[name]

    def expire(self) -> None:
        for name in _BRANCHES:
            if self.now(name) == "expired":
                SEEN["expire"] += 1
                self.model[name] = "approved" if _TIMEOUTS[name] is OnTimeout.approve else "skipped"

    # -- commands ------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(_BRANCHES), verdict=st.sampled_from(["approve", "reject", "choose", "stale"]))
    def decide(self, name: str, verdict: str) -> None:
        task, state = self.tasks[name], self.now(name)
        said: Any = {"approve": Approve(), "reject": Reject(), "choose": Choose(choices=("x",)), "stale": Approve()}[
            verdict
        ]
        digest = "0" * 64 if verdict == "stale" else str(task.digest)
        expected: type[SaysoError] | None = {
            "approved": AlreadyDecided, "skipped": AlreadyDecided, "expired": TaskExpired, "cancelled": TaskClosed,
        }.get(state)  # fmt: skip
        if expected is None:
            expected = {"choose": InvalidDecision, "stale": TaskChanged}.get(verdict)
        try:
            portal.call(self.db.runtime.decide(task.id, said, digest=digest, by=ANA))
        except SaysoError as exc:
            SEEN[f"refused {exc.code}"] += 1
            # The first command of a process carries passed deadlines out, so an expired task may read as decided.
            refused: type[SaysoError] | None = type(exc)
            if state == "expired" and refused is AlreadyDecided:
                refused = TaskExpired
                self.expire()
        else:
            SEEN[f"decide {verdict}"] += 1
            refused = None
            self.model[name] = "approved" if verdict == "approve" else "skipped"

        assert refused is expected

    @precondition(lambda self: not self.cancelled)
    @rule()
    def go_on(self) -> None:
        try:
            self.last = self.workflow.continue_run(run_id="run", session_id="ses")
        except ValueError:
            SEEN["nothing to go on with"] += 1
        else:
            SEEN["go on"] += 1
            self.expire()
            again = self.workflow.get_run_output("run")
            assert [item.content for item in again.step_results] == [item.content for item in self.last.step_results]
            assert again.status == self.last.status
        for name, state in self.model.items():
            if self.last.status in {"COMPLETED", "PAUSED"} and state == "skipped":
                assert self.ran[name] == 0

    @rule(seconds=st.sampled_from([1.0, 30.0, 61.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.deadline -= seconds

    @rule()
    def reopen(self) -> None:
        SEEN["reopen"] += 1
        self.db.close()
        self.open()

    @rule(really=st.sampled_from([False, False, False, True]))
    def cancel(self, really: bool) -> None:
        if not really:  # an early end would leave little to see
            return
        done = all(state != "pending" for state in self.model.values()) and self.last.status == "COMPLETED"
        assert self.workflow.cancel_run("run") is (not done and not self.cancelled)
        if not done:
            SEEN["cancel"] += 1
            self.cancelled = True

    # -- what always holds ---------------------------------------------------------------------------------

    @invariant()
    def nothing_runs_twice_or_unasked(self) -> None:
        if not hasattr(self, "model"):
            return
        for name in _BRANCHES:
            assert self.ran[name] <= 1
            assert self.ran[name] == 0 or self.model[name] == "approved"

    @invariant()
    def the_store_agrees(self) -> None:
        if not hasattr(self, "model"):
            return
        now = self.clock.now()
        for task in portal.call(self.db.runtime.run_tasks(self.last.run_id)):
            state, found = self.now(task.spec.step_name), str(task.status_at(now))
            stored = {"approved": "completed", "skipped": "completed"}.get(state, state)
            # A deadline that another command has carried out reads as completed.
            assert found == stored or (
                stored in {"expired", "cancelled"} and found in {"completed", "expired", "cancelled"}
            )

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()
            assert moves(self.file) <= LEGAL
            self.folder.cleanup()


TestRun = RunMachine.TestCase
TestRun.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def test_a_late_answer_is_refused_by_the_row_itself() -> None:
    """No sweeper has run between the deadline and the answer."""
    machine = RunMachine()
    machine.start()
    machine.wait(61.0)
    machine.decide("q", "approve")
    machine.the_store_agrees()
    machine.teardown()
    assert SEEN["refused task_expired"] >= 1


def test_the_rules_lead_everywhere() -> None:
    """A machine that never got anywhere proves nothing; this path does not hang on what was drawn."""
    machine = RunMachine()
    machine.start()
    for verdict in ("choose", "stale", "reject", "approve"):
        machine.decide("p", verdict)
    machine.go_on()
    machine.wait(61.0)
    machine.reopen()
    machine.go_on()
    machine.the_store_agrees()
    machine.teardown()
    machine.start()
    machine.decide("r", "approve")
    machine.cancel(True)
    machine.decide("q", "approve")
    machine.nothing_runs_twice_or_unasked()
    machine.teardown()
    wanted = {"decide approve", "decide reject", "go on", "expire", "reopen", "cancel", "refused already_decided"}
    wanted |= {"refused invalid_decision", "refused task_changed", "refused task_closed"}
    assert wanted <= set(SEEN), wanted - set(SEEN)
