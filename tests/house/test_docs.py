"""What the documents say is what is there."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sayso.app.settings import setting_names, variable

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_readme_shows_the_quickstart_that_runs(tmp_path: Path) -> None:
    example = ROOT / "examples" / "quickstart.py"
    assert f"```python\n{example.read_text('utf-8')}```" in (ROOT / "README.md").read_text("utf-8")
    command = [sys.executable, str(example)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "PAUSED - Pay it out?\npaid 108.0\n"


def test_links_lead_somewhere() -> None:
    broken = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken


@pytest.mark.parametrize("name", ["api", "errors", "roles", "states"])
def test_made_pages_are_fresh(name: str) -> None:
    spec = importlib.util.spec_from_file_location(f"make_{name}", ROOT / "docs" / f"make_{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (ROOT / "docs" / "reference" / f"{name}.md").read_text("utf-8")
    assert page == module.page(), f"run docs/make_{name}.py"


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8")
    missing = [name for name in setting_names() if f"| `{name}` | `{variable(name)}` |" not in page]
    assert not missing


def test_what_the_readme_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", (ROOT / "README.md").read_text("utf-8"))
    assert named
    assert all((ROOT / path).exists() for path in named)
