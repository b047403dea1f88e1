"""The real provider code, against a local server that speaks the providers' protocols."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from sayso import Agent, SqliteDb, StepFailed, tool
from sayso.app.portal import portal
from sayso.llm.providers import ProviderModel
from sayso.model.errors import Invalid
from sayso.model.ids import RunId, SessionId
from tests.agents.wire import CUT, SHORT, Anthropic, OpenAI, Provider, Wire


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setattr("sayso.llm.providers._LONGEST_PAUSE", 0.01)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "test")
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(params=[OpenAI(), Anthropic()], ids=lambda wire: wire.provider)
def wire(request: pytest.FixtureRequest) -> Wire:
    """Each protocol in turn."""
    return request.param


class Payer:
    """An agent with one gated tool, and what the tool was called with."""

    def __init__(self, provider: Provider, wire: Wire, model: str = "m", **options: Any) -> None:
        self.paid: list[float] = []

        @tool(requires_confirmation=True)
        def pay(amount: float) -> str:
            """Pay money."""
            self.paid.append(amount)
            return "paid"

        self.agent = Agent(
            "payer", model=f"{wire.provider}:{model}", base_url=provider.url + wire.base, tools=[pay], db=SqliteDb(),
            instructions="Be brief.", **options,
        )  # fmt: skip

    def run_streamed(self) -> tuple[list[Any], Any]:
        told = list(self.agent.run("x", session_id="s", run_id="r", stream=True))
        return told, self.agent.get_run_output("r")


PAY = ("pay", '{"amount": 5}')


def test_a_gated_call_goes_there_and_back(provider: Provider, wire: Wire) -> None:
    provider.answers = [(200, wire.answer("Let me.", PAY)), (200, wire.answer("Paid."))]
    payer = Payer(provider, wire)
    output = payer.agent.run("pay 5")
    assert output.active_requirements[0].tool_execution.tool_args == {"amount": 5.0}
    output.active_requirements[0].confirm()
    output = payer.agent.continue_run(output)
    assert (output.content, payer.paid, output.usage.total_tokens) == ("Paid.", [5.0], 20)
    first, second = provider.asked
    assert [item["path"].partition("?")[0] for item in (first, second)] == [wire.path] * 2
    if wire.provider == "openai":
        assert [item["role"] for item in first["messages"]] == ["system", "user"]
        assert first["tools"][0]["function"]["name"] == "pay"
        assert second["messages"][-1] == {"role": "tool", "tool_call_id": "c1", "content": "paid"}
    else:
        assert "Be brief." in json.dumps(first["system"])
        assert first["tools"][0]["name"] == "pay"
        result = second["messages"][-1]["content"][0]
        assert (result["type"], result["tool_use_id"]) == ("tool_result", "c1")


def test_failures_that_pass_are_tried_again_and_shown(provider: Provider, wire: Wire) -> None:
    provider.answers = [
        (429, wire.error("rate_limit_error")), (503, wire.error("unavailable")), (200, wire.answer("Hello.")),
    ]  # fmt: skip
    output = Payer(provider, wire).agent.run("hi")
    assert output.content == "Hello."
    assert [text.split(":")[0] for text in output.messages[-1].retries] == [
        "ModelRateLimitError",
        "ModelUnavailableError",
    ]


def test_a_failure_that_stays_is_told_with_how_often_it_was_tried(provider: Provider, wire: Wire) -> None:
    provider.answers = [(429, wire.error("rate_limit_error"))] * 4
    agent = Payer(provider, wire).agent
    with pytest.raises(StepFailed, match=r"429.*tried 4 times"):
        agent.run("hi", run_id="r")
    assert agent.get_run_output("r").error_code == "ModelRateLimitError"
    assert len(provider.asked) == 4


def test_a_refused_request_is_not_tried_again(provider: Provider, wire: Wire) -> None:
    provider.answers = [(401, wire.error("authentication_error"))]
    agent = Payer(provider, wire).agent
    with pytest.raises(StepFailed, match="401"):
        agent.run("hi", run_id="r")
    assert agent.get_run_output("r").error_code == "ModelAuthenticationError"
    assert len(provider.asked) == 1


WRONG = ['{"amount": ', "[5]", '"5"', '{"amount": "lots"}', "{}", '{"amount": 5, "to": "me"}']


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("streamed", [True, False])
def test_a_malformed_call_executes_nothing(provider: Provider, wire: Wire, wrong: str, streamed: bool) -> None:
    if wire.provider == "anthropic" and not streamed and wrong == WRONG[0]:
        pytest.skip("a whole answer of this protocol carries arguments as JSON")
    last = wire.stream(["Sorry."]) if streamed else wire.answer("Sorry.")
    first = wire.stream([], ("pay", wrong)) if streamed else wire.answer(None, ("pay", wrong))
    provider.answers = [(200, first), (200, last)]
    payer = Payer(provider, wire)
    output = payer.run_streamed()[1] if streamed else payer.agent.run("pay")
    assert (output.content, payer.paid, output.requirements) == ("Sorry.", [], [])
    assert "invalid_arguments" in json.dumps(provider.asked[1]["messages"][-1])


def test_nothing_is_executed_from_a_call_at_which_the_answer_was_cut_off(provider: Provider, wire: Wire) -> None:
    """Arguments that end early may still be JSON."""
    provider.answers = [(200, wire.answer(None, PAY, finish=wire.most)), (200, wire.answer("Sorry."))]
    payer = Payer(provider, wire)
    output = payer.agent.run("pay")
    assert (output.content, payer.paid, output.requirements) == ("Sorry.", [], [])
    assert "cut off by the length limit" in json.dumps(provider.asked[1]["messages"][-1])


def test_a_stream_tells_its_text_and_its_calls(provider: Provider, wire: Wire) -> None:
    provider.answers = [(200, wire.stream(["Let ", "me."], PAY)), (200, wire.stream(["Paid."]))]
    payer = Payer(provider, wire)
    told, output = payer.run_streamed()
    assert "".join(event.content for event in told if event.event == "RunContent") == "Let me."
    assert output.messages[-1].text == "Let me."
    output.active_requirements[0].confirm()
    events = [event.event for event in payer.agent.continue_run(output, stream=True)]
    assert events[-1] == "RunCompleted"
    assert payer.paid == [5.0]
    assert payer.agent.get_run_output("r").usage.total_tokens == 20


@pytest.mark.parametrize("how", [CUT, SHORT], ids=["broken", "closed"])
@pytest.mark.parametrize("where", ["before the call", "in its arguments", "before the end"])
def test_nothing_is_executed_from_a_cut_stream(provider: Provider, wire: Wire, where: str, how: object) -> None:
    """Also where the call had arrived, and only the end of the answer had not."""
    whole = wire.stream(["Let ", "me."], PAY)
    cut = {
        "before the call": [*whole[:3], how],
        "in its arguments": [*whole[: -4 if wire.provider == "anthropic" else -3], how],
        "before the end": wire.before_the_end(whole, how),
    }[where]
    provider.answers = [(200, cut), (200, wire.stream(["Nothing to do."]))]
    payer = Payer(provider, wire)
    _, output = payer.run_streamed()
    assert (output.content, output.requirements, payer.paid) == ("Nothing to do.", [], [])
    assert len(output.messages[-1].retries) == 1
    assert len(provider.asked) == 2


@pytest.mark.parametrize("how", [CUT, SHORT], ids=["broken", "closed"])
def test_nothing_is_executed_from_a_cut_stream_that_nobody_listens_to(provider: Provider, how: object) -> None:
    """The layer streams by itself where a model may answer at length."""
    wire = Anthropic()
    whole = wire.stream([], PAY, model="claude-opus-4-7")
    provider.answers = [(200, wire.before_the_end(whole, how)), (200, wire.stream(["Nothing to do."]))]
    payer = Payer(provider, wire, "claude-opus-4-7")
    output = payer.agent.run("x")
    assert (output.content, output.requirements, payer.paid) == ("Nothing to do.", [], [])
    assert len(output.messages[-1].retries) == 1


def test_a_turn_is_never_asked_for_twice(provider: Provider, wire: Wire) -> None:
    provider.answers = [(200, wire.answer(None, PAY)), (200, wire.answer("Paid."))]
    payer = Payer(provider, wire)
    output = payer.agent.run("pay 5")
    for _ in range(3):
        output = payer.agent.get_run_output(output.run_id)
    output.active_requirements[0].confirm()
    payer.agent.continue_run(output)
    assert len(provider.asked) == 2


# -- what it costs -----------------------------------------------------------------------------------------------

PRICED = {"openai": "gpt-4o", "anthropic": "claude-opus-4-7"}


def test_a_known_price_is_counted_per_turn_run_and_session(provider: Provider, wire: Wire) -> None:
    model = PRICED[wire.provider]
    provider.answers = [(200, wire.answer(None, PAY, model=model)), (200, wire.answer("Paid.", model=model))]
    payer = Payer(provider, wire, model)
    output = payer.agent.run("pay", session_id="s", run_id="r")
    once = output.usage.cost
    assert once is not None
    assert 0 < once < 0.001
    output.active_requirements[0].confirm()
    output = payer.agent.continue_run(output)
    assert [item.usage.cost for item in output.messages if item.role == "assistant"] == [once, once]
    runtime = payer.agent.db.runtime
    for usage in (
        output.usage,
        portal.call(runtime.load_run(RunId("r"))).usage,
        portal.call(runtime.load_listed_session(SessionId("s"))).usage,
    ):
        assert usage.cost == pytest.approx(2 * once, abs=1e-9)


def test_an_unknown_price_is_none_and_no_error(provider: Provider, wire: Wire) -> None:
    provider.answers = [(200, wire.answer("Hello."))]
    payer = Payer(provider, wire, "no-such-model")
    output = payer.agent.run("hi", run_id="r")
    run = portal.call(payer.agent.db.runtime.load_run(RunId("r")))
    assert (output.content, output.usage.cost, run.usage.cost, run.usage.total_tokens) == ("Hello.", None, None, 10)


# -- settings ----------------------------------------------------------------------------------------------------

SAMPLING = {"temperature": 0.5, "top_p": 0.9, "top_k": 40}


@pytest.mark.parametrize(
    ("wire_", "model", "dropped"),
    [
        (OpenAI(), "m", {"top_k"}),
        (OpenAI(), "gpt-5", {"temperature", "top_p", "top_k"}),
        (Anthropic(), "m", set()),
        (Anthropic(), "claude-opus-4-7", {"temperature", "top_p", "top_k"}),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_setting_that_a_model_does_not_take_is_dropped_and_said(
    provider: Provider, wire_: Wire, model: str, dropped: set[str]
) -> None:
    provider.answers = [(200, wire_.answer("Hello.", model=model))]
    payer = Payer(provider, wire_, model, **SAMPLING)
    output = payer.agent.run("hi", run_id="r")
    sent = {name: provider.asked[0][name] for name in SAMPLING if name in provider.asked[0]}
    assert sent == {name: value for name, value in SAMPLING.items() if name not in dropped}
    warned = payer.agent.get_run_output("r").messages[-1].warnings
    assert warned == output.messages[-1].warnings
    assert warned == tuple(
        f"{name} was not sent: {wire_.provider}:{model} does not take it" for name in SAMPLING if name in dropped
    )


# -- names -------------------------------------------------------------------------------------------------------


def test_a_model_needs_a_provider() -> None:
    with pytest.raises(Invalid, match="provider:name"):
        ProviderModel("gpt-5")


def test_a_missing_extra_is_said_where_the_agent_is_made(monkeypatch: pytest.MonkeyPatch, wire: Wire) -> None:
    monkeypatch.setitem(sys.modules, wire.provider, None)
    with pytest.raises(Invalid, match="extra") as refused:
        Agent("payer", model=f"{wire.provider}:m")
    assert refused.value.hint == f"pip install 'sayso[{wire.provider}]'"


def test_a_provider_that_is_none_of_our_extras_names_its_own(provider: Provider) -> None:
    agent = Agent("payer", model="groq:m")
    with pytest.raises(StepFailed, match=r"pip install 'pydantic-ai-slim\[groq\]'"):
        agent.run("hi")
