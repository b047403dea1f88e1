"""The code of the how-to pages runs, and prints what the pages show."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "howto"


def blocks(page: str, kind: str) -> list[str]:
    """Return the code blocks of one kind of a page."""
    return re.findall(rf"```{kind}\n(.*?)```", (PAGES / page).read_text("utf-8"), re.DOTALL)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=100, check=False
    )  # fmt: skip


def plain(text: str) -> list[str]:
    """Return the lines of an output, with every run's id replaced."""
    return re.sub(r"run_[0-9a-z]{26}", "RUN", text).split("\n")


def shown(text: str) -> list[str]:
    return [line for line in plain(text) if line.strip()]


@pytest.mark.parametrize("page", ["deadlines.md", "errors-and-retries.md", "deploying-changes.md"])
def test_a_page_prints_what_it_shows(tmp_path: Path, page: str) -> None:
    (tmp_path / "page.py").write_text("".join(blocks(page, "python")))
    done = run(tmp_path, "page.py")
    assert done.returncode == 0, done.stderr
    assert shown(done.stdout) == shown("".join(blocks(page, "text")))


def test_an_effect_is_made_once_through_a_crash(tmp_path: Path) -> None:
    first, more = blocks("idempotent-effects.md", "python")
    expected = blocks("idempotent-effects.md", "text")
    (tmp_path / "payments.py").write_text(first)
    (tmp_path / "more.py").write_text(f"from payments import *\n{more}")
    assert run(tmp_path, "payments.py", "crash").returncode == -9
    assert shown(run(tmp_path, "payments.py").stdout) == shown(expected[0])
    assert shown(run(tmp_path, "more.py").stdout) == shown(expected[1])


def test_the_tests_of_the_page_about_tests_pass(tmp_path: Path) -> None:
    workflow, tests = blocks("testing.md", "python")
    (tmp_path / "refunds.py").write_text(workflow)
    (tmp_path / "test_refunds.py").write_text(tests)
    done = run(tmp_path, "-m", "pytest", "-q", "test_refunds.py")
    assert done.returncode == 0, done.stdout
    assert "12 passed" in done.stdout


def test_the_workers_of_the_page(tmp_path: Path) -> None:
    refunds, *rest = blocks("workers.md", "python")
    (tmp_path / "refunds.py").write_text(refunds)
    (tmp_path / "page.py").write_text("".join(rest))
    done = run(tmp_path, "page.py")
    assert done.returncode == 0, done.stderr
    assert shown(done.stdout) == shown("".join(blocks("workers.md", "text")))
