"""The real command: listing, showing and deciding every kind of task, and what it says when it cannot."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sayso import HumanReview, OnError, OnReject, Router, SqliteDb, Step, StepInput, Workflow


def echo(step_input: StepInput) -> Any:
    return step_input.additional_data.get("user_input") or step_input.previous_step_content or step_input.input


def fails(_: StepInput) -> None:
    raise RuntimeError("the remote is \x1b[31mdown\x1b[0m")


def workflows(db: SqliteDb) -> dict[str, Workflow]:
    form = HumanReview(
        requires_user_input=True,
        user_input_schema=[{"name": "days", "field_type": "int"}, {"name": "why", "required": False}],
    )
    review = HumanReview(requires_output_review=True, on_reject=OnReject.retry)
    kinds = {
        "approval": Step("pay", echo, human_review=HumanReview(requires_confirmation=True)),
        "form": Step("ask", echo, human_review=form),
        "output_review": Step("draft", echo, human_review=review),
        "route": Router([Step("mail", echo), Step("sms", echo)], name="way", human_review=_route()),
        "error": Step("flaky", fails, human_review=HumanReview(on_error=OnError.pause)),
    }
    return {kind: Workflow(kind, db=db, steps=[step]) for kind, step in kinds.items()}


def _route() -> HumanReview:
    return HumanReview(requires_user_input=True)


def sayso(file: Path, *arguments: str, ok: int = 0, env: dict[str, str] | None = None) -> str:
    """Run the command and return its output; its exit code must be `ok`."""
    done = subprocess.run(
        [sys.executable, "-m", "sayso", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "SAYSO_DATABASE": str(file), "SAYSO_USER": "ana", **(env or {})},
    )
    assert done.returncode == ok, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stdout if ok == 0 else done.stdout + done.stderr


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sayso.db"


def paused(file: Path, kind: str) -> tuple[str, str]:
    """Start a workflow that pauses with a task of this kind; return the task's and the run's id."""
    with SqliteDb(file) as db:
        output = workflows(db)[kind].run("hello")
        return output.requirements[0].id, output.run_id


def continued(file: Path, kind: str, run_id: str) -> Any:
    with SqliteDb(file) as db:
        session = workflows(db)[kind].get_run_output(run_id).session_id
        return workflows(db)[kind].continue_run(run_id=run_id, session_id=session)


@pytest.mark.parametrize(
    ("kind", "arguments", "content"),
    [
        ("approval", ["approve", "ID", "-m", "fine"], "hello"),
        ("approval", ["reject", "ID", "-m", "no"], None),
        ("form", ["answer", "ID", "days=3", "why=late"], {"days": 3, "why": "late"}),
        ("output_review", ["approve", "ID"], "hello"),
        ("output_review", ["edit", "ID", "--content", "better"], "better"),
        ("route", ["choose", "ID", "sms"], "hello"),
        ("error", ["skip", "ID"], None),
    ],
)
def test_every_kind_is_decided_from_a_terminal(file: Path, kind: str, arguments: list[str], content: Any) -> None:
    task, run_id = paused(file, kind)
    sayso(file, "tasks", *[task if item == "ID" else item for item in arguments])
    output = continued(file, kind, run_id)
    assert output.status == "COMPLETED"
    assert output.content == content
    assert output.requirements[0].decided_by == "ana"


def test_an_editor_edits(file: Path, tmp_path: Path) -> None:
    task, run_id = paused(file, "output_review")
    editor = tmp_path / "editor.sh"
    editor.write_text('#!/bin/sh\nprintf "by hand" > "$1"\n')
    editor.chmod(0o755)
    sayso(file, "tasks", "edit", task, env={"VISUAL": str(editor)})
    assert continued(file, "output_review", run_id).content == "by hand"


def test_a_retry_from_a_terminal_asks_again(file: Path) -> None:
    task, run_id = paused(file, "error")
    sayso(file, "tasks", "retry", task)
    assert continued(file, "error", run_id).is_paused


def test_listing_and_showing(file: Path) -> None:
    task, run_id = paused(file, "form")
    listed = json.loads(sayso(file, "tasks", "ls", "--json"))
    assert [item["id"] for item in listed["tasks"]] == [task]
    assert listed["next_cursor"] is None
    assert task in sayso(file, "tasks", "ls", "--kind", "form")
    assert sayso(file, "tasks", "ls", "--kind", "route") == ""
    shown = sayso(file, "tasks", "show", task[-8:])
    assert "days (int, required)" in shown
    assert f"sayso tasks answer {task}" in shown
    runs = json.loads(sayso(file, "runs", "ls", "--json"))
    assert runs["runs"][0] | {"id": run_id, "state": "waiting"} == runs["runs"][0]
    journal = json.loads(sayso(file, "runs", "show", run_id, "--json"))["journal"]
    assert [entry["kind"] for entry in journal] == ["started", "asked"]


def test_a_wrong_answer_is_refused_and_the_task_stays(file: Path) -> None:
    task, _ = paused(file, "form")
    said = sayso(file, "tasks", "answer", task, "days=soon", ok=1)
    assert "expected int, got str 'soon'" in said
    assert "still pending" in said
    assert json.loads(sayso(file, "tasks", "show", task, "--json"))["status"] == "pending"
    assert "no such field" in sayso(file, "tasks", "answer", task, "days=1", "dys=2", ok=1)
    assert "does not take 'approve'" in sayso(file, "tasks", "approve", paused(file, "route")[0], ok=1)


def test_whoever_is_second_is_told_who_was_first(file: Path) -> None:
    task, _ = paused(file, "approval")
    sayso(file, "tasks", "approve", task)
    said = sayso(file, "tasks", "reject", task, ok=4)
    assert "ana already decided it (approve)" in said
    error = json.loads(sayso(file, "tasks", "reject", task, "--json", ok=4))
    assert error["error"]["code"] == "already_decided"


def test_what_is_not_there_is_said(file: Path, tmp_path: Path) -> None:
    paused(file, "approval")
    assert "there is none" in sayso(file, "tasks", "show", "task_nothing", ok=3)
    assert "there is none" in sayso(file, "runs", "show", "run_nothing", ok=3)
    assert "no such file" in sayso(tmp_path / "other.db", "tasks", "ls", ok=1)
    assert "SAYSO_LEASE_SECONDS" in sayso(file, "tasks", "ls", ok=1, env={"SAYSO_LEASE_SECONDS": "never"})


def test_cancelling_closes_the_tasks(file: Path) -> None:
    task, run_id = paused(file, "approval")
    assert "cancelled" in sayso(file, "runs", "cancel", run_id, "-m", "a duplicate")
    assert "had ended already" in sayso(file, "runs", "cancel", run_id, ok=1)
    assert "dropped" in sayso(file, "tasks", "approve", task, ok=4)


def test_text_from_data_cannot_touch_the_terminal(file: Path) -> None:
    task, run_id = paused(file, "error")
    for output in (sayso(file, "tasks", "ls"), sayso(file, "tasks", "show", task), sayso(file, "runs", "show", run_id)):
        assert "\x1b" not in output
    assert "\\x1b[31mdown" in sayso(file, "tasks", "show", task)


def test_a_worker_goes_on_with_what_was_decided(file: Path, tmp_path: Path) -> None:
    code = "from sayso import *\n\n\ndef pay(i):\n    return 'paid ' + i.input\n\n\n"
    code += "flow = Workflow('flow', steps=[Step('pay', pay, human_review=HumanReview(requires_confirmation=True))])\n"
    (tmp_path / "flows.py").write_text(code)
    with SqliteDb(file) as db:
        flow = Workflow("flow", db=db, steps=[Step("pay", echo, human_review=HumanReview(requires_confirmation=True))])
        output = flow.run("bob")
        sayso(file, "tasks", "approve", output.requirements[0].id)
        command = [sys.executable, "-m", "sayso", "worker", f"{tmp_path / 'flows.py'}:flow", "-d", str(file)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as worker:
            try:
                for _ in range(1000):
                    found = flow.get_run_output(output.run_id)
                    if found.status == "COMPLETED":
                        break
                    worker.poll()
                    assert worker.returncode is None
                    subprocess.run(["sleep", "0.02"], check=True)
            finally:
                worker.terminate()
        assert worker.returncode == 0
        assert found.content == "paid bob"


def test_a_worker_says_what_it_cannot_load(file: Path) -> None:
    assert "module:attribute" in sayso(file, "worker", "nothing", ok=1)
    assert "is not" in sayso(file, "worker", "json:dumps", ok=1)
