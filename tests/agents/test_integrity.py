"""What was shown is what runs: changed bytes, racing approvers, and the gate's whole truth table."""

import asyncio
import itertools
import json
import multiprocessing as mp
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso import Agent, SqliteDb, tool
from sayso.core.gate import Ask, Facts, Free, Refuse, judge
from sayso.core.ledger import CALL_MOVES, call_digest, canonical, idempotency_key
from sayso.model.calls import CallState, Effect, ToolCall
from sayso.model.errors import SaysoError
from sayso.model.ids import CallId, RunId
from sayso.stores.driver import sqlite_module
from sayso.testing import FakeClock, ScriptedModel, call

# -- the gate --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "setting", "inherited", "predicate", "need"),
    list(
        itertools.product(
            ("hitl", "request", "sub_agent"),
            (None, True, False),
            (True, False),
            (None, True, False, "it raised"),
            ("confirmation", "input", "external"),
        )
    ),
)
def test_the_truth_table_of_the_gate(mode: Any, setting: Any, inherited: bool, predicate: Any, need: Any) -> None:
    """A person is needed for input and outside work; else the predicate says so, else the flag, else the toolkit."""
    facts = Facts(
        mode=mode, tool="t", known=True, need=need, setting=setting, inherited=inherited, predicate=predicate
    )  # fmt: skip
    if need != "confirmation":
        needed = True
    elif predicate is not None:
        needed = predicate is not False
    else:
        needed = inherited if setting is None else setting
    verdict = judge(facts)
    if not needed:
        assert verdict == Free()
    elif mode == "hitl":
        assert isinstance(verdict, Ask)
        assert verdict.need == need
    else:
        assert isinstance(verdict, Refuse)
        assert (verdict.code, verdict.by_gate) == ("approval_required", True)


@given(st.booleans(), st.booleans(), st.booleans())
def test_the_gate_keeps_its_order(known: bool, fits: bool, gated: bool) -> None:
    facts = Facts(mode="hitl", tool="t", known=known, problems=() if fits else ("x",), setting=gated)
    verdict = judge(facts)
    expected = "tool_not_allowed" if not known else "invalid_arguments" if not fits else None
    assert (verdict.code if isinstance(verdict, Refuse) else None) == expected


# -- digests ---------------------------------------------------------------------------------------------------

ARGUMENTS = st.dictionaries(
    st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text(max_size=5), max_size=4
)


@given(ARGUMENTS, ARGUMENTS)
def test_a_digest_is_that_of_the_bytes(one: Any, other: Any) -> None:
    """T40: equal bytes, equal digest; the order of keys means nothing, and a changed value means another call."""

    def digest(arguments: Any, **change: Any) -> str:
        facts = {"tool": "t", "tool_digest": "d", "effect": Effect.ONCE, **change}
        return call_digest(RunId("r"), "k", ToolCall(arguments=arguments, **facts), canonical(arguments))

    assert (digest(one) == digest(other)) == (canonical(one) == canonical(other))
    assert digest(one) == digest(dict(reversed(one.items())))
    for change in ({"tool": "u"}, {"tool_digest": "e"}, {"effect": Effect.READ}):
        assert digest(one, **change) != digest(one)
    key = idempotency_key(CallId("c"), digest(one))
    assert key == idempotency_key(CallId("c"), digest(one))
    assert key != idempotency_key(CallId("x"), digest(one))


def test_every_state_is_left_or_final() -> None:
    reached = {new for _, new in CALL_MOVES}
    assert reached == set(CallState)
    final = reached - {old for old, _ in CALL_MOVES}
    names = "refused blocked rejected expired void cancelled succeeded failed abandoned"
    assert final == {CallState(name) for name in names.split()}


# -- changed behind our back -----------------------------------------------------------------------------------


def paying(path: Path, log: Path) -> Agent:
    @tool(requires_confirmation=True)
    def pay(amount: float) -> str:
        with log.open("a") as lines:
            lines.write(f"{amount}\n")
        return "paid"

    return Agent("payer", model=ScriptedModel([call("pay", amount=5), "done"]), tools=[pay], db=SqliteDb(path))


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("calls", "arguments", b'{"amount":5000.0}'),
        ("calls", "digest", "0" * 64),
        ("calls", "state", "authorised"),
        ("calls", "state", "succeeded"),
        ("calls", "attempt", 1),
        ("tasks", "digest", "0" * 64),
        ("tasks", "status", "completed"),
        ("tasks", "run_id", "run_other"),
    ],
)
def test_a_changed_row_stops_the_call(tmp_path: Path, table: str, column: str, value: Any) -> None:
    """T41: whatever is changed in the database between the question and the execution, nothing runs."""
    path, log = tmp_path / "s.db", tmp_path / "log"
    agent = paying(path, log)
    output = agent.run("x", run_id="run", session_id="ses")
    output.active_requirements[0].confirm()
    agent.db.close()
    connection = sqlite_module().connect(str(path))
    connection.execute(f"UPDATE {table} SET {column} = ?", (value,))
    connection.commit()
    connection.close()
    agent = paying(path, log)
    with pytest.raises(SaysoError):
        agent.continue_run(output)
    assert not log.exists()


