"""A step waits for a yes; a no skips it, and the rest of the workflow goes on."""

from sayso import HumanReview, OnReject, SqliteDb, Step, StepInput, Workflow


def fetch(step_input: StepInput) -> str:
    return f"records of {step_input.input}"


def process(step_input: StepInput) -> str:
    return f"processed {step_input.previous_step_content}"


def save(step_input: StepInput) -> str:
    return f"saved: {step_input.previous_step_content}"


review = HumanReview(
    requires_confirmation=True, confirmation_message="Process sensitive data?", on_reject=OnReject.skip
)
workflow = Workflow(
    "confirm step", steps=[fetch, Step("process", process, human_review=review), save], db=SqliteDb("examples.db")
)

run = workflow.run("customers")
while run.is_paused:
    for requirement in run.steps_requiring_confirmation:
        if input(f"{requirement.confirmation_message} [y/n] ") == "y":
            requirement.confirm()
        else:
            requirement.reject()
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
