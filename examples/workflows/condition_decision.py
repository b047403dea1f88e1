"""A person takes the condition's decision; `on_reject` says what a no means: else, skip or cancel."""

import sys

from sayso import Condition, HumanReview, SqliteDb, Step, StepInput, Workflow


def analyze(step_input: StepInput) -> str:
    return f"{step_input.input}: 3 findings"


def detailed(step_input: StepInput) -> str:
    return f"details of {step_input.previous_step_content}"


def quick(step_input: StepInput) -> str:
    return f"summary of {step_input.previous_step_content}"


def report(step_input: StepInput) -> str:
    return f"report with {step_input.previous_step_content}"


on_reject = sys.argv[1] if len(sys.argv) > 1 else "else"
depth = Condition(
    evaluator=lambda _: False,  # not asked: with requires_confirmation the person decides
    steps=[Step("detailed", detailed)],
    else_steps=[Step("quick", quick)] if on_reject == "else" else None,
    name="depth",
    human_review=HumanReview(
        requires_confirmation=True, confirmation_message="Analyze in detail?", on_reject=on_reject
    ),
)
workflow = Workflow("condition decision", steps=[analyze, depth, report], db=SqliteDb("examples.db"))

run = workflow.run("logs")
while run.is_paused:
    for requirement in run.steps_requiring_confirmation:
        if input(f"{requirement.confirmation_message} [y/n] ") == "y":
            requirement.confirm()
        else:
            requirement.reject()
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
