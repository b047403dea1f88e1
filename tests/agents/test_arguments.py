"""What was shown is what runs, from the card to the function: T40, T43 and T46."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from sayso import Agent, SqliteDb, ToolContext, tool
from sayso.app.portal import portal
from sayso.core.ledger import call_digest, canonical, idempotency_key
from sayso.model.calls import StoredCall, ToolCall
from sayso.model.errors import Invalid
from sayso.model.ids import RunId
from sayso.testing import FakeClock, ScriptedModel, call

ROOT = Path(__file__).parents[2]


class Line(BaseModel):
    """A part of an order, whose wire name is not its field's."""

    number_of: int = Field(default=1, alias="count")
    sku: str = "pen"


@dataclass
class Till:
    """An agent over one database, and what reached its tool."""

    tool: Any = None
    db: SqliteDb = field(default_factory=lambda: SqliteDb(clock=FakeClock()))
    got: list[dict[str, Any]] = field(default_factory=list)
    judged: list[dict[str, Any]] = field(default_factory=list)

    def judge(self, arguments: dict[str, Any]) -> bool:
        self.judged.append(arguments)
        return True

    def agent(self, *turns: Any) -> Agent:
        model = ScriptedModel([*turns, lambda request: request.messages[-1].text])
        return Agent("till", model=model, tools=[self.tool], db=self.db)

    def asked(self, arguments: dict[str, Any], run: str = "run") -> Any:
        return self.agent([call(self.tool.name, **arguments)]).run("x", run_id=run, session_id=run)

    def rows(self, run: str = "run") -> list[StoredCall]:
        return list(portal.call(self.db.runtime.store.read(lambda tx: tx.calls.of_run(RunId(run)))))


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _tools(till: Till) -> dict[str, tuple[Any, dict[str, Any], dict[str, Any]]]:
    """Return tools, what a model proposes, and what everybody must see of it."""
    got = till.got

    def default(user: str, destructive: bool = True) -> None:
        got.append({"user": user, "destructive": destructive})

    def coerced(amount: float, count: int, day: date, price: Decimal) -> None:
        assert isinstance(day, date)
        got.append({"amount": amount, "count": count, "day": day.isoformat(), "price": str(price)})

    def before(amount: Annotated[int, BeforeValidator(_number)]) -> None:
        got.append({"amount": amount})

    def after(name: Annotated[str, AfterValidator(str.strip)]) -> None:
        got.append({"name": name})

    def alias(amount: Annotated[int, Field(alias="amt")]) -> None:
        got.append({"amt": amount})

    def nested(line: Line, kind: Literal["a", "b"] = "a") -> None:
        got.append({"line": {"count": line.number_of, "sku": line.sku}, "kind": kind})

    def several(tags: set[str]) -> None:
        got.append({"tags": sorted(tags)})

    return {
        "default": (default, {"user": "ann"}, {"user": "ann", "destructive": True}),
        "coerced": (
            coerced,
            {"amount": "5", "count": 2.0, "day": "2026-01-01", "price": 1.5},
            {"amount": 5.0, "count": 2, "day": "2026-01-01", "price": "1.5"},
        ),
        "before": (before, {"amount": "12"}, {"amount": 12}),
        "after": (after, {"name": " ann "}, {"name": "ann"}),
        "alias": (alias, {"amt": "7"}, {"amt": 7}),
        "nested": (nested, {"line": {"count": "3"}}, {"line": {"count": 3, "sku": "pen"}, "kind": "a"}),
        "several": (several, {"tags": ["b", "a", "b"]}, {"tags": ["a", "b"]}),
    }


CASES = list(_tools(Till()))


@pytest.mark.parametrize("name", CASES)
def test_gate_card_ledger_and_function_see_the_same_arguments(name: str) -> None:
    """T43: defaults, coercions and aliases are applied once, before anybody looks."""
    till = Till()
    function, proposed, wanted = _tools(till)[name]
    till.tool = tool(requires_confirmation=till.judge)(function)
    output = till.asked(proposed)
    card = output.active_requirements[0]
    assert till.judged == [wanted]
    assert card.tool_execution.tool_args == wanted
    assert till.rows()[0].arguments == canonical(wanted)
    card.confirm()
    output = till.agent([call(name, **proposed)]).continue_run(output)
    assert (till.got, str(till.rows()[0].state)) == ([wanted], "succeeded"), output.content


