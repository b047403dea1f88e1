"""Secret arguments: the tool gets exactly what was approved, and one table alone holds it."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, SecretBytes, SecretStr

from sayso import Agent, Parallel, SqliteDb, Step, Team, ToolContext, Workflow, tool
from sayso.app.portal import portal
from sayso.core.confiding import MASK, is_seal
from sayso.model.errors import InvalidDecision, LedgerConflict
from sayso.model.ids import RunId, SessionId
from sayso.runtime.evidence import evidence
from sayso.stores.driver import sqlite_module
from sayso.testing import FakeClock, ScriptedModel, call

CANARY = "canary-7f3a-hunter2"
OTHER = "another-canary-99"
NONE = SecretStr("none")


class Login(BaseModel):
    user: str
    password: SecretStr = Field(min_length=4)


def agent_of(db: SqliteDb, got: list[Any], turns: list[Any] | None = None, **options: Any) -> Agent:
    options = options or {"requires_confirmation": True}

    @tool(**options)
    def connect(
        ctx: ToolContext,
        host: str,
        login: Login,
        pin: Annotated[int, Field(json_schema_extra={"writeOnly": True})] = 12345678,
    ) -> str:
        """Connect."""
        got.append((host, login.password.get_secret_value(), pin))
        return f"connected with {login.password.get_secret_value()}"

    said = [f"I use {CANARY}.", call("connect", host="h", login={"user": "ada", "password": CANARY})]
    model = ScriptedModel(turns or [said, lambda request: request.messages[-1].text])
    return Agent("dba", model=model, tools=[connect], db=db, description="Connects.")


def everything(path: Path, *, but: str = "confided") -> str:
    """Return every row of every table as text, but those of one table."""
    connection = sqlite_module().connect(str(path))
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = [row for name in names if name != but for row in connection.execute(f"SELECT * FROM {name}")]
    connection.close()
    return "\n".join(
        str(cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell) for r in rows for cell in r
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


def test_the_tool_gets_exactly_what_was_approved_and_nothing_else_has_it(path: Path) -> None:
    got: list[Any] = []
    with SqliteDb(path) as db:
        output = agent_of(db, got).run("x", run_id="run", session_id="ses")
        (requirement,) = output.active_requirements
        assert requirement.tool_execution.tool_args["login"] == {"user": "ada", "password": MASK}
        assert requirement.tool_execution.tool_args["pin"] == MASK
        assert CANARY not in str(requirement.to_dict())
        assert CANARY not in requirement.message
        assert CANARY not in everything(path)
    with SqliteDb(path) as db:  # another process takes it up
        agent = agent_of(db, got)
        output = agent.get_run_output("run")
        output.active_requirements[0].confirm()
        output = agent.continue_run(output)
        assert got == [("h", CANARY, 12345678)]
        assert output.content == "connected with [secret]"
        assert CANARY not in str(output.messages)
        packet = portal.call(evidence(db.runtime, SessionId("ses")))
        assert CANARY not in json.dumps(packet)
    assert CANARY not in everything(path)
    assert CANARY in everything(path, but="")


def test_an_edit_keeps_what_is_left_masked_and_seals_what_is_new(path: Path) -> None:
    for password, expected in ((MASK, CANARY), (OTHER, OTHER)):
        got: list[Any] = []
        with SqliteDb() as db:
            agent = agent_of(db, got)
            output = agent.run("x", run_id="run", session_id="ses")
            edited = {"host": "g", "login": {"user": "bob", "password": password}, "pin": MASK}
            output.active_requirements[0].edit(edited)
            output = agent.continue_run(output)
            assert got == [("g", expected, 12345678)]
            assert OTHER not in str(output.content)
            text = json.dumps(portal.call(evidence(db.runtime, SessionId("ses"))))
            assert OTHER not in text
            assert CANARY not in text


def test_what_does_not_fit_is_refused_without_telling_it(path: Path) -> None:
    with SqliteDb() as db:
        agent = agent_of(db, [])
        output = agent.run("x")
        with pytest.raises(InvalidDecision) as refused:
            output.active_requirements[0].edit({"host": "g", "login": {"user": "b", "password": "abc"}, "pin": 1})
        assert "abc" not in str(refused.value)


def test_a_model_is_not_told_its_secrets_again_and_cannot_send_the_mask(path: Path) -> None:
    seen: list[str] = []

    def turn(request: Any) -> Any:
        seen.append(str(request))
        if request.turn == 2:
            return call("connect", host="h", login={"user": "ada", "password": MASK})
        return request.messages[-1].text

    got: list[Any] = []
    first = call("connect", host="h", login={"user": "ada", "password": CANARY})
    with SqliteDb() as db:
        output = agent_of(db, got, [first, turn, turn], requires_confirmation=False).run("x")
    assert got == [("h", CANARY, 12345678)]
    assert "is the mask of a secret" in output.content
    assert all(CANARY not in text for text in seen)


def test_a_seal_that_a_model_makes_up_is_opened_nowhere() -> None:
    got: list[Any] = []

    @tool
    def note(text: Any, key: SecretStr = NONE) -> str:
        """Note."""
        got.append((text, key.get_secret_value()))
        return "noted"

    with SqliteDb() as db:
        agent = Agent("a", model=ScriptedModel([call("note", text="x", key=CANARY), "done"]), tools=[note], db=db)
        agent.run("x", run_id="run")
        stored = portal.call(db.runtime.store.read(lambda tx: tx.confided.of_run(RunId("run"))))
        forged = {"$": "secret", "v": next(ref for ref, value in stored.items() if value == CANARY)}
        turns = [call("note", text=forged), lambda request: request.messages[-1].text]
        again = Agent("b", model=ScriptedModel(turns), tools=[note], db=db).run("x", run_id="other")
        at_secret = [call("note", text="x", key=forged), lambda request: request.messages[-1].text]
        refused = Agent("c", model=ScriptedModel(at_secret), tools=[note], db=db).run("x", run_id="third")
    assert got == [("x", CANARY), (forged, "none")]
    assert again.content == "noted"
    assert "invalid_arguments" in refused.content


def test_what_a_person_gives_may_be_secret_too(path: Path) -> None:
    got: list[Any] = []

    @tool(user_input_fields=["token"])
    def publish(name: str, token: SecretBytes) -> str:
        """Publish."""
        got.append((name, token.get_secret_value()))
        return "done"

    with SqliteDb(path) as db:
        agent = Agent("a", model=ScriptedModel([call("publish", name="n"), "done"]), tools=[publish], db=db)
        output = agent.run("x", session_id="ses", run_id="run")
        output.active_requirements[0].provide_user_input({"token": CANARY})
        output = agent.continue_run(output)
        assert got == [("n", CANARY.encode())]
        assert CANARY not in str(output.requirements)
    assert CANARY not in everything(path)


def test_a_changed_secret_is_not_executed(path: Path) -> None:
    got: list[Any] = []
    with SqliteDb(path) as db:
        agent_of(db, got).run("x", run_id="run")
    connection = sqlite_module().connect(str(path))
    connection.execute("UPDATE confided SET value = ? WHERE value = ?", (f'"{OTHER}"'.encode(), f'"{CANARY}"'.encode()))
    connection.commit()
    connection.close()
    with SqliteDb(path) as db:
        agent = agent_of(db, got)
        output = agent.get_run_output("run")
        output.active_requirements[0].confirm()
        with pytest.raises(LedgerConflict):
            agent.continue_run(output)
    assert got == []


def test_in_steps_and_side_by_side_and_in_teams(path: Path) -> None:
    got: list[Any] = []
    with SqliteDb(path) as db:
        steps = [Parallel(Step("a", agent=agent_of(db, got)), Step("b", agent=agent_of(db, got)), name="p")]
        flow = Workflow("flow", db=db, steps=steps)
        output = flow.run("x")
        while output.is_paused:
            for requirement in output.steps_requiring_executor_resolution:
                for question in requirement.executor_requirements:
                    question.confirm()
            output = flow.continue_run(output)
        lead = ScriptedModel([call("ask_dba", task="go"), lambda request: request.messages[-1].text])
        team = Team("team", model=lead, members=[agent_of(db, got)], db=db)
        paused = team.run("x")
        paused.active_requirements[0].confirm()
        team.continue_run(paused)
    assert got == [("h", CANARY, 12345678)] * 3
    assert CANARY not in everything(path)


def test_an_unknown_outcome_shows_the_mask(path: Path) -> None:
    def connect(login: Login) -> str:
        """Connect."""
        raise TimeoutError(f"no answer for {login.password.get_secret_value()}")

    turns = [call("connect", login={"user": "a", "password": CANARY}), lambda request: request.messages[-1].text]
    with SqliteDb(path) as db:
        agent = Agent("a", model=ScriptedModel(turns), tools=[tool(connect)], db=db)
        (requirement,) = agent.run("x").active_requirements
        assert requirement.kind == "uncertain"
        assert requirement.tool_execution.tool_args == {"login": {"user": "a", "password": MASK}}
        assert CANARY not in str(requirement.evidence)
    assert CANARY not in everything(path)


_DIES = """
import sys
from pathlib import Path
from sayso import SqliteDb
from sayso.testing import CrashPoint
from tests.agents.test_secret_arguments import agent_of

