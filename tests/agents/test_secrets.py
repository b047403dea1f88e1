"""What was masked is what a program goes on with, now and on every replay; no error of a provider tells its key."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, HumanReview, SqliteDb, Step, StepFailed, Workflow, tool
from sayso.core.concealing import CONCEALED
from sayso.core.scrub import MASK
from sayso.llm.providers import ProviderModel
from sayso.model.ids import RunId
from sayso.testing import ScriptedModel, call
from tests.agents.wire import OpenAI, Provider

_KEY = "sk-proj-0123456789abcdef"
_SECRET = "a-very-secret-value"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setattr("sayso.llm.providers._LONGEST_PAUSE", 0.01)
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_the_next_step_is_told_now_what_it_would_be_told_on_replay(tmp_path: Path) -> None:
    seen: list[Any] = []

    def use(step_input: Any) -> str:
        seen.append(step_input.previous_step_content)
        return "used"

    gate = HumanReview(requires_confirmation=True)
    steps = [
        Step("fetch", lambda _: f"<{_SECRET}>"), Step("use", use), Step("gated", use, human_review=gate),
        Step("again", lambda i: i.get_step_content("fetch")),
    ]  # fmt: skip
    with SqliteDb(tmp_path / "run.db", secrets=[_SECRET]) as db:
        flow = Workflow("flow", db=db, steps=steps)
        output = flow.run("x")
        output.step_requirements[0].confirm()
        output = flow.continue_run(output)
    assert seen == [f"<{MASK}>", "used"]
    assert output.content == f"<{MASK}>"


def test_a_model_is_told_now_what_it_would_be_told_on_replay(tmp_path: Path) -> None:
    @tool
    def fetch() -> str:
        """Fetch."""
        return f"<{_SECRET}>"

    model = ScriptedModel([call("fetch"), lambda request: request.messages[-1].text])
    with SqliteDb(tmp_path / "run.db", secrets=[_SECRET]) as db:
        agent = Agent("a", model=model, tools=[fetch], db=db)
        output = agent.run("x")
        assert output.content == model.requests[1].messages[-1].text == f"<{MASK}>"
        assert agent.get_run_output(output.run_id).content == output.content


class Emits:
    """A program that emits."""

    name = "emits"

    def shape(self) -> dict[str, str]:
        return {"note": "event"}

    def execution(self) -> "Emits":
        return self

    async def run(self, ctx: Any, started: dict[str, Any]) -> None:
        del started
        await ctx.emit("note", {"token": _SECRET})


def test_a_listener_is_told_what_is_stored(tmp_path: Path) -> None:
    told: list[Any] = []

    async def work(db: SqliteDb) -> None:
        db.runtime.register(Emits())
        claimed = await db.runtime.start("emits", {"input": None})
        await db.runtime.advance(claimed.run.id, held=claimed, listener=told.append)

    with SqliteDb(tmp_path / "run.db", secrets=[_SECRET]) as db:
        asyncio.run(work(db))
    assert told == [{"token": MASK}]


def test_a_look_at_a_run_sees_the_call_that_was_asked_about(tmp_path: Path) -> None:
    paid: list[str] = []

    @tool(requires_confirmation=True)
    def pay(to: str, token: str = _SECRET) -> str:
        """Pay."""
        paid.append(token)
        return f"paid {to}"

    model = ScriptedModel([call("pay", to="bob"), "done"])
    with SqliteDb(tmp_path / "run.db", secrets=[_SECRET]) as db:
        agent = Agent("a", model=model, tools=[pay], db=db)
        output = agent.run("x", run_id="run_1", session_id="ses_1")
        shown = output.active_requirements[0].tool_execution.tool_args
        output.active_requirements[0].confirm()
        agent.decide(output)
        rest = asyncio.run(db.runtime.peek(RunId("run_1")))
        assert "turn#1/call:1" not in rest.record.steps
        assert [message.role for message in rest.execution.result.messages] == ["user", "assistant"]  # type: ignore[attr-defined]
        output = agent.continue_run(run_id="run_1", session_id="ses_1", requirements=[])
    assert shown == {"to": "bob", "token": MASK}
    assert paid == [MASK], "what was shown is what runs"
    assert output.messages[2].text == "paid bob"


def test_a_providers_error_does_not_tell_its_key(server: Provider, tmp_path: Path) -> None:
    said = {"error": {"message": f"Incorrect API key provided: {_KEY}. Authorization: Bearer {_KEY}"}}
    cut = {"error": {"message": "x" * 230 + _KEY}}  # the key lies where the text of a failure is cut
    server.answers = [(500, cut), (200, OpenAI().answer("fine")), (401, said)]
    path = tmp_path / "run.db"
    with SqliteDb(path) as db:
        model = ProviderModel("openai:m", base_url=f"{server.url}/v1", api_key=_KEY)
        agent = Agent("a", model=model, db=db)
        output = agent.run("x")
        (retry,) = output.messages[1].retries
        assert "xxx" in retry
        with pytest.raises(StepFailed) as failed:
            agent.run("y")
        assert MASK in str(failed.value) or CONCEALED in str(failed.value)
        data = path.read_bytes() + Path(f"{path}-wal").read_bytes()
    for part in (_KEY, _KEY[:12]):
        assert part not in str(failed.value) + retry
        assert part.encode() not in data


def test_the_key_of_the_environment_is_known_once_a_client_uses_it(
    server: Provider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = "sk-of-the-environment-1"
    server.answers = [(401, {"error": {"message": f"wrong key {key}"}})]
    with SqliteDb(tmp_path / "run.db") as db:
        monkeypatch.setenv("OPENAI_API_KEY", key)  # after the database was made
        agent = Agent("a", model="openai:m", base_url=f"{server.url}/v1", db=db)
        with pytest.raises(StepFailed) as failed:
            agent.run("x")
    assert key not in str(failed.value)
    assert MASK in str(failed.value) or CONCEALED in str(failed.value)


def test_a_key_is_known_before_it_is_used(tmp_path: Path) -> None:
    ProviderModel("openai:m", api_key="sk-given-and-not-used")
    with SqliteDb(tmp_path / "run.db") as db:
        flow = Workflow("flow", db=db, steps=[Step("say", lambda _: "it is sk-given-and-not-used")])
        assert flow.run("x").content == f"it is {MASK}"
