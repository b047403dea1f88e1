"""Nobody confirms within a second: the step is left out; an answer that comes later is refused."""

import time

from sayso import HumanReview, OnTimeout, SqliteDb, Step, StepInput, Workflow


def cleanup(step_input: StepInput) -> str:
    return f"deleted {step_input.input}"


def report(step_input: StepInput) -> str:
    return f"report: {step_input.previous_step_content or 'nothing was deleted'}"


review = HumanReview(requires_confirmation=True, timeout=1, on_timeout=OnTimeout.skip)
workflow = Workflow(
    "timeout confirmation", steps=[Step("cleanup", cleanup, human_review=review), report], db=SqliteDb("examples.db")
)

run = workflow.run("old files")
time.sleep(1.1)
run.step_requirements[-1].confirm()
try:
    workflow.continue_run(run)
except ValueError as error:
    print("too late:", type(error).__name__)
run = workflow.continue_run(run_id=run.run_id, session_id=run.session_id)
print(run.status, "-", run.content)
