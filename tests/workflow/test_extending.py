"""Extending a deadline: what one press adds, how often, and what holds at the old time and at the new one."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso import Agent, HumanReview, Parallel, SqliteDb, Step, Steps, Workflow, tool
from sayso.app.portal import portal
from sayso.core.codec import plain_of
from sayso.model.actors import Actor
from sayso.model.audit import AuditFilter
from sayso.model.errors import AlreadyDecided, DeadlineFixed, DeadlineMoved, TaskClosed, TaskExpired
from sayso.model.journal import EntryKind
from sayso.model.runs import RunState
from sayso.model.tasks import UserTask
from sayso.testing import FakeClock, ScriptedModel, call

BY = Actor(type="user", id="ana")
START = FakeClock().now()


class Case:
    """A workflow over a file, with a clock of its own; `gates` are made anew for every database object."""

    def __init__(self, folder: Path, steps: Any = None) -> None:
        self.clock, self.path, self.steps = FakeClock(), folder / "s.db", steps or (lambda: [gate("a")])
        self.db = SqliteDb(self.path, clock=self.clock)

    @property
    def flow(self) -> Workflow:
        return Workflow("flow", db=self.db, steps=self.steps())

    def start(self) -> Any:
        return self.flow.run("x", run_id="run", session_id="ses")

    def read(self) -> Any:
        return self.flow.get_run_output("run")

    def reopen(self) -> None:
        self.db.close()
        self.db = SqliteDb(self.path, clock=self.clock)

    def tasks(self) -> dict[str, UserTask]:
        runtime = self.db.runtime
        return {task.key: task for task in portal.call(runtime.run_tasks("run"))}

    def extend(self, key: str = "a?confirm", shown: Any = None) -> UserTask:
        task_id = self.tasks()[key].id
        return portal.call(self.db.runtime.extend(task_id, by=BY, shown=shown))

    def ready_at(self) -> Any:
        return portal.call(self.db.runtime.load_run("run")).ready_at

    def entries(self, kind: EntryKind) -> list[Any]:
        _, entries = portal.call(self.db.runtime.load_run_with_entries("run"))
        return [entry for entry in entries if entry.kind is kind]


def gate(name: str, **more: Any) -> Step:
    options: dict[str, Any] = {"timeout": 60, "on_timeout": "skip", **more}
    return Step(name, lambda given: f"{name} ran", human_review=HumanReview(requires_confirmation=True, **options))


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    found = Case(tmp_path)
    yield found
    found.db.close()


def after(seconds: float) -> Any:
    return START + timedelta(seconds=seconds)


def test_one_press_adds_what_it_had_at_first(case: Case) -> None:
    case.start()
    assert (case.tasks()["a?confirm"].due_at, case.ready_at()) == (after(60), after(60))
    case.clock.advance(50)
    assert case.extend().due_at == after(120)
    assert (case.tasks()["a?confirm"].due_at, case.ready_at()) == (after(120), after(120))
    output = case.read()
    assert (output.status, output.step_requirements[0].timeout_at) == ("PAUSED", after(120))
    (entry,) = case.entries(EntryKind.EXTENDED)
    assert (entry.key, entry.at) == ("a?confirm", after(50))
    wanted = AuditFilter(action="task.extended")
    (row,) = portal.call(case.db.runtime.store.read(lambda tx: tx.audit.fitting("default", wanted, after=0, limit=9)))
    assert str(row.by) == "ana"
    assert plain_of(row.data) == {
        "run": "run", "from": after(60).isoformat(), "until": after(120).isoformat(), "left": 9,
    }  # fmt: skip


def test_the_deadline_holds_at_the_new_time_and_not_at_the_old(case: Case) -> None:
    """Nobody looks in between: no worker, and the process is another one."""
    case.start()
    case.extend()
    case.clock.advance(61)
    case.reopen()
    assert case.read().step_requirements[0].is_timed_out is False
    case.clock.advance(58)
    case.reopen()
    assert case.read().status == "PAUSED"
    case.clock.advance(2)
    case.reopen()
    output = case.read()
    assert output.step_requirements[0].is_timed_out
    with pytest.raises(AlreadyDecided, match="system:timeout"):  # the process that opened has carried it out
        case.extend()
    done = case.flow.continue_run(output)
    assert (done.status, done.step_requirements[0].decided_by) == ("COMPLETED", "system:timeout")


def test_a_decision_after_the_old_deadline_counts(case: Case) -> None:
    output = case.start()
    case.extend()
    case.clock.advance(90)
    output.step_requirements[0].confirm()  # read before the deadline was extended
    done = case.flow.continue_run(output)
    assert (done.status, done.content) == ("COMPLETED", "a ran")


def test_a_later_deadline_than_the_stored_one_is_no_requirement_of_ours(case: Case) -> None:
    output = case.start()
    output.step_requirements[0].timeout_at = after(600)
    output.step_requirements[0].confirm()
    with pytest.raises(ValueError, match="timeout_at"):
        case.flow.continue_run(output)


def test_ten_times_and_no_more(case: Case) -> None:
    case.start()
    for number in range(1, 11):
        assert case.extend().due_at == after(60 * (1 + number))
    with pytest.raises(DeadlineFixed, match="extended 10 times"):
        case.extend()
    assert case.tasks()["a?confirm"].due_at == after(660)


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_an_engineer_may_lower_it_and_later_code_does_not_alter_it(tmp_path: Path, allowed: int) -> None:
    case = Case(tmp_path, lambda: [gate("a", extensions=allowed)])
    case.start()
    case.steps = lambda: [gate("a", extensions=10)]
    for _ in range(allowed):
        case.extend()
    with pytest.raises(DeadlineFixed, match="hard one" if allowed == 0 else f"{allowed} times"):
        case.extend()
    case.db.close()


@pytest.mark.parametrize("wrong", [-1, 11, True, 2.0, None, "3"])
def test_a_number_that_is_none(wrong: Any) -> None:
    with pytest.raises(ValueError, match="extensions"):
        HumanReview(requires_confirmation=True, timeout=60, extensions=wrong)
    with pytest.raises(ValueError, match="approval_extensions"):
        tool(requires_confirmation=True, approval_timeout=60, approval_extensions=wrong)
    with pytest.raises(ValueError, match="question_extensions"):
        Agent("a", model=ScriptedModel([]), question_timeout=60, question_extensions=wrong)


def test_what_was_shown_is_what_is_extended(case: Case) -> None:
    case.start()
    case.extend(shown=after(60))
    with pytest.raises(DeadlineMoved):
        case.extend(shown=after(60))
    assert case.extend(shown=after(120)).due_at == after(180)


def test_what_is_over_is_not_extended(case: Case) -> None:
    output = case.start()
    output.step_requirements[0].confirm()
    case.flow.continue_run(output)
    with pytest.raises(AlreadyDecided):
        case.extend()
    case.flow.run("x", run_id="other", session_id="ses")
    portal.call(case.db.runtime.cancel("other", by=BY))
    task = portal.call(case.db.runtime.run_tasks("other"))[0]
    with pytest.raises(TaskClosed):
        portal.call(case.db.runtime.extend(task.id, by=BY))


def test_no_deadline_is_nothing_to_extend(tmp_path: Path) -> None:
    case = Case(tmp_path, lambda: [gate("a", timeout=None)])
    case.start()
    with pytest.raises(DeadlineFixed, match="as long as it takes"):
        case.extend()
    case.db.close()


def test_branches_have_deadlines_of_their_own(tmp_path: Path) -> None:
    """The run is looked at when the first of what is left comes due."""
    case = Case(tmp_path, lambda: [Parallel(gate("a"), gate("b", timeout=90), gate("c", timeout=200))])
    case.start()
    keys = {key.rpartition("/")[2]: key for key in case.tasks()}
    assert case.ready_at() == after(60)
    case.extend(keys["b?confirm"])
    assert case.ready_at() == after(60), "another deadline comes first"
    case.extend(keys["a?confirm"])
    assert case.ready_at() == after(120)
    case.extend(keys["a?confirm"])
    assert case.ready_at() == after(180), "b is due then too"
    case.extend(keys["a?confirm"])
    assert case.ready_at() == after(180)
    case.clock.advance(181)
    case.reopen()
    output = case.flow.continue_run(case.read())
    assert output.status == "PAUSED"
    assert case.ready_at() == after(200)
    assert [item.step_name for item in output.active_step_requirements] == ["a", "c"]
    case.db.close()


def test_a_run_that_is_at_work_takes_it_in(tmp_path: Path) -> None:
    """One branch waits for a person; another, which is at work in this very pass, takes long enough for more time."""
    case = Case(tmp_path)
    ran: list[str] = []

    def slow(given: Any) -> str:
        del given
        ran.append("slow")
        (key,) = case.tasks()
        case.clock.advance(30)
        case.extend(key)
        return "slow ran"

    case.steps = lambda: [Parallel(gate("a"), Step("b", slow))]
    output = case.start()
    assert (output.status, ran, case.ready_at()) == ("PAUSED", ["slow"], after(120))
    case.clock.advance(60)
    output = case.read()
    output.step_requirements[0].confirm()
    assert (case.flow.continue_run(output).status, ran) == ("COMPLETED", ["slow"])
    case.db.close()


def test_nested_workflows_three_deep(tmp_path: Path) -> None:
    def deep(level: int) -> Workflow:
        steps = [gate("a")] if level == 0 else [Steps("s", steps=[Step(workflow=deep(level - 1))])]
        return Workflow(f"w{level}", steps=steps)

    case = Case(tmp_path, lambda: [Step(workflow=deep(3))])
    case.start()
    (key,) = case.tasks()
    assert key.count("/") >= 3
    case.extend(key)
    assert case.ready_at() == after(120)
    case.clock.advance(100)
    output = case.read()
    output.step_requirements[0].confirm()
    assert case.flow.continue_run(output).content == "a ran"
    case.db.close()


def test_an_approval_of_a_call_runs_after_an_extension(tmp_path: Path) -> None:
    """What is compared with the rows before a call leaves is the deadline as it was extended."""
    ran: list[float] = []

    @tool(requires_confirmation=True, approval_timeout=60, approval_extensions=2)
    def pay(amount: float) -> str:
        """Pay."""
        ran.append(amount)
        return "paid"

    clock = FakeClock()
    with SqliteDb(tmp_path / "s.db", clock=clock) as db:
        agent = Agent("payer", model=ScriptedModel([call("pay", amount=5), "done"]), tools=[pay], db=db)
        output = agent.run("x", run_id="run", session_id="ses")
        portal.call(db.runtime.extend(output.active_requirements[0].id, by=BY))
        clock.advance(100)
        output = agent.get_run_output("run")
        assert output.active_requirements[0].timeout_at == after(120)
        output.active_requirements[0].confirm()
        assert (agent.continue_run(output).status, ran) == ("COMPLETED", [5.0])


def test_an_agents_own_question_is_extended(tmp_path: Path) -> None:
    clock = FakeClock()
    with SqliteDb(tmp_path / "s.db", clock=clock) as db:
        model = ScriptedModel([call("ask_human_text", question="Which?"), "done"])
        agent = Agent("asker", model=model, db=db, question_timeout=60, question_extensions=1)
        item = agent.run("x", run_id="run", session_id="ses").active_requirements[0]
        assert portal.call(db.runtime.extend(item.id, by=BY)).due_at == after(120)
        with pytest.raises(DeadlineFixed):
            portal.call(db.runtime.extend(item.id, by=BY))


def test_a_call_in_doubt_waits_for_as_long_as_it_takes(tmp_path: Path) -> None:
    @tool(approval_timeout=60)
    def pay(amount: float) -> str:
        """Pay."""
        raise TimeoutError(f"nobody answered about {amount}")

    with SqliteDb(tmp_path / "s.db", clock=FakeClock()) as db:
        agent = Agent("payer", model=ScriptedModel([call("pay", amount=5), "done"]), tools=[pay], db=db)
        item = agent.run("x", run_id="run", session_id="ses").active_requirements[0]
        assert (item.kind, item.timeout_at) == ("uncertain", None)
        with pytest.raises(DeadlineFixed, match="as long as it takes"):
            portal.call(db.runtime.extend(item.id, by=BY))


def test_a_run_that_could_not_be_advanced_is_tried_again_when_that_was_to_be(case: Case) -> None:
    """Its wake-up is not the deadline's, and an extension leaves it alone."""
    case.start()
    at = case.clock.now() + timedelta(seconds=60)  # by chance, the time of the deadline

    def unit(tx: Any) -> None:
        run = tx.claim_run("run", owner="w", now=case.clock.now(), until=case.clock.now())
        tx.release_run("run", RunState.WAITING, problem="no", epoch=run.epoch, now=case.clock.now(), retry_at=at)

    portal.call(case.db.runtime.store.run(unit))
    case.extend()
    assert case.ready_at() == after(60)


