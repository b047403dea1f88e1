"""A refund desk and a deployment for the tests of the inbox: `refund NAME` asks for a yes, `ask QUESTION` for text."""

from typing import Any

from sayso import Agent, HumanReview, SqliteDb, Step, Workflow, tool
from sayso.testing import ScriptedModel, call
from tests.web.site import Site

PAID: list[Any] = []
"""What the desk of this process has paid."""


def programs(db: SqliteDb) -> list[Any]:
    @tool(requires_confirmation=True, summary="Refund {amount} to {customer}")
    def refund(customer: str, amount: float) -> str:
        """Pay money back."""
        PAID.append((customer, amount))
        return "paid"

    def turn(request: Any) -> Any:
        said = request.messages[-1].text
        if said.startswith("ask "):
            return call("ask_human_text", question=said.removeprefix("ask "))
        if said.startswith("refund "):
            return call("refund", customer=said.removeprefix("refund "), amount=12.5)
        return "Done."

    review = HumanReview(
        requires_confirmation=True, confirmation_message="Deploy to production?", timeout=600, on_timeout="reject"
    )
    deploy = Workflow("deploy", steps=[Step("ship", lambda given: "shipped", human_review=review)], db=db)
    return [Agent("refund desk", model=ScriptedModel(turn), tools=[refund], db=db), deploy]


def ask_five_questions(found: Site) -> None:
    """Ask five questions: three refunds, a text and a deployment."""
    desk, deploy = programs(found.db)
    for number in range(3):
        found.do(desk.arun(f"refund ann{number}"))
    found.do(desk.arun("ask Which account?"))
    found.do(deploy.arun("now"))
