"""What the tests of the agents' pages and of the dashboard work on: agents from code and as data, and runs of them."""

from typing import Any

from sayso import Agent, SqliteDb, Toolkit, Workflow, tool
from sayso.model.registry import AgentRecord, VersionRecord
from sayso.runtime.triggers import TriggerChange
from sayso.testing import ScriptedModel, call
from sayso.workflow import HumanReview, Step
from tests.web.site import Site

HOSTILE = '<img src=x onerror="alert(1)">\u202eevil'
"""Markup, and a mark that turns what follows around."""


@tool(requires_confirmation=True, summary="Pay {amount}", approval_timeout=1800, timeout=20)
def pay(amount: float) -> str:
    """Pay an amount to the customer of the case."""
    return f"paid {amount:g}"


@tool(effect="read")
def look(name: str) -> str:
    """Look a customer up."""
    return name


def large(args: dict[str, Any]) -> bool:
    return args["amount"] > 100


@tool(requires_confirmation=large, effect="keyed", on_reject="fail_run")
def book(amount: float) -> str:
    """Book an amount."""
    return f"booked {amount:g}"


@tool(user_input_fields=["account"])
def move(amount: float, account: str) -> str:
    """Move an amount."""
    return account + str(amount)


@tool(external_execution=True)
def send(letter: str) -> str:
    """Send a letter by post."""
    return letter


@tool
def erase(name: str) -> str:
    """Erase a customer."""
    return name


TOOLS = [pay, look, book, move, send, Toolkit("careful", [erase], requires_approval=True)]


def desk(db: SqliteDb) -> Agent:
    turns = [call("pay", amount=5), "All paid."]
    return Agent(
        "desk", model=ScriptedModel(turns, name="stub:desk"), tools=TOOLS, db=db, instructions=f"Be kind. {HOSTILE}"
    )


def flow(db: SqliteDb) -> Workflow:
    review = HumanReview(requires_confirmation=True)
    steps = [Step("first", lambda given: f"did {given.input}"), Step("second", lambda _: "done", human_review=review)]
    return Workflow("flow", steps=steps, db=db)


class Kit:
    """Acts on a site as its owner.

    Args:
        site: The site.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.registry = site.service.registry
        self.here = site.root.workspace.id
        self.by = site.root.actor

    def agent(self, name: str = "desk") -> AgentRecord:
        items = self.site.do(self.registry.list_agents(self.here, limit=100)).items
        return next(agent for agent in items if agent.name == name)

    def made(self, name: str, **options: Any) -> AgentRecord:
        return self.site.do(self.registry.create_agent(self.here, name=name, by=self.by, **options))

    def version(self, agent: AgentRecord, label: str, **fields: Any) -> VersionRecord:
        data = {"versionLabel": label, "llmModel": "stub:data", "allowedOperationIds": ["pay"], **fields}
        return self.site.do(self.registry.create_version(self.here, agent.id, data, by=self.by)).version

    def deploy(self, agent: AgentRecord, version: VersionRecord) -> None:
        self.site.do(self.registry.deploy(self.here, agent.id, version.id, by=self.by))

    def trigger(self, agent: AgentRecord, name: str = "outside") -> Any:
        return self.site.do(self.registry.create_trigger(self.here, agent.id, TriggerChange(name=name), by=self.by))
