"""A local server that speaks the wire protocols of two providers, and the answers it gives."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

CUT, SHORT = object(), object()
"""As a stream's last item: the connection breaks there, or is closed as if all were said."""
Call = tuple[str, str]
"""A tool's name, and its arguments as the model wrote them."""


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
                if provider.asked[-1].get("stream") and "content" in body:
                    body = Anthropic().streamed(body)
                streamed = isinstance(body, list)
                cut, short = streamed and body[-1] is CUT, streamed and body[-1] is SHORT
                data = (
                    b"".join(map(_event, body[:-1] if cut or short else body))
                    if streamed
                    else json.dumps(body).encode()
                )
                self.send_response(status)
                self.send_header("content-type", "text/event-stream" if streamed else "application/json")
                # A stream that says it is longer than it is breaks off in the middle.
                self.send_header("content-length", str(len(data) + (100 if cut else 0)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


def _event(item: dict[str, Any]) -> bytes:
    name = f"event: {item['type']}\n" if "type" in item else ""
    return f"{name}data: {json.dumps(item)}\n\n".encode()


class OpenAI:
    """What an address that speaks the chat protocol of OpenAI sends; every answer used 7 and 3 tokens."""

    provider, base, path, most = "openai", "/v1", "/v1/chat/completions", "length"
    usage: ClassVar = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}

    def answer(self, text: str | None, *calls: Call, model: str = "m", finish: str | None = None) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if calls:
            message["tool_calls"] = [self._call(number, call) for number, call in enumerate(calls)]
        choice = {"index": 0, "message": message, "finish_reason": finish or ("tool_calls" if calls else "stop")}
        whole = {"id": "r", "object": "chat.completion", "created": 1, "model": model}
        return {**whole, "choices": [choice], "usage": self.usage}

    def stream(self, pieces: list[str], *calls: Call) -> list[Any]:
        told = [self._chunk(role="assistant", content="")] + [self._chunk(content=piece) for piece in pieces]
        for number, call in enumerate(calls):
            asked, half = self._call(number, call), len(call[1]) // 2
            asked["function"]["arguments"] = call[1][:half]
            told.append(self._chunk(tool_calls=[asked]))
            told.append(self._chunk(tool_calls=[{"index": number, "function": {"arguments": call[1][half:]}}]))
        return [
            *told,
            self._chunk("tool_calls" if calls else "stop"),
            {**self._chunk(), "choices": [], "usage": self.usage},
        ]

    def before_the_end(self, told: list[Any], how: object = CUT) -> list[Any]:
        """Return a stream that has brought every call, and ends before it says that it is over."""
        return [*told[:-2], how]

    def error(self, what: str) -> dict[str, Any]:
        return {"error": {"message": what, "type": what}}

    def _call(self, number: int, call: Call) -> dict[str, Any]:
        name, arguments = call
        function = {"name": name, "arguments": arguments}
        return {"index": number, "id": f"c{number + 1}", "type": "function", "function": function}

    def _chunk(self, finish: str | None = None, **delta: Any) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "r", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


class Anthropic:
    """What Anthropic's messages protocol sends; every answer used 7 and 3 tokens."""

    provider, base, path, most = "anthropic", "", "/v1/messages", "max_tokens"

    def answer(self, text: str | None, *calls: Call, model: str = "m", finish: str | None = None) -> dict[str, Any]:
        content: list[Any] = [{"type": "text", "text": text}] if text else []
        content += [
            {"type": "tool_use", "id": f"c{number}", "name": name, "input": json.loads(arguments)}
            for number, (name, arguments) in enumerate(calls, 1)
        ]
        reason = finish or ("tool_use" if calls else "end_turn")
        usage = {"input_tokens": 7, "output_tokens": 3}
        return {**self._whole(model), "content": content, "stop_reason": reason, "usage": usage}

    def streamed(self, answer: dict[str, Any]) -> list[Any]:
        """Return a whole answer as a stream: the layer asks for one where a model may answer at length."""
        pieces = [block["text"] for block in answer["content"] if block["type"] == "text"]
        calls = [(block["name"], json.dumps(block["input"])) for block in answer["content"] if "input" in block]
        return self.stream(pieces, *calls, model=answer["model"])

    def stream(self, pieces: list[str], *calls: Call, model: str = "m") -> list[Any]:
        begun = {
            **self._whole(model),
            "content": [],
            "stop_reason": None,
            "usage": {"input_tokens": 7, "output_tokens": 0},
        }
        told: list[Any] = [{"type": "message_start", "message": begun}]
        blocks: list[tuple[Any, list[Any]]] = []
        if pieces:
            texts = [{"type": "text_delta", "text": piece} for piece in pieces]
            blocks.append(({"type": "text", "text": ""}, texts))
        for number, (name, arguments) in enumerate(calls, 1):
            use = {"type": "tool_use", "id": f"c{number}", "name": name, "input": {}}
            halves = arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]
            blocks.append((use, [{"type": "input_json_delta", "partial_json": half} for half in halves]))
        for index, (block, deltas) in enumerate(blocks):
            told.append({"type": "content_block_start", "index": index, "content_block": block})
            told += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
            told.append({"type": "content_block_stop", "index": index})
        end = {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}
        return [*told, {"type": "message_delta", "delta": end, "usage": {"output_tokens": 3}}, {"type": "message_stop"}]

    def before_the_end(self, told: list[Any], how: object = CUT) -> list[Any]:
        """Return a stream that has brought every call, and ends before it says that it is over."""
        return [*told[:-2], how]

    def error(self, what: str) -> dict[str, Any]:
        return {"type": "error", "error": {"type": what, "message": what}}

    def _whole(self, model: str) -> dict[str, Any]:
        return {"id": "m", "type": "message", "role": "assistant", "model": model, "stop_sequence": None}


Wire = OpenAI | Anthropic
