"""Every example is run as a user runs it, answers on standard input, and ends as its first line says."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "workflows"
AGENTS = FOLDER.parent / "agents"

CASES: list[tuple[str, str, str]] = [
    # command, answers, the end of what it prints
    ("condition_decision", "y", "COMPLETED - report with details of logs: 3 findings"),
    ("condition_decision", "n", "COMPLETED - report with summary of logs: 3 findings"),
    ("condition_decision skip", "n", "COMPLETED - report with logs: 3 findings"),
    ("condition_decision cancel", "n", "CANCELLED - Workflow cancelled: Step 'depth' was rejected"),
    ("condition_on_error skip", "", "COMPLETED - saved None"),
    ("condition_on_error fail", "", "ERROR - the validation service is down"),
    ("condition_on_error pause", "y", "COMPLETED - saved enriched validated order 7"),
    ("condition_on_error pause", "n", "COMPLETED - saved None"),
    ("confirm_async", "y", "COMPLETED - deleted records of old accounts"),
    ("confirm_async", "n", "COMPLETED - records of old accounts"),
    ("confirm_function", "y", "COMPLETED - article on checked three facts about bees"),
    ("confirm_function", "n", "COMPLETED - article on three facts about bees"),
    ("confirm_step", "y", "COMPLETED - saved: processed records of customers"),
    ("confirm_step", "n", "COMPLETED - saved: records of customers"),
    ("confirm_streaming", "y", "completed: processed records of customers"),
    ("confirm_streaming", "n", "cancelled: Workflow cancelled: Step 'process' was rejected"),
    (
        "continued_event",
        "",
        (
            "StepPaused process | StepContinued process | StepStarted process | StepOutput process"
            " | StepCompleted process | WorkflowCompleted "
        ),
    ),
    ("decision_tree", "y y", "COMPLETED - report: case 4711, express, refund"),
    ("decision_tree", "y n", "COMPLETED - report: case 4711, express, voucher"),
    ("decision_tree", "n y", "COMPLETED - report: case 4711, regular, refund"),
    ("decision_tree", "n n", "COMPLETED - report: case 4711, regular, voucher"),
    ("decision_tree_mixed", "y y y", "COMPLETED - draft, deep scan, polished, polished, published, reported"),
    ("decision_tree_mixed", "n n n", "COMPLETED - draft, light scan, filed, reported"),
    ("error_retry_skip", "y y", "COMPLETED - report on rates for today"),
    ("error_retry_skip", "y n", "COMPLETED - report on None"),
    ("error_streaming", "y", "completed: rates for today"),
    ("input_for_step", "formal 20", "COMPLETED - 20 formal words on bees"),
    ("input_streaming", "many Rome 3 Rome", "completed: 3 sunny days in Rome"),
    ("input_values", "0.5 exact", "COMPLETED - [0.7, 0.9], exact"),
    ("loop_confirmation", "y", "COMPLETED - final draft of letter+++"),
    ("loop_confirmation", "n", "COMPLETED - final draft of letter"),
    ("loop_iteration_review", "shorter kinder -", "COMPLETED - draft of letter (shorter) (kinder)"),
    ("loop_streaming", "y", "COMPLETED - letter++"),
    ("output_conditional 10", "", "not reviewed | COMPLETED"),
    ("output_conditional 100", "n", "CANCELLED"),
    ("output_edit", "Hello!", "COMPLETED - sent: Hello!"),
    ("output_full_cycle", "shorter a", "COMPLETED - published: draft of the post, shorter"),
    ("output_full_cycle", "c", "CANCELLED - Workflow cancelled: Step 'draft' was rejected"),
    ("output_full_cycle", "shorter longer kinder", "CANCELLED - Max retries (2) reached for step 'draft'"),
    ("output_retry", "kinder -", "COMPLETED - Dear customer, your parcel is late. [kinder]"),
    ("output_review", "y", "COMPLETED - sent: Dear customer, your parcel is late."),
    ("output_review", "n", "CANCELLED - Workflow cancelled: Step 'draft' was rejected"),
    ("router_confirmation", "y", "COMPLETED - report: scaled web under load"),
    ("router_confirmation", "n", "COMPLETED - report: nothing was done"),
    ("router_multiple", "rank,clean", "COMPLETED - data, ranked, cleaned"),
    ("router_nested", "steps_group_1", "COMPLETED - papers, scanned, sorted"),
    ("router_nested", "premium", "COMPLETED - papers, audited, signed"),
    ("router_review", "a", "COMPLETED - a poem about rain"),
    ("router_review", "w essay a", "COMPLETED - an essay about rain"),
    ("router_review", "c", "CANCELLED - Workflow cancelled: Step 'style' was rejected"),
    ("router_selection", "slow deep", "COMPLETED - a deep look of sales"),
    ("steps_pipeline", "y", "COMPLETED - report on rich clean records of customers"),
    ("steps_pipeline", "n", "COMPLETED - report on records of customers"),
    ("timeout_confirmation", "", "too late: TaskExpired | COMPLETED - report: nothing was deleted"),
    ("timeout_review", "", "COMPLETED - draft of the letter - decided by system:timeout"),
]


@pytest.mark.parametrize(("command", "answers", "expected"), CASES, ids=[f"{a} [{b}]" for a, b, _ in CASES])
def test_example(tmp_path: Path, command: str, answers: str, expected: str) -> None:
    name, *arguments = command.split()
    typed = "".join(f"{'' if answer == '-' else answer}\n" for answer in answers.split())
    done = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py"), *arguments],
        cwd=tmp_path, input=typed, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert " | ".join(done.stdout.splitlines()).endswith(expected)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("y\n", "COMPLETED - Done. {'ann': 40.0}"), ("n\ntoo much\n", "COMPLETED - Done. {'ann': 100.0}")],
)
def test_the_agent(tmp_path: Path, typed: str, expected: str) -> None:
    done = subprocess.run(
        [sys.executable, str(AGENTS / "refund_agent.py")],
        cwd=tmp_path, input=typed, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "because its condition for approval holds" in done.stdout
    assert done.stdout.rstrip().endswith(expected)


def test_none_is_left_out() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == {command.split()[0] for command, _, _ in CASES}


def test_the_list_of_examples_is_fresh() -> None:
    page = (FOLDER.parent / "README.md").read_text("utf-8")
    rows = [f"| [{path.stem}](workflows/{path.name}) | {_first_line(path)} |" for path in sorted(FOLDER.glob("*.py"))]
    assert "\n".join(rows) in page


def _first_line(path: Path) -> str:
    return path.read_text("utf-8").split('"""')[1]
