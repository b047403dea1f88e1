"""How long a `keyed` call may be sent again: a remote honours a key for a while, and what comes later it does anew."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from sayso import Agent, SqliteDb, ToolContext, tool
from sayso.model.errors import StoreUnavailable
from sayso.testing import FakeClock, ScriptedModel, call
from tests.agents.test_drift import Dies

DAY = 86_400


@dataclass
class Remote:
    """A tool that answers too late to be heard, and the agent that uses it."""

    clock: FakeClock = field(default_factory=FakeClock)
    keys: list[str] = field(default_factory=list)
    passes: list[float] = field(default_factory=list)
    """The seconds that go by in each attempt; behind them the tool answers."""
    dies: Dies = field(default_factory=Dies)
    in_commit: int = 0
    """In which commit behind the tool's work the worker dies."""

    def __post_init__(self) -> None:
        self.db = SqliteDb(clock=self.clock, observer=self.dies)

    def agent(self, **options: Any) -> Agent:
        @tool(**{"effect": "keyed", **options})
        def pay(ctx: ToolContext) -> str:
            self.keys.append(ctx.idempotency_key)
            self.dies.at(self.in_commit)
            if self.passes:
                self.clock.advance(self.passes.pop(0))
                raise TimeoutError("no answer")
            return "paid"

        turns = [call("pay"), lambda request: request.messages[-1].text]
        return Agent("payer", model=ScriptedModel(turns), tools=[pay], db=self.db)

    def run(self, **options: Any) -> Any:
        return self.agent(**options).run("x", run_id="run", session_id="ses")

    def crash(self, **options: Any) -> None:
        self.in_commit = 1
        with pytest.raises(StoreUnavailable, match="gone"):
            self.run(**options)
        self.in_commit = 0

    def come_back(self, seconds: float, **options: Any) -> Any:
        self.clock.advance(seconds)
        return self.agent(**options).continue_run(run_id="run", session_id="ses")


@pytest.mark.parametrize(
    ("options", "seconds", "sent"),
    [
        ({}, DAY - 61, 2),
        ({}, DAY - 60, 1),
        ({"key_window": 7 * DAY}, 2 * DAY, 2),
        ({"key_window": 3600}, 3600 - 59, 1),
        ({"key_window": 3600, "timeout": 600}, 3600 - 601, 2),
        ({"key_window": 3600, "timeout": 600}, 3600 - 600, 1),
        ({"key_window": 60}, 29, 2),
        ({"key_window": 60}, 30, 1),
    ],
)
def test_a_worker_that_comes_back_sends_again_while_the_key_is_known(
    options: dict[str, Any], seconds: float, sent: int
) -> None:
    """The last attempt must arrive within the window, so a timeout's length (else a minute) before its end is late."""
    remote = Remote()
    remote.crash(**options)
    output = remote.come_back(seconds, **options)
    assert (len(remote.keys), len(set(remote.keys))) == (sent, 1)
    assert output.status == ("COMPLETED" if sent == 2 else "PAUSED")


def test_the_window_begins_with_the_first_attempt() -> None:
    remote = Remote(passes=[DAY / 2, DAY / 2])
    (asked,) = remote.run().active_requirements
    assert (asked.kind, len(remote.keys)) == ("uncertain", 2)


def test_a_person_is_told_why_it_was_not_sent_again() -> None:
    remote = Remote(passes=[DAY])
    output = remote.run()
    (asked,) = output.active_requirements
    assert (asked.kind, asked.timeout_at, len(remote.keys)) == ("uncertain", None, 1)
    sent = "2026-01-01T09:00:00+00:00"
    assert asked.to_dict()["evidence"] == {
        "error": "TimeoutError: no answer",
        "sent_at": sent,
        "not_sent_again": f"the remote may have forgotten its key: it was first sent at {sent}",
    }
    assert asked.reference == remote.keys[0]
    asked.it_happened("ref 1")
    assert "ref 1" in remote.agent().continue_run(output).content


@pytest.mark.parametrize("options", [{"effect": "read"}, {"effect": "once"}])
def test_only_keyed_calls_have_a_window(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="key_window"):
        tool(key_window=60, **options)(lambda: None)


@pytest.mark.parametrize("window", [0, -1, float("inf"), float("nan")])
def test_a_window_that_is_none_is_refused(window: float) -> None:
    with pytest.raises(ValueError, match="0 seconds"):
        tool(effect="keyed", key_window=window)


def test_a_read_call_has_no_window() -> None:
    remote = Remote()
    remote.crash(effect="read")
    assert remote.come_back(30 * DAY, effect="read").status == "COMPLETED"
