"""The shell on a real server: every refusal is problem JSON, nothing is echoed, no other page gets in (T79, T94)."""

import contextlib
import json
import resource
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from sayso.model.requesterrors import NotReady
from sayso.server.application import create_app
from sayso.server.options import Options
from sayso.server.routes import router
from tests.service.dripping import BODY
from tests.service.serving import CANARY, Payment, Served, serving
from tests.service.test_shell_json import TRAPS

PAY = "/test/payments/rent"
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("shell")) as server:
        yield server


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=20) as made:
        yield made


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is a problem, as every refusal is."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["code"] == code
    assert document["status"] == status
    assert document["type"] == f"urn:sayso:error:{code}"
    assert document["request_id"] == answer.headers["x-request-id"]
    assert document["title"]
    assert document["message"]
    assert CANARY not in answer.text
    return document


def test_a_good_request_is_answered(client: httpx.Client) -> None:
    answer = client.post(PAY, json={"amount": 3}, params={"dry": "true"})
    assert answer.json() == {"name": "rent", "amount": 3, "note": "", "dry": True}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_json_trap_is_a_400_with_the_place(client: httpx.Client, trap: str) -> None:
    content = TRAPS[trap].replace(b"ANARY", CANARY[1:].encode())
    document = refused(client.post(PAY, content=content, headers=JSON), 400, "invalid_json")
    assert "Expected" in document["message"]


@pytest.mark.parametrize(
    ("body", "where", "code"),
    [
        ({"amount": "3"}, "body.amount", "int_type"),
        ({"amount": 0}, "body.amount", "greater_than"),
        ({}, "body.amount", "missing"),
        ({"amount": 3, CANARY: 1}, "body", "extra_forbidden"),
        ({"amount": 3, "more": {CANARY: CANARY}}, "body.more.*", "int_type"),
        ([CANARY], "body", "model_attributes_type"),
        (CANARY, "body", "model_attributes_type"),
        ({"amount": 3, "note": [CANARY]}, "body.note", "string_type"),
    ],
)
def test_a_body_of_the_wrong_form_is_a_422_that_says_where(
    client: httpx.Client, body: Any, where: str, code: str
) -> None:
    document = refused(client.post(PAY, json=body), 422, "invalid_request")
    assert [(one["where"], one["code"]) for one in document["details"]["errors"]] == [(where, code)]


def test_a_parameter_of_the_wrong_form_is_a_422_without_an_echo(client: httpx.Client) -> None:
    refused(client.post(PAY, json={"amount": 3}, params={"dry": CANARY}), 422, "invalid_request")


