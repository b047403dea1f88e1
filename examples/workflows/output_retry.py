"""A rejection with feedback runs the step again; it finds the feedback and its own previous output."""

from sayso import HumanReview, OnReject, SqliteDb, Step, StepInput, Workflow


def draft(step_input: StepInput) -> str:
    feedback = step_input.additional_data.get("rejection_feedback")
    if feedback is None:
        return f"Dear customer, {step_input.input}."
    return f"{step_input.additional_data['previous_output']} [{feedback}]"


review = HumanReview(requires_output_review=True, on_reject=OnReject.retry, max_retries=3)
workflow = Workflow("output retry", steps=[Step("draft", draft, human_review=review)], db=SqliteDb("examples.db"))

run = workflow.run("your parcel is late")
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
