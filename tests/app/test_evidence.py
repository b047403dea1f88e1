"""A session's evidence packet: what it holds, what it survives, and what it shows when somebody has meddled."""

import asyncio
import copy
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sayso import Agent, HumanReview, SqliteDb, Step, Workflow, tool
from sayso.core.differences import differences
from sayso.core.evidence import PARTS, packet_bytes, packet_of, problems, sealed
from sayso.core.evidencepage import page
from sayso.model.errors import JournalCorrupt, SessionNotFound
from sayso.model.ids import SessionId
from sayso.model.workspaces import WorkspaceId
from sayso.runtime.evidence import evidence
from sayso.stores.driver import sqlite_module
from sayso.testing import ScriptedModel, call
from tests.fault import desk, flows

_ODD = '<script>alert(1)</script> \u202e& "quoted" \x1b[31m'


def packet_of_session(db: SqliteDb, session: str = "ses_1") -> dict[str, Any]:
    return asyncio.run(evidence(db.runtime, SessionId(session)))


@tool(requires_confirmation=True)
def pay(amount: float, to: str = "bob") -> str:
    """Pay."""
    if amount == 13:
        raise TimeoutError("no answer")
    return f"paid {amount} to {to}"


@tool(requires_user_input=True, user_input_fields=["days"])
def wait_for(days: int) -> str:
    """Wait."""
    return f"{days} days"


def agent(db: SqliteDb) -> Agent:
    turns = [
        [call("pay", amount=5), call("pay", amount=6), call("pay", amount=13), call("unknown", x=1)],
        call("wait_for"),
        "done",
    ]
    return Agent("payer", model=ScriptedModel(turns), tools=[pay, wait_for], db=db, instructions="Pay well.")


def workflow(db: SqliteDb) -> Workflow:
    form = HumanReview(requires_user_input=True, user_input_schema=[
        {"name": "days", "field_type": "int", "value": 3}, {"name": "why", "required": False},
    ])  # fmt: skip
    review = HumanReview(requires_output_review=True)
    return Workflow("flow", db=db, steps=[
        Step("ask", lambda i: i.input, human_review=form), Step("draft", lambda _: "a draft", human_review=review),
    ])  # fmt: skip


def answer(output: Any) -> None:
    for number, item in enumerate(output.active_requirements):
        if item.kind == "uncertain":
            item.it_happened("TX-77")
        elif item.kind == "form":
            item.provide_user_input({"days": 4})
        elif number == 0:
            item.edit({"amount": 105, "to": "eve"}, note=_ODD)
        elif number == 1:
            item.reject("too much")
        else:
            item.confirm()


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    path = tmp_path_factory.mktemp("evidence") / "run.db"
    with SqliteDb(path) as db:
        found = agent(db)
        output = found.run(_ODD, session_id="ses_1", user_id="ana")
        while output.is_paused:
            answer(output)
            output = found.continue_run(output, decided_by="bob")
        assert output.status == "COMPLETED"
        flow = workflow(db)
        paused = flow.run("hello", session_id="ses_1")
        paused.step_requirements[0].set_user_input(days=9, why="late")
        paused = flow.continue_run(paused)
        paused.active_step_requirements[0].edit("a better draft")
        flow.continue_run(paused)
        flow.run("again", session_id="ses_1")  # and one that waits
        made = packet_of_session(db)
    return path, made


def test_it_holds_what_happened_and_checks(case: tuple[Path, dict[str, Any]]) -> None:
    _, packet = case
    parts = packet["parts"]
    assert tuple(parts) == PARTS
    assert problems(packet) == parts["findings"] == []
    assert packet_of(packet_bytes(packet)) == json.loads(packet_bytes(packet)) == packet
    assert [run["of"] for run in parts["runs"]] == ["payer", "flow", "flow"]
    assert parts["session"]["user"] == "ana"
    frozen = parts["versions"][0]["version"]
    assert frozen["v"]["instructions"] == "Pay well."
    assert parts["versions"][1]["shape"]["draft"] == "Step"
    gates = {call["key"]: call["gate"] for call in parts["calls"]}
    assert gates["turn#1/call:1"]["asked_because"] == "it requires approval"
    assert gates["turn#1/call:2"]["code"] == "rejected_by_human"
    assert [item for item in gates.values() if item["code"] == "tool_not_allowed"]
    uncertain = next(call for call in parts["calls"] if call["key"] == "turn#1/call:3")
    assert uncertain["attempts"][0] | {"number": 1, "outcome": "succeeded"} == uncertain["attempts"][0]
    assert "no answer" in uncertain["attempts"][0]["evidence"]["error"]
    assert {row["target"] for row in parts["audit"]["rows"]} >= {item["task"] for item in parts["decisions"]}
    assert parts["audit"]["chain"]["anchor"]["hash"] == parts["audit"]["rows"][-1]["hash"]
    assert {step["kind"] for step in parts["steps"]} >= {"started", "step", "asked", "decided", "call", "finished"}