point = CrashPoint(sys.argv[2], int(sys.argv[3]))
with SqliteDb(Path(sys.argv[1], "s.db"), lease_seconds=0.25, observer=point) as db:
    agent_of(db, [], requires_confirmation=True, preview=lambda host: host).run("x", run_id="run")
"""


@pytest.mark.parametrize("phase", ["before_commit", "after_commit"])
@pytest.mark.parametrize("at", [2, 3])
def test_a_kill_around_the_commits_of_a_seal_loses_nothing(tmp_path: Path, phase: str, at: int) -> None:
    command = [sys.executable, "-c", _DIES, str(tmp_path), phase, str(at)]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], timeout=60, check=False).returncode == -9
    got: list[Any] = []
    with SqliteDb(tmp_path / "s.db", lease_seconds=0.25, clock=FakeClock(datetime(2100, 1, 1, tzinfo=UTC))) as db:
        agent = agent_of(db, got, requires_confirmation=True, preview=lambda host: host)
        output = agent.get_run_output("run")
        output = output if output.active_requirements else agent.continue_run(output)
        output.active_requirements[0].confirm()
        assert agent.continue_run(output).content == "connected with [secret]"
    assert got == [("h", CANARY, 12345678)]
    assert CANARY not in everything(tmp_path / "s.db")


def test_deep_arguments_beside_a_secret_are_taken() -> None:
    deep: Any = 1
    for _ in range(150):
        deep = [deep]
    got: list[Any] = []

    @tool
    def keep(password: SecretStr, more: Any = None) -> str:
        """Keep."""
        got.append(password.get_secret_value())
        return "kept"

    @tool
    def take(more: Any) -> str:
        """Take."""
        return "taken"

    turns = [
        [call("keep", password=CANARY, more=deep), call("take", more=deep)],
        lambda request: " ".join(message.text for message in request.messages[-2:]),
    ]
    with SqliteDb() as db:
        output = Agent("a", model=ScriptedModel(turns), tools=[keep, take], db=db).run("x")
    assert output.content == "kept taken"
    assert got == [CANARY]


@pytest.mark.parametrize("word", ["password", "arguments", "argument", "succeeded", "succeede", "approval", "datetime"])
def test_a_secret_that_is_a_word_of_ours_spoils_nothing(path: Path, word: str) -> None:
    got: list[str] = []

    @tool(requires_confirmation=True)
    def log_in(password: SecretStr) -> str:
        """Log in."""
        got.append(password.get_secret_value())
        return "in"

    turns = [call("log_in", password=word), lambda request: request.messages[-1].text]
    with SqliteDb(path) as db:
        agent = Agent("a", model=ScriptedModel(turns), tools=[log_in], db=db)
        output = agent.run("x", run_id="run")
        assert output.active_requirements[0].tool_execution.tool_args == {"password": MASK}
        output.active_requirements[0].confirm()
        assert agent.continue_run(output).content == "in"
    with SqliteDb(path) as db:
        again = Agent("a", model=ScriptedModel(turns), tools=[log_in], db=db).get_run_output("run")
    assert (got, str(again.status)) == ([word], "COMPLETED")


def test_a_seal_is_a_seal() -> None:
    assert is_seal({"$": "secret", "v": "x"})
    assert not is_seal({"$": "secret", "v": "x", "more": 1})
