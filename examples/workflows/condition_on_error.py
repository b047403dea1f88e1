"""A step inside a condition fails: `skip` goes on behind the condition, `fail` ends the run, `pause` asks."""

import sys

from sayso import Condition, HumanReview, SqliteDb, Step, StepFailed, StepInput, Workflow

attempts = 0


def validate(step_input: StepInput) -> str:
    global attempts
    attempts += 1
    if attempts == 1:
        raise ConnectionError("the validation service is down")
    return f"validated {step_input.input}"


def enrich(step_input: StepInput) -> str:
    return f"enriched {step_input.previous_step_content}"


def save(step_input: StepInput) -> str:
    return f"saved {step_input.previous_step_content}"


on_error = sys.argv[1] if len(sys.argv) > 1 else "pause"
checks = Condition(
    True,
    [Step("validate", validate), Step("enrich", enrich)],
    name="checks",
    human_review=HumanReview(on_error=on_error),
)
workflow = Workflow("condition on error", steps=[checks, save], db=SqliteDb("examples.db"))

try:
    run = workflow.run("order 7")
    while run.is_paused:
        for requirement in run.active_error_requirements:
            print(f"{requirement.step_name}: {requirement.error_type}: {requirement.error_message}")
            if input("Retry? [y/n] ") == "y":
                requirement.retry()
            else:
                requirement.skip()
        run = workflow.continue_run(run)
    print(run.status, "-", run.content)
except StepFailed as failure:
    print("ERROR -", failure.error_message)