def test_it_tells_what_a_person_has_changed(case: tuple[Path, dict[str, Any]]) -> None:
    decisions = case[1]["parts"]["decisions"]
    changed = {item["key"]: item["changed"] for item in decisions if item["changed"]}
    assert changed == {
        "turn#1/call:1?approval": [
            {"at": "/amount", "was": 5.0, "now": 105.0}, {"at": "/to", "was": "bob", "now": "eve"},
        ],
        "turn#2/call:1?approval": [{"at": "/days", "now": 4}],
        "ask?input": [{"at": "/days", "was": 3, "now": 9}, {"at": "/why", "now": "late"}],
        "draft?review": [{"at": "", "was": "a draft", "now": "a better draft"}],
    }  # fmt: skip
    edited = next(item for item in decisions if item["key"] == "turn#1/call:1?approval")
    assert (edited["name"], edited["note"], edited["by"]["via"]) == ("bob", _ODD, "python")


@pytest.mark.parametrize(
    ("was", "now", "found"),
    [
        (1, 1, []),
        (1, True, [{"at": "", "was": 1, "now": True}]),
        ({"a": [1, 2]}, {"a": [1, 3]}, [{"at": "/a/1", "was": 2, "now": 3}]),
        ({"a": [1, 2]}, {"a": [1]}, [{"at": "/a", "was": [1, 2], "now": [1]}]),
        ({"a/b~": 1}, {"c": 2}, [{"at": "/a~1b~0", "was": 1}, {"at": "/c", "now": 2}]),
        ({"a": None}, {}, [{"at": "/a", "was": None}]),
        ("ab", "ab", []),
    ],
)
def test_differences(was: Any, now: Any, found: list[Any]) -> None:
    assert differences(was, now) == found


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from leaves(item, (*path, key))
    if not items:
        yield path


def changed(value: Any) -> Any:
    return not value if isinstance(value, bool) else "x" if value is None else [1] if value in ({}, []) else (
        value + 1 if isinstance(value, int | float) else f"{value} "
    )  # fmt: skip


def place(packet: Any, path: tuple[Any, ...]) -> tuple[Any, Any]:
    for key in path[:-1]:
        packet = packet[key]
    return packet, path[-1]


def test_a_change_of_any_value_is_seen(case: tuple[Path, dict[str, Any]]) -> None:
    packet = copy.deepcopy(case[1])
    unseen, count = [], 0
    for path in list(leaves(packet)):
        holder, key = place(packet, path)
        before = holder[key]
        for after in (changed(before), None):
            if after is None and isinstance(holder, dict):
                del holder[key]
            else:
                holder[key] = after
            count += 1
            if before is not after and not problems(packet):
                unseen.append(path)
            holder[key] = before
    print(f"\nevidence: {count} changes, {len(unseen)} unseen")
    assert not unseen
    assert count > 1000


def resealed(packet: dict[str, Any]) -> list[str]:
    """Seal parts anew, as whoever meddled could; return what they still contradict."""
    parts = {name: part for name, part in packet["parts"].items() if name != "findings"}
    made = sealed(parts, packet["made_at"])
    lying = {**made["parts"], "findings": []}  # and say that nothing is wrong
    return problems({**made, "parts": lying})


_MEDDLING = {
    "another amount in the ledger": ("calls", 0, "arguments", "text"),
    "another tool": ("calls", 0, "tool"),
    "another digest of a call": ("calls", 0, "digest"),
    "another idempotency key": ("calls", 0, "idempotency_key"),
    "something else was shown": ("tasks", 0, "bytes", "text"),
    "something else is read": ("tasks", 0, "shown", "step_name"),
    "another digest": ("tasks", 0, "digest"),
    "another verdict": ("decisions", 0, "verdict"),
    "another person": ("decisions", 0, "by", "id"),
    "another name": ("decisions", 0, "name"),
    "another note": ("decisions", 0, "note"),
    "another time": ("decisions", 0, "at"),
    "another decided digest": ("decisions", 0, "digest"),
    "another actor in the log": ("audit", "rows", 0, "by", "id"),
    "another hash in the log": ("audit", "rows", 0, "hash"),
    "another anchor": ("audit", "chain", "anchor", "hash"),
    "another number of entries": ("runs", 0, "entries"),
}


@pytest.mark.parametrize("name", _MEDDLING)
def test_a_change_that_was_sealed_anew_contradicts_the_rest(case: tuple[Path, dict[str, Any]], name: str) -> None:
    packet = copy.deepcopy(case[1])
    holder, key = place(packet["parts"], _MEDDLING[name])
    holder[key] = changed(holder[key])
    assert [item for item in resealed(packet) if "was hashed" not in item or "audit log" in item]


@pytest.mark.parametrize("part", ["steps", "tasks", "decisions", "audit", "calls"])
def test_a_row_that_was_left_out_is_missed(case: tuple[Path, dict[str, Any]], part: str) -> None:
    packet = copy.deepcopy(case[1])
    rows = packet["parts"]["audit"]["rows"] if part == "audit" else packet["parts"][part]
    rows.pop(0)
    assert [item for item in resealed(packet) if "was hashed" not in item]


