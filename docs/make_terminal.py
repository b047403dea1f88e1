"""Draw docs/terminal.svg from a real run of the demo: `python docs/make_terminal.py`."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).parent / "terminal.svg"
_TYPED = "y\nDE02 1203 0000 0000 2020 51\na\n"


def main() -> None:
    """Run the demo with three typed answers and draw what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "sayso", "demo", "--dir", "sayso-demo"]
        done = subprocess.run(command, cwd=folder, input=_TYPED, capture_output=True, text=True, check=True)  # noqa: S603 - ourselves
    lines = [line for line in done.stdout.splitlines() if line.strip() and "  task task_" not in line]
    console = Console(record=True, width=118, file=Path("/dev/null").open("w"))  # noqa: SIM115 - nothing is kept
    console.print(Text("$ ./dev demo", style="bold green"))
    for line in lines:
        console.print(Text(re.sub(r"task_\w{20}", "task_…", line)))
    svg = console.export_svg(title="sayso demo")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    PICTURE.write_text(svg, "utf-8")


if __name__ == "__main__":
    main()
