"""Tables: with lines in a terminal, tab-separated elsewhere."""

import sys
from collections.abc import Sequence

from sayso.cli.text import one_line


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows; every cell is made safe first."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in cells:
            sys.stdout.write("\t".join(row) + "\n")
        return
    from rich.box import SIMPLE_HEAD  # Lazy: only terminals need it.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading == "id")
    for row in cells:
        table.add_row(*[Text(cell) for cell in row])
    Console().print(table)
