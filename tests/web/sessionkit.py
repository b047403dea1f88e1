"""What tests of sessions need: programs of every shape, and a session of each."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sayso import Agent, SqliteDb, StepFailed, tool
from sayso.model.ids import RunId
from sayso.model.sessions import SessionStatus
from sayso.model.workspaces import Reach
from sayso.runtime.sessions import RunParts
from sayso.runtime.standing import run_status
from sayso.testing import ScriptedModel, call
from sayso.workflow import HumanReview, Loop, Parallel, Step, Workflow
from tests.web.site import Site

LONG = 500
"""How many passes the long workflow makes, of two steps each."""


def programs(db: SqliteDb) -> Sequence[Any]:
    """Return a desk that does what it is told, and workflows that nest, fail, and go on for long."""

    @tool(requires_confirmation=True, summary="Refund {amount} to {customer}")
    def refund(customer: str, amount: float) -> str:
        """Pay money back."""
        return f"paid {amount:g} to {customer}"

    def turn(request: Any) -> Any:
        said = request.messages[-1].text
        if said.startswith("refund "):
            return ["They have waited long enough.", call("refund", customer=said.removeprefix("refund "), amount=420)]
        if said.startswith("wait"):
            return call("wait", duration_seconds=86_400)
        if said.startswith("talk"):
            return call("reply_and_wait", message="Which order do you mean?")
        if said.startswith("name "):
            return [said, call(said, **{said: said})]
        return said.removeprefix("say ") if said.startswith("say ") else "All done."

    helper = Agent("helper", model=ScriptedModel([call("look", a=1), "looked"]), tools=[_look()], db=db)
    inner = Workflow("inner", steps=[Step("weigh", _did), Step("pack", _did)], db=db)
    confirm = HumanReview(requires_confirmation=True, confirmation_message="Ship it?")
    big = [
        Step("fetch", _did),
        Parallel(Step("left", _did), Step("right", _did), name="both"),
        Loop(name="refine", steps=[Step("draft", _did)], max_iterations=3),
        Step("ask", agent=helper),
        Step("nested", workflow=inner),
        Step("ship", _did, human_review=confirm),
    ]
    return [
        Agent("refund desk", model=ScriptedModel(turn), tools=[refund], db=db),
        Workflow("big", steps=big, db=db),
        Workflow("failing", steps=[Step("fetch", _did), Step("charge", _fails)], db=db),
        Workflow(
            "long",
            steps=[Loop(name="again", steps=[Step("work", _much), Step("check", _did)], max_iterations=LONG)],
            db=db,
        ),
    ]


def _look() -> Any:
    @tool(effect="read")
    def look(a: int) -> dict[str, int]:
        """Look."""
        return {"a": a}

    return look


def _did(given: Any) -> str:
    return f"did it for {str(given.input)[:200]}"


def _much(given: Any) -> str:
    return "much " * 500


def _fails(given: Any) -> str:
    raise ValueError("the card <b>was</b> declined\u202e!")


@dataclass
class Case:
    """A site with sessions in it."""

    site: Site
    made: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        self.made = {program.name: program for program in programs(self.site.db)}

    def start(self, name: str, text: str, **options: Any) -> Any:
        """Run something until it waits or ends; return its output."""
        return self.site.do(self._run(name, text, options))

    async def _run(self, name: str, text: str, options: dict[str, Any]) -> Any:
        try:
            return await self.made[name].arun(text, **options)
        except StepFailed:  # a run that fails is what some tests are about
            runs = await self.site.service.runtime.list_runs(program=name, limit=1)
            return await self.made[name].aget_run_output(runs[0].id)

    def parts(self, run: str) -> RunParts:
        """Return a run with its journal."""
        return self.site.do(self.site.service.sessions.run(RunId(run), Reach(workspace_id=self.site.root.workspace.id)))

    def task(self, run: str) -> str:
        """Return the task that a run asks."""
        return next(task.id for task in self.parts(run).tasks if str(task.status) == "pending")

    def until(self, run: str, status: SessionStatus) -> None:
        """Wait until a run stands so."""
        for _ in range(1_000):
            if run_status(self.parts(run), self.site.service.clock.now()) is status:
                return
            time.sleep(0.02)
        raise AssertionError(f"run {run} is not {status}")
