"""T93: thousands of requests that schemathesis makes from the OpenAPI, in all its phases, to a real server process.

No 5xx, every refusal a documented problem, no echo; bounded in every run of the tests, at least 10,000 by `-m slow`.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.service.process import ROOT, Process, process
from tests.service.test_openapi import MANAGEMENT

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,a_refusal_is_a_documented_problem"
)


def known(served: Process, answers: Path) -> str:
    with served.client(token=served.who["owner"]) as client:
        begun = [client.post(f"/v1/agents/{served.who['agent']}/runs?wait=20", json={}).json() for _ in range(4)]
        flow = client.post("/v1/workflows/flow/runs", json={"input": "x"}).json()
        ended = client.post(f"/v1/agents/{served.who['agent']}/runs", json={}).json()["runId"]
        assert client.post(f"/v1/runs/{ended}/cancel", json={}).status_code == 202
    ids = {
        "ended": [ended],
        "agentId": [served.who["agent"]],
        "runId": [run["runId"] for run in (*begun, flow)],
        "sessionId": [run["sessionId"] for run in (*begun, flow)],
        "taskId": [run["pendingUserTasks"][0]["id"] for run in begun],
        "workflow": ["flow"],
    }
    return json.dumps({"ids": ids, "answers": str(answers)})


def fuzz(served: Process, folder: Path, header: str, *arguments: str, management: bool = False) -> Counter[str]:
    """Run schemathesis, and return how often each status was answered.

    The management of people and agents is held to no 5xx alone: a request of it may end the credential in use.
    """
    scope = [part for tag in sorted(MANAGEMENT) for part in ("--include-tag" if management else "--exclude-tag", tag)]
    checks = "not_a_server_error" if management else CHECKS
    answers = folder / "answers.log"
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{served.url}/openapi.json", "-H", header]
    command += ["--checks", checks, "--no-color", "--output-sanitize", "false", "--request-timeout", "20"]
    command += ["--suppress-health-check", "all", "--generation-database", "none"]
    command += ["--warnings", "off", "--continue-on-failure", *scope, *arguments]
    hooks = {"SCHEMATHESIS_HOOKS": "tests.service.schema_hooks", "SAYSO_KNOWN": known(served, answers)}
    environment = {**os.environ, **hooks, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-12000:] + done.stderr[-3000:]
    return Counter(line.rpartition("\t")[2] for line in answers.read_text("utf-8").splitlines())


def report(name: str, found: Counter[str]) -> None:
    figures = {"requests": found.total(), "5xx": sum(found[status] for status in found if status >= "500")}
    print(f"\nschemathesis, {name}:", json.dumps({**figures, "statuses": dict(sorted(found.items()))}))
    assert figures["5xx"] == 0


def headers_of(served: Process) -> dict[str, str]:
    return {"an owner": f"Authorization: Bearer {served.who['owner']}", "a key": f"X-API-Key: {served.who['key']}"}


@pytest.mark.timeout(110)
def test_a_bounded_fuzz_of_the_whole_openapi(tmp_path: Path) -> None:
    with process(tmp_path, synchronous="NORMAL") as served:
        header = headers_of(served)["an owner"]
        found = fuzz(served, tmp_path, header, "-n", "4", "--max-time", "12", "--seed", "1")
        managed = fuzz(served, tmp_path, header, "-n", "2", "--max-time", "10", "--seed", "1", management=True)
    report("bounded", found)
    report("bounded, with management", managed)
    assert found.total() >= 200
    assert found["202"]
    assert found["422"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("who", ["an owner", "a key"])
def test_thousands_of_requests_from_the_openapi(tmp_path: Path, who: str) -> None:
    """At least 5,000 by each of the two callers; `SAYSO_FUZZ_EXAMPLES` for more."""
    examples = os.environ.get("SAYSO_FUZZ_EXAMPLES", "250")
    with process(tmp_path, synchronous="NORMAL") as served:
        found = fuzz(served, tmp_path, headers_of(served)[who], "-n", examples)
    report(who, found)
    assert found.total() >= 5000
