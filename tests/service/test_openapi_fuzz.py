"""T93: thousands of requests that schemathesis makes from the OpenAPI, in all its phases, to real server processes.

No 5xx, every refusal a documented problem, no echo, and every operation asked. The work is cut into shards: each has a
new server and another seed, so that no database grows until the server is slow, and two run beside each other.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.authtable import TABLE
from tests.service.process import ROOT, Process, process

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,a_refusal_is_a_documented_problem"
)
WORKERS = 2
LONGEST_SECONDS = 5.0
"""One request; under the load of this very test, so far beyond the second that is promised on a quiet machine."""


@dataclass
class Tally:
    """What was asked, and what came back."""

    statuses: Counter[str] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    slowest: float = 0.0
    shards: int = 0
    links: set[str] = field(default_factory=set)
    """Which links of the OpenAPI were followed: from, to, and by which name."""
    followed: int = 0

    def add(self, log: Path) -> None:
        self.shards += 1
        links = log.with_name("links.log")
        steps = links.read_text("utf-8").splitlines() if links.exists() else []
        self.links.update(steps)
        self.followed += len(steps)
        for line in log.read_text("utf-8").splitlines():
            operation, status, seconds = line.split("\t")
            self.statuses[status] += 1
            self.operations.add(operation)
            self.slowest = max(self.slowest, float(seconds))


def made(client: httpx.Client, path: str, body: Any) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.status_code in {200, 201, 202}, answer.text
    return answer.json()


def known(served: Process, answers: Path) -> str:
    """Make what requests may name, and return it as JSON: nothing of it is what the requests stand on themselves."""
    desk = f"/v1/agents/{served.who['agent']}"
    with served.client(token=served.who["owner"]) as client:
        begun = [made(client, f"{desk}/runs?wait=20", {}) for _ in range(4)]
        flow = made(client, "/v1/workflows/flow/runs", {"input": "x"})
        ended = made(client, f"{desk}/runs", {})["runId"]
        made(client, f"/v1/runs/{ended}/cancel", {})
        agents = [made(client, "/v1/agents", {"name": f"spare {number}"})["id"] for number in range(3)]
        fields = {"versionLabel": "v1", "llmModel": "stub:none"}
        versions = [made(client, f"/v1/agents/{agent}/versions", fields)["id"] for agent in agents]
        triggers = [made(client, f"/v1/agents/{agent}/triggers", {"name": "api"})["id"] for agent in agents]
        emails = [{"email": f"spare{number}@example.com", "role": "operator"} for number in range(3)]
        people = [made(client, "/v1/members", email)["id"] for email in emails]
        guests = [made(client, "/v1/invitations", {"email": "g@example.com", "role": "auditor"})["id"] for _ in "ab"]
        scopes = [{"agentId": served.who["agent"]}]
        keys = [made(client, "/v1/keys", {"name": "spare", "scopes": scopes})["id"] for _ in "ab"]
    ids = {
        "ended": [ended],
        "agentId": [served.who["agent"]],
        "managed/agentId": agents,
        "versionId": versions,
        "triggerId": triggers,
        "personId": people,
        "invitationId": guests,
        "keyId": keys,
        "tokenId": ["tok_spare"],
        "tenantId": ["default"],
        "runId": [run["runId"] for run in (*begun, flow)],
        "sessionId": [run["sessionId"] for run in (*begun, flow)],
        "taskId": [run["pendingUserTasks"][0]["id"] for run in begun],
        "workflow": ["flow"],
    }
    return json.dumps({"ids": ids, "answers": str(answers)})


def headers_of(served: Process) -> dict[str, str]:
    return {"owner": f"Authorization: Bearer {served.who['owner']}", "key": f"X-API-Key: {served.who['key']}"}


def shard(folder: Path, who: str, *arguments: str) -> Path:
    """Run schemathesis once, against a server of its own; return the file that names every request and its answer."""
    folder.mkdir()
    answers = folder / "answers.log"
    with process(folder, synchronous="NORMAL") as served:
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{served.url}/openapi.json"]
        command += ["-H", headers_of(served)[who], "--checks", CHECKS, "--no-color", "--output-sanitize", "false"]
        command += ["--request-timeout", "20", "--suppress-health-check", "all", "--generation-database", "none"]
        command += ["--no-shrink", "--warnings", "off", "--continue-on-failure", *arguments]
        hooks = {"SCHEMATHESIS_HOOKS": "tests.service.schema_hooks", "SAYSO_KNOWN": known(served, answers)}
        environment = {**os.environ, **hooks, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-12000:] + done.stderr[-3000:]
    return answers


def report(name: str, found: Tally, seconds: float) -> None:
    figures = {
        "requests": found.statuses.total(),
        "operations": f"{len(found.operations)} of {len(TABLE)}",
        "links": f"{found.followed} followed, {len(found.links)} different",
        "5xx": sum(number for status, number in found.statuses.items() if status >= "500"),
        "slowest": round(found.slowest, 2),
        "shards": found.shards,
        "seconds": round(seconds),
        "statuses": dict(sorted(found.statuses.items())),
    }
    print(f"\nschemathesis, {name}:", json.dumps(figures))
    assert figures["5xx"] == 0
    assert found.slowest < LONGEST_SECONDS
    assert len(found.operations) == len(TABLE), "Expected every operation to be asked."


@pytest.mark.timeout(300)
def test_a_bounded_fuzz_of_the_whole_openapi(tmp_path: Path) -> None:
    began, found = time.monotonic(), Tally()
    found.add(shard(tmp_path / "0", "owner", "-n", "3", "--seed", "1"))
    report("bounded", found, time.monotonic() - began)
    assert {"200", "201", "202", "204", "401", "404", "422"} <= set(found.statuses)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand_requests_from_the_whole_openapi(tmp_path: Path) -> None:
    """`SAYSO_FUZZ_REQUESTS` for more."""
    wanted = int(os.environ.get("SAYSO_FUZZ_REQUESTS", "10000"))
    began, found, numbers = time.monotonic(), Tally(), count()
    with ThreadPoolExecutor(WORKERS) as pool:
        while found.statuses.total() < wanted:
            numbered = [next(numbers) for _ in range(WORKERS)]
            running = [
                pool.submit(
                    shard,
                    tmp_path / str(number),
                    "key" if number % 4 == 3 else "owner",
                    "-n",
                    "12",
                    "--seed",
                    str(number),
                )
                for number in numbered
            ]
            for future in running:
                found.add(future.result())
            print(f"{found.statuses.total()} requests after {time.monotonic() - began:.0f} s")
    report("whole", found, time.monotonic() - began)
