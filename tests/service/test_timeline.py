"""A run as people read it, and following it from any point."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, SqliteDb, Workflow, tool
from sayso.app.portal import portal
from sayso.core.timeline import Item, merge, timeline
from sayso.model.errors import Invalid
from sayso.model.ids import RunId, SessionId
from sayso.model.workspaces import DEFAULT_WORKSPACE, Reach
from sayso.runtime.following import Event, Follower, parse
from sayso.runtime.sessions import Sessions, Whole
from sayso.testing import CountingIds, FakeClock, ScriptedModel, call
from sayso.workflow import HumanReview, Step

REACH = Reach(workspace_id=DEFAULT_WORKSPACE)


class Desk:
    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.db = SqliteDb(folder / "sayso.db", clock=self.clock, ids=CountingIds(), synchronous="NORMAL")

    def agent(self, *turns: Any) -> Agent:
        @tool(effect="read")
        def look(name: str) -> dict[str, str]:
            """Look somebody up."""
            self.clock.advance(2)
            return {"name": name}

        @tool(requires_confirmation=True)
        def pay(amount: float) -> str:
            """Pay."""
            return f"paid {amount:g}"

        return Agent("desk", model=ScriptedModel(list(turns)), tools=[look, pay], db=self.db)

    def whole(self, run: str = "run") -> Whole:
        return portal.call(Sessions(self.db.runtime).whole(RunId(run), REACH))

    def items(self) -> list[Item]:
        return merge([(0, timeline(part.run, part.entries, part.tasks)) for part in self.whole().runs])

    def follow(self, position: str | None = None) -> tuple[list[Event], bool]:
        follower = Follower(self.db.runtime.store, SessionId("ses"), parse(position))
        return portal.call(follower.news()), follower.over


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_run_reads_as_what_was_said_asked_and_done(desk: Desk) -> None:
    """Item 178."""
    turns = (["Let me see.", call("look", name="ann")], call("pay", amount=5), "All paid.")
    output = desk.agent(*turns).run("Pay Ann.", session_id="ses", run_id="run")
    assert [item.type for item in desk.items()] == [
        "UserMessage", "llm_request_prepared", "reasoning", "ToolCall", "ToolResult", "llm_request_prepared",
        "reasoning", "ToolCall", "UserTaskReq",
    ]  # fmt: skip
    assert desk.items()[7].content["approval"] == "pending"
    output.active_requirements[0].confirm()
    desk.agent(*turns).continue_run(output, decided_by="ana")
    items = desk.items()
    assert [item.type for item in items[8:]] == [
        "UserTaskReq", "UserTaskRes", "ToolResult", "llm_request_prepared", "output", "RunCompleted",
        "SessionCompleted",
    ]  # fmt: skip
    assert (items[7].content["approval"], items[7].content["decided_by"]) == ("approved", "ana"), "item 180"
    result: Any = items[10].content["result"]
    assert (result["data"], result["successful"]) == ("paid 5", True)
    assert items[-2].content["output"] == "All paid."
    assert [item.content["iteration"] for item in items if item.type == "reasoning"] == [1, 2]
    assert all(item.started_at <= later.started_at for item, later in pairwise(items))
    assert [item.sequence for item in items] == sorted(item.sequence for item in items)


def test_a_rejected_call_reads_as_rejected(desk: Desk) -> None:
    turns = (call("pay", amount=5), "Then not.")
    output = desk.agent(*turns).run("x", session_id="ses", run_id="run")
    output.active_requirements[0].reject("too much")
    desk.agent(*turns).continue_run(output)
    call_, response, result = (
        next(item for item in desk.items() if item.type == kind) for kind in ("ToolCall", "UserTaskRes", "ToolResult")
    )
    assert call_.content["approval"] == "rejected"
    assert response.content["note"] == "too much"
    told: Any = result.content["result"]
    assert (told["successful"], told["error"]["code"]) == (False, "rejected_by_human")


def test_waits_messages_and_ends_have_their_own_items(desk: Desk) -> None:
    turns = (call("wait", duration_seconds=60), call("reply_and_wait", message="Which one?"), "The second.")
    desk.agent(*turns).run("x", session_id="ses", run_id="run")
    desk.clock.advance(61)
    output = desk.agent(*turns).continue_run(run_id="run", session_id="ses")
    output.active_requirements[0].answer("the second")
    desk.agent(*turns).continue_run(output)
    kinds = [item.type for item in desk.items()]
    assert [kind for kind in kinds if kind in {"Wait", "WaitDone", "AssistantMessage", "UserMessage"}] == [
        "UserMessage", "Wait", "WaitDone", "AssistantMessage", "UserMessage",
    ]  # fmt: skip


def test_a_workflow_reads_as_its_steps(desk: Desk) -> None:
    def draft(given: Any) -> str:
        return f"draft of {given.input}"

    flow = Workflow("flow", steps=[Step("draft", draft), Step("send", draft)], db=desk.db)
    flow.run("a letter", session_id="ses", run_id="run")
    assert [(item.type, item.content.get("name")) for item in desk.items()][1:3] == [
        ("Step", "draft"),
        ("Step", "send"),
    ]
    assert desk.whole().session.status == "Completed"


def test_following_from_any_point_tells_the_rest_exactly_once(desk: Desk) -> None:
    """Item 261: whatever event was the last, nothing is lost after it and nothing is told twice."""
    turns = (["Let me see.", call("look", name="ann")], call("pay", amount=5), "All paid.")
    output = desk.agent(*turns).run("Pay Ann.", session_id="ses", run_id="run")
    before, over = desk.follow()
    assert not over
    output.active_requirements[0].confirm()
    desk.agent(*turns).continue_run(output)
    every, over = desk.follow()
    assert over
    told = [(event.subject, event.item.id) for event in every]
    assert len(set(told)) == len(told)
    assert told[: len(before)] == [(event.subject, event.item.id) for event in before]
    assert told[0][0] == "engine.session.started"
    assert [subject for subject, _ in told[-2:]] == ["engine.run.completed", "engine.session.completed"]
    for number, event in enumerate(every):
        if event.position is not None:
            rest, _ = desk.follow(event.position)
            assert [(later.subject, later.item.id) for later in rest] == told[number + 1 :]
    assert sum(event.position is not None for event in every) > 5


def test_following_goes_on_while_the_run_does(desk: Desk) -> None:
    review = HumanReview(requires_confirmation=True)
    flow = Workflow("flow", steps=[Step("act", lambda given: given.input, human_review=review)], db=desk.db)
    output = flow.run("x", session_id="ses", run_id="run")
    follower = Follower(desk.db.runtime.store, SessionId("ses"))
    first = portal.call(follower.news())
    assert portal.call(follower.news()) == []
    output.active_step_requirements[0].confirm()
    flow.continue_run(output)
    second = portal.call(follower.news())
    kinds = [event.kind for event in first + second]
    assert kinds == ["session", "run", "step", "user_task", "user_task", "step", "run", "session"]
    assert follower.over


@pytest.mark.parametrize("position", ["x", "1,", "-1", "1;2", "9" * 30, "1.5", "0x1", "1," * 20_000 + "1"])
def test_a_position_that_no_event_carried_is_refused(position: str) -> None:
    with pytest.raises(Invalid, match="Last-Event-ID"):
        parse(position)
