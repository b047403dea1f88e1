"""The workflows that are measured."""

from pathlib import Path
from typing import Any

from sayso import HumanReview, SqliteDb, Step, StepInput, Workflow

CONTENT = "x" * 32
GATE = HumanReview(requires_confirmation=True)


def content() -> str:
    return CONTENT


async def quick(step_input: StepInput) -> str:
    return CONTENT


def in_thread(step_input: StepInput) -> str:
    return CONTENT


def ten(path: Path, steps: int = 10, executor: Any = quick) -> Workflow:
    return Workflow(
        "bench", steps=[Step(f"step {number}", executor) for number in range(1, steps + 1)], db=SqliteDb(path)
    )


def gated(path: Path, executor: Any = quick) -> Workflow:
    return Workflow("bench", steps=[Step("act", executor, human_review=GATE)], db=SqliteDb(path))