@pytest.mark.parametrize("name", CASES)
def test_edited_arguments_are_made_whole_before_they_are_bound(name: str) -> None:
    """T46: the person leaves out what has a default; the ledger's bytes have it, and so has the function."""
    till = Till()
    function, proposed, wanted = _tools(till)[name]
    till.tool = tool(requires_confirmation=True, effect="keyed")(function)
    output = till.asked(proposed)
    edit = {"user": "bob"} if name == "default" else {"line": {}} if name == "nested" else wanted
    whole = {
        "default": {"user": "bob", "destructive": True},
        "nested": {"line": {"count": 1, "sku": "pen"}, "kind": "a"},
    }
    shown = till.rows()[0]
    output.active_requirements[0].edit(edit)
    till.agent([call(name, **proposed)]).continue_run(output)
    row = till.rows()[0]
    assert till.got == [whole.get(name, wanted)]
    assert row.arguments == canonical(whole.get(name, wanted))
    assert row.digest == _digest(till, row)
    assert row.idempotency_key == idempotency_key(row.id, row.digest)
    assert (row.digest == shown.digest) == (row.arguments == shown.arguments)


def _digest(till: Till, row: StoredCall) -> str:
    made = ToolCall(tool=row.tool, tool_digest=till.tool.digest, effect=row.effect, arguments={})
    return call_digest(RunId(row.run_id), row.key, made, row.arguments)


@pytest.mark.parametrize("name", CASES)
def test_what_a_person_gives_is_made_whole_too(name: str) -> None:
    till = Till()
    function, proposed, wanted = _tools(till)[name]
    hidden = next(iter(wanted))
    till.tool = tool(user_input_fields=[hidden])(function)
    rest = {key: value for key, value in proposed.items() if key != hidden}
    output = till.asked(rest)
    card = output.active_requirements[0]
    assert card.tool_execution.tool_args == {key: value for key, value in wanted.items() if key != hidden}
    card.provide_user_input({hidden: wanted[hidden]})
    till.agent([call(name, **rest)]).continue_run(output)
    assert till.got == [wanted]
    assert till.rows()[0].arguments == canonical(wanted)


def _shifted(value: int) -> int:
    return value + 1


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Annotated[int, AfterValidator(_shifted)], 5),
        (float, float("nan")),
        (Any, [float("inf")]),
        (Annotated[int, Field(validation_alias="other")], 5),
    ],
    ids=["a validator that counts", "NaN", "infinity in a list", "read by a name that is not written"],
)
def test_what_could_not_run_as_shown_is_refused(hint: Any, value: Any) -> None:
    """Reading it again makes something else of it, or it is no JSON: nobody is asked and nothing runs."""
    till = Till()

    def odd(amount: Any) -> None:
        till.got.append({"amount": amount})

    odd.__annotations__["amount"] = hint
    till.tool = tool(requires_confirmation=True)(odd)
    name = "other" if "validation_alias" in repr(hint) else "amount"
    output = till.asked({name: value})
    assert (output.status, till.got) == ("COMPLETED", [])
    assert output.content.startswith("Error (invalid_arguments)")


def test_a_set_has_the_same_bytes_in_every_process() -> None:
    """The order of a set is the process's own; an approval would be void after each restart."""
    code = (
        "from sayso import tool\nfrom sayso.core.ledger import canonical\n"
        "@tool\ndef tag(tags: set[str]) -> None: 'Tag.'\n"
        "print(canonical(tag.plain({'tags': ['a', 'b', 'c', 'd', 'e']})[0]).decode())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONHASHSEED": seed, "PYTHONPATH": "src"},
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert said == {'{"tags":["a","b","c","d","e"]}\n'}


# -- edits -----------------------------------------------------------------------------------------------------


@pytest.fixture
def paying() -> Till:
    till = Till()

    @tool(requires_confirmation=True)
    def pay(amount: Annotated[float, Field(le=100)], to: str = "ann") -> str:
        """Pay."""
        till.got.append({"amount": amount, "to": to})
        return "paid"

    till.tool = pay
    return till


