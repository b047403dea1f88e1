"""The real provider code, against a local server that speaks the providers' protocols."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sayso import Agent, SqliteDb, StepFailed, tool
from sayso.llm.providers import ProviderModel
from sayso.model.errors import Invalid


class Provider:
    """A server that gives out prepared answers, one per request, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[dict[str, Any]] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                provider.asked.append({"path": self.path, **json.loads(self.rfile.read(length))})
                status, body = provider.answers.pop(0)
                streamed = isinstance(body, list)
                data = (
                    b"".join(f"data: {json.dumps(item)}\n\n".encode() for item in body)
                    if streamed
                    else json.dumps(body).encode()
                )
                self.send_response(status)
                self.send_header("content-type", "text/event-stream" if streamed else "application/json")
                # A stream that says it is longer than it is breaks off in the middle.
                cut = streamed and body[-1] == "cut"
                data = data[: data.rindex(b"data:")] if cut else data
                self.send_header("content-length", str(len(data) + (100 if cut else 0)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setattr("sayso.llm.providers._LONGEST_PAUSE", 0.01)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "test")
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


def openai(text: str | None = None, *calls: tuple[str, str]) -> dict[str, Any]:
    asked = [
        {"id": f"c{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(calls, 1)
    ]
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if asked:
        message["tool_calls"] = asked
    return {
        "id": "r", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if asked else "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }  # fmt: skip


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "r", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def called(arguments: str) -> dict[str, Any]:
    asked = {"index": 0, "id": "c1", "type": "function", "function": {"name": "pay", "arguments": arguments}}
    return chunk(tool_calls=[asked])


def anthropic(*content: dict[str, Any]) -> dict[str, Any]:
    reason = "tool_use" if content[-1]["type"] == "tool_use" else "end_turn"
    return {
        "id": "m", "type": "message", "role": "assistant", "model": "m", "content": list(content),
        "stop_reason": reason, "stop_sequence": None, "usage": {"input_tokens": 7, "output_tokens": 3},
    }  # fmt: skip


class Payer:
    """An agent with one gated tool, and what the tool was called with."""

    def __init__(self, provider: Provider, model: str = "openai:m") -> None:
        self.paid: list[float] = []

        @tool(requires_confirmation=True)
        def pay(amount: float) -> str:
            """Pay money."""
            self.paid.append(amount)
            return "paid"

        base = f"{provider.url}/v1" if model.startswith("openai") else provider.url
        self.agent = Agent("payer", model=model, base_url=base, tools=[pay], db=SqliteDb(), instructions="Be brief.")


def test_a_gated_call_over_the_openai_protocol(provider: Provider) -> None:
    provider.answers = [(200, openai(None, ("pay", '{"amount": 5}'))), (200, openai("Paid."))]
    payer = Payer(provider)
    output = payer.agent.run("pay 5")
    assert output.active_requirements[0].tool_execution.tool_args == {"amount": 5.0}
    output.active_requirements[0].confirm()
    output = payer.agent.continue_run(output)
    assert (output.content, payer.paid, output.usage.total_tokens) == ("Paid.", [5.0], 20)
    first, second = provider.asked
    assert first["path"] == "/v1/chat/completions"
    assert [item["role"] for item in first["messages"]] == ["system", "user"]
    assert first["tools"][0]["function"]["name"] == "pay"
    assert second["messages"][-1] == {"role": "tool", "tool_call_id": "c1", "content": "paid"}


def test_a_gated_call_over_the_anthropic_protocol(provider: Provider) -> None:
    use = {"type": "tool_use", "id": "t1", "name": "pay", "input": {"amount": 5}}
    provider.answers = [
        (200, anthropic({"type": "text", "text": "Let me."}, use)), (200, anthropic({"type": "text", "text": "Paid."})),
    ]  # fmt: skip
    payer = Payer(provider, "anthropic:m")
    output = payer.agent.run("pay 5")
    output.active_requirements[0].confirm()
    output = payer.agent.continue_run(output)
    assert (output.content, payer.paid, output.usage.total_tokens) == ("Paid.", [5.0], 20)
    assert provider.asked[0]["path"].startswith("/v1/messages")
    assert provider.asked[1]["messages"][-1]["content"][0]["type"] == "tool_result"


def test_failures_that_pass_are_tried_again_and_shown(provider: Provider) -> None:
    busy = {"error": {"message": "slow down", "type": "rate_limit"}}
    provider.answers = [(429, busy), (503, busy), (200, openai("Hello."))]
    output = Payer(provider).agent.run("hi")
    assert output.content == "Hello."
    assert [text.split(":")[0] for text in output.messages[-1].retries] == [
        "ModelRateLimitError",
        "ModelUnavailableError",
    ]


def test_a_refused_request_is_not_tried_again(provider: Provider) -> None:
    provider.answers = [(401, {"error": {"message": "bad key"}})]
    agent = Payer(provider).agent
    with pytest.raises(StepFailed, match="401"):
        agent.run("hi", run_id="r")
    assert agent.get_run_output("r").error_code == "ModelAuthenticationError"
    assert len(provider.asked) == 1


@pytest.mark.parametrize("wrong", ['{"amount": ', "[5]", '{"amount": "lots"}', "{}"])
def test_a_malformed_call_executes_nothing(provider: Provider, wrong: str) -> None:
    provider.answers = [(200, openai(None, ("pay", wrong))), (200, openai("Sorry."))]
    payer = Payer(provider)
    output = payer.agent.run("pay")
    assert (output.content, payer.paid, output.requirements) == ("Sorry.", [], [])
    assert "invalid_arguments" in provider.asked[1]["messages"][-1]["content"]


@pytest.mark.parametrize("name", ["openai:m", "anthropic:m"])
def test_nothing_is_executed_from_a_call_at_which_the_answer_was_cut_off(provider: Provider, name: str) -> None:
    """Arguments that end early may still be JSON."""
    if name.startswith("openai"):
        cut, last = openai(None, ("pay", '{"amount": 5}')), openai("Sorry.")
        cut["choices"][0]["finish_reason"] = "length"
    else:
        cut = anthropic({"type": "tool_use", "id": "t1", "name": "pay", "input": {"amount": 5}})
        cut["stop_reason"], last = "max_tokens", anthropic({"type": "text", "text": "Sorry."})
    provider.answers = [(200, cut), (200, last)]
    payer = Payer(provider, name)
    output = payer.agent.run("pay")
    assert (output.content, payer.paid, output.requirements) == ("Sorry.", [], [])
    assert "cut off by the length limit" in json.dumps(provider.asked[1]["messages"][-1])


def test_a_stream_tells_its_text_and_its_calls(provider: Provider) -> None:
    whole = [
        chunk(role="assistant", content="Let "),
        chunk(content="me."),
        called('{"amount": 5}'),
        chunk("tool_calls"),
    ]
    provider.answers = [(200, whole), (200, [chunk(content="Paid."), chunk("stop")])]
    payer = Payer(provider)
    told = list(payer.agent.run("x", session_id="s", run_id="r", stream=True))
    assert "".join(event.content for event in told if event.event == "RunContent") == "Let me."
    output = payer.agent.get_run_output("r")
    output.active_requirements[0].confirm()
    events = [event.event for event in payer.agent.continue_run(output, stream=True)]
    assert events[-1] == "RunCompleted"
    assert payer.paid == [5.0]


def test_nothing_is_executed_from_a_cut_stream(provider: Provider) -> None:
    """The call had arrived; the end of the answer had not."""
    cut = [chunk(role="assistant"), called('{"amount": 5}'), "cut"]
    provider.answers = [(200, cut), (200, [chunk(content="Nothing to do."), chunk("stop")])]
    payer = Payer(provider)
    list(payer.agent.run("x", session_id="s", run_id="r", stream=True))
    output = payer.agent.get_run_output("r")
    assert (output.content, output.requirements, payer.paid) == ("Nothing to do.", [], [])
    assert len(output.messages[-1].retries) == 1


def test_a_turn_is_never_asked_for_twice(provider: Provider) -> None:
    provider.answers = [(200, openai(None, ("pay", '{"amount": 5}'))), (200, openai("Paid."))]
    payer = Payer(provider)
    output = payer.agent.run("pay 5")
    for _ in range(3):
        output = payer.agent.get_run_output(output.run_id)
    output.active_requirements[0].confirm()
    payer.agent.continue_run(output)
    assert len(provider.asked) == 2


def test_a_model_needs_a_provider() -> None:
    with pytest.raises(Invalid, match="provider:name"):
        ProviderModel("gpt-5")
