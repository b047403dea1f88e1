"""A person replaces the output; what comes behind it gets the edited one."""

from sayso import HumanReview, SqliteDb, Step, StepInput, Workflow


def draft(step_input: StepInput) -> str:
    return f"Dear customer, {step_input.input}."


def send(step_input: StepInput) -> str:
    return f"sent: {step_input.previous_step_content}"


review = HumanReview(requires_output_review=True)
workflow = Workflow("output edit", steps=[Step("draft", draft, human_review=review), send], db=SqliteDb("examples.db"))

run = workflow.run("your parcel is late")
while run.is_paused:
    for requirement in run.steps_requiring_output_review:
        print(requirement.step_output.content)
        text = input("A better text, or nothing to accept: ")
        if text:
            requirement.edit(text)
        else:
            requirement.confirm()
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
