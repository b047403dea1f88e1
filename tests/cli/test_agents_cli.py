"""Agents from the command line: start, see what is asked, decide every kind, end a session."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sayso.stores.driver import sqlite_module

AGENT = """
from sayso import Agent, tool
from sayso.testing import ScriptedModel, call

@tool(requires_confirmation=True, summary="Pay {{amount}}")
def pay(amount: float) -> str:
    return f"paid {{amount}}"

@tool(external_execution=True)
def shell(command: str) -> str:
    return ""

@tool(user_input_fields=["account"])
def transfer(amount: int, account: str) -> str:
    return f"{{amount}} to {{account!r}}"

@tool
def dies() -> str:
    raise TimeoutError("no answer")

tools = [pay, shell, dies, transfer]
it = Agent("it", model=ScriptedModel([{turn}, lambda request: request.messages[-1].text]), tools=tools)
"""


class Cli:
    def __init__(self, folder: Path, turn: str) -> None:
        self.folder = folder
        (folder / "agents.py").write_text(AGENT.format(turn=turn))

    def __call__(self, *arguments: str, ok: int = 0, **env: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "sayso", *arguments, "-d", "s.db"],
            cwd=self.folder, capture_output=True, text=True, timeout=60, env={**os.environ, **env}, check=False,
        )  # fmt: skip
        assert done.returncode == ok, done.stderr + done.stdout
        return done.stdout

    def start(self) -> dict[str, Any]:
        return json.loads(self("run", "agents.py:it", "please", "--json", "-s", "ses", ok=5))

    def sql(self, statement: str) -> list[Any]:
        connection = sqlite_module().connect(str(self.folder / "s.db"))
        with connection:
            found = connection.execute(statement).fetchall()
        connection.close()
        return found

    def finish(self) -> str:
        code = "import agents, sys; from sayso import SqliteDb; agents.it.db = SqliteDb('s.db');"
        code += "r = agents.it.get_last_run_output('ses');"
        code += "print(agents.it.continue_run(run_id=r.run_id, session_id='ses').content)"
        return subprocess.run(
            [sys.executable, "-c", code], cwd=self.folder, capture_output=True, text=True, timeout=60, check=True
        ).stdout


@pytest.mark.parametrize(
    ("turn", "kind", "decision", "result"),
    [
        ('call("pay", amount=5)', "approval", ["approve"], "paid 5.0"),
        ('call("pay", amount=5)', "approval", ["reject", "-m", "no"], "Error (rejected_by_human)"),
        ('call("pay", amount=5)', "approval", ["edit", "--content", '{"amount": 7}'], "paid 7.0"),
        (
            'call("pay", amount=5)', "approval", ["respond", "Which one?"],
            "It was not executed. A person has answered in its place: Which one?",
        ),
        ('call("shell", command="ls")', "external", ["answer", "a.txt"], "a.txt"),
        ('call("ask_human_text", question="Why?")', "text", ["answer", "value=because"], "because"),
        ('call("ask_human_number", question="?", max=9)', "number", ["answer", "3"], "3"),
        (
            'call("ask_human_choice", question="?", options=[{"id": "a", "label": "first"}])',
            "multi_option", ["choose", "a"], "a: first",
        ),
        (
            'call("ask_human_form", question="?", schema={"type": "object", "required": ["n"]})',
            "form", ["answer", "n=4"], '{"n": 4}',
        ),
        ('call("dies")', "uncertain", ["choose", "happened", "-m", "ref 7"], "ref 7"),
    ],
)  # fmt: skip
def test_every_kind_is_shown_and_decided(
    tmp_path: Path, turn: str, kind: str, decision: list[str], result: str
) -> None:
    sayso = Cli(tmp_path, turn)
    task = sayso.start()["waiting_for"][0]
    assert task["kind"] == kind
    verb, *rest = decision
    card = sayso("tasks", "show", task["task"])
    assert f"sayso tasks {verb} {task['task']}" in card
    sayso("tasks", verb, task["task"], *rest)
    assert result in sayso.finish()


REFERRING = {
    "$defs": {"Id": {"type": "string"}},
    "type": "object",
    "properties": {"id": {"$ref": "#/$defs/Id"}, "n": {"type": "integer"}, "any": {}},
}
REFERRED = '{"id": "1", "n": 2, "any": [3]}'


@pytest.mark.parametrize(
    ("turn", "given", "result"),
    [
        ('call("ask_human_text", question="Which account?")', ["0042"], "0042"),
        ('call("ask_human_text", question="Which account?")', ["value=a=b"], "a=b"),
        ('call("transfer", amount=3)', ["account=5"], "to '5'"),
        (f'call("ask_human_form", question="?", schema={REFERRING})', ["id=1", "n=2", "any=[3]"], REFERRED),
    ],
)  # fmt: skip
def test_an_answer_is_read_as_what_is_asked_for(tmp_path: Path, turn: str, given: list[str], result: str) -> None:
    """A text of digits stays a text, and one value needs no name."""
    sayso = Cli(tmp_path, turn)
    task = sayso.start()["waiting_for"][0]["task"]
    sayso("tasks", "answer", task, *given)
    assert result in sayso.finish()


def test_a_card_names_the_values_that_a_form_asks_for(tmp_path: Path) -> None:
    properties = '{"n": {"type": "integer"}, "note": {"type": "string"}}'
    schema = f'{{"type": "object", "properties": {properties}, "required": ["n"]}}'
    sayso = Cli(tmp_path, f'call("ask_human_form", question="?", schema={schema})')
    task = sayso.start()["waiting_for"][0]["task"]
    sayso("tasks", "answer", task, "no name", ok=1)
    assert f"sayso tasks answer {task} n=... [note=...] -d s.db" in sayso("tasks", "show", task)


def test_a_run_that_waits_says_what_takes_it_on(tmp_path: Path) -> None:
    sayso = Cli(tmp_path, 'call("wait", duration_seconds=60)')
    done = subprocess.run(
        [sys.executable, "-m", "sayso", "run", "agents.py:it", "x", "-d", "s.db"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 5
    assert "it waits for: timer" in done.stderr
    assert "sayso worker agents.py:it -d s.db" in done.stderr
    assert json.loads(sayso("runs", "ls", "--json"))["runs"][0]["state"] == "waiting"


def test_what_does_not_fit_leaves_the_task_open(tmp_path: Path) -> None:
    sayso = Cli(tmp_path, 'call("ask_human_number", question="How many?", max=9)')
    task = sayso.start()["waiting_for"][0]["task"]
    sayso("tasks", "answer", task, "value=10", ok=1)
    sayso("tasks", "answer", task, "value=many", ok=1)
    assert json.loads(sayso("tasks", "show", task, "--json"))["status"] == "pending"


def test_arguments_are_edited_in_the_editor(tmp_path: Path) -> None:
    sayso = Cli(tmp_path, 'call("pay", amount=5)')
    task = sayso.start()["waiting_for"][0]["task"]
    sayso("tasks", "edit", task, EDITOR="sed -i s/5.0/6.5/", TMPDIR=str(tmp_path))
    assert "paid 6.5" in sayso.finish()
    assert not list(tmp_path.glob("sayso-*")), "the draft has done its work"


_CANNOT: dict[str, tuple[str, str]] = {
    "no-such-editor": ("can be started", ""),
    "'": ("can be started", ""),
    "false": ("it returned 1", ""),
    "sh -c 'sed -i s/5.0/6.5/ $0; exit 3'": ("it returned 3", '"amount": 6.5'),
    "sed -i 's/5.0/5.0,,/'": ("Expected JSON", '"amount": 5.0,,'),
    """sh -c 'printf \"\\377\" > $0'""": ("UTF-8", "\udcff"),
    "sed -i s/5.0/true/": ("amount", '"amount": true'),
}
"""Editors, what is said of each, and what of it is kept."""


@pytest.mark.parametrize("editor", _CANNOT)
def test_what_was_written_survives_whatever_goes_wrong(tmp_path: Path, editor: str) -> None:
    """Nothing is decided, the error says why, and the draft can be mended and given again."""
    sayso = Cli(tmp_path, 'call("pay", amount=5)')
    task = sayso.start()["waiting_for"][0]["task"]
    said, kept = _CANNOT[editor]
    drafts = tmp_path / "drafts"
    drafts.mkdir()
    error = json.loads(sayso("tasks", "edit", task, "--json", ok=1, EDITOR=editor, TMPDIR=str(drafts)))["error"]
    assert said in error["message"]
    assert json.loads(sayso("tasks", "show", task, "--json"))["status"] == "pending"
    found = [path for path in drafts.rglob("*") if path.is_file()]
    assert [kept in path.read_text(errors="surrogateescape") for path in found] == ([True] if kept else [])
    assert list(drafts.iterdir()) == [path.parent for path in found], "nothing else is left behind"
    if kept:
        (draft,) = found
        assert f"--file {draft}" in error["hint"]
        draft.write_text('{"amount": 8}')
        sayso("tasks", "edit", task, "--file", str(draft))
        assert "paid 8.0" in sayso.finish()


def test_a_draft_that_came_too_late_is_kept(tmp_path: Path) -> None:
    sayso = Cli(tmp_path, 'call("pay", amount=5)')
    task = sayso.start()["waiting_for"][0]["task"]
    other = f"{sys.executable} -m sayso tasks reject {task} -d s.db"
    editor = f"sh -c 'sed -i s/5.0/6.5/ $0; {other}'"
    error = json.loads(
        sayso("tasks", "edit", task, "--json", ok=4, EDITOR=editor, TMPDIR=str(tmp_path)).splitlines()[-1]
    )["error"]
    assert error["code"] == "already_decided"
    draft = Path(error["hint"].rpartition("--file ")[2])
    assert '"amount": 6.5' in draft.read_text()


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    sayso = Cli(tmp_path, 'call("pay", amount=5)')
    task = sayso.start()["waiting_for"][0]["task"]
    assert "Expected a file" in sayso("tasks", "edit", task, "--file", "nowhere.json", "--json", ok=1)


def test_a_session_is_listed_shown_and_terminated(tmp_path: Path) -> None:
    sayso = Cli(tmp_path, 'call("pay", amount=5)')
    run = sayso.start()["run_id"]
    assert json.loads(sayso("sessions", "ls", "--json"))["sessions"][0]["session"] == "ses"
    assert json.loads(sayso("sessions", "show", "ses", "--json"))["runs"][0]["run"] == run
    assert json.loads(sayso("sessions", "terminate", "ses", "--json"))["ended"] == [run]
    assert json.loads(sayso("tasks", "ls", "--json"))["tasks"] == []
    sayso("sessions", "show", "none", ok=3)
    assert "0 runs ended" in sayso("sessions", "terminate", "ses", "--yes")


def test_a_waiting_session_is_marked_complete(tmp_path: Path) -> None:
    """Items 175, 176."""
    sayso = Cli(tmp_path, 'call("pay", amount=5)')
    run = sayso.start()["run_id"]
    assert json.loads(sayso("sessions", "complete", "ses", "-m", "paid by hand", "--json"))["completed"] == [run]
    assert json.loads(sayso("runs", "show", run, "--json"))["state"] == "completed"
    assert json.loads(sayso("tasks", "ls", "--json"))["tasks"] == []
    sayso("sessions", "complete", "ses", ok=4)
    sayso("sessions", "complete", "none", ok=3)


def test_a_session_is_completed_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    """Item 176: one of its runs is at work."""
    sayso = Cli(tmp_path, 'call("pay", amount=5)')
    working, waiting = sayso.start()["run_id"], sayso.start()["run_id"]
    sayso.sql(f"UPDATE runs SET state = 'running', ready_at = 9e15 WHERE run_id = '{working}'")
    sayso("sessions", "complete", "ses", ok=4)
    assert json.loads(sayso("runs", "show", waiting, "--json"))["state"] == "waiting"
    assert len(json.loads(sayso("tasks", "ls", "--json"))["tasks"]) == 2


def test_a_session_is_terminated_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    sayso = Cli(tmp_path, 'call("pay", amount=5)')
    runs = [sayso.start()["run_id"] for _ in range(3)]
    blocked = f"UPDATE ON runs WHEN old.run_id = '{runs[1]}' BEGIN SELECT RAISE(ABORT, 'disk'); END"
    sayso.sql(f"CREATE TRIGGER broken BEFORE {blocked}")
    sayso("sessions", "terminate", "ses", "--json", ok=1)
    assert {json.loads(sayso("runs", "show", run, "--json"))["state"] for run in runs} == {"waiting"}
    sayso.sql("DROP TRIGGER broken")
    assert json.loads(sayso("sessions", "terminate", "ses", "-m", "over", "--json", SAYSO_USER="ana"))["ended"] == runs
    who = sayso.sql("SELECT by_id, via FROM audit WHERE action = 'session.terminated'")
    assert who == [("ana", "cli")]


TROUBLED = """
import dataclasses
from sayso.model.messages import Usage

