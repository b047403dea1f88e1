"""A loop waits for a yes before its first pass; a no leaves it out."""

from sayso import HumanReview, Loop, SqliteDb, Step, StepInput, Workflow


def prepare(step_input: StepInput) -> str:
    return f"draft of {step_input.input}"


def refine(step_input: StepInput) -> str:
    return f"{step_input.previous_step_content}+"


def finish(step_input: StepInput) -> str:
    return f"final {step_input.previous_step_content}"


refining = Loop(
    [Step("refine", refine)],
    name="refining",
    max_iterations=3,
    forward_iteration_output=True,
    human_review=HumanReview(requires_confirmation=True, confirmation_message="Refine it three times?"),
)
workflow = Workflow("loop confirmation", steps=[prepare, refining, finish], db=SqliteDb("examples.db"))

run = workflow.run("letter")
while run.is_paused:
    for requirement in run.steps_requiring_confirmation:
        if input(f"{requirement.confirmation_message} [y/n] ") == "y":
            requirement.confirm()
        else:
            requirement.reject()
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
