"""Trees of any shape, answered in any order, against a model that knows nothing of journals.

The model is a plain recursion over the tree: given the answers so far, it says which steps have been reached, which
questions are open and how the run stands. After every answer the run must say the same, having executed each step
once, through reopened files and with several answers at a time or one by one.
"""

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sayso import (
    Condition,
    HumanReview,
    Loop,
    OnReject,
    Parallel,
    Router,
    RunContext,
    SqliteDb,
    Step,
    StepInput,
    Steps,
    Workflow,
)
from sayso.testing import CountingIds, FakeClock


@dataclass(frozen=True)
class Tree:
    """One primitive: its kind, its gate, its children (and, for a condition, its other children)."""

    kind: str
    gate: str = ""
    children: "tuple[Tree, ...]" = ()
    others: "tuple[Tree, ...]" = ()


LEAVES = st.sampled_from(["", "skip", "cancel", "input", "review"]).map(lambda gate: Tree("step", gate))
GATES = st.sampled_from(["", "skip", "cancel"])


def composites(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    some = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Tree, st.just("steps"), GATES, some),
        st.builds(Tree, st.just("condition"), st.sampled_from(["", "ask"]), some, some),
        st.builds(Tree, st.just("loop"), st.sampled_from(["", "skip", "iterations"]), some),
        st.builds(Tree, st.just("router"), st.sampled_from(["one", "several", "selector"]), some),
        st.builds(Tree, st.just("parallel"), st.just(""), some),
        st.builds(Tree, st.just("workflow"), st.sampled_from(["", "skip"]), some),
    )


TREES = st.recursive(LEAVES, composites, max_leaves=8)


# -- the tree as a workflow ----------------------------------------------------------------------------------


def review(gate: str) -> HumanReview | None:
    match gate:
        case "skip" | "cancel":
            return HumanReview(requires_confirmation=True, on_reject=gate)
        case "input":
            return HumanReview(requires_user_input=True, user_input_schema=[{"name": "n", "field_type": "int"}])
        case "review":
            return HumanReview(requires_output_review=True, on_reject=OnReject.retry, max_retries=1)
        case "iterations":
            return HumanReview(requires_iteration_review=True, on_reject=OnReject.retry)
        case "ask":
            return HumanReview(requires_confirmation=True)
        case "one" | "several":
            return HumanReview(requires_user_input=True, allow_multiple_selections=gate == "several")
    return None


def built(tree: Tree, name: str, ran: Counter[str]) -> Any:
    def act(step_input: StepInput, run_context: RunContext) -> str:
        ran[run_context.step_key] += 1
        return run_context.step_key

    children = [built(child, f"c{number}", ran) for number, child in enumerate(tree.children)]
    gate = review(tree.gate)
    match tree.kind:
        case "step":
            return Step(name, act, human_review=gate)
        case "steps":
            return Steps(name, steps=children, human_review=gate)
        case "condition":
            others = [built(child, f"d{number}", ran) for number, child in enumerate(tree.others)]
            return Condition(lambda _: True, children, others, name=name, human_review=gate)
        case "loop":
            return Loop(children, name=name, max_iterations=2, human_review=gate)
        case "router":
            return Router(children, None if gate else lambda _: "c0", name=name, human_review=gate)
        case "parallel":
            return Parallel(*children, name=name)
        case _:
            return Step(name, workflow=Workflow(f"inner {name}", steps=children), human_review=gate)


# -- the model -----------------------------------------------------------------------------------------------


class Waits(Exception):
    """A question is open."""


class Cancelled(Exception):
    """An answer has ended the run."""


