"""The desk's agent: it looks a late case up by itself, asks for what it does not know, and pays only with a yes.

Offline: the model is scripted, and reacts to what it is told. With a real one, only `model=` changes.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from sayso.app.agent import Agent
from sayso.app.database import SqliteDb
from sayso.cli.demo.ledger import Ledger
from sayso.cli.demo.refunds import Refund
from sayso.llm.scripted import ScriptedModel, call
from sayso.model.messages import ModelRequest, ToolMessage
from sayso.programs.agent.tools import ToolContext, ToolError, tool

LIMIT = 100
"""Refunds above this need a person's yes."""
_CUSTOMERS = {"Ida Berg": {"order": "L-1001", "paid": 180.0}}
_CASE = "Ida Berg writes: order L-1001 never came. Please refund it."


def build(db: SqliteDb, ledger: Ledger) -> Agent:
    """Return the agent over a database and a ledger."""

    @tool(effect="read")
    def look_up(customer: str) -> dict[str, Any]:
        """Look up what a customer ordered and paid."""
        if customer not in _CUSTOMERS:
            raise ToolError(f"there is no customer {customer}")
        return _CUSTOMERS[customer]

    def refunded(customer: str, amount: float) -> dict[str, Any]:
        """Tell what has been refunded to a customer, and what would be after this."""
        paid = sum((Decimal(one.amount) for one in ledger.payments() if one.customer == customer), Decimal(0))
        return {side: {"refunded so far": f"{sum_:.2f} EUR"} for side, sum_ in (
            ("before", paid), ("after", paid + Decimal(str(amount)))
        )}  # fmt: skip

    @tool(
        requires_confirmation=_is_much,
        summary="Pay {amount} EUR to {customer}, {account}",
        preview=refunded,
        subject="customer",
    )
    def pay_refund(ctx: ToolContext, customer: str, account: str, amount: float) -> str:
        """Pay a refund to an account."""
        refund = Refund(
            refund_id="late-1",
            order_id="L-1001",
            customer=customer,
            email="ida@example.org",
            amount=Decimal(str(amount)),
            currency="EUR",
            reason="lost",
            purchased_on=date(2026, 1, 1),
            requested_on=date(2026, 3, 1),
            account=account,
        )
        ledger.pay(refund, account, ctx.idempotency_key)
        return f"paid {amount} EUR to {customer}"

    return Agent(
        "refund agent",
        model=ScriptedModel(_react),
        instructions="You handle late refund cases. Look the customer up, ask for the account, then pay.",
        tools=[look_up, pay_refund],
        db=db,
    )


def _is_much(args: dict[str, Any]) -> bool:
    return args["amount"] > LIMIT


def case() -> str:
    """Return what the agent is asked to do."""
    return _CASE


def _react(request: ModelRequest) -> Any:
    """What the model would do: look up, ask for the account, ask to pay; after a no, offer half."""
    results = [message for message in request.messages if isinstance(message, ToolMessage)]
    if not results:
        return call("look_up", customer="Ida Berg")
    last = results[-1]
    if last.tool == "look_up":
        return call("ask_human_text", question="To which account should Ida Berg's refund go?", placeholder="IBAN")
    if last.tool == "ask_human_text":
        if last.is_error:
            return "Nobody knows the account; the case stays open."
        return _pay(last.text, 180)
    if last.is_error and len(results) == 3:
        account = results[1].text
        return [f"I understand ({last.text.rpartition(': ')[2]}). Half of it, then.", _pay(account, 90)]
    return "The case is closed: " + last.text + "."


def _pay(account: str, amount: float) -> Any:
    return call("pay_refund", customer="Ida Berg", account=account, amount=amount)
