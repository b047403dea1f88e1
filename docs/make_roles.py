"""Write docs/reference/roles.md from the table of abilities: `python docs/make_roles.py`."""

from pathlib import Path

from sayso.core.roles import KEY_ABILITIES, MEANINGS, SWITCHES, TABLE
from sayso.model.workspaces import ROLES

PAGE = Path(__file__).parent / "reference" / "roles.md"
HEAD = """# Roles

Drawn from the table in `src/sayso/core/roles.py`. A person has one role in each workspace; what is not ticked is
refused with 403 (`forbidden`), which names the ability. Objects of other workspaces are not there at all: 404.

"""
TAIL = """
Beyond the table:

- Only an owner makes somebody an owner, and changes, removes or disables one. The last owner of a workspace who can
  sign in stays its owner.
- Disabling a person ends every sign-in of theirs, so it takes `manage_people` in each workspace that they are in.
- An API key reaches the runs of its scopes and nothing else; a scope names an agent or a workflow, or one trigger
  of an agent. A key
  without scopes does not exist. Escalations and anomaly tasks are decided by people only.
- Whoever works on the machine with the database file itself (`sayso people`, `sayso keys`) has every ability.
"""


def page() -> str:
    """Return the page's text."""
    heads = ["Ability", *(role.capitalize() for role in ROLES), "API key", "Covers"]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for ability, roles in TABLE.items():
        marks = [_mark(ability in KEY_ABILITIES) if role is None else _mark(role in roles) for role in (*ROLES, None)]
        lines.append(_row([f"`{ability}`", *marks, MEANINGS[ability]]))
    switches = [f"- `{each.name}`: gives the role {each.role} `{each.ability}`." for each in SWITCHES]
    head = "\nTwo switches of a workspace, both off by default:\n\n"
    return HEAD + "\n".join(lines) + "\n" + head + "\n".join(switches) + "\n" + TAIL


def _mark(yes: bool) -> str:
    return "✓" if yes else "-"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
