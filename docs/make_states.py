"""Write docs/reference/states.md from the tables of moves: `python docs/make_states.py`."""

from collections.abc import Mapping
from pathlib import Path

from sayso.core.states import RUN_MOVES, TASK_MOVES

PAGE = Path(__file__).parent / "reference" / "states.md"
HEAD = """# States

Drawn from the tables in `src/sayso/core/states.py`. What is not drawn does not happen: a refusal changes nothing.
A pending task whose deadline has passed reads as `expired` to everybody, although its row still says `pending`.
"""


def page() -> str:
    """Return the page's text."""
    return HEAD + _drawn("A run", RUN_MOVES) + _drawn("A user task", TASK_MOVES)


def _drawn(title: str, moves: Mapping[tuple[str, str], str]) -> str:
    arrows = [f"    {old} --> {new}: {command}" for (old, command), new in moves.items()]
    rows = [f"| `{old}` | {command} | `{new}` |" for (old, command), new in moves.items()]
    table = ["| From | Command | To |", "|---|---|---|", *rows]
    return "\n".join(["", f"## {title}", "", "```mermaid", "stateDiagram-v2", *arrows, "```", "", *table, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
