"""An agent that looks a customer up by itself, and asks before money leaves; it learns why a person says no.

Offline, with a scripted model. With a real one, only the model's line changes: `model="openai:gpt-5"`.
"""

from sayso import Agent, SqliteDb, tool
from sayso.testing import ScriptedModel, call

BALANCES = {"ann": 120.0}


@tool(effect="read")
def look_up(customer: str) -> dict:
    """Look a customer's balance up.

    Args:
        customer: The customer's name.
    """
    return {"customer": customer, "balance": BALANCES[customer]}


@tool(requires_confirmation=lambda args: args["amount"] > 50, summary="Refund {amount} to {customer}")
def refund(customer: str, amount: float) -> str:
    """Pay money back."""
    BALANCES[customer] -= amount
    return f"refunded {amount} to {customer}"


def react(request):
    """What a model might do after a no: try a smaller amount, which needs nobody."""
    said = request.messages[-1].text
    return "Done." if "refunded" in said else call("refund", customer="ann", amount=20)


desk = Agent(
    "refund desk",
    model=ScriptedModel([call("look_up", customer="ann"), call("refund", customer="ann", amount=80), react, "Done."]),
    instructions="Help customers with refunds.",
    tools=[look_up, refund],
    db=SqliteDb("agents.db"),
)

if __name__ == "__main__":
    run = desk.run("Ann wants her money back.")
    while run.is_paused:
        for requirement in run.active_requirements:
            print(requirement.message, "- because", requirement.why)
            if input("[y/n] ") == "y":
                requirement.confirm()
            else:
                requirement.reject(input("Why not? "))
        run = desk.continue_run(run)
    print(run.status, "-", run.content, BALANCES)
