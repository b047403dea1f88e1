"""T41: somebody with the file changes what is stored between the question and the execution; nothing is executed.

Every column of the ledger, the question and its decision is changed, one at a time, and so is every part of the journal
that a call stands on. A change of one place is found; who rewrites rows and journal consistently is found by an
external anchor only, which does not exist yet.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, SqliteDb, tool
from sayso.app.portal import portal
from sayso.model.actors import Actor
from sayso.model.errors import LedgerConflict, SaysoError, StoreUnavailable
from sayso.stores import schema
from sayso.stores.driver import sqlite_module
from sayso.testing import FakeClock, ScriptedModel, call

BIG = "x" * 70_000
PHASES = ("asked", "approved", "edited", "answered", "brought", "rejected", "started")
FREE = {
    "calls": {"epoch", "created_at", "updated_at", "first_sent_at"},
    "tasks": {
        "created_at",
        "blob",
        "claimed_by",
        "claimed_until",
        "operation",
        "words",
        "closed_at",
        "subject",
        "risk",
        "assigned_to",
    },
    "decisions": {"metadata", "summary"},
}
"""Columns that no call stands on: when something was written, who is on a task, what it is listed and found by, what a
client keeps for itself."""
OTHER = {
    "effect": "read", "state": "authorised", "status": "cancelled", "kind": "route", "verdict": "choose",
    "action": "cancel", "by_type": "api_key", "body": "json", "arguments": "json", "due_at": 1_900_000_000_000_000,
}  # fmt: skip


class DiesAfterwards:
    """Fails the commit of an outcome: the tool has run, and nobody has written that down."""

    armed = False

    def __call__(self, phase: str, units: int) -> None:
        if phase == "before_commit" and self.armed:
            raise StoreUnavailable("gone")


def payer(path: Path, log: Path, phase: str, clock: FakeClock, dies: DiesAfterwards | None = None) -> Agent:
    gates: dict[str, Any] = {
        "answered": {"user_input_fields": ["to"]},
        "brought": {"external_execution": True},
        "started": {"effect": "keyed"},
    }
    options = gates.get(phase, {"requires_confirmation": True})

    @tool(**options)
    def pay(amount: float, to: str = "ann", why: str = "") -> str:
        """Pay somebody."""
        with log.open("a") as lines:
            lines.write(f"{amount} {to}\n")
        if dies is not None:
            dies.armed = True
        return "paid"

    turns = [call("pay", amount=5, why=BIG if path.stem == "big" else "")]
    turns += [lambda request: request.messages[-1].text]
    db = SqliteDb(path, clock=clock, observer=dies)
    return Agent("payer", model=ScriptedModel(turns), tools=[pay], db=db)


def answer(item: Any, phase: str) -> None:
    match phase:
        case "edited":
            item.edit({"amount": 6})
        case "answered":
            item.provide_user_input({"to": "bob"})
        case "brought":
            item.set_external_execution_result("done outside")
        case "rejected":
            item.reject("no")
        case _:
            item.confirm()


def prepare(folder: Path, phase: str, clock: FakeClock, name: str = "base") -> Path:
    """Take a run to a phase in a file of its own."""
    path = folder / f"{name}.db"
    dies = DiesAfterwards() if phase == "started" else None
    agent = payer(path, folder / "log", phase, clock, dies)
    if phase == "started":
        with pytest.raises(StoreUnavailable):
            agent.run("x", run_id="run", session_id="ses")
    else:
        output = agent.run("x", run_id="run", session_id="ses")
        if phase != "asked":
            answer(output.active_requirements[0], phase)
            agent.decide(output)
    if dies is not None:
        dies.armed = False
    agent.db.close()
    clock.advance(60)
    return path


def go_on(path: Path, log: Path, phase: str, clock: FakeClock) -> tuple[Any, list[str]]:
    """Decide where that is open, and go on; return what happened, and what ran."""
    log.unlink(missing_ok=True)
    agent = payer(path, log, phase, clock)
    found: Any = None
    try:
        output = agent.get_run_output("run")
        for item in output.active_requirements if phase == "asked" else ():
            answer(item, phase)
        found = agent.continue_run(output if phase == "asked" else None, run_id="run", session_id="ses")
    except (SaysoError, ValueError) as exc:
        found = exc
    agent.db.close()
    return found, log.read_text().splitlines() if log.exists() else []


def changes(phase: str) -> Iterator[tuple[str, str]]:
    for table, free in FREE.items():
        if (phase, table) == ("asked", "decisions") or (phase == "started" and table != "calls"):
            continue
        yield from ((table, column.name) for column in schema.metadata.tables[table].columns if column.name not in free)


def change(path: Path, table: str, column: str) -> Any:
    """Change one column of the one row; return what it is now."""
    connection = sqlite_module().connect(str(path))
    was = connection.execute(f"SELECT {column} FROM {table}").fetchone()[0]
    new = OTHER.get(column, was + 1 if isinstance(was, int) else f"{was or ''}x")
    if new == "json":
        plain = json.loads(was)
        (plain if column == "arguments" else plain["request"]["call"]["arguments"])["amount"] = 5000
        new = json.dumps(plain).encode()
    assert new != was
    assert connection.execute(f"UPDATE {table} SET {column} = ?", (new,)).rowcount == 1
    connection.commit()
    connection.close()
    return new


@pytest.mark.parametrize("phase", PHASES)
def test_every_column_that_a_call_stands_on(tmp_path: Path, phase: str) -> None:
    clock, said, executed = FakeClock(), Counter[str](), 0
    base = prepare(tmp_path, phase, clock)
    control = shutil.copy(base, tmp_path / "control.db")
    _, ran = go_on(Path(control), tmp_path / "log", phase, clock)
    assert len(ran) == (phase not in {"rejected", "brought"}), "unchanged, it goes on"
    for table, column in changes(phase):
        path = Path(shutil.copy(base, tmp_path / f"{table}-{column}.db"))
        change(path, table, column)
        found, ran = go_on(path, tmp_path / "log", phase, clock)
        executed += len(ran)
        said[getattr(found, "code", getattr(found, "status", type(found).__name__))] += 1
        if phase == "rejected":
            continue
        assert isinstance(found, SaysoError), f"{table}.{column} was believed: {found.content}"
        if phase != "asked":
            assert found.code == "integrity_violation"
            agent = payer(path, tmp_path / "log", phase, clock)
            assert agent.get_run_output("run").problem == str(found), "whoever looks at the run sees it"
            agent.db.close()
    print(f"\nT41 {phase}:", json.dumps({"changed": sum(said.values()), "executed": executed, "said": dict(said)}))
    assert executed == 0
    assert sum(said.values()) >= 11


JOURNAL = {
    "the model's arguments": ("asked approved edited", "turn#1/model", "step", '"amount":5', '"amount":5000'),
    "the tool that was called": ("asked approved", "turn#1/model", "step", '"tool":"pay"', '"tool":"pay_all"'),
    "which task it was": ("approved edited", "turn#1/call:1?approval", "asked", '"task":"task_', '"task":"task_0'),
    "what was shown": ("approved edited answered", "turn#1/call:1?approval", "asked", '"shown":"', '"shown":"0'),
    "the call that was shown": ("approved edited answered", "turn#1/call:1?approval", "asked", '"call":"', '"call":"0'),
    "what a person has edited": ("edited", "turn#1/call:1?approval", "decided", '"amount":6', '"amount":6000'),
    "what a person has filled in": ("answered", "turn#1/call:1?approval", "decided", '"bob"', '"mallory"'),
    "what was brought": ("brought", "turn#1/call:1?approval", "decided", "done outside", "never done"),
    "a no into a yes": ("rejected", "turn#1/call:1?approval", "decided", '"action":"skip"', '"action":"proceed"'),
    "who said it": ("approved", "turn#1/call:1?approval", "decided", '"local"', '"mallory"'),
    "what was started": ("started", "turn#1/call:1", "call", '"digest":"', '"digest":"0'),
}


@pytest.mark.parametrize("what", JOURNAL)
def test_every_part_of_the_journal_that_a_call_stands_on(tmp_path: Path, what: str) -> None:
    """A changed journal is refused, voids the approval, or has a person asked; it is never executed."""
    phases, key, kind, old, new = JOURNAL[what]
    clock = FakeClock()
    for phase in phases.split():
        folder = tmp_path / phase
        folder.mkdir()
        path = prepare(folder, phase, clock)
        connection = sqlite_module().connect(str(path))
        where = "WHERE key = ? AND kind = ?"
        (data,) = connection.execute(f"SELECT data FROM journal {where}", (key, kind)).fetchone()
        assert old in data.decode()
        connection.execute(
            f"UPDATE journal SET data = ? {where}", (data.decode().replace(old, new).encode(), key, kind)
        )
        connection.commit()
        connection.close()
        found, ran = go_on(path, folder / "log", phase, clock)
        assert ran == []
        if isinstance(found, SaysoError):
            assert found.code == "integrity_violation"
        else:
            void = "approval_void" in str(found.content) or "tool_not_allowed" in str(found.content)
            assert void or [item.kind for item in found.active_requirements] == ["uncertain"]


def test_a_large_question_is_held_against_its_digest_too(tmp_path: Path) -> None:
    clock = FakeClock()
    path = prepare(tmp_path, "asked", clock, name="big")
    connection = sqlite_module().connect(str(path))
    cut = """UPDATE blobs SET data = CAST(replace(CAST(data AS TEXT), 'xxx"', 'xxy"') AS BLOB)
             WHERE digest = (SELECT blob FROM tasks)"""
    assert connection.execute(cut).rowcount == 1
    connection.commit()
    connection.close()
    found, ran = go_on(path, tmp_path / "log", "asked", clock)
    assert (type(found), ran) == (LedgerConflict, [])


def test_a_changed_policy_is_not_carried_out(tmp_path: Path) -> None:
    """Nobody decided in time, and somebody wrote into the question that this means yes: the run ends instead."""
    clock, log = FakeClock(), tmp_path / "log"

    @tool(requires_confirmation=True, approval_timeout=60)
    def pay(amount: float) -> str:
        """Pay."""
        log.write_text("paid")
        return "paid"

    def agent() -> Agent:
        model = ScriptedModel([call("pay", amount=5), "done"])
        return Agent("payer", model=model, tools=[pay], db=SqliteDb(tmp_path / "s.db", clock=clock))

    first = agent()
    first.run("x", run_id="run", session_id="ses")
    first.db.close()
    connection = sqlite_module().connect(str(tmp_path / "s.db"))
    (body,) = connection.execute("SELECT body FROM tasks").fetchone()
    assert b'"on_timeout":"reject"' in body
    changed = body.replace(b'"on_timeout":"reject"', b'"on_timeout":"approve"')
    connection.execute("UPDATE tasks SET body = ?", (changed,))
    connection.commit()
    connection.close()
    clock.advance(61)
    second = agent()
    output = second.get_run_output("run")
    if output.is_paused or output.status == "PENDING":
        output = second.continue_run(run_id="run", session_id="ses")
    assert (output.status, log.exists()) == ("CANCELLED", False)
    assert "changed in the database" in output.content
    second.db.close()


def extended(path: Path, clock: FakeClock, log: Path) -> Agent:
    """Take a run to a question about a call whose deadline was extended."""

    @tool(requires_confirmation=True, approval_timeout=60)
    def pay(amount: float) -> str:
        """Pay."""
        log.write_text("paid")
        return "paid"

    model = ScriptedModel([call("pay", amount=5), "done"])
    agent = Agent("payer", model=model, tools=[pay], db=SqliteDb(path, clock=clock))
    extend(agent, agent.run("x", run_id="run", session_id="ses"))
    return agent


def extend(agent: Agent, output: Any) -> Any:
    item = output.active_requirements[0]
    return portal.call(agent.db.runtime.extend(item.id, by=Actor(type="user", id="ana")))


def approve(agent: Agent, output: Any) -> Any:
    output.active_requirements[0].confirm()
    return agent.continue_run(output)


_MICROS = 1_000_000
MOVED = {
    "the row, later": ("UPDATE tasks SET due_at = due_at + 60 * ?", _MICROS),
    "the row, earlier": ("UPDATE tasks SET due_at = due_at - ?", _MICROS),
    "the row, without a deadline": ("UPDATE tasks SET due_at = NULL WHERE ? > 0", _MICROS),
    "the entry, later": ("entry", 60 * _MICROS),
    "the entry, earlier": ("entry", -_MICROS),
    "the entry, before the question's own": ("entry", -90 * _MICROS),
    "no entry": ("DELETE FROM journal WHERE kind = 'extended' AND seq > ?", 0),
    "the entry at another key": ("UPDATE journal SET key = 'x?approval' WHERE kind = 'extended' AND seq > ?", 0),
}


@pytest.mark.parametrize("what", MOVED)
@pytest.mark.parametrize("then", ["approve", "extend"])
def test_a_deadline_that_was_moved_by_hand_lets_no_call_through(tmp_path: Path, what: str, then: str) -> None:
    """Neither is a call executed on it, nor is it extended any further; put back, everything goes on."""
    clock, log, path = FakeClock(), tmp_path / "log", tmp_path / "s.db"
    statement, number = MOVED[what]
    agent = extended(path, clock, log)
    connection = sqlite_module().connect(str(path))
    tasks = connection.execute("SELECT due_at FROM tasks").fetchall()
    if statement == "entry":
        (data,) = connection.execute("SELECT data FROM journal WHERE kind = 'extended'").fetchone()
        plain = json.loads(data)
        changed = json.dumps({**plain, "due": plain["due"] + number}).encode()
        connection.execute("UPDATE journal SET data = ? WHERE kind = 'extended'", (changed,))
    else:
        assert connection.execute(statement, (number,)).rowcount >= 1
    connection.commit()
    output = agent.get_run_output("run")
    with pytest.raises(LedgerConflict) as refused:
        approve(agent, output) if then == "approve" else extend(agent, output)
    assert refused.value.facts["columns"] == ["tasks.due_at"]
    assert not log.exists()
    if "row" in what:
        connection.execute("UPDATE tasks SET due_at = ?", tasks[0])
        connection.commit()
        clock.advance(90)
        if then == "extend":
            assert extend(agent, agent.get_run_output("run")).due_at is not None
        else:
            assert agent.continue_run(run_id="run", session_id="ses").status == "COMPLETED"
            assert log.exists()
    connection.close()
    agent.db.close()


def test_an_extension_that_was_taken_away_is_in_the_audit_log(tmp_path: Path) -> None:
    """Row and entry changed together are believed: that somebody had extended it is kept by another chain."""
    clock, log = FakeClock(), tmp_path / "log"
    agent = extended(tmp_path / "s.db", clock, log)
    (task,) = portal.call(agent.db.runtime.run_tasks("run"))
    connection = sqlite_module().connect(str(tmp_path / "s.db"))
    connection.execute("DELETE FROM journal WHERE kind = 'extended'")
    connection.execute("UPDATE tasks SET due_at = created_at + 60 * ?", (_MICROS,))
    connection.commit()
    connection.close()
    clock.advance(60)
    (now,) = portal.call(agent.db.runtime.run_tasks("run"))
    assert str(now.status_at(clock.now())) == "expired"
    rows = portal.call(agent.db.runtime.store.read(lambda tx: tx.audit.of("default", task.id)))
    assert [row.action for row in rows] == ["task.extended"]
    agent.db.close()