def test_a_changed_answer_of_the_model_voids_the_approval(tmp_path: Path) -> None:
    """T42: the arguments in the journal were changed after they were shown."""
    path, log = tmp_path / "s.db", tmp_path / "log"
    agent = paying(path, log)
    output = agent.run("x", run_id="run", session_id="ses")
    output.active_requirements[0].confirm()
    agent.db.close()
    connection = sqlite_module().connect(str(path))
    row = connection.execute("SELECT data FROM journal WHERE key = 'turn#1/model'").fetchone()
    plain = json.loads(row[0])
    plain["v"]["calls"][0]["arguments"]["amount"] = 5000
    connection.execute("UPDATE journal SET data = ? WHERE key = 'turn#1/model'", (json.dumps(plain).encode(),))
    connection.commit()
    connection.close()
    agent = paying(path, log)
    output = agent.continue_run(output)
    assert output.messages[-2].text.startswith("Error (approval_void)")
    assert not log.exists()


# -- racing approvers ------------------------------------------------------------------------------------------

_ROUNDS, _PROCESSES = 25, 4


def _approver(number: int, folder: Path, start: Any, results: Any) -> None:
    for round_ in range(_ROUNDS):
        agent = paying(folder / f"{round_}.db", folder / f"{round_}.log")
        output = agent.get_run_output("run")
        requirement = output.requirements[0]
        if number % 2:
            requirement.reject("no")
        else:
            requirement.confirm()
        start.wait(30)
        try:
            agent.continue_run(output, decided_by=f"approver {number}")
            results.put((round_, "ended"))
        except ValueError as exc:
            results.put((round_, type(exc).__name__))
        start.wait(30)
        agent.db.close()


@pytest.mark.timeout(300)
def test_four_processes_approve_and_reject_one_call(tmp_path: Path) -> None:
    """T49: one decision counts, and the tool runs once if and only if it was an approval."""
    for round_ in range(_ROUNDS):
        with paying(tmp_path / f"{round_}.db", tmp_path / f"{round_}.log").db as db:
            agent = paying(tmp_path / f"{round_}.db", tmp_path / f"{round_}.log")
            agent.db = db
            agent.run("x", run_id="run", session_id="ses")
    context = mp.get_context("spawn")
    start, results = context.Barrier(_PROCESSES), context.Queue()
    processes = [
        context.Process(target=_approver, args=(number, tmp_path, start, results)) for number in range(_PROCESSES)
    ]
    for process in processes:
        process.start()
    found = [results.get(timeout=120) for _ in range(_ROUNDS * _PROCESSES)]
    for process in processes:
        process.join(30)
    doubled = 0
    for round_ in range(_ROUNDS):
        log = tmp_path / f"{round_}.log"
        times = len(log.read_text().splitlines()) if log.exists() else 0
        agent = paying(tmp_path / f"{round_}.db", log)
        verdict = agent.get_run_output("run").requirements[0]
        doubled += times > 1
        assert times == (1 if verdict.confirmation else 0)
        agent.db.close()
    losers = {name for _, name in found} - {"ended"}
    assert losers <= {"AlreadyDecided", "RunNotPaused", "TaskClosed", "UnresolvedTasks"}
    print(f"\n{_ROUNDS} calls, {_PROCESSES} approvers each: doubled {doubled}")
    assert doubled == 0


@pytest.mark.parametrize("against", ["expire", "cancel"])
@pytest.mark.parametrize("round_", range(10))
def test_an_approval_races_a_deadline_and_a_cancel(tmp_path: Path, against: str, round_: int) -> None:
    """T49: whichever comes first counts, and the tool runs if and only if that was the approval."""
    clock = FakeClock()
    ran: list[float] = []

    @tool(requires_confirmation=True, approval_timeout=60)
    def pay(amount: float) -> str:
        ran.append(amount)
        return "paid"

    db = SqliteDb(tmp_path / "s.db", clock=clock)
    agent = Agent("payer", model=ScriptedModel([call("pay", amount=5), "done"]), tools=[pay], db=db)
    output = agent.run("x", run_id="run", session_id="ses")
    output.active_requirements[0].confirm()

    async def race() -> list[Any]:
        async def approve() -> None:
            await agent.adecide(output)

        async def other() -> Any:
            if against == "cancel":
                return await agent.acancel_run("run")
            clock.advance(61)
            return await db.runtime.expire_due()

        both = [approve(), other()] if round_ % 2 else [other(), approve()]
        return await asyncio.gather(*both, return_exceptions=True)

    asyncio.run(race())
    found = agent.get_run_output("run")
    if found.status not in {"COMPLETED", "CANCELLED"}:
        found = agent.continue_run(run_id="run", session_id="ses")
    approved = found.requirements[0].decided_by == "local" and found.status == "COMPLETED"
    assert len(ran) == approved
    db.close()


@pytest.mark.parametrize("kind", ["object", "dict"])
def test_an_old_decision_is_consumed_once(tmp_path: Path, kind: str) -> None:
    """T44: the same answer fifty times at once, and again after the end: the tool runs once."""
    log = tmp_path / "log"
    agent = paying(tmp_path / "s.db", log)
    output = agent.run("x", run_id="run", session_id="ses")
    output.active_requirements[0].confirm()
    sent: Any = output.active_requirements if kind == "object" else [output.active_requirements[0].to_dict()]

    async def again(count: int) -> list[Any]:
        calls = [agent.acontinue_run(run_id="run", session_id="ses", requirements=sent) for _ in range(count)]
        return await asyncio.gather(*calls, return_exceptions=True)

    found = [*asyncio.run(again(50)), *asyncio.run(again(5))]
    unexpected = [item for item in found if isinstance(item, Exception) and not isinstance(item, ValueError)]
    assert not unexpected
    assert log.read_text() == "5.0\n"
    agent.db.close()