@pytest.mark.parametrize(
    "edit",
    [
        {"amount": "7"}, {"amount": 101}, {"amount": None}, {}, {"to": "bob"}, {"amount": 1, "tool": "other"},
        {"amount": 1, "tool_name": "other"}, [1], "amount=1",
        {"amount": float("nan")}, {"amount": 1, "to": float("inf")},
    ],
    ids=str,
)  # fmt: skip
def test_an_edit_that_does_not_fit_leaves_the_question_open(paying: Till, edit: Any) -> None:
    """T46: by method and as a forged dict alike; unknown names, a tool's among them, are refused."""
    output = paying.asked({"amount": 5})
    card = output.active_requirements[0]
    sent = {"id": card.id, "confirmation": True, "edited_args": edit}
    if isinstance(edit, dict):
        with pytest.raises(Invalid):
            card.edit(edit)
    with pytest.raises(Invalid):
        paying.agent().continue_run(run_id="run", session_id="run", requirements=[sent])
    assert paying.agent().get_run_output("run").is_paused
    assert (paying.got, paying.rows()[0].arguments) == ([], canonical({"amount": 5.0, "to": "ann"}))


def test_the_tool_of_a_call_cannot_be_edited(paying: Till) -> None:
    """T46: what a holder says of the tool is not read."""
    output = paying.asked({"amount": 5})
    card = output.active_requirements[0]
    card.tool_execution.tool_name = "transfer_everything"
    card.edit({"amount": 6})
    paying.agent([call("pay", amount=5)]).continue_run(output)
    assert [row.tool for row in paying.rows()] == ["pay"]
    assert paying.got == [{"amount": 6.0, "to": "ann"}]


def test_an_edit_is_held_against_what_no_schema_can_say() -> None:
    """T46: the validators of the function's types judge edited arguments as they judge the model's."""
    till = Till()

    def even(value: int) -> int:
        if value % 2:
            raise ValueError("odd")
        return value

    @tool(requires_confirmation=True)
    def pay(amount: Annotated[int, AfterValidator(even)]) -> str:
        """Pay."""
        till.got.append({"amount": amount})
        return "paid"

    till.tool = pay
    output = till.asked({"amount": 4})
    output.active_requirements[0].edit({"amount": 5})
    output = till.agent([call("pay", amount=4)]).continue_run(output)
    assert output.content.startswith("Error (invalid_arguments)")
    assert (till.got, str(till.rows()[0].state)) == ([], "void")


# -- T40 -------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
CALLS = st.lists(st.tuples(JSON, TEXT), min_size=25, max_size=25)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("wanted", [250, pytest.param(5000, marks=pytest.mark.slow)])
def test_card_bytes_digest_and_function_agree(wanted: int) -> None:
    """T40: random calls; 5,000 by `./dev faults`."""
    till, figures = Till(), {"calls": 0, "executed": 0, "mismatches": 0}
    keys: list[str] = []

    @tool(requires_confirmation=True, effect="keyed")
    def send(ctx: ToolContext, body: Any, note: str = "none") -> str:
        """Send something."""
        till.got.append({"body": body, "note": note})
        keys.append(ctx.idempotency_key)
        return "sent"

    till.tool = send

    @settings(max_examples=wanted // 25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(CALLS)
    def check(calls: list[Any]) -> None:
        run = f"run{figures['calls']}"
        till.got.clear()
        keys.clear()
        turn = [call("send", body=body, note=note) for body, note in calls]
        output = till.agent(turn).run("x", run_id=run, session_id=run)
        cards = {item.tool_execution.call_key: json.loads(json.dumps(item.to_dict(), default=str)) for item in
                 output.active_requirements}  # fmt: skip
        shown = {row.key: row for row in till.rows(run)}
        for item in output.active_requirements:
            item.confirm()
        till.agent(turn).continue_run(output)
        ran = dict(zip(keys, till.got, strict=True))
        for row in till.rows(run):
            same = {
                canonical(cards[row.key]["tool_execution"]["tool_args"]), shown[row.key].arguments, row.arguments,
                canonical(ran.get(row.idempotency_key, {})),
            }  # fmt: skip
            digests = {shown[row.key].digest, row.digest, _digest(till, row)}
            figures["mismatches"] += len(same) != 1 or len(digests) != 1
            figures["executed"] += str(row.state) == "succeeded"
        figures["calls"] += len(calls)

    check()
    print("\nT40:", json.dumps(figures))
    assert figures["mismatches"] == 0
    assert figures["executed"] == figures["calls"] >= wanted
    till.db.close()
