"""What holds for every test."""

import signal
from collections import Counter

import pytest
from hypothesis import settings

# A wall-clock limit on one example fails on a busy machine and nowhere else; pytest-timeout catches what hangs.
settings.register_profile("sayso", settings.get_profile("default"), deadline=None)
settings.load_profile("sayso")

# A shell starts what runs in its background with Ctrl-C ignored, and all children inherit that: theirs is tested here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


LONGEST = ("test_ledger.py", "test_crash_points.py")
"""Files whose tests take minutes, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first: two processes share the files, and one would be left alone with them at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud how many tests were skipped, and why: quiet output would pass over it."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"NOT RUN: {count} test{'' if count == 1 else 's'}: {reason}", yellow=True)
