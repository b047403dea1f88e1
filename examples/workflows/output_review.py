"""The output waits for a person before it counts: yes sends it, no cancels the run."""

from sayso import HumanReview, OnReject, SqliteDb, Step, StepInput, Workflow


def draft(step_input: StepInput) -> str:
    return f"Dear customer, {step_input.input}."


def send(step_input: StepInput) -> str:
    return f"sent: {step_input.previous_step_content}"


review = HumanReview(requires_output_review=True, output_review_message="Send it?", on_reject=OnReject.cancel)
workflow = Workflow(
    "output review", steps=[Step("draft", draft, human_review=review), send], db=SqliteDb("examples.db")
)

run = workflow.run("your parcel is late")
while run.is_paused:
    for requirement in run.steps_requiring_output_review:
        print(requirement.step_output.content)
        if input(f"{requirement.output_review_message} [y/n] ") == "y":
            requirement.confirm()
        else:
            requirement.reject()
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
