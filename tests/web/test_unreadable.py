"""Rows that this version cannot read: each is listed as such and decided by nobody, and it hides no other row."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sayso.core.taskforms import digest_of
from sayso.model.ids import TaskId
from tests.web.cardkit import Desk, desk_of
from tests.web.cardprograms import clerk
from tests.web.site import site

CHANGE = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=20) as db:
    body = sys.argv[2].encode()
    assert db.execute("UPDATE tasks SET body = ?, digest = ? WHERE task_id = ?", (body, *sys.argv[3:])).rowcount == 1
"""
SQL = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=20) as db:
    assert db.execute(sys.argv[2], sys.argv[3:]).rowcount
"""
FORMS = {
    "newer": '{"request":{"kind":"hologram","message":"turn it","beam":3},"step_name":"s","step_type":"Agent"}',
    "field": '{"request":{"kind":"text","message":"say","colour":1},"step_name":"s","step_type":"Agent"}',
    "texts": '{"request":{"kind":"text","message":{"a":1}},"step_name":"s","step_type":"Agent"}',
    "policy": '{"request":{"kind":"text","message":"x"},"step_name":"s","step_type":"Agent","on_reject":"fly"}',
    "list": "[1,2]",
    "bytes": "\ufffd{{{",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("unreadable")


@pytest.fixture(scope="module")
def desk(folder: Path) -> Iterator[Desk]:
    told: list[str] = []
    with site(folder, lambda db: [clerk(db, [], told)]) as found:
        yield desk_of(found, told)


@pytest.fixture(scope="module")
def tasks(desk: Desk, folder: Path) -> dict[str, TaskId]:
    """Good tasks around those that cannot be read; these have their digests, as if another version had stored them."""
    found = {name: desk.asked("clerk", "text") for name in ("first", *FORMS, "last")}
    for name, body in FORMS.items():
        stored = desk.stored(found[name])
        digest = digest_of(body.encode(), run_id=stored.run_id, key=stored.key)
        changed = [str(folder / "sayso.db"), body, digest, found[name]]
        subprocess.run([sys.executable, "-c", CHANGE, *changed], check=True)
    return found


def listed(http: httpx.Client, path: str) -> list[dict[str, Any]]:
    answer = http.get(path, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_the_api_lists_them_as_unknown_beside_all_others(desk: Desk, tasks: dict[str, TaskId]) -> None:
    with desk.site.client() as http:
        found = {item["id"]: item for item in listed(http, "/v1/user-tasks?limit=100")}
        assert set(found) == set(tasks.values())
        assert [found[tasks[name]]["kind"] for name in ("first", "last")] == ["text", "text"]
        for name in FORMS:
            item = found[tasks[name]]
            assert (item["kind"], item["status"], item["apiCompletable"]) == ("unknown", "Pending", False)
            assert "cannot be read" in item["summary"]
            for path in (f"/v1/runs/{item['runId']}", f"/v1/runs/{item['runId']}/conversation"):
                assert http.get(path, headers={"Accept": "application/json"}).status_code == 200, path
            assert [one["kind"] for one in listed(http, f"/v1/runs/{item['runId']}/user-tasks")] == ["unknown"]
        assert "'hologram'" in found[tasks["newer"]]["summary"], "the reason names what is not known"


@pytest.mark.parametrize("name", FORMS)
def test_nobody_decides_them(desk: Desk, tasks: dict[str, TaskId], name: str) -> None:
    with desk.site.client() as http:
        for fields in ({"textValue": "x"}, {"approved": True}, {"approved": False, "cancelRun": True}):
            refused = http.post(f"/v1/user-tasks/{tasks[name]}/complete", json=fields)
            assert (refused.status_code, refused.json()["code"]) == (409, "task_unreadable"), refused.text
        page = http.get(f"/review/{tasks[name]}")
        assert page.status_code == 200
        assert "cannot be decided here" in page.text
        assert 'id="decision"' not in page.text
        assert http.post(f"/review/{tasks[name]}/decide", data={"say": "approve"}).status_code == 409
    assert desk.status(tasks[name]) == "pending"


def test_the_pages_show_them_beside_all_others(desk: Desk, tasks: dict[str, TaskId]) -> None:
    with desk.site.client() as http:
        inbox = http.get("/review").text
        assert all(f"/review/{task}" in inbox for task in tasks.values())
        for path in ("/dashboard", "/sessions"):
            assert http.get(path).status_code == 200
        for name in FORMS:
            stored = desk.stored(tasks[name])
            page = http.get(f"/sessions/{stored.session_id}")
            assert page.status_code == 200
            assert "cannot be read" in page.text
            packet = http.get(f"/v1/sessions/{stored.session_id}/evidence", headers={"Accept": "application/json"})
            assert packet.status_code == 200, packet.text


def test_the_shell_lists_them_beside_all_others(tasks: dict[str, TaskId], folder: Path) -> None:
    for command in (["tasks", "ls"], ["tasks", "ls", "--json"], ["tasks", "show", tasks["newer"]]):
        done = subprocess.run(
            [sys.executable, "-m", "sayso", *command, "-d", str(folder / "sayso.db")], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert ("cannot be read" in done.stdout) or ("unknown" in done.stdout)
        assert command[1] == "show" or all(task in done.stdout for task in tasks.values())
    for act in ("approve", "reject"):
        refused = subprocess.run(
            [sys.executable, "-m", "sayso", "tasks", act, tasks["newer"], "-d", str(folder / "sayso.db"), "-m", "x"],
            capture_output=True, text=True,
        )  # fmt: skip
        assert refused.returncode == 4, refused.stderr
        assert "cannot be read" in refused.stderr


def test_its_run_can_be_cancelled(desk: Desk, folder: Path) -> None:
    task = desk.asked("clerk", "text")
    stored = desk.stored(task)
    body = FORMS["newer"]
    digest = digest_of(body.encode(), run_id=stored.run_id, key=stored.key)
    subprocess.run([sys.executable, "-c", CHANGE, str(folder / "sayso.db"), body, digest, task], check=True)
    with desk.site.client() as http:
        assert http.post(f"/v1/runs/{stored.run_id}/cancel", json={}).status_code == 202
    assert desk.status(task) == "cancelled"


DAMAGES = {
    "state": "UPDATE runs SET state = 'hovering' WHERE run_id = ?",
    "end": "UPDATE journal SET data = '{{{' WHERE run_id = ? AND kind = 'finished'",
    "shape of the end": "UPDATE journal SET data = '[7]' WHERE run_id = ? AND kind = 'finished'",
    "start": "UPDATE journal SET data = '[]' WHERE run_id = ? AND seq = 1",
    "kind": "UPDATE journal SET kind = 'hologram' WHERE run_id = ? AND kind = 'finished'",
    "call": "UPDATE calls SET state = 'hovering', effect = 'maybe' WHERE run_id = ?",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_run_that_cannot_be_read_hides_no_other(desk: Desk, folder: Path, damage: str) -> None:
    good, bad = desk.start("clerk", "look"), desk.start("clerk", "look")
    with desk.site.client() as http:
        for run in (good, bad):
            fields = {"approved": True}
            assert http.post(f"/v1/user-tasks/{desk.task_of(run)}/complete", json=fields).status_code == 200
            assert (
                http.get(f"/v1/runs/{run}?wait=20", headers={"Accept": "application/json"}).json()["status"]
                == "Completed"
            )
        subprocess.run([sys.executable, "-c", SQL, str(folder / "sayso.db"), DAMAGES[damage], bad], check=True)
        assert {good, bad} <= {item["id"] for item in listed(http, "/v1/runs?limit=100")}
        assert {good, bad} <= {item["rootRunId"] for item in listed(http, "/v1/sessions?limit=100")}
        for path in ("/sessions", "/dashboard", "/review"):
            assert http.get(path).status_code == 200, path
        for path in (f"/v1/runs/{good}", f"/v1/runs/{good}/conversation", f"/v1/runs/{good}/calls"):
            assert http.get(path, headers={"Accept": "application/json"}).status_code == 200, path
        for path in (f"/v1/runs/{bad}", f"/v1/runs/{bad}/conversation", f"/v1/runs/{bad}/calls"):
            told = http.get(path, headers={"Accept": "application/json"})
            assert told.status_code == 200 or told.json()["code"] in {"unreadable_value", "journal_corrupt"}, told.text
        for command in (["runs", "ls"], ["sessions", "ls"], ["runs", "show", good]):
            done = subprocess.run(
                [sys.executable, "-m", "sayso", *command, "-d", str(folder / "sayso.db")],
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
            assert "Traceback" not in done.stderr
