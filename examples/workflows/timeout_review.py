"""Nobody reviews within a second: the output counts as approved, whether or not this process is still there."""

import time

from sayso import HumanReview, OnTimeout, SqliteDb, Step, StepInput, Workflow


def draft(step_input: StepInput) -> str:
    return f"draft of {step_input.input}"


review = HumanReview(requires_output_review=True, timeout=1, on_timeout=OnTimeout.approve)
workflow = Workflow("timeout review", steps=[Step("draft", draft, human_review=review)], db=SqliteDb("examples.db"))

run = workflow.run("the letter")
print(run.status, "until", run.steps_requiring_output_review[0].timeout_at.isoformat(timespec="minutes"))
time.sleep(1.1)
run = workflow.continue_run(run)
print(run.status, "-", run.content, "- decided by", run.step_requirements[-1].decided_by)
