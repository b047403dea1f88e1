"""What a run is told of the earlier runs of its session."""

from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, SqliteDb, StepFailed, Team, tool
from sayso.app.portal import portal
from sayso.model.actors import Actor
from sayso.model.ids import RunId
from sayso.testing import CountingIds, FakeClock, ScriptedModel, call


class Chat:
    """One session, whose every run is made by a fresh object over a file that is opened anew."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "s.db"
        self.clock, self.ids = FakeClock(), CountingIds()

    def agent(self, *turns: Any, make: Any = Agent, **options: Any) -> Agent:
        @tool(requires_confirmation=True)
        def pay(amount: float) -> str:
            return f"paid {amount}"

        db = SqliteDb(self.path, clock=self.clock, ids=self.ids, synchronous="NORMAL")
        return make("chat", model=ScriptedModel(list(turns)), tools=[pay], db=db, **options)

    def say(self, text: str, *turns: Any, **options: Any) -> Any:
        self.clock.advance(1)
        agent = self.agent(*turns, **options)
        try:
            return agent.run(text, session_id="ses", run_id=text)
        finally:
            agent.db.close()

    def heard(self, **options: Any) -> list[str]:
        """Return what the model of another run is told."""
        output = self.say("now", lambda request: " | ".join(item.text for item in request.messages), **options)
        return output.content.split(" | ")


@pytest.fixture
def chat(tmp_path: Path) -> Chat:
    return Chat(tmp_path)


@pytest.mark.parametrize(
    ("most", "told"),
    [(0, ["now"]), (1, ["q3", "a3", "now"]), (3, ["q1", "a1", "q2", "a2", "q3", "a3", "now"])],
)
def test_as_many_earlier_runs_are_told_as_were_asked_for(chat: Chat, most: int, told: list[str]) -> None:
    for number in (1, 2, 3):
        chat.say(f"q{number}", f"a{number}")
    assert chat.heard(num_history_runs=most) == told


def test_a_failed_run_in_between_is_not_told_and_does_not_count(chat: Chat) -> None:
    chat.say("q1", "a1")
    with pytest.raises(StepFailed):
        chat.say("bad", call("nothing"), max_iterations=1)
    chat.say("q2", "a2")
    assert chat.heard(num_history_runs=2) == ["q1", "a1", "q2", "a2", "now"]


def test_a_run_that_waits_is_not_told_until_it_is_over(chat: Chat) -> None:
    chat.say("q1", call("pay", amount=5), "a1")
    assert chat.say("q2", lambda request: request.messages[0].text).content == "q2"
    agent = chat.agent(call("pay", amount=5), "a1")
    output = agent.get_run_output("q1")
    output.active_requirements[0].confirm()
    agent.continue_run(output)
    agent.db.close()
    assert chat.heard() == ["q1", "a1", "q2", "q2", "now"]


def test_of_a_run_that_an_operator_completed_only_what_was_asked_is_told(chat: Chat) -> None:
    """Its own model never came to an answer, and what a member of its team said is none."""
    leader = [[call("ask_chat", task="look"), call("pay", amount=5)], "never"]
    chat.say("q1", *leader, make=Team, members=[chat.agent("The member's words.", description="Works.")])
    agent = chat.agent()
    portal.call(agent.db.runtime.complete(RunId("q1"), by=Actor(type="user", id="ana"), note="done by hand"))
    agent.db.close()
    assert chat.heard() == ["q1", "now"]


def test_history_is_frozen_when_a_run_starts(chat: Chat) -> None:
    """A run that is told something does not hear more of it when it goes on later."""
    chat.say("q1", "a1")
    turns = [call("pay", amount=5), lambda request: " | ".join(item.text for item in request.messages)]
    chat.say("q2", *turns)
    chat.say("q3", "a3")
    agent = chat.agent(*turns)
    output = agent.get_run_output("q2")
    output.active_requirements[0].confirm()
    assert agent.continue_run(output).content == "q1 | a1 | q2 |  | paid 5.0"
