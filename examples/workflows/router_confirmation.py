"""The selector chooses, a person confirms; a no skips the router."""

from sayso import HumanReview, OnReject, Router, SqliteDb, Step, StepInput, Workflow


def restart(step_input: StepInput) -> str:
    return f"restarted {step_input.input}"


def scale(step_input: StepInput) -> str:
    return f"scaled {step_input.input}"


def report(step_input: StepInput) -> str:
    return f"report: {step_input.previous_step_content or 'nothing was done'}"


def choose(step_input: StepInput) -> str:
    return "scale" if "load" in step_input.input else "restart"


router = Router(
    choices=[Step("restart", restart), Step("scale", scale)],
    selector=choose,
    name="repair",
    human_review=HumanReview(
        requires_confirmation=True, confirmation_message="Repair it now?", on_reject=OnReject.skip
    ),
)
workflow = Workflow("router confirmation", steps=[router, report], db=SqliteDb("examples.db"))

run = workflow.run("web under load")
while run.is_paused:
    for requirement in run.steps_requiring_confirmation:
        if input(f"{requirement.confirmation_message} [y/n] ") == "y":
            requirement.confirm()
        else:
            requirement.reject()
    run = workflow.continue_run(run)
print(run.status, "-", run.content)