class Troubled(ScriptedModel):
    async def respond(self, request, delta=None):
        if len(request.messages) > 3:
            raise RuntimeError("the model is \\x1b[31mdown")
        answer = await super().respond(request, delta)
        first = request.turn == 1
        return dataclasses.replace(
            answer, model="m-1", usage=Usage(input_tokens=70, output_tokens=7, cost=0.00021 if first else None),
            retries=("ModelRateLimitError: slow down",) if first else (), warnings=("top_k was not sent",),
        )

member = Agent("paying", model=Troubled([call("dies"), "done"]), tools=[dies], description="Pays.")
it = Agent("it", model=Troubled([call("ask_paying", task="x"), "never"]), members=[member])
"""


def test_a_run_shows_what_each_turn_used_and_what_went_wrong(tmp_path: Path) -> None:
    sayso = Cli(tmp_path, '"hello"')
    (tmp_path / "agents.py").write_text(AGENT.format(turn="1") + TROUBLED)
    started = sayso.start()
    sayso("tasks", "choose", started["waiting_for"][0]["task"], "happened")
    shown = json.loads(sayso("runs", "show", started["run_id"], "--json"))
    used = {"model": "m-1", "input_tokens": 70, "output_tokens": 7, "warnings": ["top_k was not sent"], "error": None}
    slow = {"cost": 0.00021, "retries": ["ModelRateLimitError: slow down"]}
    assert shown["turns"] == [
        {"key": "turn#1/model", **used, **slow},
        {"key": "turn#1/call:1/turn#1/model", **used, **slow},
    ]
    (called,) = shown["calls"]
    assert (called["tool"], called["effect"], called["state"], called["attempts"]) == ("dies", "once", "uncertain", 1)
    text = sayso("runs", "show", started["run_id"])
    assert "turn turn#1/model  m-1  70 + 7 tokens, $0.000210" in text
    assert "tried again after: ModelRateLimitError: slow down" in text
    assert "warning: top_k was not sent" in text
    assert f"dies (once)  uncertain  started 1 x, key {called['idempotency_key']}" in text


def test_a_turn_that_failed_is_shown_with_its_error(tmp_path: Path) -> None:
    sayso = Cli(tmp_path, '"hello"')
    late = TROUBLED.replace("len(request.messages) > 3", "True")
    (tmp_path / "agents.py").write_text(AGENT.format(turn="1") + late)
    run = json.loads(sayso("run", "agents.py:it", "please", "--json", ok=1))["run_id"]
    (turn,) = json.loads(sayso("runs", "show", run, "--json"))["turns"]
    assert (turn["error"], turn["cost"]) == ("RuntimeError: the model is \x1b[31mdown", None)
    assert "failed: RuntimeError: the model is \\x1b[31mdown" in sayso("runs", "show", run)


def test_a_target_that_is_none_is_refused(tmp_path: Path) -> None:
    sayso = Cli(tmp_path, '"hello"')
    sayso("run", "agents.py:pay", ok=1)
    sayso("run", "nothing.py:it", ok=1)
    sayso("run", "agents.py:it", "{", "--parse", ok=1)
