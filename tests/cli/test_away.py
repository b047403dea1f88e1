"""A server that is away, is another program, or refuses: what the commands say, with what exit code; nothing twice."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sayso.client import outside
from tests.cli.places import ran, refused

TOKEN = "sayso_cli_" + "a" * 43


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "pause", lambda seconds: None)


def asked(url: str, line: str = "tasks ls", *, key: str | None = TOKEN) -> Any:
    return ran(*line.split(), env={"SAYSO_URL": url, **({} if key is None else {"SAYSO_API_KEY": key})})


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Serve every request by a function; return the address."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer(self)

        do_GET = do_POST = do_DELETE = do_PATCH = _answer  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    working = threading.Thread(target=server.serve_forever, args=(0.01,))
    working.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        working.join()
        server.server_close()


def replying(status: int, body: Any, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(raw)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(raw)

    return answer


def problem(status: int, code: str, message: str = "Expected more.", hint: str = "Do this.") -> Any:
    return replying(status, {"status": status, "code": code, "message": message, "hint": hint, "details": {}})


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_nobody_listens() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    refused(asked(url), 1, f"Expected an answer from {url}", "refused", "sayso serve")
    said = json.loads(asked(url, "tasks ls --json").stdout)["error"]
    assert said["code"] == "unreachable"


def test_a_name_that_nobody_has() -> None:
    refused(asked("http://nobody.invalid"), 1, "the name in the address")


def test_tls_where_there_is_none_and_the_other_way_round() -> None:
    with answering(replying(200, {"items": []})) as url:
        refused(asked(url.replace("http://", "https://")), 1, "try http://")
    refused(asked("ftp://there"), 1, "http:// or https://")


@pytest.mark.parametrize(
    ("status", "code", "exit_code", "words"),
    [
        (401, "unauthenticated", 1, ("SAYSO_API_KEY holds is wrong, expired or revoked", "sayso tokens create")),
        (403, "forbidden", 1, ("Do this.",)),
        (404, "task_not_found", 3, ("Expected more.", "Do this.")),
        (409, "user_task_not_pending", 4, ("Do this.",)),
        (410, "task_expired", 4, ("Do this.",)),
        (412, "task_changed", 4, ("Do this.",)),
        (422, "invalid_completion", 1, ("Do this.",)),
        (422, "invalid_request", 1, ("not older than this command",)),
        (404, "route_unknown", 3, ("not older than this command",)),
        (429, "too_many_guesses", 1, ("Do this.",)),
        (500, "unexpected", 1, ("Do this.",)),
        (503, "not_ready", 1, ("Do this.",)),
    ],
)
def test_what_is_refused_says_what_to_do(status: int, code: str, exit_code: int, words: tuple[str, ...]) -> None:
    with answering(problem(status, code)) as url:
        refused(asked(url, "runs show run_1"), exit_code, *words)
        assert json.loads(asked(url, "runs show run_1 --json").stdout)["error"]["code"] == code


def test_nobody_is_presented() -> None:
    with answering(problem(401, "unauthenticated")) as url:
        refused(asked(url, key=None), 1, "Set SAYSO_API_KEY to a person's token")
    refused(asked("http://there", key="two words"), 1, "plain characters")


def test_another_program_answers() -> None:
    with answering(replying(200, "<html>hello</html>")) as url:
        refused(asked(url), 1, "sent something else", url)
    with answering(replying(404, "<html>no</html>")) as url:
        refused(asked(url, "runs ls"), 3, "See that it is a Sayso server")


def test_an_older_server_does_not_know_what_is_needed() -> None:
    task = {"id": "task_1", "kind": "approval", "status": "Pending", "createdAt": "2026-01-01T00:00:00Z"}
    with answering(replying(200, {"items": [task], "nextCursor": None})) as url:
        refused(asked(url), 1, "include=spec", "may be older than this command")


def test_a_newer_server_says_more_than_is_known() -> None:
    me = {"workspace": {"id": "default", "new": 1}, "id": "per_1", "mood": "good"}
    check = {"ok": True, "rows": 3, "anchor": {"seq": 3, "hash": "ab", "salt": "x"}, "signed": True}

    def answer(request: BaseHTTPRequestHandler) -> None:
        replying(200, check if "verify" in request.path else me)(request)

    with answering(answer) as url:
        assert "3 rows hold" in asked(url, "audit verify").stdout


def test_a_decision_whose_answer_was_lost_is_sent_again_under_the_same_key(tmp_path: Path) -> None:
    """And what a server does not remember is not sent again, but said to be unknown."""
    seen: list[tuple[str, str | None]] = []

    def cut(request: BaseHTTPRequestHandler) -> None:
        seen.append((request.command, request.headers.get("Idempotency-Key")))
        if request.command == "GET":
            replying(200, {"workspace": {"id": "default"}})(request)
        else:
            request.connection.shutdown(socket.SHUT_RDWR)
            request.close_connection = True

    with answering(cut) as url:
        refused(asked(url, "runs cancel run_1"), 1, "Expected an answer")
        keys = {key for method, key in seen if method == "POST"}
        assert len(seen) == 4
        assert len(keys) == 1
        seen.clear()
        refused(asked(url, "keys create shop --scope agt_1"), 1, "whether it was done is not known", "Look before")
        assert [method for method, _ in seen] == ["GET", "POST"]


def test_an_export_that_breaks_leaves_no_file(tmp_path: Path) -> None:
    def cut(request: BaseHTTPRequestHandler) -> None:
        if "export" not in request.path:
            replying(200, {"workspace": {"id": "default"}})(request)
            return
        request.send_response(200)
        request.send_header("Content-Length", "1000000")
        request.end_headers()
        request.wfile.write(b'{"seq":')
        request.close_connection = True

    with answering(cut) as url:
        path = tmp_path / "log.ndjson"
        refused(asked(url, f"audit export -o {path}"), 1)
        assert not list(tmp_path.iterdir())


def test_a_server_that_stays_away_while_a_run_is_followed_is_given_up_and_the_run_named() -> None:
    started: list[str | None] = []

    def going(request: BaseHTTPRequestHandler) -> None:
        if request.path == "/v1/agents/agt_1/runs":
            started.append(request.headers.get("Idempotency-Key"))
            replying(202, {"runId": "run_1", "sessionId": "ses_1", "status": "Running"})(request)
        else:
            request.connection.shutdown(socket.SHUT_RDWR)
            request.close_connection = True

    with answering(going) as url:
        refused(asked(url, "run agt_1 hello"), 1, f"from {url}", "was started", "sayso runs show run_1")
    assert len(started) == 1
    assert started[0]