@settings(max_examples=40, deadline=None)
@given(moves=st.lists(st.sampled_from(["a", "b", "c"]) | st.integers(1, 70), max_size=25))
def test_no_deadline_ever_moves_back(moves: list[Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    """However presses and time are mixed: rows and journal say the same, and the run is due no earlier than before."""
    spans = {"a": 60, "b": 90, "c": 200}
    folder = tmp_path_factory.mktemp("due")
    case = Case(folder, lambda: [Parallel(*[gate(name, timeout=span) for name, span in spans.items()])])
    case.start()
    keys = {key.rpartition("/")[2].partition("?")[0]: key for key in case.tasks()}
    before = {key: task.due_at for key, task in case.tasks().items()}
    for move in moves:
        if isinstance(move, int):
            case.clock.advance(move)
            continue
        was, ready = case.tasks()[keys[move]], case.ready_at()
        try:
            case.extend(keys[move])
        except (TaskExpired, DeadlineFixed):
            assert case.tasks()[keys[move]] == was
        now = case.tasks()
        assert all(now[key].due_at >= before[key] for key in now)
        assert case.ready_at() >= ready
        assert case.ready_at() == min(task.due_at for task in now.values())
        before = {key: task.due_at for key, task in now.items()}
    for name, key in keys.items():
        count = sum(entry.key == key for entry in case.entries(EntryKind.EXTENDED))
        assert before[key] == after(spans[name] * (1 + count))
        assert count <= 10
    case.db.close()