@dataclass
class Model:
    """The tree, run over the answers so far."""

    answers: dict[str, Any]
    reached: Counter[str] = field(default_factory=Counter[str])
    open: set[str] = field(default_factory=set[str])
    status: str = "COMPLETED"

    def run(self, tree: Tree) -> "Model":
        try:
            self.node(tree, "c0")
        except Waits:
            self.status = "PAUSED"
        except Cancelled:
            self.status, self.open = "CANCELLED", set()
        return self

    def ask(self, key: str) -> Any:
        if key not in self.answers:
            self.open.add(key)
            raise Waits
        return self.answers[key]

    def node(self, tree: Tree, path: str) -> None:
        if tree.gate in {"skip", "cancel", "input"}:
            kind = "input" if tree.gate == "input" else "confirm"
            if self.ask(f"{path}?{kind}") is False:
                if tree.gate == "cancel":
                    raise Cancelled
                return
        getattr(self, tree.kind)(tree, path)

    def sequence(self, trees: "tuple[Tree, ...]", path: str, letter: str = "c") -> None:
        for number, child in enumerate(trees):
            self.node(child, f"{path}/{letter}{number}")

    def step(self, tree: Tree, path: str) -> None:
        for number in (1, 2):
            key = path if number == 1 else f"{path}@{number}"
            self.reached[key] += 1
            if tree.gate != "review" or self.ask(f"{key}?review"):
                return
        raise Cancelled

    def steps(self, tree: Tree, path: str) -> None:
        self.sequence(tree.children, path)

    def workflow(self, tree: Tree, path: str) -> None:
        self.sequence(tree.children, path)

    def condition(self, tree: Tree, path: str) -> None:
        if tree.gate and not self.ask(f"{path}?confirm"):
            self.sequence(tree.others, path, "d")
        else:
            self.sequence(tree.children, path)

    def loop(self, tree: Tree, path: str) -> None:
        self.sequence(tree.children, f"{path}#1")
        if tree.gate != "iterations" or not self.ask(f"{path}#1?review"):
            self.sequence(tree.children, f"{path}#2")

    def router(self, tree: Tree, path: str) -> None:
        chosen = ["c0"] if tree.gate == "selector" else self.ask(f"{path}?route")
        for name in chosen or ():
            self.node(tree.children[int(name[1:])], f"{path}/{name}")

    def parallel(self, tree: Tree, path: str) -> None:
        found: list[type[Exception]] = []
        for number, child in enumerate(tree.children):
            try:
                self.node(child, f"{path}/c{number}")
            except (Waits, Cancelled) as exc:
                found.append(type(exc))
        if found:
            raise Cancelled if Cancelled in found else Waits


# -- the comparison --------------------------------------------------------------------------------------------


def answer(item: Any, choices: list[str], *, yes: bool) -> Any:
    """Answer one question; return what the model is told."""
    if item.requires_route_selection:
        wanted = choices if item.allow_multiple_selections else choices[:1]
        if not yes or not wanted:
            item.reject()
            return False
        item.select(*wanted)
        return wanted
    if not yes:
        item.reject("no")
    elif item.requires_user_input:
        item.set_user_input(n=1)
    else:
        item.confirm()
    return yes


@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(tree=TREES, data=st.data())
def test_a_run_is_what_its_answers_say(tree: Tree, data: st.DataObject) -> None:
    ran: Counter[str] = Counter()
    answers: dict[str, Any] = {}
    clock, ids = FakeClock(), CountingIds()
    with tempfile.TemporaryDirectory() as folder:

        def opened() -> tuple[SqliteDb, Workflow]:
            db = SqliteDb(Path(folder) / "s.db", clock=clock, ids=ids, synchronous="NORMAL")
            return db, Workflow("w", db=db, steps=[built(tree, "c0", ran)])

        db, workflow = opened()
        output = workflow.run("x", run_id="run", session_id="ses")
        while True:
            model = Model(answers).run(tree)
            tasks = {item.id: item for item in output.active_step_requirements}
            stored = {task.id: task.key for task in _tasks(db)}
            assert (output.status, ran) == (model.status, model.reached)
            assert {stored[key] for key in tasks} == model.open
            if not output.is_paused:
                break
            if data.draw(st.booleans(), "reopen"):
                db.close()
                db, workflow = opened()
                output = workflow.get_run_output("run")
            open_ = output.active_step_requirements
            count = data.draw(st.integers(1, len(open_)), "how many")
            for item in open_[:count]:
                choices = list(item.available_choices or ())
                order = data.draw(st.permutations(choices), "order")[: data.draw(st.integers(0, len(choices)), "of")]
                yes = data.draw(st.booleans(), "yes")
                answers[stored[item.id]] = answer(item, order, yes=yes)
            output = workflow.continue_run(output)
        db.close()


def _tasks(db: SqliteDb) -> Any:
    from sayso.app.portal import portal

    return portal.call(db.runtime.run_tasks("run"))
