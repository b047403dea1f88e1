"""One question for a whole pipeline: yes runs every step, no leaves all of them out."""

from sayso import HumanReview, SqliteDb, Step, StepInput, Steps, Workflow


def collect(step_input: StepInput) -> str:
    return f"records of {step_input.input}"


def clean(step_input: StepInput) -> str:
    return f"clean {step_input.previous_step_content}"


def enrich(step_input: StepInput) -> str:
    return f"rich {step_input.previous_step_content}"


def report(step_input: StepInput) -> str:
    return f"report on {step_input.previous_step_content}"


pipeline = Steps(
    "processing",
    steps=[Step("clean", clean), Step("enrich", enrich)],
    human_review=HumanReview(requires_confirmation=True),
)
workflow = Workflow("steps pipeline", steps=[collect, pipeline, report], db=SqliteDb("examples.db"))

run = workflow.run("customers")
while run.is_paused:
    for requirement in run.steps_requiring_confirmation:
        if input(f"{requirement.confirmation_message} [y/n] ") == "y":
            requirement.confirm()
        else:
            requirement.reject()
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
