"""Toolkits: a default, exceptions by name, and what a tool says of itself (items 71 to 73)."""

from typing import Any

import pytest

from sayso import Agent, Toolkit, tool
from sayso.testing import ScriptedModel, call


def pay() -> str:
    """Pay."""
    return "paid"


def shell(command: str) -> str:
    """Run a command."""
    return "never"


def look() -> str:
    """Look."""
    return "seen"


def asked(*kits: Any) -> dict[str, str]:
    """Return what was asked about each call of one turn, by tool."""
    turn = [call("pay"), call("shell", command="ls"), call("look")]
    output = Agent("it", model=ScriptedModel([turn, "ok"]), tools=kits).run("x")
    return {item.tool_execution.tool_name: item.kind for item in output.active_requirements}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, {}),
        ({"requires_confirmation_tools": ["pay"]}, {"pay": "approval"}),
        ({"external_execution_required_tools": ["shell"]}, {"shell": "external"}),
        (
            {"requires_confirmation_tools": ["pay", "look"], "external_execution_required_tools": ["shell"]},
            {"pay": "approval", "shell": "external", "look": "approval"},
        ),
        (
            {"requires_approval": True, "external_execution_required_tools": ["shell"]},
            {"pay": "approval", "shell": "external", "look": "approval"},
        ),
    ],
)
def test_tools_are_named_where_the_kit_is_made(options: dict[str, Any], found: dict[str, str]) -> None:
    assert asked(Toolkit("kit", [pay, shell, look], **options)) == found


def test_what_is_executed_outside_is_not_executed_here() -> None:
    kit = Toolkit("kit", [shell], external_execution_required_tools=["shell"])
    agent = Agent("it", model=ScriptedModel([call("shell", command="ls"), lambda r: r.messages[-1].text]), tools=[kit])
    output = agent.run("x")
    output.active_requirements[0].set_external_execution_result("a.txt")
    assert agent.continue_run(output).content == "a.txt"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Toolkit("kit", [pay], requires_confirmation_tools=["pya"]).all(),
        lambda: Toolkit("kit", [pay], external_execution_required_tools=["pya"]).all(),
        lambda: Toolkit(
            "kit", [pay], requires_confirmation_tools=["pay"], external_execution_required_tools=["pay"]
        ).all(),
        lambda: Toolkit("kit", [tool(requires_confirmation=False)(pay)], requires_confirmation_tools=["pay"]).all(),
        lambda: Toolkit(
            "kit", [tool(requires_confirmation=True)(pay)], external_execution_required_tools=["pay"]
        ).all(),
        lambda: Toolkit(
            "kit", [tool(user_input_fields=["command"])(shell)], requires_confirmation_tools=["shell"]
        ).all(),
        lambda: Toolkit("kit", [tool(on_timeout="approve")(shell)], external_execution_required_tools=["shell"]).all(),
        lambda: Toolkit("kit", [pay], requires_approval="yes"),
        lambda: Toolkit("kit", [pay], requires_confirmation_tools="pay"),
    ],
)  # fmt: skip
def test_a_kit_that_cannot_be_honoured_is_refused(make: Any) -> None:
    """A misspelt name, two ways for one tool, and a name against what the tool says of itself."""
    with pytest.raises(ValueError, match="Expected"):
        make()
