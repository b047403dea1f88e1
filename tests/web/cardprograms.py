"""Programs that ask every kind of question: an agent whose first message says which, and a workflow for each gate."""

import json
from typing import Any

from sayso import Agent, HumanReview, OnError, Router, SqliteDb, Step, Workflow, tool
from sayso.testing import ScriptedModel, call

HOLD = {
    "text": call("ask_human_text", question="Why?", max_length=20),
    "number": call("ask_human_number", question="How many?", min=1, max=9, unit="boxes"),
    "choice": call(
        "ask_human_choice",
        question="Which?",
        options=[{"id": "a", "label": "the first"}, {"id": "b", "label": "the second"}],
        allow_other=True,
    ),
    "form": call(
        "ask_human_form",
        question="Who and when?",
        schema={
            "type": "object",
            "properties": {
                "name": {"type": "string", "minLength": 2},
                "age": {"type": "integer", "minimum": 0},
                "size": {"enum": ["S", "M", 40]},
                "tags": {"type": "array", "items": {"type": "string"}},
                "note": {"type": "string"},
            },
            "required": ["name", "age"],
        },
    ),
    "outside": call("deploy", target="blue"),
    "unsure": call("charge", amount=12),
    "fill": call("send", subject="hello"),
    "look": call("look", at="the shelf"),
    "move": call(
        "move",
        amount=420.5,
        count=3,
        to="ada@example.com",
        body="Dear Ada,\nhere it is.\n",
        urgent=False,
        currency="USD",
        address={"street": "Long Lane", "numbers": [1, 2]},
        ref=None,
    ),
}  # fmt: skip


def clerk(db: SqliteDb, done: list[Any], told: list[str], **options: Any) -> Agent:
    @tool(external_execution=True)
    def deploy(target: str) -> str:
        raise AssertionError("never runs here")

    @tool(summary="Charge {amount}")
    def charge(amount: int) -> str:
        raise TimeoutError("the other side is silent")

    @tool(requires_user_input=True, user_input_fields=["recipient", "copies"])
    def send(subject: str, recipient: str, copies: int = 1) -> str:
        done.append(("send", subject, recipient, copies))
        return "sent"

    @tool(requires_confirmation=True, effect="read")
    def look(at: str) -> str:
        done.append(("look", at))
        return "nothing there"

    @tool(requires_confirmation=True, effect="keyed", summary="Move {amount} {currency} to {to}")
    def move(
        amount: float, count: int, to: str, body: str, urgent: bool, currency: str, address: dict[str, Any],
        ref: str | None = None,
    ) -> str:  # fmt: skip
        done.append(("move", amount, count, to, body, urgent, currency, address, ref))
        return "moved"

    def turn(request: Any) -> Any:
        if request.turn == 1:
            asked = json.loads(request.messages[-1].text)["message"]
            return extra.get(asked) or HOLD[asked]
        told.append(request.messages[-1].text)
        return "Done."

    extra: dict[str, Any] = options.pop("extra", {})
    tools = [deploy, charge, send, look, move, *options.pop("tools", [])]
    return Agent("clerk", model=ScriptedModel(turn), tools=tools, db=db, **options)


def flows(db: SqliteDb, done: list[Any]) -> list[Workflow]:
    failures: list[str] = []

    def noted(name: str) -> Any:
        def act(given: Any) -> str:
            done.append((name, given.additional_data or given.previous_step_content or given.input))
            return f"{name} of {given.input}"

        return act

    def flaky(given: Any) -> str:
        if given.input not in failures:
            failures.append(given.input)
            raise TimeoutError("no answer")
        return noted("flaky")(given)

    def draft(given: Any) -> str:
        return f"first line\nabout {given.input}\nlast line"

    ways = [Step(name, noted(name)) for name in ("quick", "deep", "odd")]
    asked = {"requires_user_input": True}
    schema = [{"name": "n", "field_type": "int"}, {"name": "why", "field_type": "str", "required": False}]
    steps: dict[str, Any] = {
        "confirm": Step("confirm", noted("confirm"), human_review=HumanReview(requires_confirmation=True)),
        "fields": Step("fields", noted("fields"), human_review=HumanReview(user_input_schema=schema, **asked)),
        "output": Step("output", draft, human_review=HumanReview(requires_output_review=True)),
        "route": Router(ways, name="route", human_review=HumanReview(**asked)),
        "routes": Router(ways, name="routes", human_review=HumanReview(allow_multiple_selections=True, **asked)),
        "error": Step("error", flaky, human_review=HumanReview(on_error=OnError.pause)),
    }
    return [Workflow(name, steps=[step, Step("after", noted("after"))], db=db) for name, step in steps.items()]
