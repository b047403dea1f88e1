"""A person looks at every pass: accepting ends the loop, feedback starts the next pass with the last output."""

from sayso import HumanReview, Loop, OnReject, SqliteDb, Step, StepInput, Workflow


def draft(step_input: StepInput) -> str:
    feedback = step_input.additional_data.get("rejection_feedback")
    before = step_input.previous_step_content
    return f"draft of {step_input.input}" if feedback is None else f"{before} ({feedback})"


drafting = Loop(
    [Step("draft", draft)],
    name="drafting",
    max_iterations=4,
    forward_iteration_output=True,
    human_review=HumanReview(requires_iteration_review=True, on_reject=OnReject.retry),
)
workflow = Workflow("loop iteration review", steps=[drafting], db=SqliteDb("examples.db"))

run = workflow.run("letter")
while run.is_paused:
    for requirement in run.steps_requiring_output_review:
        print(requirement.step_output.content)
        feedback = input("Feedback, or nothing to accept: ")
        if feedback:
            requirement.reject(feedback=feedback)
        else:
            requirement.confirm()
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