def test_no_body_where_one_is_needed_is_a_422(client: httpx.Client) -> None:
    refused(client.post(PAY), 422, "invalid_request")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application/jsonx"],
)
def test_json_that_is_called_something_else_is_refused(client: httpx.Client, content_type: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    refused(client.post(PAY, content=b'{"amount": 3}', headers=headers), 415, "unsupported_media_type")


def test_another_charset_is_refused(client: httpx.Client) -> None:
    headers = {"content-type": "application/json; charset=utf-16"}
    refused(client.post(PAY, content='{"amount": 3}'.encode("utf-16"), headers=headers), 415, "unsupported_media_type")


def test_an_unknown_path_is_a_404_and_an_unknown_method_a_405_with_all_methods(client: httpx.Client) -> None:
    refused(client.get(f"/{CANARY}"), 404, "route_unknown")
    answer = client.delete(PAY)
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    refused(client.request("TRACE", PAY), 405, "method_not_allowed")


def test_head_is_get_without_a_body_and_ends_even_on_a_stream(client: httpx.Client) -> None:
    whole, head = client.get("/test/payments/rent"), client.head("/test/payments/rent")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert client.head("/test/events").headers["content-type"].startswith("text/event-stream")
    refused_head = client.head(f"/{CANARY}")
    assert (refused_head.status_code, refused_head.content) == (404, b"")


def test_options_names_the_methods_and_grants_nothing(client: httpx.Client) -> None:
    preflight = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    answer = client.options(PAY, headers=preflight)
    assert answer.status_code == 204
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_what_nobody_has_foreseen_is_a_500_and_the_log_tells_the_place(client: httpx.Client, served: Served) -> None:
    document = refused(client.get("/test/boom"), 500, "unexpected")
    assert "RuntimeError" not in json.dumps(document)
    logged = served.logged(document["request_id"])
    assert sorted(log["event"] for log in logged) == ["a request failed", "request"]
    failure = next(log for log in logged if log["event"] == "a request failed")
    assert failure["error"] == "RuntimeError"
    assert "boom" in failure["at"][-1]
    assert CANARY not in str(logged)


def test_a_client_that_goes_in_the_middle_of_its_body_is_no_failure_of_ours(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(BODY.replace(b"Host", b"X-Request-Id: gone\r\nHost"))
    assert [(log["event"], log.get("status")) for log in served.logged("gone")] == [("request", 499)]


def test_a_lost_race_names_the_winner(client: httpx.Client) -> None:
    document = refused(client.get("/test/conflict"), 409, "already_decided")
    assert document["details"].keys() == {"task_id", "by", "at", "verdict"}
    assert document["details"]["by"] == "ana"
    assert "Hint" not in document["message"]


def test_the_log_names_what_was_refused(client: httpx.Client, served: Served) -> None:
    """Whoever refuses: a route, the validation, the shell, or nobody at all."""
    asked = {
        "already_decided": ("GET", "/test/conflict", {}),
        "invalid_request": ("POST", "/test/payments/x", {}),
        "host_refused": ("GET", "/healthz", {"Host": "evil.example"}),
        "route_unknown": ("GET", "/nothing", {}),
        "unexpected": ("GET", "/test/boom", {}),
    }
    for code, (method, path, headers) in asked.items():
        client.request(method, path, headers={"X-Request-Id": code, **headers}, json={} if method == "POST" else None)
    client.get("/healthz", headers={"X-Request-Id": "fine"})
    lines = {id_: [line for line in served.logged(id_) if line["event"] == "request"] for id_ in (*asked, "fine")}
    assert {id_: line["code"] for id_, (line,) in lines.items()} == {**{code: code for code in asked}, "fine": None}


def test_a_plain_request_id_is_kept_and_a_strange_one_is_not(client: httpx.Client) -> None:
    assert client.get("/healthz", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    for strange in ("a b", "x" * 65, "ü", '"', "{}%s"):
        kept = client.get("/healthz", headers={"x-request-id": strange.encode()}).headers["x-request-id"]
        assert kept.startswith("req_")


# -- T79 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8787", "127.0.0.1.evil.example", "localhost.evil.example", "", "0.0.0.0", "127.1",
        "127.0.0.1@evil.example", "evil.example#127.0.0.1", "[::1", "localhost:x", "localhost, evil.example",
    ],
)  # fmt: skip
def test_a_foreign_host_is_refused(served: Served, host: str) -> None:
    """What a page reaches by DNS rebinding."""
    answer = served.raw(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 421 "), answer
    assert b'"host_refused"' in answer


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8787", "127.0.0.1:1", "[::1]:8787", "localhost."])
def test_its_own_names_are_taken(served: Served, host: str) -> None:
    answer = served.raw(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200 "), answer


@pytest.mark.parametrize("head", [b"", b"Host: localhost\r\nHost: evil.example\r\n"])
def test_no_host_or_two_are_refused(served: Served, head: bytes) -> None:
    answer = served.raw(b"GET /healthz HTTP/1.1\r\n" + head + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer
    assert served.raw(b"GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none", "origin": "https://evil.example"},
        {"cookie": "session=x"},
    ],
)
def test_another_sites_page_cannot_send_what_changes_something(client: httpx.Client, headers: dict[str, str]) -> None:
    refused(client.post(PAY, json={"amount": 3}, headers=headers), 403, "cross_site")
    assert client.get(PAY, headers=headers).status_code == 200


def test_its_own_pages_and_programs_can(client: httpx.Client, served: Served) -> None:
    own: list[dict[str, str]] = [
        {},
        {"origin": served.url},
        {"sec-fetch-site": "same-origin", "cookie": "session=x"},
        {"sec-fetch-site": "none"},
    ]
    for headers in own:
        assert client.post(PAY, json={"amount": 3}, headers=headers).status_code == 200


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_disguised_method_is_refused(client: httpx.Client, name: str) -> None:
    refused(client.get(PAY, headers={name: "POST"}), 400, "method_overridden")
    refused(client.get(PAY, params={"_method": "POST"}), 400, "method_overridden")


def test_every_answer_says_what_browsers_must_not_do(client: httpx.Client) -> None:
    origin = {"origin": "https://evil.example"}
    for path in ("/healthz", f"/{CANARY}", "/test/boom", PAY):
        headers = client.get(path, headers=origin).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
        assert "strict-transport-security" not in headers
        assert not [name for name in headers if name.startswith("access-control-")]


def test_behind_tls_browsers_are_told_to_insist_on_it(tmp_path: Path) -> None:
    with serving(tmp_path, options=Options(secure=True)) as served:
        assert "max-age" in httpx.get(f"{served.url}/healthz").headers["strict-transport-security"]


# -- T94: floods ---------------------------------------------------------------------------------------------------


def test_floods_are_refused_and_cost_no_memory(served: Served) -> None:
    """Headers, cookies, parameters, paths, bodies, ranges: a 4xx each, and less than 64 MB more in all."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = b"GET /healthz%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    floods = {
        "one long header": (start % b"" + b"X: " + b"x" * 300_000 + b"\r\n\r\n", b"431"),
        "many headers": (start % b"" + b"".join(b"X-%d: x\r\n" % n for n in range(3000)) + b"\r\n", b"431"),
        "headers above our own limit": (
            start % b"" + b"".join(b"X-%d: x\r\n" % n for n in range(200)) + b"\r\n",
            b"431",
        ),
        "cookies": (start % b"" + b"Cookie: " + b"a=b; " * 5000 + b"\r\n\r\n", b"431"),
        "a million parameters": (start % (b"?" + b"a=1&" * 1_000_000) + b"\r\n", b"431"),
        "two hundred parameters": (start % (b"?" + b"a=1&" * 200) + b"\r\n", b"431"),
        "a long path": (start % (b"/" * 10_000) + b"\r\n", b"431"),
        "100 MB that are announced": (
            b"POST /test/payments/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857600\r\n\r\n"
            + b"x" * 5_000_000,
            b"413",
        ),
        "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        "a length and chunks": (
            b"POST /test/payments/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n{}",
            b"400",
        ),
    }
    for name, (data, status) in floods.items():
        answer = served.raw(data)
        assert answer.startswith(b"HTTP/1.1 " + status), (name, answer[:200])
        assert b"application/problem+json" in answer, name
        assert b"content-security-policy" in answer, name
    ranges = b"Range: bytes=" + b",".join(b"%d-%d" % (n, n) for n in range(1000)) + b"\r\n\r\n"
    assert served.raw(start % b"" + ranges).startswith(b"HTTP/1.1 200")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 64 * 1024, f"{grown} kB"


def test_100_megabytes_in_chunks_are_cut_at_the_limit(client: httpx.Client) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chunks = (b"1" * 65536 for _ in range(1600))
    with contextlib.suppress(httpx.WriteError):  # the connection may be closed while the rest is under way
        refused(client.post(PAY, content=chunks, headers=JSON), 413, "body_too_large")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    many = b"".join(b"GET /test/payments/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % n for n in range(200))
    last = b"GET /test/payments/last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = served.raw(many + last)
    positions = [answer.find(b'{"name":"%d"}' % n) for n in range(200)]
    assert -1 not in positions
    assert positions == sorted(positions)
    assert b'{"name":"last"}' in answer


# -- health, metrics, routers ----------------------------------------------------------------------------------------


def test_readyz_is_red_when_the_database_refuses_changes_and_green_again(served: Served, client: httpx.Client) -> None:
    store: Any = served.services.runtime.store
    connection = store._writer._connection  # idle now; what stands for a full or read-only disk has to be set on it
    assert client.get("/readyz").status_code == 200
    connection.execute("PRAGMA query_only=ON")
    refused(client.get("/readyz"), 503, "not_ready")
    assert client.get("/healthz").status_code == 200
    connection.execute("PRAGMA query_only=OFF")
    assert client.get("/readyz").status_code == 200


def test_metrics_count_by_template_and_only_known_methods(client: httpx.Client) -> None:
    client.get(f"/test/payments/{CANARY}")
    client.request("BREW", PAY)
    text = client.get("/metrics").text
    assert 'sayso_http_requests_total{method="GET",route="/test/payments/{name}",status="200"}' in text
    assert 'method="other"' in text
    assert "sayso_oldest_pending_task_seconds 0.0" in text
    assert "process_resident_memory_bytes" in text
    assert CANARY not in text
    assert "BREW" not in text


def test_metrics_are_for_this_machine_or_for_the_token(client: httpx.Client, tmp_path: Path) -> None:
    assert client.get("/metrics").status_code == 200
    for name in ("x-forwarded-for", "forwarded", "via", "x-real-ip"):
        refused(client.get("/metrics", headers={name: "127.0.0.1"}), 403, "metrics_hidden")
    with (
        serving(tmp_path, options=Options(metrics_token="t0ken")) as served,
        httpx.Client(base_url=served.url) as other,
    ):
        refused(other.get("/metrics"), 403, "metrics_hidden")
        for wrong in ("Bearer t0ke", "Bearer t0ken2", "t0ken", "Bearer tök"):
            refused(other.get("/metrics", headers={"authorization": wrong.encode()}), 403, "metrics_hidden")
        assert other.get("/metrics", headers={"authorization": "Bearer t0ken"}).status_code == 200
    (tmp_path / "s.db").unlink()
    with serving(tmp_path, options=Options(behind_proxy=True)) as served:
        refused(httpx.get(f"{served.url}/metrics"), 403, "metrics_hidden")


def test_a_lenient_router_is_refused(served: Served) -> None:
    lenient = APIRouter()

    @lenient.post("/lenient")
    async def lenient_route(payment: Payment) -> None:
        del payment

    with pytest.raises(TypeError, match="/lenient"):
        create_app(served.services, [lenient])
    nested = router()
    nested.include_router(lenient)
    with pytest.raises(TypeError, match="/lenient"):
        create_app(served.services, [nested])


def test_openapi_knows_the_routes_and_what_a_problem_is(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert {"/healthz", "/readyz", "/metrics", PAY.replace("rent", "{name}")} <= document["paths"].keys()
    answers = document["paths"]["/readyz"]["get"]["responses"]
    assert NotReady.code in answers["503"]["description"]
    assert "application/problem+json" in answers["503"]["content"]
    assert "request_id" in document["components"]["schemas"]["Problem"]["properties"]
    assert "HTTPValidationError" not in json.dumps(document)
