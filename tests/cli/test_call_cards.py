"""What the card in a terminal says of a call: what its tool says that it would change, whole and safe."""

import pytest

from sayso.cli.callcards import about_call
from sayso.model.json import Json
from sayso.model.tasks import CallShown


def told(preview: Json) -> list[str]:
    lines = about_call(CallShown(tool="pay", arguments={}, effect="once", preview=preview))
    return lines[3:]


WORD = "  what it would change, by the tool's own word:"


@pytest.mark.parametrize(
    ("preview", "lines"),
    [
        (None, []),
        ({"error": "RuntimeError: \x1b[31m"}, ["  no preview: RuntimeError: \\x1b[31m"]),
        ({"other": 1}, ["  no preview: it is of a form that this version does not know"]),
        ({"value": "3 rows"}, [WORD, "    3 rows"]),
        ({"before": 1, "after": 1}, [WORD + " nothing"]),
        ({"before": None, "after": 2}, [WORD, "      - null", "      + 2"]),
        (
            {"before": {"a": "x\ny", "b": 1, "c": 0}, "after": {"a": "x\nz", "b": 1, "d": 0}},
            [WORD, "    a:", "        x", "      - y", "      + z", "    c:", "      - 0", "    d:", "      + 0"],
        ),
        ({"before": "a\n" * 1500, "after": "b\n" * 1500}, None),
    ],
)
def test_a_preview_in_a_terminal(preview: Json, lines: list[str] | None) -> None:
    found = told(preview)
    if lines is None:  # too many lines to compare: both are there, whole
        assert (found.count("      - a"), found.count("      + b")) == (1500, 1500)
    else:
        assert found == lines