@pytest.mark.parametrize("junk", [b"", b"[]", b"\xff", b'{"a":1,"a":2}', b'{"a":NaN}', b"[" * 100_000])
def test_what_is_no_packet_is_refused(junk: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its words are for people
        packet_of(junk)
    assert problems({}) == problems({"format": "sayso/evidence/v1", "parts": []}) != []


def test_parts_of_another_form_are_no_crash(case: tuple[Path, dict[str, Any]]) -> None:
    for name in PARTS:
        for junk in (None, 5, [1], {"a": 1}, "x"):
            packet = copy.deepcopy(case[1])
            packet["parts"][name] = junk
            assert problems(packet)


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE decisions SET by_id = 'eve'", "is not what the journal says"),
        ("UPDATE decisions SET verdict = 'reject'", "is not what the audit log says"),
        ("DELETE FROM decisions", "is completed, but has no decision"),
        ("UPDATE tasks SET body = CAST(replace(body, 'eve', 'bob') || ' ' AS BLOB)", "does not have its digest"),
        ("UPDATE calls SET arguments = CAST('{\"amount\":1}' AS BLOB)", "does not have the digest of what it says"),
        ("UPDATE audit SET by_id = 'eve' WHERE seq = 2", "the audit log is broken at number 2"),
        ("DELETE FROM audit WHERE seq = 1", "the audit log is broken at number 1"),
        ("DELETE FROM call_attempts", "starts an attempt that the ledger does not have"),
        ("DELETE FROM journal WHERE kind = 'finished'", "does not have the entries 1 to"),
    ],
)
def test_a_changed_database_makes_a_packet_that_says_so(
    case: tuple[Path, dict[str, Any]], tmp_path: Path, statement: str, finding: str
) -> None:
    path = tmp_path / "run.db"
    path.write_bytes(case[0].read_bytes())
    connection = sqlite_module().connect(path, isolation_level=None)
    connection.execute(statement)
    connection.close()
    with SqliteDb(path) as db:
        packet = packet_of_session(db)
    assert [item for item in packet["parts"]["findings"] if finding in item]
    assert problems(packet) == packet["parts"]["findings"]


def test_a_row_that_cannot_be_read_is_an_error_of_ours(case: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    path.write_bytes(case[0].read_bytes())
    connection = sqlite_module().connect(path, isolation_level=None)
    connection.execute("UPDATE journal SET data = x'00' WHERE seq = 2")
    connection.close()
    with SqliteDb(path) as db, pytest.raises(JournalCorrupt):
        packet_of_session(db)


def test_a_session_elsewhere_is_none(case: tuple[Path, dict[str, Any]]) -> None:
    with SqliteDb(case[0]) as db:
        for session, workspace in (("ses_none", None), ("ses_1", WorkspaceId("wsp_other"))):
            with pytest.raises(SessionNotFound):
                asyncio.run(evidence(db.runtime, SessionId(session), workspace_id=workspace))


@pytest.mark.parametrize("name", flows.FLOWS)
def test_every_gate_leaves_a_packet_that_holds(name: str, tmp_path: Path) -> None:
    flows.drive(name, tmp_path / "run.db", flows.Effects(tmp_path / "effects.log"))
    with SqliteDb(tmp_path / "run.db") as db:
        packet = packet_of_session(db)
    assert problems(packet) == []
    assert packet["parts"]["decisions"]


@pytest.mark.parametrize("effect", ["read", "keyed", "once"])
@pytest.mark.parametrize("how", desk.HOW)
def test_every_way_of_a_call_leaves_a_packet_that_holds(effect: str, how: str, tmp_path: Path) -> None:
    desk.drive(tmp_path, effect, how)
    with SqliteDb(tmp_path / "run.db") as db:
        packet = packet_of_session(db)
    assert problems(packet) == []
    assert len(packet["parts"]["calls"]) == 3


class Tags(HTMLParser):
    """Takes note of every tag and attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_runs_and_fetches_nothing(case: tuple[Path, dict[str, Any]]) -> None:
    made = page(case[1])
    tags = Tags()
    tags.feed(made)
    known = "html head meta title style body h1 h2 p table thead tbody tr th td pre code"
    assert tags.tags <= set(known.split())
    assert tags.attributes == {
        ("html", "lang"), ("meta", "charset"), ("meta", "http-equiv"), ("meta", "content"), ("meta", "name"),
    }  # fmt: skip
    assert not re.search(r"url\(|@import|javascript:|//[a-z]", made)
    assert "default-src &#x27;none&#x27;" in made or "default-src 'none'" in made
    assert "<script>alert(1)</script> \\u202e& " in tags.text
    assert not set(made) & {"\u202e", "\x1b"}
    for part in ("decisions", "tasks", "calls", "runs"):
        for row in case[1]["parts"][part]:
            assert row["task" if part == "decisions" else "id"] in tags.text
    assert case[1]["manifest"]["whole"] in tags.text


def test_the_page_says_what_was_found(case: tuple[Path, dict[str, Any]]) -> None:
    packet = copy.deepcopy(case[1])
    packet["parts"]["findings"] = ["something <b>is</b> wrong"]
    assert "<li>something &lt;b&gt;is&lt;/b&gt; wrong</li>" in page(packet)
