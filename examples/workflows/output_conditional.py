"""Only long outputs are reviewed; a predicate decides, and one that fails asks for the review."""

import sys

from sayso import HumanReview, OnReject, SqliteDb, Step, StepInput, StepOutput, Workflow


def draft(step_input: StepInput) -> str:
    return "word " * step_input.input


def is_long(output: StepOutput) -> bool:
    return len(output.content) > 200


review = HumanReview(requires_output_review=is_long, on_reject=OnReject.cancel)
workflow = Workflow("output conditional", steps=[Step("draft", draft, human_review=review)], db=SqliteDb("examples.db"))

run = workflow.run(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
print("reviewed" if run.is_paused else "not reviewed")
while run.is_paused:
    for requirement in run.steps_requiring_output_review:
        if input(f"{len(requirement.step_output.content)} characters. Keep them? [y/n] ") == "y":
            requirement.confirm()
        else:
            requirement.reject()
    run = workflow.continue_run(run)
print(run.status)
